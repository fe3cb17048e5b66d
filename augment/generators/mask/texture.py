"""Patterns of printed and woven cloth, in the mask's own coordinates: sharp at any size."""

from typing import Any

import numpy as np
import numpy.typing as npt

from augment.generators.mask.style import Texture
from augment.types import FloatArray

_Grid = npt.NDArray[np.floating[Any]]


def pattern(kind: Texture, u: FloatArray, v: FloatArray, pixel: float, scale: float) -> FloatArray:
    """How much of the second colour is seen at each place, 0..1, of the shape of ``u``.

    Args:
        kind: which pattern.
        u: around the head, -1..1 from edge to edge.
        v: down the mask, 0..1 from rim to rim.
        pixel: by how much ``v`` grows a pixel: edges are one pixel soft.
        scale: of the pattern: 1 usual, more is coarser.
    """
    if kind == "plain":
        return np.zeros_like(u)
    # A mask is about as wide as 1.6 times its height: u counts 0.8 to a v of 1.
    x, y, soft = 0.8 * u / scale, v / scale, max(pixel / scale, 1e-3)
    made = {"striped": _striped, "checked": _checked, "dotted": _dotted, "printed": _printed}
    return np.asarray(np.clip(made[kind](x, y, soft), 0, 1), dtype=np.float32)


def _edge(distance: _Grid, soft: float) -> _Grid:
    """1 inside (distance > 0), 0 outside, a pixel's slope between."""
    return np.asarray(np.clip(distance / soft + 0.5, 0, 1))


def _band(place: _Grid, period: float, share: float, soft: float) -> _Grid:
    middle = np.abs(np.mod(place, period) - 0.5 * period)
    return _edge(0.5 * share * period - middle, soft)


def _striped(x: _Grid, y: _Grid, soft: float) -> _Grid:
    return _band(y, 0.16, 0.42, soft)


def _checked(x: _Grid, y: _Grid, soft: float) -> _Grid:
    """Gingham: two crossing bands of half-covering thread."""
    return 0.5 * (_band(x, 0.20, 0.5, soft) + _band(y, 0.20, 0.5, soft))


def _dotted(x: _Grid, y: _Grid, soft: float) -> _Grid:
    row = np.floor(y / 0.15)
    across = np.mod(x + 0.09 * np.mod(row, 2), 0.18) - 0.09
    return _edge(0.045 - np.hypot(across, np.mod(y, 0.15) - 0.075), soft)


def _printed(x: _Grid, y: _Grid, soft: float) -> _Grid:
    """Flowers of five petals, every other row set off."""
    row = np.floor(y / 0.24)
    across = np.mod(x + 0.15 * np.mod(row, 2), 0.30) - 0.15
    down = np.mod(y, 0.24) - 0.12
    angle = np.arctan2(down, across) + 0.7 * row
    petal = 0.060 + 0.030 * np.cos(5 * angle)
    distance = np.hypot(across, down)
    return _edge(petal - distance, soft) - 0.8 * _edge(0.022 - distance, soft)
