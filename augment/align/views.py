"""Looks at one photo: a square canvas of bounded size, and the way back to the photo's pixels.

A detector's cost then does not depend on the photo's size, and a face that fills the whole photo,
or is tiny in it, gets a second chance at another scale.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from augment.protocols import Detection
from augment.types import Image

_GREY = (128, 128, 128)
#: A face smaller than this on the canvas (pixels) is looked at again, larger: its points are rough.
_SMALL = 40
#: How much of the canvas the photo takes, and how much larger the canvas is than at the first look.
#: Room around the photo shows faces that its edge cuts.
_FURTHER_LOOKS = ((0.6, 1), (1.0, 2), (0.25, 2))
_CLOSEST_LOOK = 4


Find = Callable[[Image], list[Detection]]


def search(
    photo: Image, side: int, find: Find, find_further: Find | None = None
) -> list[Detection]:
    """The photo's faces, in its pixels; [] when no look shows one.

    A first look finds nearly all. Where it shows none, others follow with room around the photo, or
    larger; where all that it shows is small, one at four times the size.

    Args:
        photo: uint8 (height, width, 3), RGB.
        side: side of the first look's canvas, pixels, a multiple of 32 (the networks' largest
            stride).
        find: the faces on a canvas, in canvas pixels.
        find_further: the same for all looks but the first; ``find`` else.
    """
    find_further = find_further or find
    faces = _look(photo, side, 1.0, find)
    long_side = max(photo.shape[:2])
    if faces and long_side > side:
        shown = max(float(face.box[2:].max()) for face in faces) * side / long_side
        if shown < _SMALL:
            faces = _look(photo, _CLOSEST_LOOK * side, 1.0, find_further) or faces
    for fill, larger in _FURTHER_LOOKS:
        if not faces:
            faces = _look(photo, larger * side, fill, find_further)
    return faces


def _look(photo: Image, side: int, fill: float, find: Find) -> list[Detection]:
    """The faces on a canvas of which the photo's longer side takes the share ``fill``."""
    height, width = photo.shape[:2]
    ratio = side * fill / max(height, width)
    inside = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    # Between half and full size bilinear sampling misses no pixel, at a quarter of the cost.
    averaged = ratio < 0.5
    small = cv2.resize(
        photo, inside, interpolation=cv2.INTER_AREA if averaged else cv2.INTER_LINEAR
    )
    left, top = (side - inside[0]) // 2, (side - inside[1]) // 2
    right, bottom = side - inside[0] - left, side - inside[1] - top
    canvas = cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_CONSTANT, value=_GREY)
    scale, offset = np.array(inside) / (width, height), np.array([left, top])
    return [_on_photo(face, scale, offset) for face in find(canvas)]


def _on_photo(
    face: Detection, scale: npt.NDArray[np.float64], offset: npt.NDArray[np.int64]
) -> Detection:
    # Coordinates name pixel centres: the half pixel is added before scaling and removed after.
    corner = (face.box[:2] + 0.5 - offset) / scale - 0.5
    return Detection(
        box=np.concatenate([corner, face.box[2:] / scale]).astype(np.float32),
        points=((face.points + 0.5 - offset) / scale - 0.5).astype(np.float32),
        score=face.score,
    )
