"""CelebAMask-HQ (Lee et al., CVPR 2020), as it ships: photos in ``CelebA-HQ-img/``, one PNG a face
part in ``CelebAMask-HQ-mask-anno/``, attributes in ``CelebAMask-HQ-attribute-anno.txt``.

People are known where CelebA's ``identity_CelebA.txt`` lies beside the data set's own
``CelebA-HQ-to-CelebA-mapping.txt``.
"""

import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from augment.errors import RowError, UserError
from augment.images import decode_grey
from augment.intake.celeba_words import our_names, read_attribute_list, read_attribute_names
from augment.intake.label_tables import Remark, read_pairs
from augment.intake.photo_files import FilesConfig, FileSource, photos_below
from augment.protocols import Record
from augment.types import Image
from augment.vocabulary import AgeGroup

# Gender and attribute words stand in augment/intake/celeba_words.py.
#: Parts in the official order: a part's number is its place, background is 0, later parts lie on
#: top of earlier ones (face_parsing/Data_preprocessing/g_mask.py of the data set's repository).
PARTS = (
    "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth",
    "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
FACES_PER_FOLDER = 2000

PHOTOS = "CelebA-HQ-img"
MASKS = "CelebAMask-HQ-mask-anno"
ATTRIBUTE_FILE = "CelebAMask-HQ-attribute-anno.txt"
MAPPING_FILE = "CelebA-HQ-to-CelebA-mapping.txt"
IDENTITY_FILE = "identity_CelebA.txt"


class Config(FilesConfig):
    pass


class Source(FileSource):
    licence = "non-commercial research"

    def __init__(
        self, config: FilesConfig, data: Path, age_groups: tuple[AgeGroup, ...], seed: int
    ) -> None:
        super().__init__(config, data, age_groups, seed)
        if not (self.root / PHOTOS).is_dir():
            raise UserError(f"{self.root} holds no folder {PHOTOS}: is it CelebAMask-HQ's folder?")
        listed = self.root / ATTRIBUTE_FILE
        self.attributes = our_names(read_attribute_names(listed)) if listed.is_file() else ()

    def records(self) -> Iterator[Record]:
        path = self.root / ATTRIBUTE_FILE
        listed = read_attribute_list(path) if path.is_file() else None
        people = self._people()
        files = dict.fromkeys(listed.lines.rows if listed else ())
        files |= {uri.removeprefix(f"{PHOTOS}/"): None for uri in photos_below(self.root, PHOTOS)}
        for file in files:
            labels, remark = listed.labels(file) if listed else ({}, Remark())
            yield Record(
                name=file,
                uri=f"{PHOTOS}/{file}",
                labels=labels,
                person=people.get(PurePosixPath(file).stem),
                note=remark.note,
                reason=remark.reason,
            )

    def parsing(self, uri: str) -> Image | None:
        """The part masks of a face as one map of the photo's size, uint8 (height, width), 0..18.

        None where no part is drawn, or one of the part files is damaged.
        """
        stem = PurePosixPath(uri).stem
        if not stem.isdigit():
            return None
        number = int(stem)
        folder = f"{MASKS}/{number // FACES_PER_FOLDER}"
        parts: dict[int, npt.NDArray[np.bool_]] = {}
        try:
            for place, part in enumerate(PARTS, start=1):
                name = f"{folder}/{number:05d}_{part}.png"
                if (self.root / name).is_file():
                    parts[place] = decode_grey(self.read(name)) > 0
            width, height = PillowImage.open(io.BytesIO(self.read(uri))).size
        except RowError:
            return None
        return _merged(parts, width, height) if parts else None

    def _people(self) -> dict[str, str]:
        """Number of a face -> the person's number in CelebA; empty where a file is missing."""
        mapping, identities = self.root / MAPPING_FILE, self.root / IDENTITY_FILE
        if not (mapping.is_file() and identities.is_file()):
            return {}
        of_photo = read_pairs(identities)
        photo_of = read_pairs(mapping, value_at=2)  # "number  its place in CelebA  CelebA's file"
        return {number: of_photo[photo] for number, photo in photo_of.items() if photo in of_photo}


def _merged(parts: dict[int, npt.NDArray[np.bool_]], width: int, height: int) -> Image:
    shape = next(iter(parts.values())).shape
    whole = np.zeros(shape, dtype=np.uint8)
    for place, covered in parts.items():
        if covered.shape == shape:
            whole[covered] = place
    if shape == (height, width):
        return whole
    # Part files are 512 x 512 whatever the photo's size; class numbers must not be blended.
    return np.asarray(
        cv2.resize(whole, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), dtype=np.uint8
    )
