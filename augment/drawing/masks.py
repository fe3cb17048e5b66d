"""Face masks as a separate layer: coverage and colour over the finished face."""

from dataclasses import dataclass

import cv2
import numpy as np

from augment.drawing.anatomy import Anatomy
from augment.drawing.fields import Array, edge, groove, ramp, segment_distance, srgb
from augment.drawing.geometry import Ellipsoid, Surface, View
from augment.drawing.shading import Light, normals, occlusion, resize_map, shade_matte
from augment.drawing.spec import FaceSpec
from augment.drawing.texture import sample


@dataclass
class MaskLayer:
    """`alpha` (h, w) coverage in [0, 1]; `colour` (h, w, 3) linear RGB."""

    alpha: Array
    colour: Array


def _parts(a: Anatomy, kind: str) -> tuple[Ellipsoid, ...]:
    drop = a.drop
    low = a.chin + drop + 0.07
    top = 0.12
    middle, half = (low + top) / 2, (low - top) / 2
    out = {"surgical": 0.0, "cloth": 0.02, "n95": 0.1}[kind]
    nose = a.subnasale - 0.1
    return (
        Ellipsoid((0, middle, 0.2), (0.66, half * 1.12, 0.72 + out)),
        Ellipsoid((0, a.chin + drop - 0.15, 0.45), (0.4, 0.27, 0.42), 0.3),
        Ellipsoid((0, nose + 0.03, 0.62 + a.nose_out), (0.2, 0.3, 0.24), 0.3),
    )


def _outline(a: Anatomy, kind: str, x: Array, y: Array) -> Array:
    """Signed distance inside the mask over |x| and y."""
    side = np.abs(x)
    drop = a.drop
    reach = {"surgical": 0.64, "cloth": 0.63, "n95": 0.56}[kind]
    tent = 0.17 * np.maximum(1.0 - (side / 0.24) ** 2, 0)
    top = 0.36 - tent + 0.06 * ramp(side, 0.25, 0.65)
    bottom = a.chin + drop + 0.12 - 0.34 * ramp(side, 0.18, 0.66)
    if kind == "n95":
        bottom = a.chin + drop + 0.08 - 0.5 * ramp(side, 0.1, 0.62)
    return np.minimum(np.minimum(y - top, bottom - y) * 0.9, reach - side)


def paint_mask(
    spec: FaceSpec, a: Anatomy, view: View, light: Light, hidden: Array, sun: Array
) -> MaskLayer | None:
    """The worn mask with loops and contact shadow; `hidden` (h, w) is what lies in front (hair)."""
    kind = spec.mask
    if kind is None:
        return None
    surface = Surface(view)
    surface.add(*_parts(a, kind))
    x, y, _ = view.to_head(np.maximum(surface.z, -1.0))
    inside = np.minimum(_outline(a, kind, x, y), surface.distance)
    body = edge(inside, view.px * 1.2)
    fabric, relief = _fabric(spec, kind, a, x, y, inside, view.px)
    n = normals(surface.z + relief, view.px, 4.0)
    small = cv2.resize(surface.z + 3 * relief, (96, 96), interpolation=cv2.INTER_AREA)
    sky = resize_map(occlusion(small, 96 * view.px * body.shape[0] / 96), body.shape)
    colour = shade_matte(fabric, n, sky, 0.3 + 0.7 * sun, light)
    loops = _loops(view, a, kind)
    loop_alpha = edge(0.011 - loops, view.px * 1.2) * (1.0 - body)
    shadow = 0.5 * ramp(inside, -0.075, 0.0) * (1.0 - body)
    shadow = np.maximum(shadow, 0.22 * ramp(loops, 0.05, 0.0) * (1.0 - body))
    return _stack(body, colour, loop_alpha, shadow, 1.0 - hidden)


def _stack(body: Array, colour: Array, loop: Array, shadow: Array, seen: Array) -> MaskLayer:
    """Mask over loops over shadow as one layer with straight (not premultiplied) colour."""
    loop_colour = np.array([0.62, 0.62, 0.62], np.float32)
    weight = body + loop * (1.0 - body)
    alpha = weight + shadow * (1.0 - weight)
    paint = colour * body[..., None] + (loop * (1.0 - body))[..., None] * loop_colour
    paint += (shadow * (1.0 - weight))[..., None] * np.array([0.02, 0.012, 0.01], np.float32)
    straight = paint / np.maximum(alpha, 1e-6)[..., None]
    return MaskLayer(alpha * seen, straight)


def _fabric(
    spec: FaceSpec, kind: str, a: Anatomy, x: Array, y: Array, inside: Array, px: float
) -> tuple[Array, Array]:
    """Albedo and relief of the material."""
    fabric = np.empty((*y.shape, 3), np.float32)
    fabric[:] = srgb(*spec.mask_colour)
    centre = (0.36 + a.chin + a.drop) / 2
    relief = 0.02 * groove(inside - 0.03, 0.03)
    hem = groove(inside - 0.045, 0.010 + px)
    if kind == "surgical":
        level = (y - centre) / (0.62 + a.drop)
        for at in (-0.3, 0.0, 0.3):
            step = level - at + 0.06 * x * x
            relief += 0.028 * ramp(step, -0.03, 0.0) - 0.028 * ramp(step, 0.0, 0.16)
            fabric *= (1.0 - 0.16 * groove(step, 0.03 + px))[..., None]
    elif kind == "cloth":
        relief += 0.03 * groove(x, 0.05)
        fabric *= (1.0 - 0.25 * groove(x, 0.012 + px))[..., None]
        weave = sample("fibre", x * 200, y * 70, 200 * px)
        fabric *= (1.0 + 0.05 * weave)[..., None]
    else:
        ridge = y - centre + 0.02
        relief += 0.04 * groove(ridge, 0.06)
        fabric *= (1.0 - 0.14 * groove(ridge - 0.035, 0.02 + px))[..., None]
        clip = groove(y - 0.28 + 0.4 * np.maximum(0.2 - np.abs(x), 0), 0.02) * (np.abs(x) < 0.18)
        fabric *= (1.0 - 0.3 * clip)[..., None]
    folds = sample("cloud", x * 30 + spec.seed % 40, y * 30, 30 * px)
    relief += 0.008 * folds
    fabric *= (1.0 - 0.2 * hem)[..., None]
    return np.clip(fabric, 0.0, 1.0), relief


def _loops(view: View, a: Anatomy, kind: str) -> Array:
    """Distance to the nearest ear loop or head band."""
    best: Array = np.full((view.y.shape[0], view.x.shape[1]), 9.0, np.float32)
    low = 0.62 + 0.5 * a.drop
    for sign in (-1.0, 1.0):
        if sign * view.rotation[0, 2] < -0.3:
            continue  # that side of the head is turned away
        upper = ((sign * 0.6, 0.42, 0.42), (sign * 0.77, 0.02, 0.0))
        lower = ((sign * 0.57, low, 0.36), (sign * 0.75, 0.3, 0.0))
        if kind == "n95":
            upper = ((sign * 0.53, 0.42, 0.5), (sign * 0.8, -0.25, -0.1))
            lower = ((sign * 0.5, low, 0.45), (sign * 0.7, 0.75, -0.1))
        for start, end in (upper, lower):
            ends = view.to_view([start, end])
            distance, _ = segment_distance(
                view.x,
                view.y,
                (float(ends[0, 0]), float(ends[0, 1])),
                (float(ends[1, 0]), float(ends[1, 1])),
            )
            np.minimum(best, distance, out=best)
    return best
