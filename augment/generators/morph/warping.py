"""Geometry of a morph: where its face's points lie, and its parents bent to fit. numpy and OpenCV.

The thin-plate spline of F. L. Bookstein, "Principal warps" (IEEE PAMI 1989), here scipy's, bends a
face with the least bending; five points of an aligned crop are enough for it, because alignment has
already taken away turn, size and place.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import RBFInterpolator

from augment.types import FloatArray, Image

Points = npt.NDArray[np.float64]  # (n, 2): x, y, crop pixels

#: Which of the five points belong to which part.
EYES, NOSE, MOUTH = slice(0, 2), slice(2, 3), slice(3, 5)
#: Crops of which a shift of 1 is one pixel; larger crops shift in proportion.
_UNIT = 64
_GRID = 4  # the spline is evaluated at every so-many-th pixel, and linearly between


def anchors(points: Points) -> Points:
    """Places around the five points that faces differ in, (12, 2): pairs left and right first.

    Temples, brows, cheeks, jaw; then bridge of the nose, chin, mouth's middle, forehead. Nobody has
    found them on this face: they lie where a usual face has them.
    """
    left, right, nose, low_left, low_right = points
    apart = np.linalg.norm(right - left)
    across = (right - left) / max(apart, 1e-6)
    down = np.array([-across[1], across[0]])
    brows, bridge, mouth = -0.35 * apart * down, (left + right) / 2, (low_left + low_right) / 2
    return np.stack(
        [
            *(left - 0.5 * apart * across, right + 0.5 * apart * across),
            *(left + brows, right + brows),
            *(nose - 0.75 * apart * across, nose + 0.75 * apart * across),
            *(low_left - 0.4 * apart * across, low_right + 0.4 * apart * across),
            bridge,
            mouth + 0.55 * apart * down,
            mouth,
            bridge - 0.9 * apart * down,
        ]
    )


def varied(points: Points, size: int, shape: float, random: np.random.Generator) -> Points:
    """Five points and twelve anchors, (17, 2), of a face whose proportions are its own.

    Left and right move as in a mirror, so that the face keeps its symmetry and its pose.

    Args:
        points: (5, 2), of the morph before that.
        size: side of the crop, pixels.
        shape: standard deviation of the moves, pixels of a crop of 64. Real faces of one pose have
            0.2 to 0.5.
        random: draws the moves.
    """
    scale = shape * size / _UNIT
    moved = np.concatenate([points, anchors(points)])
    for left, right in ((0, 1), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12)):
        across, down = random.normal(size=2) * scale
        moved[left] += (-across, down)
        moved[right] += (across, down)
    for middle in (2, 13, 14, 16):
        moved[middle, 1] += random.normal() * scale
    moved[15] = moved[3:5].mean(axis=0)  # the mouth moves as a whole
    return moved


def bent(images: Sequence[Image], points: Sequence[Points], target: Points) -> list[FloatArray]:
    """Each face with its points at ``target``; the crop's edge stays where it is.

    Args:
        images: k crops, uint8 (size, size, 3).
        points: of each, (5, 2).
        target: (17, 2), see :func:`varied`.

    Returns:
        k pictures, float32 (size, size, 3), 0..255.
    """
    size = len(images[0])
    edge = _edge(size)
    # One spline for all: from places of the morph to places in every parent.
    places = np.concatenate([target, edge])
    sources = [np.concatenate([one, anchors(one), edge]) for one in points]
    spline = RBFInterpolator(places, np.concatenate(sources, axis=1), kernel="thin_plate_spline")
    count = max(2, size // _GRID)
    line = np.linspace(0, size - 1, count)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    found = spline(grid).reshape(count, count, -1).astype(np.float32)
    # Corner to corner: pixel p of the crop lies at p * (count - 1) / (size - 1) of the grid.
    steps = np.arange(size, dtype=np.float32) * np.float32((count - 1) / (size - 1))
    across, down = np.meshgrid(steps, steps)
    made = []
    for number, image in enumerate(images):
        field = np.ascontiguousarray(found[..., 2 * number : 2 * number + 2])
        places_of = cv2.remap(field, across, down, cv2.INTER_LINEAR)
        pixels = cv2.remap(
            image.astype(np.float32),
            places_of,
            None,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        made.append(np.clip(pixels, 0, 255).astype(np.float32))
    return made


def _edge(size: int) -> Points:
    """Corners of the crop and the middles between them, (8, 2)."""
    half = np.array([0.0, 0.5, 1.0]) * (size - 1)
    every = np.stack(np.meshgrid(half, half), axis=-1).reshape(-1, 2)
    return np.delete(every, 4, axis=0)
