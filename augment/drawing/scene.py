"""Everything in front of the camera, painted back to front in linear light."""

import cv2
import numpy as np

from augment.drawing import canvas as cv
from augment.drawing.accessories import paint_glasses
from augment.drawing.anatomy import Anatomy, anatomy
from augment.drawing.background import paint_background
from augment.drawing.body import Body, paint_body
from augment.drawing.canvas import Canvas, Labels
from augment.drawing.face import paint_face
from augment.drawing.fields import Array, mix
from augment.drawing.geometry import FAR, View, Window
from augment.drawing.hair import paint_back_hair, paint_hair
from augment.drawing.head import ears, nose, skull
from augment.drawing.layer import Layer
from augment.drawing.masks import paint_mask
from augment.drawing.palette import palette
from augment.drawing.shading import (
    SOFT_CELLS,
    Light,
    cast_shadow,
    contact,
    normals,
    occlusion,
    shade_matte,
    shade_skin,
)
from augment.drawing.spec import FaceSpec

_BEHIND = -1.2  # depth of what is not part of the person


class Scene:
    """`picture` (3, n, n) linear RGB without mask, `labels` (n, n), and the worn `mask` layer."""

    def __init__(self, spec: FaceSpec, view: View, body_view: View):
        a, colours = anatomy(spec), palette(spec)
        self.light = Light.from_angles(
            spec.light_azimuth, spec.light_elevation, spec.light_strength
        )
        window = view.around((*skull(a), *nose(a), *ears(a)), 0.08)
        face, face_alpha = paint_face(spec, a, colours, view.crop(window))
        face_z = _place(view.shape, window, np.where(face_alpha > 0.5, face.depth, FAR), FAR)
        body = paint_body(spec, a, body_view, colours.skin)
        hair = paint_hair(spec, a, colours, view, self.light, face_z)
        back = paint_back_hair(spec, a, colours, body_view, self.light)
        hair_alpha = np.zeros(view.shape, np.float32)
        if hair is not None:
            hair_alpha[hair.window] = hair.alpha
        self.labels: Labels = np.zeros(view.shape, np.uint8)
        self.picture = paint_background(spec.background_seed, view.shape[0])
        sun, sky = self._visibility(view, window, face, face_alpha, body, hair)
        if back is not None:
            self._lay(back, cv.HAIR)
        head = hair_alpha.copy()
        np.maximum(head[window], face_alpha, out=head[window])
        self._lay_body(body, view.px, sun, sky, head)
        self._lay_face(face, face_alpha, window, sun, sky, hair_alpha)
        if hair is not None:
            part = hair.window
            hair.colour *= 0.35 + 0.65 * sky[part] * (0.5 + 0.5 * sun[part])
            self._lay(hair, cv.HAIR)
        if spec.glasses:
            self._lay_glasses(spec, a, view, window, hair_alpha)
        self.mask: Layer | None = paint_mask(spec, a, view, self.light, face_z, hair_alpha, sun)

    def _lay(self, layer: Layer, label: int) -> None:
        mix(self.picture[:, *layer.window], layer.colour, layer.alpha)
        self.labels[layer.window][layer.alpha > 0.5] = label

    def _lay_body(self, body: Body, px: float, sun: Array, sky: Array, head: Array) -> None:
        n = normals(body.z + body.relief, px)
        under = contact(head, px, 0.12, 0.12)[body.window]
        sky = sky[body.window] * (1.0 - 0.4 * under)
        sun = sun[body.window] * (1.0 - 0.6 * under)
        colour = shade_skin(body.albedo, n, sky, sun, 0.5 * (1.0 - body.cloth), self.light)
        mix(colour, shade_matte(body.albedo, n, sky, sun, self.light), body.cloth)
        mix(self.picture[:, *body.window], colour, body.alpha)
        part, seen = self.labels[body.window], body.alpha > 0.5
        part[seen] = np.where(body.cloth > 0.5, cv.CLOTH, cv.NECK)[seen]

    def _lay_face(
        self, face: Canvas, alpha: Array, window: Window, sun: Array, sky: Array, hair: Array
    ) -> None:
        everything = (slice(None), slice(None))
        face.darken(everything, 0.5 * contact(hair, face.px, 0.05, 0.05)[window])
        n = normals(face.depth + face.relief, face.px)
        skin = shade_skin(face.albedo, n, sky[window], sun[window], face.sheen, self.light)
        skin += face.glow
        mix(self.picture[:, *window], skin, alpha)
        part, seen = self.labels[window], alpha > 0.5
        part[seen] = face.labels[seen]

    def _lay_glasses(
        self, spec: FaceSpec, a: Anatomy, view: View, window: Window, hair: Array
    ) -> None:
        part = self.picture[:, *window]
        paint_glasses(spec, a, view.crop(window), part, self.labels[window], hair[window])

    def _visibility(
        self,
        view: View,
        window: Window,
        face: Canvas,
        face_alpha: Array,
        body: Body,
        hair: Layer | None,
    ) -> tuple[Array, Array]:
        """How much of the key light and of the sky each pixel sees."""
        depth = np.full(view.shape, _BEHIND, np.float32)
        _raise(depth, body.window, body.alpha, body.z)
        _raise(depth, window, face_alpha, face.depth + face.relief)
        if hair is not None:
            _raise(depth, hair.window, hair.alpha, np.maximum(hair.z, depth[hair.window]))
        cells = (SOFT_CELLS, SOFT_CELLS)
        small = cv2.resize(depth, cells, interpolation=cv2.INTER_AREA)
        span = view.px * view.shape[0]
        sun, sky = cast_shadow(small, span, self.light), occlusion(small, span)
        size = (view.shape[1], view.shape[0])
        return (
            cv2.resize(sun, size, interpolation=cv2.INTER_LINEAR),
            cv2.resize(sky, size, interpolation=cv2.INTER_LINEAR),
        )


def _place(shape: tuple[int, int], window: Window, part: Array, empty: float) -> Array:
    full: Array = np.full(shape, empty, np.float32)
    full[window] = part
    return full


def _raise(depth: Array, window: Window, alpha: Array, z: Array) -> None:
    seen = alpha > 0.5
    depth[window][seen] = np.maximum(z, _BEHIND)[seen]
