"""Lips, teeth and the inside of the mouth."""

from dataclasses import dataclass

import numpy as np

from augment.drawing import canvas as cv
from augment.drawing.anatomy import Anatomy
from augment.drawing.canvas import Canvas
from augment.drawing.fields import Array, Field, bump, edge, groove, mix, planes, ramp


@dataclass(frozen=True)
class Lips:
    """Heights (y, head units) of the four lip borders over x, and the corner line."""

    top: Array
    upper_edge: Array
    lower_edge: Array
    bottom: Array


def lip_curves(a: Anatomy, x: Field) -> Lips:
    """Lip borders at |x|; all four meet at the corners (|x| = mouth_half)."""
    u = np.minimum(x * (1.0 / a.mouth_half), 1.0)
    w = 1.0 - u * u
    line = a.mouth - (0.014 + a.smile * 0.085) * u * u + 0.03 * a.wrinkles * u * u
    line = line + 0.006 * np.cos(u * 7.0) * w
    drop = a.drop * 0.32 * u * u  # the corners follow the falling jaw
    line = line + drop
    bow = 1.0 - 0.3 * np.maximum(1.0 - (u * 4.5) ** 2, 0.0) ** 2
    top = line - a.lips * 0.074 * (0.75 * w + 0.25 * (1 - u)) * bow
    root = np.sqrt(np.maximum(w, 0.0))
    upper_edge = line - a.gap * 0.12 * root
    lower_edge = line + a.gap * 0.92 * (0.6 * root + 0.4 * w)
    bottom = lower_edge + a.lips * 0.098 * (0.75 * w + 0.25 * root * root * w)
    return Lips(top, upper_edge, lower_edge, bottom)


def paint_mouth(c: Canvas) -> None:
    """Lips with their own relief, teeth and tongue where the mouth is open."""
    a = c.anatomy
    window = c.window(-0.4, 0.4, a.mouth - 0.2, a.mouth + 0.32 + a.gap)
    x, y = c.side[window], c.y[window]
    if x.size == 0:
        return
    lips = lip_curves(a, x)
    corner = (a.mouth_half - x) * 0.6
    whole = np.minimum(np.minimum(y - lips.top, lips.bottom - y), corner)
    opening = np.minimum(np.minimum(y - lips.upper_edge, lips.lower_edge - y), corner)
    alpha: Array = edge(whole, 0.012 + 1.2 * c.px)
    hole = edge(opening, c.px * 1.1) if a.gap > 0.004 else np.zeros_like(alpha)
    c.tint(window, c.palette.lips, 0.82 * alpha)
    upper = y < (lips.upper_edge + lips.lower_edge) * 0.5
    c.darken(window, 0.16 * alpha * upper)
    _lip_relief(c, window, x, y, lips, alpha, hole)
    if a.gap > 0.004:
        _inside(c, window, x, y, lips, hole)
    seam: Array = groove(y - 0.5 * (lips.upper_edge + lips.lower_edge), 0.012 + 1.1 * c.px)
    seam *= ramp(corner, -0.012, 0.03) * (1.0 - hole) * (1.0 if a.gap < 0.02 else 0.35)
    c.darken(window, 0.66 * seam)
    corner_dot = bump(x, y, (a.mouth_half, float(_corner_y(a))), (0.035, 0.026))
    c.darken(window, 0.42 * corner_dot)
    c.label(window, (whole > -0.3 * c.px) & (y < lips.upper_edge), cv.U_LIP)
    c.label(window, (whole > -0.3 * c.px) & (y >= lips.lower_edge), cv.L_LIP)
    c.label(window, (opening > 0) & (lips.lower_edge - lips.upper_edge > c.px), cv.MOUTH)


def _corner_y(a: Anatomy) -> Field:
    return lip_curves(a, np.float32(a.mouth_half)).upper_edge


def _lip_relief(
    c: Canvas, window: cv.Window, x: Array, y: Array, lips: Lips, alpha: Array, hole: Array
) -> None:
    a = c.anatomy
    relief = c.relief[window]
    upper_t = (y - lips.top) / np.maximum(lips.upper_edge - lips.top, 0.01)
    lower_t = (lips.bottom - y) / np.maximum(lips.bottom - lips.lower_edge, 0.01)
    roll_up = np.clip(upper_t, 0, 1.2) * np.clip(1.25 - upper_t, 0, 1)
    roll_low = np.clip(lower_t, 0, 1.2) * np.clip(1.3 - lower_t, 0, 1)
    fade = ramp(a.mouth_half - x, 0.0, 0.14)
    relief += 0.07 * a.lips * roll_up * fade * (y < lips.upper_edge)
    relief += 0.10 * a.lips * roll_low * fade * (y >= lips.lower_edge)
    relief -= 0.05 * hole
    # The philtrum above, the hollow below the lower lip.
    philtrum = (lips.top > y) * groove(x, 0.045) * ramp(y, a.subnasale - 0.02, a.subnasale + 0.06)
    relief -= 0.02 * philtrum
    chin_fold = lips.bottom + 0.055
    dent = groove(y - chin_fold, 0.075) * ramp(0.3 - x, 0.0, 0.2)
    relief -= 0.03 * dent
    c.darken(window, 0.10 * dent + 0.06 * philtrum)
    c.sheen[window] *= 1.0 + 0.9 * alpha * (y >= lips.lower_edge) - 0.3 * alpha
    vertical = np.cos(x * 95.0) * edge(0.02 - c.px, 0.02)
    c.darken(window, 0.05 * alpha * vertical * (0.5 + a.wrinkles))


def _inside(c: Canvas, window: cv.Window, x: Array, y: Array, lips: Lips, hole: Array) -> None:
    a = c.anatomy
    part = np.empty((3, *y.shape), np.float32)
    part[:] = planes((0.075, 0.014, 0.013))
    tongue = bump(x, y, (0.0, a.mouth + a.gap * 1.0), (a.mouth_half * 0.75, 0.3 * a.gap + 0.03))
    part += tongue * planes((0.26, 0.06, 0.06))
    width = 0.92 * a.mouth_half
    arc = 1.0 - (x * (1.0 / width)) ** 2
    low = (
        a.mouth
        - 0.01
        + min(0.085, 0.03 + a.gap) * np.sqrt(np.maximum(arc, 0))
        + 0.3 * (lips.upper_edge - a.mouth)
    )
    teeth = edge(np.minimum(low - y, arc * 0.1), 0.012 + c.px)
    gaps = groove(np.mod(x + 0.001, 0.058) - 0.029, 0.029)
    enamel = (
        (0.64 - 0.1 * a.wrinkles) * (0.72 + 0.28 * gaps) * (1.0 - 0.55 * (1 - np.clip(arc, 0, 1)))
    )
    yellow = (1.0, 0.95 - 0.06 * a.wrinkles, 0.88 - 0.15 * a.wrinkles)
    mix(part, enamel * planes(yellow), teeth)
    part *= 0.45 + 0.55 * ramp(y - lips.upper_edge, -0.01, 0.04)
    c.tint(window, part, hole)
    c.sheen[window] *= 1.0 - 0.7 * hole
