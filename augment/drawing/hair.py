"""Hair: its volume over the skull, the hairline, strands and their shine."""

from dataclasses import dataclass

import numpy as np

from augment.drawing.anatomy import Anatomy, visible_age
from augment.drawing.fields import Array, bump, edge, ramp, smooth_max
from augment.drawing.geometry import Ellipsoid, Surface, View, both_sides
from augment.drawing.palette import WHITE_HAIR, Palette
from augment.drawing.shading import Light, gloss, lambert, normals
from augment.drawing.spec import FaceSpec
from augment.drawing.texture import sample


@dataclass(frozen=True)
class Cut:
    """A style as numbers (head units): thickness on `top` and `side`, `fringe` how far hair falls
    below the hairline, `sweep` its slant, `length` where side hair ends (y, 0 = above the ear),
    `curl` 0..1, `cover` opacity."""

    top: float
    side: float
    fringe: float = 0.0
    sweep: float = 0.0
    length: float = 0.0
    curl: float = 0.0
    cover: float = 1.0
    bun: bool = False


def cut_of(spec: FaceSpec) -> Cut | None:
    """The spec's style with its length; None when bald."""
    more = spec.hair_length
    curl = spec.person.curl
    cuts = {
        "buzz": Cut(0.025, 0.012, cover=0.75 + 0.2 * more, curl=0.2 * curl),
        "short": Cut(0.07 + 0.06 * more, 0.03 + 0.03 * more, 0.03, curl=0.5 * curl),
        "side": Cut(0.1 + 0.07 * more, 0.045 + 0.03 * more, 0.07, sweep=0.22, curl=0.4 * curl),
        "fringe": Cut(0.09 + 0.05 * more, 0.06 + 0.03 * more, 0.2 + 0.1 * more, curl=0.3 * curl),
        "curly": Cut(0.16 + 0.2 * more, 0.1 + 0.2 * more, 0.05, curl=max(0.7, curl)),
        "bob": Cut(0.1, 0.09, 0.12 * more, 0.1, 0.75 + 0.35 * more, curl=0.5 * curl),
        "long": Cut(0.1, 0.08, 0.0, 0.06, 1.35 + 0.6 * more, curl=0.6 * curl),
        "bun": Cut(0.055, 0.03, 0.0, 0.03, 0.0, curl=0.2 * curl, bun=True),
    }
    return cuts.get(spec.hair_style)


def recession(spec: FaceSpec) -> float:
    """How far the hairline has gone back, 0..1."""
    age = visible_age(spec)
    return float(np.clip((age - 22.0) / 40.0, 0.0, 1.0)) * spec.person.recession


def cap_parts(a: Anatomy, cut: Cut) -> tuple[Ellipsoid, ...]:
    """Volume around the skull and, for longer hair, the curtains beside the face."""
    low = 0.46
    tall = (a.top + low) / 2
    grow = cut.top
    parts = [
        Ellipsoid(
            (0, low - tall - 0.35 * grow, -0.12),
            (a.skull_width + cut.side, tall + 0.65 * grow, 0.95 + 0.7 * grow),
        )
    ]
    if cut.bun:
        parts.append(Ellipsoid((0, -a.top - 0.12, -0.35), (0.3, 0.24, 0.28), 0.06))
    if cut.length > 0:
        middle = (cut.length - 0.45) / 2
        half = (cut.length + 0.6) / 2
        parts += both_sides(
            Ellipsoid((0.73, middle, -0.1), (0.17 + cut.side, half, 0.42), 0.2, turn=15.0)
        )
    return tuple(parts)


def back_parts(a: Anatomy, cut: Cut) -> tuple[Ellipsoid, ...]:
    """What hangs behind the neck."""
    end = max(cut.length, 0.5)
    return (Ellipsoid((0, (end - 0.6) / 2, -0.5), (0.78 + cut.side, (end + 0.6) / 2, 0.4), 0.2),)


def hairline(a: Anatomy, spec: FaceSpec, cut: Cut, x: Array) -> Array:
    """Height (y) above which the front is hair, over x (the person's own left is x > 0)."""
    who = spec.person
    side = np.abs(x)
    gone = recession(spec)
    young = float(np.clip(1.0 - spec.age / 3.0, 0.0, 1.0))
    level = -0.62 * a.top / 1.11 - 0.025 * who.hairline - 0.06 * young
    line = level + 0.10 * ramp(side, 0.28, 0.56) + 0.55 * ramp(side, 0.5, 0.72)
    line = line - gone * (0.16 + 0.38 * bump(side, side * 0, (0.38, 0.0), (0.3, 1.0)))
    line = line - 0.5 * ramp(np.float32(gone), 0.55, 0.9)
    fall = cut.fringe * (1.0 - gone) * ramp(side, 0.75, 0.35)
    return line + fall + cut.sweep * 0.5 * (x + 0.1) * ramp(side, 0.6, 0.3)  # type: ignore[no-any-return]


@dataclass
class HairLayer:
    """Coverage (h, w), linear colour (h, w, 3) and depth of the hair in front of the face."""

    alpha: Array
    colour: Array
    z: Array


def paint_hair(
    spec: FaceSpec, a: Anatomy, colours: Palette, view: View, light: Light, face_z: Array
) -> HairLayer | None:
    """The hair that lies on the head and beside the face."""
    cut = cut_of(spec)
    if cut is None:
        return None
    surface = Surface(view)
    surface.add(*cap_parts(a, cut))
    x, y, z = view.to_head(np.maximum(surface.z, -1.5))
    u, v = _flow(spec, cut, x, y, z, view.px)
    strands = sample("fibre", u, v, 110 * view.px)
    clumps = sample("cloud", u * 0.35, v * 0.5, 40 * view.px)
    ragged = 0.025 * strands + 0.02 * clumps
    if cut.curl > 0.55:
        ragged = ragged + 0.05 * cut.curl * sample("cloud", x * 60 + 31, y * 60 + z * 25, 60 * view.px)
    area = _area(spec, a, cut, x, y, z)
    soft = 0.05 if cut.cover < 1 else 0.035
    outline = surface.distance + 0.4 * ragged * ramp(surface.distance, 0.12, 0.0)
    visible = surface.z + 0.04 > face_z
    alpha = edge(area + ragged, soft + view.px) * edge(outline, view.px * 1.2) * visible
    alpha *= cut.cover
    relief = surface.z + (0.010 + 0.012 * cut.curl) * strands + (0.01 + 0.045 * cut.curl) * clumps
    n = normals(relief, view.px, 3.5)
    colour = _shade(colours, n, light, strands, clumps, v)
    return HairLayer(alpha, colour, surface.z)


def paint_back_hair(
    spec: FaceSpec, a: Anatomy, colours: Palette, view: View, light: Light
) -> HairLayer | None:
    """Long hair behind the neck, in shade."""
    cut = cut_of(spec)
    if cut is None or cut.length <= 0:
        return None
    surface = Surface(view)
    surface.add(*back_parts(a, cut))
    x, y, z = view.to_head(np.maximum(surface.z, -1.5))
    u, v = _flow(spec, cut, x, y, z, view.px)
    strands = sample("fibre", u, v, 110 * view.px)
    alpha = edge(surface.distance + 0.02 * strands, view.px * 1.3 + 0.01)
    n = normals(surface.z + 0.01 * strands, view.px, 3.5)
    colour = _shade(colours, n, light, strands, strands * 0, v) * np.float32(0.5)
    return HairLayer(alpha, colour, surface.z)


def _flow(
    spec: FaceSpec, cut: Cut, x: Array, y: Array, z: Array, px: float
) -> tuple[Array, Array]:
    """Texture coordinates: u across strands (angle about the crown), v along them."""
    part = 0.22 if spec.hair_style in ("side", "bob", "long") else 0.0
    angle = np.arctan2(x - part, z + 0.55 + 0.15 * np.maximum(-y, 0))
    u = angle * 90.0 + spec.person.seed % 101
    if cut.curl > 0.1:
        u = u + cut.curl * 5.0 * np.sin(y * (9 + 10 * cut.curl) + angle * 6.0)
    return u, y * 60.0 + 60.0


def _area(spec: FaceSpec, a: Anatomy, cut: Cut, x: Array, y: Array, z: Array) -> Array:
    """Signed distance: where hair grows (front above the hairline, sides behind the temple)."""
    front = hairline(a, spec, cut, x) - y
    temple = 0.34 - 0.12 * ramp(y, -0.5, 0.0)
    low = 0.12 if cut.length <= 0 else cut.length
    side = np.minimum(temple - z, low - y)
    behind_ear = np.minimum(-0.22 - z, 0.55 - y)
    side = np.maximum(side, behind_ear)
    gone = recession(spec)
    if gone > 0.6:  # a horseshoe is left
        side = np.minimum(side, y + 0.75 - 0.5 * gone)
    if cut.length > 0:
        side = np.maximum(side, np.minimum(np.abs(x) - 0.62, cut.length - y))
    return smooth_max(front, side, 0.08)


def _shade(
    colours: Palette,
    n: tuple[Array, Array, Array],
    light: Light,
    strands: Array,
    clumps: Array,
    v: Array,
) -> Array:
    grey = colours.grey
    base = np.empty((*strands.shape, 3), np.float32)
    base[:] = colours.hair
    if grey > 0.02:
        white = np.clip(strands * 0.35, -0.3, 0.5) * (4.0 * grey * (1.0 - grey))
        base += (WHITE_HAIR - base) * np.clip(white, -0.35, 0.8)[..., None]
    diffuse = np.maximum(lambert(n, light) + 0.25, 0.0) * (0.8 / 1.25)
    tone = (0.4 + diffuse * light.strength) * np.clip(1.0 + 0.22 * strands + 0.12 * clumps, 0.25, 1.8)
    out = base * tone[..., None]
    shine = gloss(n, light, 16) * np.clip(0.7 + 0.5 * strands, 0, 2.2)
    luster = 0.05 + 0.25 * np.sqrt(np.maximum(colours.hair, 0))
    out += shine[..., None] * (luster * 0.45 * light.strength).astype(np.float32)
    return np.maximum(out, 0.0015)
