"""One photo: its faces are found, cut out upright, changed, and put back where they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from augment.crop import choose, cut, native_side, similarity, transform
from augment.editing.editors import Editor
from augment.editing.pasting import put_back
from augment.errors import RowError
from augment.images import decode
from augment.intake.photo_files import read_file
from augment.plugins import configure
from augment.protocols import Detection, Detector, Face
from augment.seeds import row_seed
from augment.types import FloatArray, Image

#: A face is edited with as many pixels as it has in the photo, within these bounds.
_SIDES = (32, 1024)
_MULTIPLE = 16


@dataclass(frozen=True)
class EditedFace:
    """What became of one face.

    Attributes:
        box: x, y, width, height in the photo, pixels.
        steps: what was done, readable; empty where the face stayed as it was.
        reason: why it did; empty where it was edited.
    """

    box: tuple[float, float, float, float]
    steps: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class EditedPhoto:
    """The photo, uint8 (height, width, 3) RGB, and its faces from the largest to the smallest."""

    image: Image
    faces: tuple[EditedFace, ...]

    @property
    def edited(self) -> int:
        """How many faces were changed."""
        return sum(1 for face in self.faces if face.steps)


def read_photo(path: str | Path) -> Image:
    """A photo's upright pixels, uint8 (height, width, 3) RGB.

    Raises:
        RowError: it cannot be read, or is no picture.
    """
    path = Path(path).resolve()  # a link that is named is meant
    return decode(read_file(path.parent, path.name))


@lru_cache(maxsize=1)
def own_detector() -> Detector:
    """The detector that comes with the package."""
    module, config = configure("align", {"kind": "landmarknet"}, "detector")
    found: Detector = module.Detector(config)
    return found


def find_faces(photo: Image, detector: Detector, largest: bool = False) -> list[Detection]:
    """The photo's faces, the largest first; ``largest``: only the one that `align` would take."""
    found = detector.detect(photo)
    if largest and found:
        return [choose(found, photo.shape)]
    return sorted(found, key=lambda face: -float(face.box[2] * face.box[3]))


def edit_photo(
    photo: Image,
    editors: Sequence[Editor],
    detector: Detector | None = None,
    seed: int = 0,
    name: str = "photo",
    largest: bool = False,
) -> EditedPhoto:
    """Change every face, or the largest one.

    Args:
        photo: uint8 (height, width, 3) RGB.
        editors: what is done to a face, one after the other.
        detector: finds the faces; None: the package's own.
        seed: the same seed and name give the same masks.
        name: of the photo.
        largest: leave all faces but one alone.

    Raises:
        ValueError: ``photo`` is no such array.
    """
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.shape[2:] != (3,):
        raise ValueError(
            "photo must be RGB pixels, uint8 of shape (height, width, 3): read_photo(path) gives it"
        )
    image, faces = photo, []
    detector = detector or own_detector()
    for place, found in enumerate(find_faces(photo, detector, largest)):
        image, face = _edit_face(image, found, editors, row_seed(seed, "edit", f"{name} {place}"))
        faces.append(face)
    return EditedPhoto(image, tuple(faces))


def _edit_face(
    photo: Image, found: Detection, editors: Sequence[Editor], seed: int
) -> tuple[Image, EditedFace]:
    x, y, width, height = (round(float(number), 1) for number in found.box)
    box = (x, y, width, height)
    steps: list[str] = []
    image = photo
    for editor in editors:
        try:
            matrix, side = _placed(found.points, editor.crop)
        except RowError as error:
            return photo, EditedFace(box, (), str(error))
        crop = cut(image, matrix, side)
        points = transform(found.points, matrix)
        face = Face("the face", crop, points, {}, native_side=native_side(matrix, side))
        made = editor.change(face, seed)
        if made.image is None:
            return photo, EditedFace(box, (), made.reason)
        image = put_back(image, crop, made.image, matrix, editor.covers)
        steps += made.steps
    return image, EditedFace(box, tuple(steps))


def _placed(points: FloatArray, shares: FloatArray) -> tuple[npt.NDArray[np.float64], int]:
    """Photo pixels -> crop pixels, and the crop's side: about as many pixels as the photo has."""
    in_photo = native_side(similarity(points, shares), 1)
    if in_photo < _SIDES[0]:
        raise RowError(
            f"the face has {in_photo:.0f} pixels across, fewer than {_SIDES[0]}: too small"
        )
    side = min(_MULTIPLE * round(in_photo / _MULTIPLE), _SIDES[1])
    return similarity(points, shares * side - 0.5), side
