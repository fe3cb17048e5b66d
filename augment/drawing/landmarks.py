"""Exact landmarks: points of the shape, projected like everything else."""

import numpy as np

from augment.drawing.anatomy import Anatomy
from augment.drawing.eyes import brow_spine, lid_curves
from augment.drawing.fields import Array
from augment.drawing.geometry import Matrix, Surface, View, height_at
from augment.drawing.head import nose, skull
from augment.drawing.mouth import lip_curves
from augment.drawing.spec import FaceSpec


def landmarks(spec: FaceSpec, a: Anatomy, view: View, size: int) -> tuple[Array, Array]:
    """The 5 and the 68 points in pixels of a (size, size) picture; see Drawing for the orders."""
    inner = _inner_points(a)
    jaw = _jaw(a)
    z = height_at(skull(a) + nose(a), inner)
    solid = np.concatenate([jaw, np.column_stack([inner, z])])
    eye_z = float(np.mean(z[19:31]))
    centres = [(sign * a.eye_x, -0.005, eye_z) for sign in (-1.0, 1.0)]
    tip_y = a.subnasale - 0.085
    tip_z = float(height_at(skull(a) + nose(a), [(0.0, tip_y)])[0])
    five = [*centres, (0.0, tip_y, tip_z), solid[48], solid[54]]
    unit = spec.scale / a.face_width * size

    def pixels(points: Matrix) -> Array:
        seen = view.to_view(points)[:, :2] * unit
        spots: Array = (seen + np.asarray(spec.centre) * size - 0.5).astype(np.float32)
        return spots

    return pixels(np.asarray(five)), pixels(solid)


def _inner_points(a: Anatomy) -> Matrix:
    """iBUG points 17..67 as frontal (x, y)."""
    along = np.linspace(0.96, 0.0, 5)
    spine = brow_spine(a, along.astype(np.float32))
    left_brow = [(-(0.135 + 0.395 * t), float(s)) for t, s in zip(along, spine, strict=True)]
    right_brow = [(-x, y) for x, y in reversed(left_brow)]
    tip = a.subnasale - 0.085
    bridge = [(0.0, -0.03 + (tip + 0.03) * k / 3) for k in range(4)]
    half = 0.72 * a.nose_half
    base = [(half * k / 2, a.subnasale - 0.02 + 0.012 * (1 - abs(k) / 2)) for k in range(-2, 3)]
    points = left_brow + right_brow + bridge + base + _eye_points(a) + _mouth_points(a)
    return np.asarray(points, np.float64)


def _eye_points(a: Anatomy) -> list[tuple[float, float]]:
    across = np.array([1.0, 0.36, -0.36, -1.0], np.float32)
    upper, lower = (np.asarray(v, np.float64) for v in lid_curves(a, across))
    x = a.eye_x + across.astype(np.float64) * a.eye_half * 0.98
    ring = [(x[k], upper[k]) for k in range(4)] + [(x[2], lower[2]), (x[1], lower[1])]
    left = [(-float(px), float(py)) for px, py in ring]  # outer, top, top, inner, low, low
    right = [(-left[k][0], left[k][1]) for k in (3, 2, 1, 0, 5, 4)]
    return left + right


def _mouth_points(a: Anatomy) -> list[tuple[float, float]]:
    half = a.mouth_half * 0.97
    outer = np.array([-1, -0.6, -0.22, 0, 0.22, 0.6, 1]) * half
    inner = np.array([-0.86, -0.3, 0, 0.3, 0.86]) * half
    low = np.array([0.6, 0.28, 0, -0.28, -0.6]) * half

    def at(x: Matrix, border: str) -> list[tuple[float, float]]:
        curve = getattr(lip_curves(a, np.abs(x)), border)
        return [(float(px), float(py)) for px, py in zip(x, curve, strict=True)]

    top, bottom = at(outer, "top"), at(low, "bottom")
    return top + bottom + at(inner, "upper_edge") + at(inner[3:0:-1], "lower_edge")


def _jaw(a: Anatomy) -> Matrix:
    """iBUG points 0..16: the frontal outline of the face from ear to ear, as solid points."""
    lowest = a.chin + a.drop
    ys = np.array([0.0, 0.2, 0.4, 0.6, 0.76, 0.88, 0.95, 0.99]) * lowest
    grid_x = np.linspace(0.0, 1.0, 201, dtype=np.float32)[None, :]
    y = ys.astype(np.float32)[:, None]
    surface = Surface(View(grid_x, y, 0.01, np.eye(3), (0.0, 0.0, 0.0)))
    surface.add(*skull(a))
    left = []
    for k, level in enumerate(ys):
        inside = np.flatnonzero(surface.distance[k] > 0)
        edge_x = float(grid_x[0, inside[-1]]) if inside.size else 0.1
        left.append((-0.97 * edge_x, float(level), 0.15 + 0.35 * max(0.0, level / lowest - 0.4)))
    chin = [(0.0, lowest, 0.5 + a.chin_out)]
    return np.asarray(left + chin + [(-x, y_, z) for x, y_, z in reversed(left)])
