"""Neck, shoulders and clothes."""

from dataclasses import dataclass

import numpy as np

from augment.drawing.anatomy import Anatomy
from augment.drawing.fields import Array, Colour, Field, edge, groove, mix, planes, ramp, srgb
from augment.drawing.geometry import Surface, View, Window
from augment.drawing.head import neck, torso
from augment.drawing.spec import FaceSpec
from augment.drawing.texture import sample

_CLOTH = (
    (46, 58, 84), (128, 44, 48), (58, 92, 78), (196, 190, 180), (34, 36, 42),
    (168, 132, 84), (96, 116, 150), (110, 86, 112), (214, 180, 178), (70, 74, 80),
)  # fmt: skip


@dataclass
class Body:
    """Everything below the head, before light: `alpha`, `z`, `relief` and `cloth` (coverage of
    clothes) are (h, w), `albedo` (3, h, w)."""

    window: Window
    alpha: Array
    z: Array
    relief: Array
    cloth: Array
    albedo: Array


def paint_body(spec: FaceSpec, a: Anatomy, scene: View, skin: Array) -> Body:
    """Shape the neck and dress the shoulders."""
    rng = np.random.default_rng([0xC107, spec.person.seed, spec.seed])
    parts = (*neck(a), *torso(a))
    top = float(np.searchsorted(scene.y[:, 0], 0.25))
    window = (slice(int(top), scene.shape[0]), slice(0, scene.shape[1]))
    view = scene.crop(window)
    surface = Surface(view)
    surface.add(*parts)
    x, y, _ = view.to_head(np.maximum(surface.z, -2.0))
    inside = _neckline(a, rng, x, y)
    covered = edge(inside, view.px * 1.2)
    folds = sample("cloud", x * 22 + float(spec.seed % 50), y * 14, 22 * view.px)
    relief = 0.03 * folds * covered + 0.02 * groove(inside - 0.03, 0.035)
    relief -= _throat(a, x, y) * (1.0 - covered)
    albedo = np.empty((3, *view.shape), np.float32)
    albedo[:] = planes(skin)
    albedo *= 1.0 - 0.3 * _neck_lines(a, x, y)
    mix(albedo, _fabric(rng, x, y, inside, view.px), covered)
    alpha = edge(surface.distance, view.px * 1.2)
    return Body(window, alpha, surface.z + 0.05 * covered, relief, covered, albedo)


def _neckline(a: Anatomy, rng: np.random.Generator, x: Field, y: Field) -> Array:
    """Signed distance into the cloth: round neck, v-neck or high collar."""
    kind = int(rng.integers(4))
    wide = a.neck_half + 0.14
    depth = 0.1 + 0.1 * float(rng.random())
    if kind == 1:
        line = a.neck_end + 0.42 - 0.95 * np.abs(x)
    elif kind == 2:
        line = a.neck_end - 0.12 + 0.08 * (1 - (x / wide) ** 2)
    else:
        line = a.neck_end + depth - (0.2 + depth) * (x / wide) ** 2
    line = np.maximum(line, a.neck_end - 0.2)
    return (y - line) * 0.8  # type: ignore[no-any-return]


def _throat(a: Anatomy, x: Array, y: Array) -> Array:
    """Relief of the collar bones, the neck muscles and the notch between them."""
    side = np.abs(x)
    notch = groove(np.hypot(x, (y - a.neck_end - 0.05) * 0.9), 0.13)
    bones = groove(y - a.neck_end - 0.12 + 0.1 * side, 0.06) * ramp(side, 0.08, 0.25)
    muscle = groove(side - 0.1 - 0.45 * (a.neck_end - y), 0.07) * ramp(y, a.chin, a.neck_end)
    return a.adult * (0.03 * notch - 0.02 * bones - 0.025 * muscle)  # type: ignore[no-any-return]


def _neck_lines(a: Anatomy, x: Array, y: Array) -> Array:
    total = np.zeros_like(y)
    for level in (0.16, 0.25, 0.34):
        total += groove(y - a.chin - level + 0.12 * x * x, 0.022)
    return total * (0.75 * a.wrinkles + 0.06 * (1.0 - a.adult))


def _fabric(rng: np.random.Generator, x: Array, y: Array, inside: Array, px: float) -> Array:
    """Plain, striped or checked cloth with a hem (3, h, w)."""
    first: Colour = srgb(*_CLOTH[int(rng.integers(len(_CLOTH)))])
    second: Colour = srgb(*_CLOTH[int(rng.integers(len(_CLOTH)))])
    kind, pitch = float(rng.random()), float(rng.uniform(0.09, 0.2))
    fabric = np.empty((3, *y.shape), np.float32)
    fabric[:] = planes(first)
    if kind < 0.45:
        stripe = _stripes(y, pitch, px)
        if kind < 0.15:
            stripe = 0.5 * stripe + 0.5 * _stripes(x, pitch, px)
        mix(fabric, second, 0.8 * stripe)
    weave = sample("fibre", x * 170, y * 60, 170 * px)
    fabric *= 1.0 + 0.025 * weave
    fabric *= 1.0 - 0.35 * groove(inside - 0.075, 0.012 + px)
    return fabric


def _stripes(position: Array, pitch: float, px: float) -> Array:
    middle = np.abs(position - pitch * np.round(position * (1.0 / pitch)))
    return edge(0.25 * pitch - middle, px * 1.2)
