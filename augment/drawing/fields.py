"""Small scalar fields on pixel grids: edges, bumps, smooth unions.

Every function works on float32 arrays of one broadcastable shape. Lengths are in head units
(1 unit = 100 mm on an adult head); signed distances are positive inside a shape.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Colour = tuple[float, float, float]
# The grids of one shape and their row/column vectors broadcast against each other freely.
Field = Any


def edge(distance: Field, width: float) -> Array:
    """Anti-aliased coverage in [0, 1] of a signed distance; `width` is the ramp's length."""
    return np.clip(distance * (1.0 / width) + 0.5, 0.0, 1.0)  # type: ignore[no-any-return]


def ramp(value: Field, low: float, high: float) -> Array:
    """Smoothstep from 0 at `low` to 1 at `high` (`low` may be the larger one)."""
    t = np.clip((value - low) * (1.0 / (high - low)), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)  # type: ignore[no-any-return]


def bump(x: Field, y: Field, at: tuple[float, float], radii: tuple[float, float]) -> Array:
    """A smooth hill of height 1 at `at` that reaches 0 on the ellipse of `radii`."""
    dx = (x - at[0]) * (1.0 / radii[0])
    dy = (y - at[1]) * (1.0 / radii[1])
    hill = np.maximum(1.0 - dx * dx - dy * dy, 0.0)
    return hill * hill  # type: ignore[no-any-return]


def groove(distance: Field, width: float) -> Array:
    """A soft line of height 1 where `distance` is 0, gone at +-`width`."""
    t = np.maximum(1.0 - (distance * (1.0 / width)) ** 2, 0.0)
    return t * t  # type: ignore[no-any-return]


def smooth_max(a: Field, b: Field, blend: float) -> Array:
    """Polynomial smooth maximum: equal to max(a, b) where they differ by more than `blend`."""
    h = np.maximum(1.0 - np.abs(a - b) * (1.0 / blend), 0.0)
    return np.maximum(a, b) + h * h * (0.25 * blend)  # type: ignore[no-any-return]


def segment_distance(
    x: Field, y: Field, start: tuple[float, float], end: tuple[float, float]
) -> tuple[Array, Array]:
    """Distance to a segment and the position along it in [0, 1]."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    norm = max(dx * dx + dy * dy, 1e-12)
    t = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) * (1.0 / norm), 0.0, 1.0)
    ex, ey = x - (start[0] + t * dx), y - (start[1] + t * dy)
    return np.sqrt(ex * ex + ey * ey), t


def mix(base: Array, colour: Colour | Array, alpha: Field) -> None:
    """Lay `colour` ((3,) or (3, h, w)) over `base` (3, h, w) in place with coverage `alpha`."""
    base += (planes(colour) - base) * alpha


def planes(colour: Colour | Array) -> Array:
    """A colour as (3, 1, 1), to be laid over planes; pictures (3, h, w) stay as they are."""
    values = np.asarray(colour, np.float32)
    return values[:, None, None] if values.ndim == 1 else values


def srgb(red: float, green: float, blue: float) -> Colour:
    """An 8-bit sRGB colour as linear light in [0, 1]."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (red / 255.0, green / 255.0, blue / 255.0)
    ]
    return linear[0], linear[1], linear[2]


def encode_srgb(linear: Array) -> Array:
    """Linear light to sRGB values in [0, 255], float32; highlights roll off instead of clipping."""
    value = np.maximum(linear, 0.0)
    knee = np.float32(0.72)
    over = value > knee
    value[over] = knee + (1 - knee) * np.tanh((value[over] - knee) / (1 - knee))
    index = np.minimum(np.sqrt(value) * _CURVE_STEPS, _CURVE_STEPS).astype(np.int32)
    return _SRGB_CURVE[index]  # type: ignore[no-any-return]


_CURVE_STEPS = 8191
_ROOTS = np.linspace(0.0, 1.0, _CURVE_STEPS + 1) ** 2
_SRGB_CURVE = (
    np.where(_ROOTS <= 0.0031308, 12.92 * _ROOTS, 1.055 * _ROOTS ** (1 / 2.4) - 0.055) * 255.0
).astype(np.float32)
