"""From a spec to a picture with its true answers."""

from dataclasses import dataclass

import cv2
import numpy as np

from augment.drawing import canvas as cv
from augment.drawing.accessories import paint_glasses
from augment.drawing.anatomy import Anatomy, anatomy
from augment.drawing.background import paint_background
from augment.drawing.body import Body
from augment.drawing.canvas import Canvas, Labels
from augment.drawing.face import paint_face
from augment.drawing.fields import Array, encode_srgb, mix
from augment.drawing.geometry import View, rotation_matrix
from augment.drawing.hair import HairLayer, paint_back_hair, paint_hair
from augment.drawing.landmarks import landmarks
from augment.drawing.masks import MaskLayer, paint_mask
from augment.drawing.palette import palette
from augment.drawing.shading import (
    Light,
    cast_shadow,
    contact,
    normals,
    occlusion,
    resize_map,
    shade_matte,
    shade_skin,
)
from augment.drawing.spec import Drawing, FaceSpec

PIVOT = (0.0, 0.25, 0.3)  # what stays in place when the head turns
_LIGHT_CELLS = 96  # shadows are soft, so they are computed on a small grid of fixed size


@dataclass
class Layers:
    """A picture before noise: `base` (size, size, 3) sRGB 0..255 float32 without mask, the mask's
    `alpha` (size, size) and premultiplied `paint`, all with the spec's blur applied."""

    base: Array
    alpha: Array
    paint: Array
    parsing: Labels


def draw(spec: FaceSpec, size: int = 128) -> Drawing:
    """Draw `spec` as a (size, size) picture; another size is the same picture at that resolution.

    Only the sensor noise is drawn per pixel of the size asked for. Raises ValueError for a size
    outside 32..1024.
    """
    if not 32 <= size <= 1024:
        raise ValueError(f"size must be 32..1024 pixels, not {size}")
    layers = draw_layers(spec, size)
    picture = layers.paint + (1.0 - layers.alpha)[..., None] * layers.base
    if spec.noise > 0:
        rng = np.random.default_rng([0x2015E, spec.person.seed, spec.seed])
        picture += rng.standard_normal(picture.shape, np.float32) * np.float32(spec.noise)
    image = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    five, all_points = landmarks(spec, anatomy(spec), camera(spec, size, 1), size)
    return Drawing(image, five, all_points, layers.parsing, layers.alpha)


def camera(spec: FaceSpec, size: int, supersampling: int) -> View:
    """The head's view on a grid of size * supersampling pixels."""
    return _camera(spec, size * supersampling, spec.yaw, spec.pitch, spec.roll)


def _camera(spec: FaceSpec, cells: int, yaw: float, pitch: float, roll: float) -> View:
    unit = spec.scale / anatomy(spec).face_width
    axis = (np.arange(cells, dtype=np.float64) + 0.5) / cells
    x = ((axis - spec.centre[0]) / unit).astype(np.float32)[None, :]
    y = ((axis - spec.centre[1]) / unit).astype(np.float32)[:, None]
    return View(x, y, 1.0 / (cells * unit), rotation_matrix(yaw, pitch, roll), PIVOT)


def draw_layers(spec: FaceSpec, size: int) -> Layers:
    """Render at a multiple of the size and average down; the mask stays a layer of its own."""
    fold = _supersampling(size)
    view = camera(spec, size, fold)
    scene = _Scene(spec, view, _camera(spec, size * fold, 0.3 * spec.yaw, 0.1 * spec.pitch, 0.0))
    base = encode_srgb(_shrink(scene.picture, size))
    alpha = np.zeros((size, size), np.float32)
    paint = np.zeros((size, size, 3), np.float32)
    if scene.mask is not None:
        alpha = _shrink(scene.mask.alpha, size)
        colour = encode_srgb(scene.mask.colour)
        paint = _shrink(colour * scene.mask.alpha[..., None], size)
    sigma = spec.blur * size
    if sigma > 0.05:
        base, alpha, paint = (cv2.GaussianBlur(p, (0, 0), sigma) for p in (base, alpha, paint))
    return Layers(base, alpha, paint, np.ascontiguousarray(scene.labels[fold // 2 :: fold, fold // 2 :: fold]))


def _supersampling(size: int) -> int:
    if size >= 400:
        return 1
    return 2 if size > 64 else 4


def _shrink(picture: Array, size: int) -> Array:
    if picture.shape[0] == size:
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


class _Scene:
    """Everything in front of the camera, painted back to front in linear light."""

    def __init__(self, spec: FaceSpec, view: View, body_view: View):
        a, colours = anatomy(spec), palette(spec)
        light = Light.from_angles(spec.light_azimuth, spec.light_elevation, spec.light_strength)
        face, face_alpha = paint_face(spec, a, colours, view)
        body = Body(spec, a, body_view, colours.skin)
        hair = paint_hair(spec, a, colours, view, light, face.depth)
        back = paint_back_hair(spec, a, colours, body_view, light)
        shape = face.x.shape
        head_alpha = face_alpha if hair is None else np.maximum(face_alpha, hair.alpha)
        sun, sky = self._light(face, face_alpha, body, hair, light, view.px)
        self.labels: Labels = body.labels
        self.picture = paint_background(spec.background_seed, shape[0])
        if back is not None:
            mix(self.picture, back.colour, back.alpha)
            self.labels[(back.alpha > 0.5) & (self.labels == cv.BACKGROUND)] = cv.HAIR
        self._paint_body(body, light, body_view.px, sun, sky, head_alpha)
        if hair is not None:
            face.darken((slice(None), slice(None)), 0.5 * contact(hair.alpha, view.px, 0.05, 0.05))
        n = normals(face.depth + face.relief, view.px)
        skin = shade_skin(face.albedo, n, sky, sun, face.sheen, light)
        skin += face.glow[..., None]
        mix(self.picture, skin, face_alpha)
        seen = face_alpha > 0.5
        self.labels[seen] = face.labels[seen]
        if hair is not None:
            tone = hair.colour * (0.35 + 0.65 * sky * (0.5 + 0.5 * sun))[..., None]
            mix(self.picture, tone, hair.alpha)
            self.labels[hair.alpha > 0.5] = cv.HAIR
        if spec.glasses:
            paint_glasses(spec, a, view, self.picture, self.labels)
        hidden = hair.alpha if hair is not None else np.zeros(shape, np.float32)
        self.mask: MaskLayer | None = paint_mask(spec, a, view, light, hidden, sun)

    def _paint_body(
        self, body: Body, light: Light, px: float, sun: Array, sky: Array, head: Array
    ) -> None:
        n = normals(body.z + body.relief, px)
        under = contact(head, px, 0.12, 0.12)
        sky = sky * (1.0 - 0.35 * under)
        sun = sun * (1.0 - 0.6 * under)
        colour = shade_skin(body.albedo, n, sky, sun, 0.5 * (1.0 - body.cloth), light)
        cloth = shade_matte(body.albedo, n, sky, sun, light)
        mix(colour, cloth, body.cloth)
        mix(self.picture, colour, body.alpha)

    def _light(
        self,
        face: Canvas,
        face_alpha: Array,
        body: Body,
        hair: HairLayer | None,
        light: Light,
        px: float,
    ) -> tuple[Array, Array]:
        """Key light and sky visibility on the grid."""
        depth = np.where(body.alpha > 0.5, body.z, np.float32(-1.2))
        depth = np.where(face_alpha > 0.5, face.depth + face.relief, depth)
        if hair is not None:
            depth = np.where(hair.alpha > 0.5, np.maximum(hair.z, depth), depth)
        depth = np.maximum(depth, -1.2).astype(np.float32)
        span = px * depth.shape[0]
        small = cv2.resize(depth, (_LIGHT_CELLS, _LIGHT_CELLS), interpolation=cv2.INTER_AREA)
        shape = (depth.shape[0], depth.shape[1])
        sun = resize_map(cast_shadow(small, span, light), shape)
        sky = resize_map(occlusion(small, span), shape)
        return sun, sky


__all__ = ["Anatomy", "Layers", "camera", "draw", "draw_layers"]
