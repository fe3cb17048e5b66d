"""Skin: tone, blush, wrinkles and folds, freckles, stubble and beard."""

import numpy as np

from augment.drawing.canvas import Canvas
from augment.drawing.fields import Array, bump, edge, groove, ramp, segment_distance
from augment.drawing.texture import sample


def paint_skin(c: Canvas) -> None:
    """Regional colour: blush on cheeks, nose and ears, paler forehead, mottling, freckles."""
    a, who = c.anatomy, c.spec.person
    x, y, px = c.side, c.y, c.px
    blush = 0.55 * bump(x, y, (0.42, 0.32), (0.34, 0.28))
    blush += 0.35 * bump(x, y, (0.0, a.subnasale - 0.09), (0.17, 0.15))
    blush += 0.25 * bump(x, y, (0.0, a.chin - 0.1), (0.3, 0.22))
    blush += 0.3 * ramp(x, 0.7, 0.8)
    blush *= 1.0 + 0.5 * a.cheek_fat
    cloud = sample("cloud", c.x * 90 + who.seed % 97, y * 90 + who.seed % 89, 90 * px)
    blush += (0.05 + 0.08 * a.wrinkles) * cloud
    c.albedo[0] *= 1.0 + 0.05 * blush
    c.albedo[1] *= 1.0 - 0.24 * blush
    c.albedo[2] *= 1.0 - 0.24 * blush
    pores = sample("grain", c.x * 160 + who.seed % 83, y * 160, 160 * px)
    fade = edge(0.012 - px, 0.012)
    tone = 1.0 + pores * (0.012 + 0.016 * a.adult) * float(fade) + 0.012 * cloud
    c.albedo *= tone
    c.sheen *= 0.75 + 0.5 * bump(x, y, (0.0, -0.1), (0.45, 0.75)) + 0.1 * cloud
    c.sheen *= 1.0 + 0.08 * pores * float(fade)  # pores break up highlights
    c.sheen += 0.6 * bump(x, y, (0.36, 0.26), (0.3, 0.24))
    c.sheen *= 1.0 - 0.1 * a.wrinkles - 0.15 * (1.0 - a.adult)
    _freckles(c)


def _freckles(c: Canvas) -> None:
    a, who, px = c.anatomy, c.spec.person, c.px
    window = c.window(-0.66, 0.66, -0.6, 0.6)
    x, y = c.x[window], c.y[window]
    if x.size == 0:
        return
    area = bump(c.side[window], y, (0.28, 0.24), (0.5, 0.36))
    amount = who.freckles * (1.0 - abs(c.spec.age - 16.0) / 90.0)
    spots = np.zeros_like(x)
    if amount > 0.05:
        speckle = sample("grain", x * 60 + who.seed % 71, y * 60 + 40, 60 * px)
        spots += 0.55 * amount * area * ramp(speckle, 1.0 - 0.4 * amount, 2.4)
    old = a.wrinkles * 0.6
    if old > 0.1:
        patch = sample("grain", x * 26 + who.seed % 61, y * 26 + 9, 26 * px)
        spots += 0.35 * old * ramp(patch, 1.2, 2.4) * ramp(c.side[window], 0.15, 0.45)
    rng = np.random.default_rng([0x301E, who.seed])
    for _ in range(who.moles):
        mx, my = float(rng.uniform(-0.55, 0.55)), float(rng.uniform(-0.5, 0.85))
        radius = float(rng.uniform(0.009, 0.016))
        distance = np.hypot(x - mx, y - my)
        spots += 0.75 * edge(radius - distance, 0.008 + px)
    c.darken(window, np.minimum(spots, 0.8))


def paint_folds(c: Canvas) -> None:
    """What ageing and smiling draw into the face."""
    _nasolabial(c)
    if c.anatomy.wrinkles > 0.02:
        _forehead_lines(c)
        _crows_feet(c)
        _lower_lines(c)


def _crease(c: Canvas, window: "tuple[slice, slice]", line: Array, depth: float) -> None:
    """A groove: darker at the bottom and bent surface beside it."""
    c.relief[window] -= 0.018 * depth * line
    c.darken(window, 0.36 * depth * line)
    c.sheen[window] *= 1.0 - 0.7 * np.minimum(depth * line, 1.0)


def _nasolabial(c: Canvas) -> None:
    a = c.anatomy
    strength = 0.12 * a.adult + 0.5 * a.smile * (0.5 + 0.5 * a.adult) + 0.75 * a.wrinkles
    strength = min(1.0, strength)
    window = c.window(-0.5, 0.5, 0.25, a.mouth + 0.2)
    x, y = c.side[window], c.y[window]
    if x.size == 0:
        return
    start, end = a.subnasale - 0.1, a.mouth + 0.03 + 0.1 * a.jowl
    t = np.clip((y - start) * (1.0 / (end - start)), 0.0, 1.0)
    bulge = 0.05 * a.smile
    curve = a.nose_half + 0.02 + (0.13 + bulge) * t + (0.04 + bulge) * np.sin(np.pi * t)
    fade = ramp(t, 0.0, 0.15) * ramp(y, end + 0.02, end - 0.2)
    line = groove(x - curve, 0.028 + 1.2 * c.px) * fade
    _crease(c, window, line, strength)
    # The cheek bulges over the fold and shades it.
    over = groove(x - curve - 0.07, 0.09) * fade
    c.relief[window] += 0.03 * strength * over
    c.darken(window, 0.12 * strength * groove(x - curve + 0.015, 0.06) * fade)


def _forehead_lines(c: Canvas) -> None:
    a, who = c.anatomy, c.spec.person
    window = c.window(-0.55, 0.55, -0.85, a.brow + 0.12)
    x, y = c.x[window], c.y[window]
    if x.size == 0:
        return
    side = c.side[window]
    rng = np.random.default_rng([0xF0E, who.seed])
    amount = a.wrinkles
    total = np.zeros_like(y)
    fine = 0.014 + 0.55 * c.px
    for k in range(3):
        level = -0.35 - 0.105 * k + float(rng.uniform(-0.012, 0.012))
        wave = 0.018 * np.cos(x * (6 + float(rng.uniform(-1, 1))) + float(rng.uniform(0, 6)))
        reach = 0.34 + float(rng.uniform(-0.06, 0.08)) - 0.03 * k
        line = groove(y - level - wave + 0.05 * x * x, fine) * ramp(side, reach + 0.14, reach - 0.1)
        total += line * float(np.clip(amount * 2.2 - 0.3 * k, 0, 1))
    _crease(c, window, total, 0.42 * amount + 0.08)
    frown = groove(side - 0.055 - 0.1 * (y - a.brow), fine) * bump(
        side, y, (0.06, a.brow), (0.12, 0.1)
    )
    _crease(c, window, frown, 0.5 * amount)


def _crows_feet(c: Canvas) -> None:
    a = c.anatomy
    x0 = a.eye_x + a.eye_half + 0.025
    window = c.window(-0.72, 0.72, -0.16, 0.3)
    x, y = c.side[window], c.y[window]
    if x.size == 0:
        return
    amount = min(1.0, a.wrinkles * (0.8 + 0.6 * a.smile))
    total = np.zeros_like(y)
    for dx, dy in ((0.15, -0.085), (0.17, -0.02), (0.165, 0.05), (0.14, 0.115)):
        start = (x0 + 0.12 * dx, 0.01 + 0.35 * dy)
        distance, t = segment_distance(x, y, start, (x0 + dx, 0.01 + dy))
        total += groove(distance, 0.014 + 0.7 * c.px) * (1.0 - 0.75 * t)
    _crease(c, window, np.minimum(total, 1.2), 0.8 * amount)


def _lower_lines(c: Canvas) -> None:
    """Marionette lines beside the mouth, jowl shade and lines over the lip."""
    a = c.anatomy
    window = c.window(-0.66, 0.66, a.mouth - 0.36, a.chin + 0.1)
    x, y = c.side[window], c.y[window]
    if x.size == 0:
        return
    start = (a.mouth_half + 0.02, a.mouth + 0.03 + 0.4 * a.drop)
    end = (a.mouth_half + 0.055, a.mouth + 0.24 + 0.6 * a.drop)
    distance, t = segment_distance(x, y, start, end)
    _crease(c, window, groove(distance, 0.025 + c.px) * (1 - 0.6 * t), 0.8 * a.jowl)
    lips = np.cos(x * 62.0) * bump(x, y, (0, a.mouth - 0.1), (0.26, 0.085))
    c.relief[window] += 0.008 * a.hollow * lips
    c.darken(window, 0.07 * a.hollow * np.maximum(lips, 0))
    hollow = bump(x, y, (0.46, a.mouth - 0.06), (0.17, 0.26))
    c.relief[window] -= 0.06 * a.hollow * hollow
    c.darken(window, 0.16 * a.hollow * hollow)
