"""Folds, seams and hems of each mask type, in the mask's own coordinates.

They are finer than a network at 64 px can place, so the network says where on the mask a pixel lies
and the folds are computed from that: sharp at any size.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from augment.types import FloatArray

#: Where the middle of a respirator's filter lies: around (u, on either side) and down (v).
FILTER = (1.02, 0.60)

#: Contrast of each type's folds: as sharp, at 64 pixels, as on masks that a renderer lights.
_CONTRAST = {"surgical": 0.31, "n95": 0.9, "cloth": 0.88, "gas": 0.7}

_Grid = npt.NDArray[np.floating[Any]]


def _line(distance: _Grid, width: float) -> _Grid:
    return np.asarray(np.exp(-np.square(distance / width)), dtype=np.float32)


def _surgical(u: _Grid, v: _Grid, thin: float) -> _Grid:
    """Three pleats, dark under a bright ridge, and the paler bands at the rims."""
    result = np.zeros_like(u)
    for place in (0.34, 0.51, 0.68):
        bent = v - place - 0.05 * np.square(u) * (0.5 - place)
        result -= 0.20 * _line(bent, 1.1 * thin)
        result += 0.09 * _line(bent + 2.2 * thin, 1.4 * thin)
    result += 0.06 * (_line(v - 0.04, 1.6 * thin) + _line(v - 0.95, 1.6 * thin))
    result -= 0.12 * (_line(v - 0.10, thin) + _line(v - 0.89, thin))
    result -= 0.10 * _line(np.abs(u) - 0.90, 0.05)
    return result


def _n95(u: _Grid, v: _Grid, thin: float) -> _Grid:
    """A cup: bright front, a seam across the middle, an embossed border."""
    cup = 0.10 * _line(u, 0.45) * _line(v - 0.45, 0.3)
    seam = -0.16 * _line(v - 0.50 - 0.10 * np.square(u), thin)
    border = -0.12 * (_line(v - 0.07, thin) + _line(v - 0.92, thin))
    wire = 0.10 * _line(v - 0.12, 1.3 * thin) * (np.abs(u) < 0.35)
    return np.asarray(cup + seam + border + wire - 0.12 * _line(np.abs(u) - 0.88, 0.04))


def _cloth(u: _Grid, v: _Grid, thin: float) -> _Grid:
    """A seam down the middle, soft creases from it to the sides, a hem."""
    seam = -0.18 * _line(u, 0.035) + 0.06 * _line(u - 0.08, 0.05)
    creases = -0.07 * (_line(v - 0.42 - 0.16 * np.abs(u), 0.05) + _line(v - 0.72, 0.06))
    hem = -0.10 * (_line(v - 0.06, thin) + _line(v - 0.93, thin))
    return np.asarray(seam + creases + hem)


def _gas(u: _Grid, v: _Grid, thin: float) -> _Grid:
    """Half a respirator: a valve in front, a round filter with a bright lid on either cheek."""
    across, down = 0.55 * (np.abs(u) - FILTER[0]), v - FILTER[1]
    filters = np.hypot(across, down)
    lid = 0.45 * np.clip((0.155 - filters) / thin, 0, 1)
    rings = -0.30 * (_line(filters - 0.21, thin) + 0.6 * _line(filters - 0.155, thin))
    rings += 0.15 * _line(filters - 0.185, 0.7 * thin)
    valve = np.hypot(0.55 * u, v - 0.60)
    front = 0.14 * np.clip((0.10 - valve) / thin, 0, 1) - 0.30 * _line(valve - 0.11, thin)
    ridge = 0.12 * _line(u, 0.10) * np.clip((0.45 - v) / 0.1, 0, 1)
    rim = -0.22 * (_line(v - 0.05, thin) + _line(v - 0.95, thin)) * (filters > 0.22)
    return np.asarray(lid + rings + (front + ridge + rim) * (filters > 0.2))


_OF_TYPE = {"surgical": _surgical, "n95": _n95, "cloth": _cloth, "gas": _gas}


def folds(kind: str, u: FloatArray, v: FloatArray, pixel: float) -> FloatArray:
    """How much brighter (> 0) or darker the cloth is at its places, relative to smooth cloth.

    Args:
        kind: the mask's type.
        u: around the head, -1..1 from edge to edge.
        v: down the mask, 0..1 from rim to rim; of the shape of ``u``.
        pixel: by how much ``v`` grows a pixel: finer folds than that cannot be shown.
    """
    clipped = np.clip(v, 0, 1)
    thin = max(0.018, 0.55 * pixel)
    relief = _OF_TYPE[kind](np.clip(u, -1.5, 1.5), clipped, thin)
    return np.asarray(_CONTRAST[kind] * relief, dtype=np.float32)
