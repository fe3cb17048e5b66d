"""Neck, shoulders and clothes."""

import numpy as np

from augment.drawing import canvas as cv
from augment.drawing.anatomy import Anatomy
from augment.drawing.fields import Array, Colour, edge, groove, ramp, srgb
from augment.drawing.geometry import Surface, View
from augment.drawing.head import neck, torso
from augment.drawing.spec import FaceSpec
from augment.drawing.texture import sample

_CLOTH = (
    (46, 58, 84), (128, 44, 48), (58, 92, 78), (196, 190, 180), (34, 36, 42),
    (168, 132, 84), (96, 116, 150), (110, 86, 112), (214, 180, 178), (70, 74, 80),
)  # fmt: skip


class Body:
    """Depth, coverage, albedo and labels of everything below the head."""

    def __init__(self, spec: FaceSpec, a: Anatomy, view: View, skin: Array):
        rng = np.random.default_rng([0xC107, spec.person.seed, spec.seed])
        bare, dressed = Surface(view), Surface(view)
        bare.add(*neck(a))
        dressed.add(*neck(a), *torso(a))
        x, y, z = view.to_head(np.maximum(dressed.z, -2.0))
        cloth = _neckline(a, rng, x, y, z)
        self.alpha: Array = edge(dressed.distance, view.px * 1.2)
        weave = sample("fibre", x * 170, y * 60, 170 * view.px) * 0.5
        folds = sample("cloud", x * 22 + spec.seed % 50, y * 14, 22 * view.px)
        covered = edge(cloth, view.px * 1.2)
        self.z: Array = dressed.z + 0.05 * covered
        self.relief: Array = 0.03 * folds * covered + 0.02 * groove(cloth - 0.03, 0.035)
        self.relief -= _throat(a, x, y) * (1.0 - covered)
        self.albedo = np.empty((*x.shape, 3), np.float32)
        self.albedo[:] = skin
        lines = _neck_lines(a, x, y)
        self.albedo *= (1.0 - 0.3 * lines)[..., None]
        fabric = np.empty_like(self.albedo)
        fabric[:] = srgb(*_CLOTH[int(rng.integers(len(_CLOTH)))])
        _pattern(fabric, rng, x, y, view.px)
        fabric *= (1.0 + 0.05 * weave)[..., None]
        fabric *= (1.0 - 0.35 * groove(cloth - 0.075, 0.012 + view.px))[..., None]
        self.albedo += (fabric - self.albedo) * covered[..., None]
        self.cloth: Array = covered
        self.labels = np.where(covered > 0.5, cv.CLOTH, cv.NECK).astype(np.uint8)
        self.labels[self.alpha < 0.5] = cv.BACKGROUND


def _neckline(a: Anatomy, rng: np.random.Generator, x: Array, y: Array, z: Array) -> Array:
    """Signed distance into the cloth: round neck, v-neck, high collar or shirt."""
    kind = int(rng.integers(4))
    wide = a.neck_half + 0.1
    if kind == 1:
        line = a.neck_end + 0.42 - 0.95 * np.abs(x)
    elif kind == 2:
        line = a.neck_end - 0.12 + 0.08 * (1 - (x / wide) ** 2)
    else:
        depth = 0.12 + 0.1 * float(rng.random())
        line = a.neck_end + depth - (0.2 + depth) * (x / wide) ** 2
    line = np.maximum(line, a.neck_end - 0.22)
    return (y - line) * 0.8  # type: ignore[no-any-return]


def _throat(a: Anatomy, x: Array, y: Array) -> Array:
    """Relief of the collar bones and the notch between them."""
    notch = groove(np.hypot(x, (y - a.neck_end - 0.05) * 0.9), 0.13)
    bones = groove(y - a.neck_end - 0.12 + 0.1 * np.abs(x), 0.06) * ramp(np.abs(x), 0.08, 0.25)
    return 0.03 * a.adult * notch - 0.02 * a.adult * bones  # type: ignore[no-any-return]


def _neck_lines(a: Anatomy, x: Array, y: Array) -> Array:
    total = np.zeros_like(y)
    for level in (0.16, 0.27, 0.38):
        total += groove(y - a.chin - level + 0.12 * x * x, 0.022)
    return total * (0.75 * a.wrinkles + 0.2 * (1.0 - a.adult) * 0.3)


def _pattern(
    fabric: Array, rng: np.random.Generator, x: Array, y: Array, px: float
) -> None:
    """Stripes or checks on some clothes."""
    kind, pitch = float(rng.random()), float(rng.uniform(0.09, 0.2))
    second: Colour = srgb(*_CLOTH[int(rng.integers(len(_CLOTH)))])
    if kind > 0.45:
        return
    stripe = edge(groove(np.mod(y, pitch) - pitch / 2, pitch / 2) - 0.5, px * 12 + 0.05)
    if kind < 0.15:
        stripe = 0.5 * stripe + 0.5 * edge(
            groove(np.mod(x, pitch) - pitch / 2, pitch / 2) - 0.5, px * 12 + 0.05
        )
    fabric += (np.asarray(second, np.float32) - fabric) * (0.8 * stripe)[..., None]
