"""Facial hair from a shaved shadow to a full beard."""

import numpy as np

from augment.drawing import canvas as cv
from augment.drawing.canvas import Canvas
from augment.drawing.fields import Array, edge, mix, planes, ramp
from augment.drawing.texture import sample


def paint_beard(c: Canvas) -> None:
    """Moustache, cheeks and chin from shadow (0) through stubble (0.3) to a full beard (1)."""
    a, amount = c.anatomy, c.spec.beard
    shadow = 0.35 * max(0.0, a.masculine)
    if amount <= 0 and shadow <= 0:
        return
    window = c.window(-0.78, 0.78, -0.05, a.chin + a.drop + 0.25)
    x, y, z = c.side[window], c.y[window], c.z[window]
    if x.size == 0:
        return
    strands = sample("fibre", c.x[window] * 210 + 60 * c.x[window] * y, y * 190, 210 * c.px)
    speck = sample("grain", c.x[window] * 150, y * 150, 150 * c.px)
    soft = 0.12 if amount < 0.4 else 0.07
    cover = edge(_area(c, x, y) + 0.015 * strands, soft) * ramp(z, -0.1, 0.05)
    cover = cover * (1.0 - np.isin(c.labels[window], (cv.MOUTH, cv.U_LIP, cv.L_LIP)))
    stubble = min(1.0, shadow * 0.3 + amount * 1.3)
    alpha = cover * np.clip(0.42 * stubble * (1.0 + 0.3 * speck), 0.0, 0.6)
    c.tint(window, c.palette.beard * 0.6 + c.palette.skin * 0.12, alpha)
    full = float(ramp(np.float32(amount), 0.25, 0.75))
    if full > 0:
        dark = np.clip(0.9 + 0.28 * strands, 0.3, 1.7)
        thick = np.clip(cover * full * (0.88 + 0.08 * strands), 0.0, 1.0)
        mix(c.albedo[:, *window], planes(c.palette.beard) * dark, thick)
        c.relief[window] += (0.03 * cover + 0.010 * strands * cover) * full
        c.sheen[window] *= 1.0 - 0.75 * cover * full


def _area(c: Canvas, x: Array, y: Array) -> Array:
    """Signed distance: cheeks below a line from the ear to the mouth, chin and moustache."""
    a = c.anatomy
    cheek = 0.66 - 0.56 * ramp(x, 0.3, 0.64) ** 1.3
    below = y - np.where(x > a.mouth_half + 0.06, cheek, a.mouth + 0.04 + a.gap)
    lip = np.minimum(y - (a.subnasale + 0.03 + 0.15 * x), a.mouth + 0.12 - y)
    moustache = np.minimum(lip, a.mouth_half + 0.07 - x)
    return np.maximum(below, moustache)  # type: ignore[no-any-return]
