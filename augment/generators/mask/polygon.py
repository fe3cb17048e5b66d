"""The landmark polygon: what the auto-encoder's paper (S. H. Lee 2022) compared itself with.

Some of dlib's 68 points (iBUG order, counted from 0) are joined and the polygon is filled with one
colour. Which points the paper joined is not told; these are the variants of NIST IR 8311 (M. Ngan
et al. 2020), as re-created from its figures. Without points there is no mask, and the edges are
those of a polygon: a baseline to measure against, not a generator.
"""

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from augment.protocols import Made
from augment.types import FloatArray, Image

Shape = Literal["wide", "round"]
Coverage = Literal["low", "medium", "high"]
Colour = Literal["black", "light blue"]

SHAPES: tuple[Shape, ...] = ("wide", "round")
COVERAGES: tuple[Coverage, ...] = ("low", "medium", "high")
#: sRGB; NIST prints no numbers for its light blue.
COLOURS: dict[Colour, tuple[int, int, int]] = {"black": (0, 0, 0), "light blue": (153, 193, 218)}

_POINTS = 68
_JAW = range(1, 16)
_LOW_NOSE = (35, 34, 33, 32, 31)
_ROUND_WIDTH = 0.8  # of the jaw's width at points 3 and 13
_CORNERS = 48  # of the polygon that stands for the ellipse


def put_on(
    face: Image,
    points: FloatArray | None,
    shape: Shape = "wide",
    coverage: Coverage = "medium",
    colour: Colour = "black",
) -> Made:
    """The face with the filled polygon, or the reason why there is none.

    Args:
        face: uint8 (h, w, 3).
        points: (68, 2) in iBUG order, pixels, x first; None where no landmarks were found.
        shape: ``wide`` follows the jaw, ``round`` is an ellipse.
        coverage: how far up the nose it reaches. For the ellipse only ``high`` is described; the
            others end where the wide ones do.
        colour: a key of :data:`COLOURS`.

    Raises:
        ValueError: ``points`` is of another shape.
    """
    if points is None:
        return Made(None, reason="no landmarks were found")
    if points.shape != (_POINTS, 2):
        raise ValueError(f"expected points of shape (68, 2), got {points.shape}")
    if not np.isfinite(points).all():
        return Made(None, reason="the landmarks are no finite numbers")
    corners = np.round(outline(points, shape, coverage)).astype(np.int32)
    image = face.copy()
    cv2.fillPoly(image, [corners], COLOURS[colour])
    if np.array_equal(image, face) and not _visible(corners, face.shape):
        return Made(None, reason="the polygon lies outside of the picture")
    return Made(image, steps=(f"polygon {shape} {coverage} {colour}",))


def outline(points: FloatArray, shape: Shape, coverage: Coverage) -> npt.NDArray[np.float64]:
    """The polygon's corners in order, (n, 2), pixels; arguments as in :func:`put_on`."""
    places = points.astype(np.float64)
    if shape == "round":
        return _ellipse(places, coverage)
    jaw = places[list(_JAW)]
    if coverage == "low":
        upper = places[list(_LOW_NOSE)]
    elif coverage == "medium":
        upper = places[[29]]
    else:
        right, left = (places[42, 0], places[15, 1]), (places[39, 0], places[1, 1])
        upper = np.array([right, places[27], left])
    return np.concatenate([jaw, upper])


def _ellipse(points: npt.NDArray[np.float64], coverage: Coverage) -> npt.NDArray[np.float64]:
    tops = {"high": points[[27, 28], 1].mean(), "medium": points[29, 1], "low": points[33, 1]}
    top, bottom = float(tops[coverage]), float(points[8, 1])
    centre = np.array([points[28, 0], (top + bottom) / 2])
    half = np.array([_ROUND_WIDTH * abs(points[13, 0] - points[3, 0]), bottom - top]) / 2
    turns = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    corners: npt.NDArray[np.float64] = centre + half * np.stack([np.cos(turns), np.sin(turns)], 1)
    return corners


def _visible(corners: npt.NDArray[np.int32], shape: tuple[int, ...]) -> bool:
    inside = (corners >= 0) & (corners < [shape[1], shape[0]])
    return bool(inside.all(axis=1).any())
