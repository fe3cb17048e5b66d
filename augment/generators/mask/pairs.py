"""Photos of the same face without and with a mask, made ready to learn from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from augment.crop import cut, similarity, transform
from augment.errors import RowError, UserError
from augment.generators.mask.config import Pairs
from augment.images import decode, difference_hash
from augment.plugins import configure
from augment.protocols import Detector
from augment.types import FloatArray, Image

_WHERE = "params.yaml: pairs of the mask generator"
_CHANGED = 24  # grey levels by which a channel differs where the mask is
_SMALLEST, _LARGEST = 0.03, 0.70  # share of the crop that may have changed
_COUNTS = {2: "two photos", 3: "two photos and the picture of the mask"}
NEAR_BITS = 12  # hashes that differ in no more bits are one picture


@dataclass(frozen=True)
class RealPair:
    """One aligned pair of ``size`` x ``size`` pixels.

    Attributes:
        name: the file's, relative to its folder.
        bare: uint8 (size, size, 3).
        worn: likewise, with the mask.
        points: float32 (5, 2), on ``bare``, pixels.
        alpha: float32 (size, size), 0 or 1: where the mask is.
    """

    name: str
    bare: Image
    worn: Image
    points: FloatArray
    alpha: FloatArray


def names_of(config: Pairs) -> list[str]:
    """The pairs' file names, relative, in order.

    Raises:
        UserError: a folder is missing, no name is in both, all are of one person, or ``sha256``
            is another.
    """
    for folder in _folders(config):
        if not folder.is_dir():
            raise UserError(f"{_WHERE}: there is no folder {folder}.")
    bare, worn = (_files(folder) for folder in (config.unmasked, config.masked))
    names = sorted(bare & worn)
    if not names:
        raise UserError(
            f"{_WHERE}: {config.unmasked} ({len(bare)} files) and {config.masked} ({len(worn)} "
            "files) have no file name in common, so there are no pairs: name the two photos of a "
            "pair alike."
        )
    if config.where is not None and (missing := sorted({*names} - _files(config.where))):
        raise UserError(
            f"{_WHERE}: {config.where} has no picture {missing[0]} ({len(missing)} are missing): "
            "it has to say of each pair where the mask is; or leave `where` out."
        )
    people = {str(Path(name).parent) for name in names}
    if len(names) == 1 or (len(people) == 1 and people != {"."}):
        raise UserError(
            f"{_WHERE}: all {len(names)} show one person ({min(names)}): a network would learn "
            "that face; give pairs of several people, each in a subfolder, or leave `pairs` out."
        )
    found = _digest(config, names)
    if found != config.sha256:
        raise UserError(
            f"{_WHERE}: the folders' sha256 is {found}, not '{config.sha256}': write it to "
            "pairs.sha256 if these are the photos that you mean."
        )
    return names


def _folders(config: Pairs) -> list[Path]:
    return [config.unmasked, config.masked, *([] if config.where is None else [config.where])]


def _files(folder: Path) -> set[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    relative = (path.relative_to(folder) for path in paths)
    return {path.as_posix() for path in relative if not path.name.startswith(".")}


def _digest(config: Pairs, names: list[str]) -> str:
    result = hashlib.sha256()
    for name in names:
        for folder in _folders(config):
            content = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            result.update(f"{name} {content}\n".encode())
    return result.hexdigest()


def read_pairs(config: Pairs, reference: FloatArray, size: int) -> tuple[list[RealPair], list[str]]:
    """All usable pairs, and a sentence for each that is not.

    Args:
        config: where they are; checked by :func:`names_of`.
        reference: float32 (5, 2), where a usual aligned face has its points, pixels of ``size``.
        size: of the crops, pixels.

    Raises:
        UserError: none is usable.
    """
    module, settings = configure("align", config.detector, "pairs.detector")
    detector: Detector = module.Detector(settings)
    pairs, refused = [], []
    for name in names_of(config):
        try:
            pairs.append(_read(config, name, detector, reference, size))
        except RowError as error:
            refused.append(f"{name}: {error}")
    if not pairs:
        raise UserError(f"{_WHERE}: none of {len(refused)} can be used. The first: {refused[0]}.")
    return pairs, refused


def _read(
    config: Pairs, name: str, detector: Detector, reference: FloatArray, size: int
) -> RealPair:
    photos = [decode((folder / name).read_bytes()) for folder in _folders(config)]
    bare = photos[0]
    if len({photo.shape for photo in photos}) > 1:
        sides = " and ".join(f"{image.shape[1]} x {image.shape[0]}" for image in photos)
        raise RowError(f"the {_COUNTS[len(photos)]} are of different sizes ({sides})")
    faces = detector.detect(bare)
    if not faces:
        raise RowError("no face was found on the unmasked photo")
    points = max(faces, key=lambda face: float(face.box[2] * face.box[3])).points
    matrix = similarity(points, reference)
    crops = [cut(image, matrix, size) for image in photos]
    if config.where is None:
        alpha = difference_alpha(*crops)
    else:
        alpha = (crops[2].max(axis=2) > 127).astype(np.float32)
    share = float(alpha.mean())
    if not _SMALLEST <= share <= _LARGEST:
        found = "the two photos differ" if config.where is None else "the mask is said to be"
        raise RowError(f"{found} on {share:.0%} of the face, which is not where a mask is")
    return RealPair(name, crops[0], crops[1], transform(points, matrix), alpha)


def difference_alpha(bare: Image, worn: Image) -> FloatArray:
    """Where a pair differs: float32 (h, w), 0 or 1, after a 3 x 3 median; holes are filled."""
    apart = cv2.absdiff(bare, worn).max(axis=2)
    changed = cv2.medianBlur((apart > _CHANGED).astype(np.uint8), 3)
    outlines, _ = cv2.findContours(changed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if outlines:  # the largest patch: compression differs here and there, too
        changed = np.zeros_like(changed)
        cv2.drawContours(changed, [max(outlines, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return np.asarray(changed, dtype=np.float32)


def without_known(pairs: list[RealPair], hashes: list[bytes]) -> list[RealPair]:
    """The pairs whose unmasked face is none of the pictures with these hashes."""
    if not hashes:
        return pairs
    known = np.stack([np.frombuffer(one, np.uint8) for one in hashes])

    def is_known(pair: RealPair) -> bool:
        own = np.frombuffer(difference_hash(pair.bare), np.uint8)
        return bool(np.bitwise_count(known ^ own).sum(axis=1, dtype=np.int64).min() <= NEAR_BITS)

    return [pair for pair in pairs if not is_known(pair)]


def hashes_of(rows: Mapping[str, Any]) -> list[bytes]:
    """Hashes of the faces that a generator must not learn from: all but train faces of half a."""
    return [
        face_hash
        for face_hash, split, half in zip(
            rows["face_hash"], rows["split"], rows["half"], strict=True
        )
        if face_hash is not None and not (split == "train" and half == "a")
    ]
