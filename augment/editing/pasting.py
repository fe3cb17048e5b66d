"""A changed crop goes back into its photo, and pixels that nobody changed stay as they were."""

import cv2
import numpy as np
import numpy.typing as npt

from augment.types import FloatArray, Image

#: Levels (0..255) of change from which on a pixel is covered; rounding alone changes one or two.
_COVERED = 6.0
#: Share of the crop's side over which a change fades towards the crop's edge.
_FADE = 0.06


def put_back(
    photo: Image, crop: Image, made: Image, matrix: npt.NDArray[np.float64], covers: bool
) -> Image:
    """A new photo with the crop's change in it.

    Args:
        photo: uint8 (height, width, 3).
        crop, made: uint8 (side, side, 3), before and after.
        matrix: (2, 3), photo pixels -> crop pixels.
        covers: what is made lies over the photo, as a mask does. Else the change is added to the
            photo, which keeps whatever is finer than the crop.
    """
    change = made.astype(np.float32) - crop
    faded = change * _fading(crop.shape[0])[..., None]
    window = _window(photo.shape, matrix, crop.shape[0])
    if window is None:
        return photo
    left, top, right, bottom = window
    part = photo[top:bottom, left:right].astype(np.float32)
    local = matrix.copy()
    local[:, 2] += matrix[:, :2] @ np.array([left, top], np.float64)
    if covers:
        weight = _back(_coverage(change), local, part.shape)[..., None]
        shown = _back(made.astype(np.float32), local, part.shape)
        part += weight * (shown - part)
    else:
        part += _back(faded, local, part.shape)
    result = photo.copy()
    result[top:bottom, left:right] = np.clip(np.rint(part), 0, 255).astype(np.uint8)
    return result


def _coverage(change: FloatArray) -> FloatArray:
    """How much of each pixel is covered, (side, side), 0..1: soft by about a pixel at its rim."""
    covered = (np.abs(change).max(axis=2) >= _COVERED).astype(np.float32)
    closed = cv2.morphologyEx(covered, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), 0.8), dtype=np.float32)


def _fading(side: int) -> FloatArray:
    """1 inside, falling to 0 at the crop's edge, (side, side)."""
    reach = max(_FADE * side, 1.0)
    steps = np.arange(side, dtype=np.float32)
    one = np.clip(np.minimum(steps, side - 1 - steps) / reach, 0, 1)
    return np.asarray(np.minimum.outer(one, one), dtype=np.float32)


def _window(
    shape: tuple[int, ...], matrix: npt.NDArray[np.float64], side: int
) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the part of the photo that the crop covers; None: none."""
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64) - 0.5
    in_photo = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    left, top = np.maximum(np.floor(in_photo.min(axis=0)).astype(int), 0)
    right = min(int(np.ceil(in_photo[:, 0].max())) + 1, shape[1])
    bottom = min(int(np.ceil(in_photo[:, 1].max())) + 1, shape[0])
    return None if left >= right or top >= bottom else (int(left), int(top), right, bottom)


def _back(
    pixels: FloatArray, matrix: npt.NDArray[np.float64], shape: tuple[int, ...]
) -> FloatArray:
    """Crop pixels in photo geometry; nothing beyond the crop."""
    size = (shape[1], shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(pixels, matrix, size, flags=flags), dtype=np.float32)
