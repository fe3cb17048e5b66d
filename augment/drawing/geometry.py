"""Heads as smooth unions of ellipsoids, seen by a parallel camera.

The depth of a rotated ellipsoid under a parallel projection is closed form, so a head at any pose
is a handful of additions per ellipsoid instead of a ray march.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.drawing.fields import Array, Field, smooth_max

Matrix = npt.NDArray[np.float64]
Window = tuple[slice, slice]
FAR = -9.0  # depth and distance of nothing
# Beyond this rim near its outline a surface goes on along its tangent, so that unions stay smooth.
_RIM = 0.06


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
    """The camera: view = rotation @ (head - pivot); x (1, w) and y (h, 1) are the pixels' view
    coordinates, `px` the length of a pixel."""

    x: Array
    y: Array
    px: float
    rotation: Matrix
    pivot: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int]:
        return self.y.shape[0], self.x.shape[1]

    def crop(self, window: Window) -> "View":
        """The same camera on a part of its grid."""
        rows, cols = window
        return View(self.x[:, cols], self.y[rows], self.px, self.rotation, self.pivot)

    def to_view(self, points: Field) -> Matrix:
        """Head-frame points (n, 3) to view coordinates (n, 3)."""
        moved = np.asarray(points, np.float64) - np.asarray(self.pivot)
        return moved @ self.rotation.T  # type: ignore[no-any-return]

    def to_head(self, z: Array) -> tuple[Array, Array, Array]:
        """Head-frame coordinates of the surface at depth `z` on this view's grid."""
        r = self.rotation.tolist()
        a, b, c = (
            (r[0][k] * self.x + self.pivot[k]) + r[1][k] * self.y + r[2][k] * z for k in range(3)
        )
        return a, b, c

    def slices(self, left: float, right: float, top: float, bottom: float) -> Window:
        """The part of the grid inside a rectangle of view coordinates."""
        cols = np.searchsorted(self.x[0], (left, right))
        rows = np.searchsorted(self.y[:, 0], (top, bottom))
        return slice(int(rows[0]), int(rows[1])), slice(int(cols[0]), int(cols[1]))

    def around(self, parts: Iterable[Ellipsoid], margin: float) -> Window:
        """The part of the grid that the outlines of `parts` touch, with a margin."""
        boxes = []
        for part in parts:
            shape = _Outline.of(part, self.rotation)
            x, y, _ = self.to_view([part.centre])[0]
            boxes.append(
                (x - shape.reach_x, x + shape.reach_x, y - shape.reach_y, y + shape.reach_y)
            )
        low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
        return self.slices(low[0] - margin, high[1] + margin, low[2] - margin, high[3] + margin)


@dataclass(frozen=True)
class _Outline:
    """A rotated ellipsoid as the parallel camera sees it: an ellipse and a plane of mid depth."""

    qxx: float
    qxy: float
    qyy: float
    slope_x: float
    slope_y: float
    thickness: float

    @staticmethod
    def of(part: Ellipsoid, rotation: Matrix) -> "_Outline":
        turned = rotation
        if part.turn or part.lean:
            turned = rotation @ rotation_matrix(part.turn, part.lean, 0.0)
        axes = turned / np.asarray(part.radii)
        m = (axes @ axes.T).tolist()
        m33 = m[2][2]
        return _Outline(
            m[0][0] - m[0][2] ** 2 / m33,
            m[0][1] - m[0][2] * m[1][2] / m33,
            m[1][1] - m[1][2] ** 2 / m33,
            -m[0][2] / m33,
            -m[1][2] / m33,
            m33**-0.5,
        )

    @property
    def determinant(self) -> float:
        return self.qxx * self.qyy - self.qxy * self.qxy

    @property
    def reach_x(self) -> float:
        return float((self.qyy / self.determinant) ** 0.5)

    @property
    def reach_y(self) -> float:
        return float((self.qxx / self.determinant) ** 0.5)

    def surface(self, dx: Field, dy: Field) -> tuple[Array, Array]:
        """Depth above the centre and outline distance at offsets from the centre."""
        r2 = (self.qxx * dx + (2.0 * self.qxy) * dy) * dx + self.qyy * (dy * dy)
        inside = 1.0 - r2
        height = np.sqrt(np.maximum(inside, _RIM))
        height += np.minimum(inside - _RIM, 0.0) * (0.5 / _RIM**0.5)
        height *= self.thickness
        height += self.slope_x * dx + self.slope_y * dy
        return height, (1.0 - np.sqrt(r2)) * self.determinant**-0.25


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
        self.z: Array = np.full(view.shape, FAR, np.float32)
        self.distance: Array = np.full(view.shape, FAR, np.float32)

    def add(self, *parts: Ellipsoid) -> None:
        """Unite with `parts`, each over its own blend length."""
        for part in parts:
            outline = _Outline.of(part, self.view.rotation)
            x, y, z = (float(v) for v in self.view.to_view([part.centre])[0])
            far_x, far_y = 1.7 * outline.reach_x, 1.7 * outline.reach_y
            window = self.view.slices(x - far_x, x + far_x, y - far_y, y + far_y)
            rows, cols = window
            if rows.stop <= rows.start or cols.stop <= cols.start:
                continue
            height, distance = outline.surface(self.view.x[:, cols] - x, self.view.y[rows] - y)
            height += z
            self.z[window] = smooth_max(self.z[window], height, part.blend)
            self.distance[window] = smooth_max(self.distance[window], distance, 0.35 * part.blend)


def height_at(parts: tuple[Ellipsoid, ...], points: Field) -> Matrix:
    """Head-frame z of the union at frontal positions `points` (n, 2)."""
    spots = np.asarray(points, np.float64)
    z = np.full(len(spots), FAR)
    for part in parts:
        outline = _Outline.of(part, np.eye(3))
        height, _ = outline.surface(spots[:, 0] - part.centre[0], spots[:, 1] - part.centre[1])
        z = smooth_max(z, height + part.centre[2], part.blend).astype(np.float64)
    return z
