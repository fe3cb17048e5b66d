"""Face masks as a separate layer: coverage and colour over the finished face."""

import cv2
import numpy as np

from augment.drawing.anatomy import Anatomy
from augment.drawing.fields import (
    Array,
    Field,
    edge,
    groove,
    planes,
    ramp,
    segment_distance,
    smooth_max,
    srgb,
)
from augment.drawing.geometry import FAR, Ellipsoid, Surface, View
from augment.drawing.layer import Layer
from augment.drawing.shading import Light, normals, shade_matte
from augment.drawing.spec import FaceSpec
from augment.drawing.texture import sample


def paint_mask(
    spec: FaceSpec,
    a: Anatomy,
    scene: View,
    light: Light,
    face_z: Array,
    hidden: Array,
    sun: Array,
) -> Layer | None:
    """The worn mask with loops and contact shadow.

    On the scene's grid (h, w): `face_z` depth of the face, `hidden` coverage of hair in front,
    `sun` key light visibility.
    """
    kind = spec.mask
    if kind is None:
        return None
    shell = _shell(a, kind)
    window = scene.around([shell], 0.45)
    view = scene.crop(window)
    surface = Surface(view)
    surface.add(shell)
    # The cloth follows the face where that stands out: a tent over the nose, the chin.
    sigma = 0.07 / view.px
    on_face = face_z[window] > 0.5 * FAR
    resting = np.where(on_face, np.maximum(face_z[window], -0.6), -0.6).astype(np.float32)
    resting = cv2.GaussianBlur(resting, (0, 0), sigma) + np.float32(0.035)
    z = smooth_max(surface.z, resting, 0.15)
    rim = edge(surface.distance, view.px * 1.2)
    covered = cv2.GaussianBlur(on_face.astype(np.float32), (0, 0), 0.5 * sigma)
    x, y, depth = view.to_head(z)
    inside = _outline(a, kind, x, y, depth)
    body = edge(inside, view.px * 1.2) * np.maximum(rim, ramp(covered, 0.35, 0.5))
    fabric, relief = _fabric(spec, kind, a, x, y, inside, view.px)
    n = normals(z + relief, view.px, 4.0)
    sky = np.clip(0.8 + 3.0 * relief, 0.5, 1.1)
    colour = shade_matte(fabric, n, sky, 0.35 + 0.65 * sun[window], light)
    loops = _loops(view, a, kind)
    loop_alpha = edge(0.011 - loops, view.px * 1.2) * (1.0 - body)
    shadow = 0.5 * ramp(inside, -0.08, 0.0) * covered
    shadow = np.maximum(shadow, 0.2 * ramp(loops, 0.05, 0.0)) * (1.0 - body)
    return _stack(window, body, colour, loop_alpha, shadow, 1.0 - hidden[window], z)


def _shell(a: Anatomy, kind: str) -> Ellipsoid:
    low = a.chin + a.drop + 0.1
    top = 0.05
    out = {"surgical": 0.02, "cloth": 0.03, "n95": 0.12}[kind]
    return Ellipsoid((0, (low + top) / 2, 0.15), (0.63, (low - top) / 2 * 1.08, 0.76 + out))


def _outline(a: Anatomy, kind: str, x: Array, y: Array, z: Array) -> Array:
    """Signed distance inside the mask over the head coordinates of its surface."""
    side = np.abs(x)
    tent = 0.17 * np.maximum(1.0 - (side * (1 / 0.25)) ** 2, 0)
    low = a.chin + a.drop
    top = 0.36 - tent + 0.06 * ramp(side, 0.25, 0.65)
    back, bottom = 0.26, low + 0.12 - 0.36 * ramp(side, 0.16, 0.66)
    if kind == "n95":
        back, bottom = 0.4, low + 0.1 - 0.5 * ramp(side, 0.08, 0.62)
    inside: Array = np.minimum(np.minimum(y - top, bottom - y) * 0.9, z - back)
    return inside


def _stack(
    window: tuple[slice, slice],
    body: Field,
    colour: Field,
    loop: Field,
    shadow: Field,
    seen: Field,
    z: Field,
) -> Layer:
    """Mask over loops over shadow as one layer with straight (not premultiplied) colour."""
    weight: Array = body + loop * (1.0 - body)
    alpha: Field = weight + shadow * (1.0 - weight)
    paint: Array = colour * body + loop * (1.0 - body) * planes((0.62, 0.62, 0.62))
    paint += shadow * (1.0 - weight) * planes((0.02, 0.012, 0.01))
    return Layer(window, alpha * seen, paint / np.maximum(alpha, 1e-6), z)


def _fabric(
    spec: FaceSpec, kind: str, a: Anatomy, x: Array, y: Array, inside: Array, px: float
) -> tuple[Array, Array]:
    """Albedo (3, h, w) and relief (h, w) of the material."""
    tone = np.ones_like(y)
    centre = (0.36 + a.chin + a.drop) / 2
    relief = 0.02 * groove(inside - 0.03, 0.03)
    if kind == "surgical":
        level = (y - centre) * (1.0 / (0.62 + a.drop))
        for at in (-0.3, 0.0, 0.3):
            step = level - at + 0.08 * x * x
            relief += 0.028 * ramp(step, -0.03, 0.0) - 0.028 * ramp(step, 0.0, 0.16)
            tone *= 1.0 - 0.16 * groove(step, 0.03 + px)
    elif kind == "cloth":
        relief += 0.03 * groove(x, 0.05)
        tone *= 1.0 - 0.25 * groove(x, 0.012 + px)
        tone *= 1.0 + 0.04 * sample("fibre", x * 200, y * 70, 200 * px)
    else:
        ridge = y - centre + 0.02
        relief += 0.04 * groove(ridge, 0.06)
        tone *= 1.0 - 0.14 * groove(ridge - 0.035, 0.02 + px)
        clip = groove(y - 0.25 - 0.5 * np.abs(x), 0.02) * (np.abs(x) < 0.16)
        tone *= 1.0 - 0.3 * clip
    relief += 0.008 * sample("cloud", x * 30 + float(spec.seed % 40), y * 30, 30 * px)
    tone *= 1.0 - 0.2 * groove(inside - 0.045, 0.010 + px)
    return np.clip(tone * planes(srgb(*spec.mask_colour)), 0.0, 1.0), relief


def _loops(view: View, a: Anatomy, kind: str) -> Array:
    """Distance to the nearest ear loop or head band."""
    best: Array = np.full(view.shape, 9.0, np.float32)
    low = 0.62 + 0.5 * a.drop
    for sign in (-1.0, 1.0):
        if sign * view.rotation[0, 2] < -0.3:
            continue  # that side of the head is turned away
        upper = ((sign * 0.6, 0.44, 0.4), (sign * 0.73, 0.0, 0.0))
        lower = ((sign * 0.57, low, 0.34), (sign * 0.71, 0.34, 0.0))
        if kind == "n95":
            upper = ((sign * 0.53, 0.42, 0.5), (sign * 0.78, -0.25, -0.1))
            lower = ((sign * 0.5, low, 0.45), (sign * 0.66, 0.6, -0.1))
        for start, end in (upper, lower):
            ends = view.to_view([start, end])[:, :2].tolist()
            distance, _ = segment_distance(view.x, view.y, tuple(ends[0]), tuple(ends[1]))
            np.minimum(best, distance, out=best)
    return best
