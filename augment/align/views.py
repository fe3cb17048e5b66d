"""Looks at one photo: a square canvas of bounded size, and the way back to the photo's pixels.

A detector's cost then does not depend on the photo's size, and a face that fills the whole photo,
or is tiny in it, gets a second chance at another scale.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from augment.protocols import Detection
from augment.types import Image

_GREY = (128, 128, 128)


@dataclass(frozen=True)
class Look:
    """The photo's longer side takes the share ``fill`` of a canvas of ``side`` x ``side`` pixels.

    Less than 1 leaves room around the photo: a face cut by the photo's edge is found more often.
    """

    side: int
    fill: float


def looks(side: int) -> tuple[Look, ...]:
    """From the cheap look that finds nearly all faces to the ones that find the rest.

    Args:
        side: canvas side of the first look, pixels, a multiple of 32 (the networks' largest
            stride).
    """
    return (Look(side, 1.0), Look(side, 0.6), Look(2 * side, 1.0), Look(2 * side, 0.25))


def search(
    photo: Image, tries: Sequence[Look], find: Callable[[Image], list[Detection]]
) -> list[Detection]:
    """The faces of the first look that shows any, in pixels of the photo; [] when none does.

    Args:
        photo: uint8 (height, width, 3), RGB.
        tries: looks in order.
        find: the faces on a canvas, in canvas pixels.
    """
    for look in tries:
        canvas, scale, offset = _draw(photo, look)
        faces = find(canvas)
        if faces:
            return [_back(face, scale, offset) for face in faces]
    return []


def _draw(photo: Image, look: Look) -> tuple[Image, np.ndarray, np.ndarray]:
    """The canvas, and per axis: canvas pixels a photo pixel, and the photo's origin on it."""
    height, width = photo.shape[:2]
    ratio = look.side * look.fill / max(height, width)
    inside = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = cv2.resize(
        photo, inside, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    )
    left, top = (look.side - inside[0]) // 2, (look.side - inside[1]) // 2
    right, bottom = look.side - inside[0] - left, look.side - inside[1] - top
    canvas = cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_CONSTANT, value=_GREY)
    scale = np.array(inside) / (width, height)
    return canvas, scale, np.array([left, top])


def _back(face: Detection, scale: np.ndarray, offset: np.ndarray) -> Detection:
    # Coordinates name pixel centres: the half pixel is added before scaling and removed after.
    corner = (face.box[:2] + 0.5 - offset) / scale - 0.5
    return Detection(
        box=np.concatenate([corner, face.box[2:] / scale]).astype(np.float32),
        points=((face.points + 0.5 - offset) / scale - 0.5).astype(np.float32),
        score=face.score,
    )
