"""Eyes, lids, lashes and brows."""

import numpy as np

from augment.drawing import canvas as cv
from augment.drawing.anatomy import Anatomy
from augment.drawing.canvas import Canvas, Window
from augment.drawing.fields import Array, Colour, bump, edge, groove, mix, planes, ramp
from augment.drawing.texture import sample


def lid_curves(a: Anatomy, across: Array) -> tuple[Array, Array]:
    """Upper and lower lid heights (y) over `across` = -1 (inner) .. 1 (outer corner)."""
    w = np.maximum(1.0 - across * across, 0.0)
    root = np.sqrt(w)
    tall = a.eye_tall * a.lid
    upper = -tall * (0.6 * root + 0.4 * w) * (1.0 - 0.14 * across)
    lower = a.eye_tall * (0.5 - 0.14 * a.smile) * w * (1.0 + 0.12 * across)
    slope = -a.eye_tilt * across
    closing = (1.0 - a.lid) * a.eye_tall * 0.42 * w
    return upper + slope + closing, np.maximum(lower, closing) + slope


def paint_eyes(c: Canvas) -> None:
    """Sockets, eyeballs with iris and catchlight, lids, lashes and bags."""
    a = c.anatomy
    window = c.window(-0.66, 0.66, -0.2, 0.34)
    side, y = c.side[window], c.y[window]
    if side.size == 0:
        return
    across = (side - a.eye_x) * (1.0 / a.eye_half)
    upper, lower = lid_curves(a, across)
    inside = np.minimum(y - upper, lower - y)
    corner = (1.0 - np.abs(across)) * a.eye_half
    opening = np.minimum(inside, corner * 0.8)
    _socket(c, window, side, y, across, upper)
    alpha = edge(opening, c.px * 1.1)
    _eyeball(c, window, side, y, upper, alpha)
    _lids(c, window, side, y, across, upper, lower, alpha)
    front = c.z[window] > 0.3
    seen = (opening > -0.3 * c.px) & front
    c.label(window, seen & (c.x[window] > 0), cv.L_EYE)
    c.label(window, seen & (c.x[window] <= 0), cv.R_EYE)


def _socket(c: Canvas, window: Window, side: Array, y: Array, across: Array, upper: Array) -> None:
    a = c.anatomy
    relief = c.relief[window]
    # The globe under the lids, the hollow beside the nose and the fold below the brow.
    relief += 0.05 * bump(side, y, (a.eye_x, 0.0), (a.eye_half * 1.25, 0.17))
    relief -= 0.075 * bump(side, y, (0.15, -0.04), (0.14, 0.16))
    relief -= (0.03 + 0.03 * a.adult) * bump(side, y, (a.eye_x, -0.125), (0.27, 0.075))
    relief -= (0.02 + 0.015 * a.hollow) * bump(side, y, (a.eye_x, 0.19), (0.24, 0.09))
    shade = (0.26 + 0.12 * a.wrinkles) * bump(side, y, (a.eye_x - 0.03, -0.06), (0.32, 0.19))
    shade += 0.16 * bump(side, y, (0.15, 0.02), (0.13, 0.18))
    shade += (0.07 + 0.05 * a.bags) * bump(side, y, (a.eye_x - 0.03, 0.12), (0.2, 0.09))
    c.darken(window, shade)
    c.sheen[window] *= 1.0 - 0.8 * bump(side, y, (a.eye_x - 0.02, -0.02), (0.34, 0.2))
    if a.bags > 0.02:
        curve = 0.15 + 0.02 * a.bags - 0.05 * across * across
        sag = ramp(1.15 - np.abs(across), 0.0, 0.5)
        relief += 0.012 * a.bags * groove(y - curve + 0.045, 0.05) * sag
        line = groove(y - curve, 0.03) * sag * a.bags
        relief -= 0.015 * line
        c.darken(window, 0.12 * line)
        c.sheen[window] *= 1.0 - 0.5 * line


def _eyeball(c: Canvas, window: Window, side: Array, y: Array, upper: Array, alpha: Array) -> None:
    a, eye = c.anatomy, c.spec.person.eye_colour
    dx, dy = side - a.eye_x, y + 0.012
    radius = np.sqrt(dx * dx + dy * dy)
    white = np.empty((3, *y.shape), np.float32)
    aged = 0.06 * a.wrinkles
    white[:] = planes((0.70 - aged, 0.66 - 1.4 * aged, 0.63 - 2 * aged))
    white *= float(np.interp(c.spec.person.monk, [1, 6, 10], [0.85, 0.7, 0.42]))
    white *= 1.0 - 0.35 * ramp(np.abs(dx), 0.5 * a.eye_half, a.eye_half)
    ring = radius * (1.0 / a.iris)
    iris = edge(a.iris - radius, c.px * 1.1)
    spokes = 0.85 + 0.3 * ramp(ring, 0.35, 0.75) - 0.65 * ramp(ring, 0.72, 1.0)
    lower_light = 1.0 + 0.45 * np.clip(dy * (1.0 / a.iris), -0.6, 1.0)
    mix(white, planes(eye) * (1.15 * spokes * lower_light), iris)
    pupil = edge(a.iris * 0.42 - radius, c.px * 1.1)
    white *= 1.0 - 0.92 * pupil
    # The upper lid and lashes shade the eyeball below them.
    white *= 0.38 + 0.62 * ramp(y - upper, -0.01, 0.055)
    c.tint(window, white, alpha)
    c.relief[window] -= 0.02 * alpha
    c.sheen[window] *= 1.0 - 0.8 * alpha
    light = c.spec.light_azimuth
    spot_x = 0.36 * a.iris * float(np.clip(light / 25.0, -1, 1))
    true_x = c.x[window] - np.sign(c.x[window]) * a.eye_x
    spot = edge(0.017 - np.hypot(true_x - spot_x, y + 0.012 + 0.4 * a.iris), 0.016)
    soft = edge(0.022 - np.hypot(true_x + 0.9 * spot_x, y + 0.012 - 0.5 * a.iris), 0.03)
    c.glow[window] += (0.75 * spot + 0.06 * soft * iris) * alpha


def _lids(
    c: Canvas,
    window: Window,
    side: Array,
    y: Array,
    across: Array,
    upper: Array,
    lower: Array,
    alpha: Array,
) -> None:
    a, who = c.anatomy, c.spec.person
    span = ramp(1.12 - np.abs(across), 0.0, 0.22)
    fine = max(0.0, 1.4 * c.px)
    # Lid crease: strong on a double lid, nearly absent on a single one, hooded with age.
    fold = 0.5 + 0.5 * float(np.clip((who.eye_fold - 0.15) * 3, 0, 1))
    crease = upper - (0.032 + 0.018 * fold) * (1.1 - 0.35 * across * across)
    line = groove(y - crease, 0.016 + fine) * span * fold
    c.relief[window] -= 0.022 * line
    c.relief[window] += 0.02 * groove(y - (upper + crease) * 0.5, 0.03) * span
    c.darken(window, 0.34 * line)
    rim = groove(y - lower - 0.006, 0.012 + 0.5 * fine) * span * (1.0 - alpha)
    c.tint(window, c.palette.lips * 1.1, 0.3 * rim)
    female = 0.5 - 0.5 * a.masculine
    lash = 0.010 + 0.006 * female + 0.25 * c.px
    reach = ramp(1.16 - np.abs(across - 0.04), 0.0, 0.2)
    reach *= 0.8 - 0.25 * a.wrinkles
    dark: Colour = (0.012, 0.009, 0.008)
    c.tint(window, dark, edge(lash - np.abs(y - upper + 0.004), c.px + 0.006) * reach)
    below = groove(y - lower - 0.002, 0.010 + 0.6 * c.px) * ramp(across, -0.9, 0.6) * span
    c.tint(window, dark, 0.35 * below)


def brow_spine(a: Anatomy, along: Array) -> Array:
    """Height of the brow's centre line over `along` = 0 (inner) .. 1 (outer end)."""
    arch = np.sin(np.pi * np.clip(along, 0, 1) ** 1.35)
    return a.brow + 0.008 - 0.045 * a.brow_arch * arch + 0.02 * along  # type: ignore[no-any-return]


def paint_brows(c: Canvas) -> None:
    """Brows as a tapering band of hairs."""
    a = c.anatomy
    inner, outer = 0.135, 0.53
    window = c.window(-0.62, 0.62, a.brow - 0.16, a.brow + 0.14)
    side, y = c.side[window], c.y[window]
    if side.size == 0:
        return
    along = (side - inner) * (1.0 / (outer - inner))
    spine = brow_spine(a, along)
    taper = np.clip(1.15 - along, 0.12, 0.8) * ramp(along, -0.25, 0.25)
    half = 0.046 * a.brow_tall * taper
    strands = sample("fibre", side * 420 + y * 300, y * 120 - side * 60, 420 * c.px)
    distance = half - np.abs(y - spine) + 0.006 * strands
    ends = np.minimum(side - inner + 0.02, outer - side + 0.03)
    distance = np.minimum(distance, ends)
    density = 0.42 + 0.4 * min(1.0, a.brow_tall)
    alpha = edge(distance, 0.03 + c.px) * np.clip(density + 0.14 * strands, 0, 0.95)
    c.tint(window, c.palette.brow, alpha)
    c.sheen[window] *= 1.0 - 0.7 * alpha
    c.relief[window] += 0.012 * alpha
    seen = (alpha > 0.3) & (c.z[window] > 0.3)
    c.label(window, seen & (c.x[window] > 0), cv.L_BROW)
    c.label(window, seen & (c.x[window] <= 0), cv.R_BROW)
