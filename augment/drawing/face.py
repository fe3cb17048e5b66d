"""The head layer: shape, skin and features of one picture, before light."""

import numpy as np
import numpy.typing as npt

from augment.drawing import canvas as cv
from augment.drawing.anatomy import Anatomy
from augment.drawing.beard import paint_beard
from augment.drawing.canvas import Canvas
from augment.drawing.eyes import paint_brows, paint_eyes
from augment.drawing.fields import Array, bump, edge, groove, planes, ramp
from augment.drawing.geometry import Surface, View
from augment.drawing.head import ears, model, nose, skull
from augment.drawing.mouth import paint_mouth
from augment.drawing.palette import Palette
from augment.drawing.skin import paint_folds, paint_skin
from augment.drawing.spec import FaceSpec


def paint_face(spec: FaceSpec, a: Anatomy, colours: Palette, view: View) -> tuple[Canvas, Array]:
    """The painted canvas and the head's coverage (h, w)."""
    surface = Surface(view)
    surface.add(*skull(a))
    without_nose = surface.z.copy()
    surface.add(*nose(a))
    risen = surface.z - without_nose
    shells = Surface(view)
    shells.add(*ears(a))
    depth = np.maximum(surface.z, np.where(shells.distance > -0.03, shells.z, -9.0))
    depth = np.maximum(depth, -3.0).astype(np.float32)
    x, y, z = view.to_head(depth)
    albedo = np.empty((3, *x.shape), np.float32)
    albedo[:] = planes(colours.skin)
    labels = np.full(x.shape, cv.SKIN, np.uint8)
    is_ear = shells.z > surface.z
    labels[is_ear & (x > 0)] = cv.L_EAR
    labels[is_ear & (x <= 0)] = cv.R_EAR
    labels[(risen > 0.03) & (y > -0.02)] = cv.NOSE
    canvas = Canvas(spec, a, colours, view, depth, x, y, z, albedo, labels)
    coverage = edge(np.maximum(surface.distance, shells.distance), view.px * 1.2)
    labels[coverage < 0.5] = cv.BACKGROUND
    canvas.relief += model(a, canvas.side, y) * ramp(z, 0.0, 0.3)
    paint_skin(canvas)
    _ear_detail(canvas, is_ear)
    _nostrils(canvas)
    paint_folds(canvas)
    paint_eyes(canvas)
    paint_brows(canvas)
    paint_mouth(canvas)
    paint_beard(canvas)
    return canvas, coverage


def _ear_detail(c: Canvas, is_ear: npt.NDArray[np.bool_]) -> None:
    if not is_ear.any():
        return
    a = c.anatomy
    radius = np.hypot((c.y - 0.11) * (1.0 / a.ear), (c.z + 0.05) * (1.0 / 0.16))
    bowl: Array = ramp(radius, 0.75, 0.35) * is_ear
    rim: Array = groove(radius - 0.72, 0.16) * is_ear
    everything = (slice(None), slice(None))
    c.relief -= 0.03 * bowl + 0.02 * rim
    c.darken(everything, 0.35 * bowl + 0.22 * rim)


def _nostrils(c: Canvas) -> None:
    a = c.anatomy
    window = c.window(-0.3, 0.3, a.subnasale - 0.3, a.subnasale + 0.12)
    x, y = c.side[window], c.y[window]
    if x.size == 0:
        return
    low = a.subnasale - 0.022
    hole = bump(x, y, (0.45 * a.nose_half, low), (0.36 * a.nose_half, 0.034 + 0.4 * c.px))
    c.darken(window, 0.8 * np.sqrt(hole) * ramp(hole, 0.0, 0.5))
    c.relief[window] -= 0.03 * hole
    wing = groove(
        np.hypot(x - a.nose_half + 0.055, (y - low + 0.035) * 1.05) - 0.062, 0.02 + 0.6 * c.px
    )
    wing = wing * ramp(x, a.nose_half - 0.05, a.nose_half - 0.005)
    c.relief[window] -= 0.012 * wing
    c.darken(window, 0.22 * wing)
    under = bump(x, y, (0.0, a.subnasale + 0.035), (0.8 * a.nose_half, 0.06))
    c.darken(window, 0.2 * under)
