"""Hair: its volume over the skull, the hairline, strands and their shine."""

from dataclasses import dataclass, replace

import numpy as np

from augment.drawing.anatomy import Anatomy, visible_age
from augment.drawing.fields import Array, Field, bump, edge, mix, planes, ramp, smooth_max
from augment.drawing.geometry import Ellipsoid, Surface, View, both_sides
from augment.drawing.layer import Layer
from augment.drawing.palette import WHITE_HAIR, Palette
from augment.drawing.shading import Light, gloss, lambert, normals
from augment.drawing.spec import FaceSpec
from augment.drawing.texture import sample


@dataclass(frozen=True)
class Cut:
    """A style as numbers (head units): thickness on `top` and `side`, `fringe` how far hair falls
    below the hairline, `sweep` its slant, `length` where side hair ends (y, 0 = above the ear),
    `curl` 0..1, `part` how far hair parts over the forehead, `cover` opacity, `locks` how ragged
    the edge is."""

    top: float
    side: float
    fringe: float = 0.0
    sweep: float = 0.0
    length: float = 0.0
    curl: float = 0.0
    part: float = 0.0
    cover: float = 1.0
    locks: float = 0.03
    bun: bool = False


def cut_of(spec: FaceSpec) -> Cut | None:
    """The spec's style with its length; None when bald."""
    more = spec.hair_length
    curl = spec.person.curl
    cuts = {
        "buzz": Cut(0.025, 0.010, cover=0.72 + 0.2 * more, curl=0.2 * curl, locks=0.015),
        "short": Cut(0.1 + 0.12 * more, 0.02 + 0.04 * more, curl=0.5 * curl, locks=0.02),
        "side": Cut(0.14 + 0.08 * more, 0.04 + 0.03 * more, 0.07, 0.3, curl=0.4 * curl),
        "fringe": Cut(
            0.09 + 0.05 * more, 0.06 + 0.03 * more, 0.2 + 0.12 * more, curl=0.3 * curl, locks=0.06
        ),
        "curly": Cut(0.14 + 0.2 * more, 0.08 + 0.2 * more, 0.03, curl=max(0.7, curl), locks=0.05),
        "bob": Cut(0.1, 0.07, 0.2 * more, 0.1, 0.8 + 0.3 * more, 0.5 * curl, 0.3 * (1 - more)),
        "long": Cut(0.1, 0.06, 0.0, 0.05, 1.4 + 0.6 * more, 0.7 * curl, 0.42),
        "bun": Cut(0.055, 0.03, 0.0, 0.06, 0.0, 0.2 * curl, 0.1, locks=0.015, bun=True),
    }
    cut = cuts.get(spec.hair_style)
    if cut is None:
        return None
    thin = 1.0 - 0.75 * recession(spec)
    return replace(cut, top=cut.top * thin, side=cut.side * thin)


def recession(spec: FaceSpec) -> float:
    """How far the hairline has gone back, 0..1."""
    age = visible_age(spec)
    return float(np.clip((age - 22.0) / 48.0, 0.0, 1.0)) * spec.person.recession


def cap_parts(a: Anatomy, cut: Cut) -> tuple[Ellipsoid, ...]:
    """Volume around the skull and, for longer hair, the curtains beside the face."""
    low = 0.46
    tall = (a.top + low) / 2
    grow = cut.top
    parts = [
        Ellipsoid(
            (0, low - tall - 0.35 * grow, -0.12),
            (a.skull_width + cut.side, tall + 0.65 * grow, 0.95 + 0.6 * grow),
        )
    ]
    if cut.bun:
        parts.append(Ellipsoid((0, -a.top - 0.1, -0.35), (0.27, 0.2, 0.26), 0.06))
    if cut.length > 0:
        half = (cut.length + 1.2) / 2
        middle = half - 0.72
        parts += both_sides(
            Ellipsoid((0.64, middle, -0.14), (0.19 + cut.side, half, 0.42), 0.35, turn=12.0)
        )
    return tuple(parts)


def back_parts(a: Anatomy, cut: Cut) -> tuple[Ellipsoid, ...]:
    """What hangs behind the neck."""
    half = (cut.length + 1.2) / 2
    return (Ellipsoid((0, half - 0.72, -0.5), (0.74 + cut.side, half, 0.4), 0.2),)


def hairline(a: Anatomy, spec: FaceSpec, cut: Cut, x: Field) -> Array:
    """Height (y) above which the front is hair, over x."""
    side = np.abs(x)
    gone = recession(spec)
    young = float(np.clip(1.0 - spec.age / 3.0, 0.0, 1.0))
    level = -0.68 * a.top / 1.11 - 0.02 * spec.person.hairline - 0.05 * young
    line = level + 0.03 * ramp(side, 0.1, 0.35) + 0.16 * ramp(side, 0.36, 0.56)
    line = line + 0.2 * ramp(side, 0.55, 0.74)
    line = line - gone * (0.14 + 0.42 * bump(side, side * 0, (0.36, 0.0), (0.3, 1.0)))
    fall = cut.fringe * (1.0 - gone) * ramp(side, 0.66, 0.3)
    slant = cut.sweep * (1.0 - gone) * (0.5 * x - 0.4 * (x + 0.1) ** 2) * ramp(side, 0.62, 0.3)
    away = np.abs(x - 0.12) * (1.0 - gone)
    apart = cut.part * (np.minimum(away, 0.62) * 1.5 - 0.18) * (cut.part > 0)
    return line + fall + slant + apart  # type: ignore[no-any-return]


def paint_hair(
    spec: FaceSpec, a: Anatomy, colours: Palette, scene: View, light: Light, face_z: Array
) -> Layer | None:
    """The hair that lies on the head and beside the face; `face_z` is on the scene's grid."""
    cut = cut_of(spec)
    if cut is None:
        return None
    parts = cap_parts(a, cut)
    window = scene.around(parts, 0.05)
    view = scene.crop(window)
    surface = Surface(view)
    surface.add(*parts)
    x, y, z = view.to_head(np.maximum(surface.z, -1.5))
    strands, clumps = _strands(spec, cut, x, y, z, view.px)
    if cut.curl > 0.55:
        curls = sample("cloud", x * 75 + 31, y * 75 + z * 40, 75 * view.px)
        clumps = (1.0 - cut.curl) * clumps + 1.2 * cut.curl * curls
    ragged = cut.locks * (0.5 * strands + clumps)
    area = _area(spec, a, cut, x, y, z) + ragged
    soft = 0.09 if cut.cover < 1 else 0.045
    outline = surface.distance + 0.35 * cut.locks * clumps * ramp(surface.distance, 0.15, 0.0)
    hidden = surface.z + 0.05 < face_z[window]
    alpha = edge(area, soft + view.px) * edge(outline, view.px * 1.6) * ~hidden
    # Single strands show the skin between them near the edge.
    alpha *= cut.cover * (1.0 - 0.25 * ramp(area, 0.12, 0.0) * ramp(strands, 0.3, -0.8))
    # Hair lies flat at its edge and gets its volume further in.
    swell = -0.07 * ramp(area, 0.16, 0.0)
    relief = surface.z + swell + (0.009 + 0.01 * cut.curl) * strands
    relief += (0.016 + 0.03 * cut.curl) * clumps
    n = normals(relief, view.px, 3.0)
    colour = _shade(colours, n, light, strands, clumps)
    # Beside the face lower hair lies in the shade of the hair above it.
    colour *= 0.5 + 0.5 * ramp(y, 0.15, -0.55)
    return Layer(window, alpha, colour, surface.z)


def paint_back_hair(
    spec: FaceSpec, a: Anatomy, colours: Palette, scene: View, light: Light
) -> Layer | None:
    """Long hair behind the neck, in shade."""
    cut = cut_of(spec)
    if cut is None or cut.length <= 0:
        return None
    parts = back_parts(a, cut)
    window = scene.around(parts, 0.05)
    view = scene.crop(window)
    surface = Surface(view)
    surface.add(*parts)
    x, y, z = view.to_head(np.maximum(surface.z, -1.5))
    u, v = _flow(spec, cut, x, y, z)
    strands = sample("fibre", u, v, 110 * view.px)
    end = cut.length - 0.05 - y + 0.05 * strands
    alpha = edge(np.minimum(surface.distance + 0.02 * strands, end), view.px * 1.3 + 0.01)
    n = normals(surface.z + 0.01 * strands, view.px, 3.0)
    colour = _shade(colours, n, light, strands, strands) * np.float32(0.45)
    return Layer(window, alpha, colour, surface.z)


def _strands(
    spec: FaceSpec, cut: Cut, x: Array, y: Array, z: Array, px: float
) -> tuple[Array, Array]:
    """Fine strands and broad locks, about unit variance."""
    u, v = _flow(spec, cut, x, y, z)
    strands = sample("fibre", u, v, 110 * px)
    locks = sample("fibre", u * 0.22 + 60, v * 0.4, 25 * px)
    if cut.part > 0:  # over the forehead they run along the parted hairline
        front = ramp(np.abs(x), 0.7, 0.45) * ramp(z, 0.1, 0.45)
        across = (0.75 * np.abs(x - 0.12) - y) * 80.0
        along = np.abs(x - 0.12) * 60.0 + 40.0
        strands += (sample("fibre", across, along, 100 * px) - strands) * front
        locks += (sample("fibre", across * 0.25, along * 0.4, 25 * px) - locks) * front
    return strands, locks


def _flow(spec: FaceSpec, cut: Cut, x: Field, y: Field, z: Field) -> tuple[Array, Array]:
    """Texture coordinates: u across strands (angle about the crown), v along them."""
    part = 0.22 if spec.hair_style in ("side", "bob", "long") else 0.0
    angle = np.arctan2(x - part * ramp(y, -0.3, -0.9), z + 0.5 + 0.2 * np.maximum(-y, 0))
    u: Array = angle * 90.0 + float(spec.person.seed % 101)
    if cut.curl > 0.1:
        u = u + cut.curl * 5.0 * np.sin(y * (9 + 10 * cut.curl) + angle * 6.0)
    return u, y * 60.0 + 90.0


def _area(spec: FaceSpec, a: Anatomy, cut: Cut, x: Array, y: Array, z: Array) -> Array:
    """Signed distance: where hair grows (front above the hairline, sides behind the temple)."""
    front = hairline(a, spec, cut, x) - y
    temple = 0.24 + 0.1 * ramp(y, 0.0, -0.3) + 0.32 * ramp(y, -0.28, -0.66)
    low = 0.06 if cut.length <= 0 else cut.length
    side = np.minimum(temple - z, low - y)
    if cut.length <= 0:
        side = np.maximum(side, np.minimum(-0.25 - z, 0.5 - y))
        # Volume that stands off the head is hair all around.
        off = np.abs(x) - a.skull_width + 0.01
        side = np.maximum(side, np.minimum(off, low + 0.5 * cut.side - y))
    else:
        beside = np.abs(x) - 0.62 - 0.06 * ramp(y, 0.2, -0.3)
        side = np.maximum(side, np.minimum(beside, low - y))
    gone = recession(spec)
    if gone > 0.5:  # the crown thins out until a horseshoe is left
        top = np.minimum(y + 1.05 - 1.1 * (gone - 0.5), np.abs(x) - 4.0 * min(gone - 0.5, 0.12))
        side, front = np.minimum(side, top), front - 9.0 * (gone - 0.5)
    return smooth_max(front, side, 0.1)


def _shade(
    colours: Palette, n: tuple[Array, Array, Array], light: Light, strands: Array, clumps: Array
) -> Array:
    base = np.empty((3, *strands.shape), np.float32)
    base[:] = planes(colours.hair)
    if colours.grey > 0.02:
        uneven = 1.6 * colours.grey * (1.0 - colours.grey)
        mix(base, WHITE_HAIR, np.clip(strands * uneven, -0.3, 0.8))
    diffuse = np.maximum(lambert(n, light) + 0.25, 0.0) * (0.85 * light.strength / 1.25)
    streaks = np.clip(1.0 + 0.2 * strands + 0.14 * clumps, 0.3, 1.8)
    out = base * ((0.34 + diffuse) * streaks)
    luster = 0.025 + 0.13 * np.sqrt(np.maximum(colours.hair, 0.0))
    shine = gloss(n, light, 16) * np.clip(0.7 + 0.5 * strands, 0.0, 2.2) * light.strength
    out += shine * planes(luster.astype(np.float32))
    floor: Array = np.maximum(out, np.float32(0.0015))
    return floor
