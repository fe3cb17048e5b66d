"""Glasses."""

import numpy as np

from augment.drawing import canvas as cv
from augment.drawing.anatomy import Anatomy
from augment.drawing.canvas import Labels
from augment.drawing.fields import Array, edge, mix, segment_distance, srgb
from augment.drawing.geometry import View
from augment.drawing.spec import FaceSpec

_FRAMES = ((26, 24, 26), (56, 36, 26), (96, 78, 52), (62, 66, 74), (52, 26, 36))


def paint_glasses(
    spec: FaceSpec, a: Anatomy, view: View, picture: Array, labels: Labels, hair: Array
) -> None:
    """Two lenses in a plane before the eyes, a bridge and temples; paints over `picture`
    (3, h, w) and `labels` on the same grid; `hair` (h, w) hides the temples."""
    rng = np.random.default_rng([0x61A5, spec.person.seed])
    colour = srgb(*_FRAMES[int(rng.integers(len(_FRAMES)))])
    thick = float(rng.uniform(0.010, 0.026))
    width, height = 0.225, float(rng.uniform(0.135, 0.185))
    power = float(rng.choice([2.0, 3.0, 5.0]))
    plane = 0.93
    x, y = _plane_coordinates(view, plane)
    side = np.abs(x)
    cx, cy = a.eye_x + 0.015, 0.035
    r = (np.abs((side - cx) / width) ** power + np.abs((y - cy) / height) ** power) ** (1 / power)
    rim = thick - np.abs(r - 1.0) * min(width, height)
    lens = edge((1.0 - r) * height, view.px)
    bridge_distance, _ = segment_distance(
        side, y, (0.0, cy - 0.05), (cx - width + 0.01, cy - 0.035)
    )
    rim = np.maximum(rim, thick - bridge_distance)
    picture *= 1.0 - 0.05 * lens
    glare = lens * edge(0.035 - np.abs(side - cx + 0.6 * (y - cy) - 0.1), 0.05) * 0.05
    picture += glare
    arm = _temples(view, cx + width, cy - 0.03, plane) + 0.8 * thick
    arm_alpha = edge(arm, view.px * 1.2) * (1.0 - 0.9 * hair)
    mix(picture, colour, np.maximum(edge(rim, view.px * 1.2), arm_alpha))
    covered = ((rim > 0) | (lens > 0.5)) & np.isin(labels, (cv.SKIN, cv.NOSE, cv.HAIR))
    labels[covered] = cv.EYE_G


def _plane_coordinates(view: View, plane: float) -> tuple[Array, Array]:
    """Head x and y where each pixel's line of sight meets the head-frame plane z = `plane`."""
    r = view.rotation
    shift = r @ (np.array([0.0, 0.0, plane]) - np.asarray(view.pivot))
    m = np.linalg.inv(r[:2, :2])
    dx, dy = view.x - float(shift[0]), view.y - float(shift[1])
    x = float(m[0, 0]) * dx + float(m[0, 1]) * dy
    y = float(m[1, 0]) * dx + float(m[1, 1]) * dy
    return x.astype(np.float32), y.astype(np.float32)


def _temples(view: View, x: float, y: float, plane: float) -> Array:
    """Signed distance to the side arms that run back to the ears."""
    best: Array = np.full(view.shape, -9.0, np.float32)
    for sign in (-1.0, 1.0):
        ends = view.to_view([(sign * x, y, plane), (sign * 0.78, y + 0.02, 0.1)])
        if abs(float(ends[1, 0])) < abs(float(ends[0, 0])) - 0.02:
            continue  # hidden behind the face
        distance, _ = segment_distance(
            view.x,
            view.y,
            (float(ends[0, 0]), float(ends[0, 1])),
            (float(ends[1, 0]), float(ends[1, 1])),
        )
        best = np.maximum(best, -distance)
    return best
