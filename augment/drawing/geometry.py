"""Heads as smooth unions of ellipsoids, seen by a parallel camera.

The depth of a rotated ellipsoid under a parallel projection is closed form, so a head at any pose
is a handful of additions per ellipsoid instead of a ray march.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.drawing.fields import Array, Field, smooth_max

Matrix = npt.NDArray[np.float64]
FAR = -9.0  # depth and distance of nothing


@dataclass(frozen=True)
class Ellipsoid:
    """Centre and radii in the head frame; `lean` tips its top backwards and `turn` spins it about
    the vertical axis (degrees); `blend` is the length over which it melts into what is there."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    blend: float = 0.1
    lean: float = 0.0
    turn: float = 0.0


@dataclass(frozen=True)
class View:
    """The camera: view = rotation @ (head - pivot); x (1, n) and y (n, 1) are the pixels' view
    coordinates, `px` the length of a pixel."""

    x: Array
    y: Array
    px: float
    rotation: Matrix
    pivot: tuple[float, float, float]

    def to_view(self, points: Field) -> Matrix:
        """Head-frame points (n, 3) to view coordinates (n, 3)."""
        moved = np.asarray(points, np.float64) - np.asarray(self.pivot)
        return moved @ self.rotation.T  # type: ignore[no-any-return]

    def to_head(self, z: Array) -> tuple[Array, Array, Array]:
        """Head-frame coordinates of the surface at depth `z` on this view's grid."""
        r = [[float(v) for v in row] for row in self.rotation]
        x, y = self.x, self.y
        a, b, c = ((r[0][k] * x + self.pivot[k]) + r[1][k] * y + r[2][k] * z for k in range(3))
        return a, b, c


def rotation_matrix(yaw: float, pitch: float, roll: float) -> Matrix:
    """Rotation of the head in degrees: roll after pitch after yaw, in x right, y down, z near."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_x @ about_y  # type: ignore[no-any-return]


def both_sides(part: Ellipsoid) -> tuple[Ellipsoid, Ellipsoid]:
    """A part and its mirror image."""
    x, y, z = part.centre
    mirrored = Ellipsoid((-x, y, z), part.radii, part.blend, part.lean, -part.turn)
    return part, mirrored


class Surface:
    """Depth map and outline distance (inside > 0) of a growing union of ellipsoids."""

    def __init__(self, view: View):
        self.view = view
        shape = np.broadcast_shapes(view.x.shape, view.y.shape)
        self.z: Array = np.full(shape, FAR, np.float32)
        self.distance: Array = np.full(shape, FAR, np.float32)

    def add(self, *parts: Ellipsoid) -> None:
        for part in parts:
            self._add(part)

    def _add(self, part: Ellipsoid) -> None:
        turn = rotation_matrix(part.turn, part.lean, 0.0)
        axes = self.view.rotation @ turn / np.asarray(part.radii)
        m = axes @ axes.T
        centre = self.view.to_view([part.centre])[0]
        m33 = float(m[2, 2])
        qxx = float(m[0, 0] - m[0, 2] ** 2 / m33)
        qxy = float(m[0, 1] - m[0, 2] * m[1, 2] / m33)
        qyy = float(m[1, 1] - m[1, 2] ** 2 / m33)
        window = self._window(centre, qxx, qxy, qyy)
        if window is None:
            return
        rows, cols = window
        dx = self.view.x[:, cols] - float(centre[0])
        dy = self.view.y[rows] - float(centre[1])
        r2 = (qxx * dx + (2.0 * qxy) * dy) * dx + qyy * (dy * dy)
        inside = 1.0 - r2
        # Beyond a rim near the outline the surface goes on along its tangent: unions stay smooth.
        rim = np.float32(0.04)
        root = np.sqrt(np.maximum(inside, rim))
        tangent = np.minimum(inside - rim, 0.0) * np.float32(0.5 / np.sqrt(rim))
        height = (root + tangent) * (1.0 / float(np.sqrt(m33)))
        z = height + (float(-m[0, 2] / m33) * dx + float(centre[2])) + float(-m[1, 2] / m33) * dy
        radius = (qxx * qyy - qxy * qxy) ** -0.25
        distance = (1.0 - np.sqrt(r2)) * radius
        self.z[window] = smooth_max(self.z[window], z, part.blend)
        self.distance[window] = smooth_max(self.distance[window], distance, part.blend * 0.6)

    def _window(
        self, centre: Matrix, qxx: float, qxy: float, qyy: float
    ) -> tuple[slice, slice] | None:
        """The part of the grid that the ellipsoid can touch (1.7 times its outline)."""
        det = qxx * qyy - qxy * qxy
        reach_x, reach_y = 1.7 * (qyy / det) ** 0.5, 1.7 * (qxx / det) ** 0.5
        x, y = self.view.x[0], self.view.y[:, 0]
        left, right = np.searchsorted(x, [centre[0] - reach_x, centre[0] + reach_x])
        top, bottom = np.searchsorted(y, [centre[1] - reach_y, centre[1] + reach_y])
        if right - left < 1 or bottom - top < 1:
            return None
        return slice(int(top), int(bottom)), slice(int(left), int(right))


def height_at(parts: tuple[Ellipsoid, ...], points: Field) -> Matrix:
    """Head-frame z of the union at frontal positions `points` (n, 2)."""
    out = []
    for x, y in points:
        view = View(
            np.full((1, 1), x, np.float32),
            np.full((1, 1), y, np.float32),
            0.01,
            np.eye(3),
            (0.0, 0.0, 0.0),
        )
        surface = Surface(view)
        surface.add(*parts)
        out.append(float(surface.z[0, 0]))
    return np.asarray(out)
