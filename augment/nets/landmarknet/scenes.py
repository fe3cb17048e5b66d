"""Training pictures: one face or several on a canvas, at all sizes and tilts, or none at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from augment.nets.landmarknet.disguises import Random, hide_part, wear_mask, weather
from augment.nets.landmarknet.photos import Photos
from augment.nets.landmarknet.surroundings import Surroundings
from augment.types import FloatArray, Image

SIDE = 160  # of a training picture, pixels
MOST = 16  # faces a picture
_MIRRORED = [1, 0, 2, 4, 3]
#: Of all pictures: so many show several photos side by side, and so many no face.
_SEVERAL, _NONE = 0.15, 0.18
#: Of a face's box so much has to be in the picture for a face, and for doubt.
_WHOLE, _PART = 0.6, 0.2
#: Doubtful: a face of fewer pixels.
_LEAST = 9.0


@dataclass
class Scene:
    """A picture in the making: its pixels, and the faces on it so far."""

    picture: Image
    boxes: list[FloatArray] = field(default_factory=list)
    points: list[FloatArray] = field(default_factory=list)
    state: list[int] = field(default_factory=list)

    def add(self, box: FloatArray, points: FloatArray, state: int) -> None:
        if len(self.boxes) < MOST:
            self.boxes.append(box)
            self.points.append(points)
            self.state.append(state)

    def mirror(self) -> None:
        width = self.picture.shape[1]
        self.picture = np.ascontiguousarray(self.picture[:, ::-1])
        for box, points in zip(self.boxes, self.points, strict=True):
            box[0] = width - 1 - box[0] - box[2]
            points[:, 0] = width - 1 - points[:, 0]
            points[:] = points[_MIRRORED]


def compose(
    place: int, photos: Photos, drawn: Photos, around: Surroundings, random: Random
) -> Scene:
    """The training picture that belongs to one photo, or is mainly of it.

    Args:
        place: of the photo among ``photos``.
        photos: with the teacher's faces.
        drawn: drawn faces with exact points.
        around: what has no face.
        random: of this picture.
    """
    scene = Scene(around.behind(SIDE, random))
    kind = random.random()
    if kind < _NONE:
        scene.picture = around.faceless(SIDE, random)
    else:
        windows = _split(random) if kind < _NONE + _SEVERAL else [(0, 0, SIDE, SIDE)]
        for number, window in enumerate(windows):
            if number and random.random() < 0.15:
                _fill(scene, window, around.faceless(SIDE, random))
                continue
            of, which = photos, place if number == 0 else int(random.integers(len(photos.images)))
            if random.random() < 0.12:
                of, which = drawn, int(random.integers(len(drawn.images)))
            _put(scene, window, of, which, random)
    if random.random() < 0.5:
        scene.mirror()
    scene.picture = weather(scene.picture, random)
    return scene


Pictures = npt.NDArray[np.uint8]  # (n, height, width, 3), RGB
Window = tuple[int, int, int, int]  # left, top, right, bottom


def _split(random: Random) -> list[Window]:
    """2 to 9 windows that cover the canvas."""
    columns, rows = ((2, 1), (1, 2), (2, 2), (2, 2), (3, 2), (3, 3))[int(random.integers(6))]
    x = np.round(np.linspace(0, SIDE, columns + 1)).astype(int)
    y = np.round(np.linspace(0, SIDE, rows + 1)).astype(int)
    windows = [
        (int(x[i]), int(y[j]), int(x[i + 1]), int(y[j + 1]))
        for j in range(rows)
        for i in range(columns)
    ]
    order = random.permutation(len(windows))
    return [windows[number] for number in order]


def _fill(scene: Scene, window: Window, picture: Image) -> None:
    left, top, right, bottom = window
    scene.picture[top:bottom, left:right] = picture[: bottom - top, : right - left]


def _put(scene: Scene, window: Window, photos: Photos, which: int, random: Random) -> None:
    """One photo into a window of the canvas, its first face at a random size, tilt and place."""
    photo, state = photos.images[which], photos.state[which]
    boxes, points = photos.boxes[which], photos.points[which]
    disguise = random.random()
    if disguise < 0.3:
        photo = photo.copy()
        for face in np.flatnonzero(state):
            if disguise < 0.17:
                wear_mask(photo, points[face], random)
            else:
                hide_part(photo, boxes[face], points[face], random)
    left, top, right, bottom = window
    corner = np.array([left, top])
    size = (right - left, bottom - top)
    way = _way(boxes[0], size, random)
    behind = scene.picture[top:bottom, left:right]
    scene.picture[top:bottom, left:right] = _laid(photo, way, behind, boxes[0], random)
    scale = float(np.hypot(way[0, 0], way[1, 0]))
    for face in np.flatnonzero(state):
        centre = way[:, :2] @ (boxes[face, :2] + boxes[face, 2:] / 2) + way[:, 2]
        sides = boxes[face, 2:] * scale
        low = centre - sides / 2
        seen = np.minimum(low + sides, size) - np.maximum(low, 0)
        share = float(np.clip(seen, 0, None).prod() / sides.prod())
        if share < _PART:
            continue
        moved = points[face] @ way[:, :2].T + way[:, 2] + corner
        sure = state[face] == 2 and share >= _WHOLE and float(np.sqrt(sides.prod())) >= _LEAST
        box = np.concatenate([low + corner, sides]).astype(np.float32)
        scene.add(box, moved.astype(np.float32), 2 if sure else 1)


def _way(box: FloatArray, size: tuple[int, int], random: Random) -> npt.NDArray[np.float64]:
    """(2, 3): photo pixels -> window pixels."""
    low, high = (0.18, 1.05) if random.random() < 0.92 else (0.1, 0.3)
    wanted = float(np.exp(random.uniform(np.log(low), np.log(high)))) * min(size)
    scale = wanted / float(np.sqrt(box[2] * box[3]))
    tilt = random.normal(0, 12) if random.random() < 0.75 else random.uniform(-45, 45)
    angle = np.radians(tilt)
    # A little wider or narrower, as lenses and careless resizing make faces.
    squeeze = np.exp(random.normal(0, 0.03))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.diag([squeeze, 1 / squeeze])
    room = np.array(size) - 0.7 * wanted
    middle = np.array(size) / 2 - 0.5
    # Half of them near the middle, where faces of data sets lie; the others wherever they fit.
    share = random.uniform(-0.5, 0.5, 2) if random.random() < 0.6 else random.normal(0, 0.06, 2)
    target = middle + share * np.maximum(room, 0.2 * wanted)
    centre = box[:2] + box[2:] / 2
    return np.column_stack([linear, target - linear @ centre])


def _laid(
    photo: Image,
    way: npt.NDArray[np.float64],
    behind: Image,
    box: FloatArray,
    random: Random,
) -> Image:
    """The photo over what is behind it: with its edges, with these drawn out, or the face alone
    fading into what is behind. A face must not be known by the frame around it.
    """
    kind = random.random()
    if kind < 0.45:
        return _warped(photo, way, behind, cv2.BORDER_TRANSPARENT)
    if kind < 0.65:
        return _warped(photo, way, behind, cv2.BORDER_REPLICATE)
    cover = np.zeros(photo.shape[:2], np.float32)
    centre, sides = box[:2] + box[2:] / 2, box[2:] * random.uniform(1.05, 1.4)
    ellipse = (tuple(centre.tolist()), tuple(sides.tolist()), 0.0)
    cv2.ellipse(cover, ellipse, 1.0, -1)
    small = cv2.resize(cover, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), float(box[2]) * random.uniform(0.003, 0.02))
    cover = cv2.resize(small, cover.shape[::-1], interpolation=cv2.INTER_LINEAR)
    share = cv2.warpAffine(cover, way, behind.shape[1::-1])[..., None]
    face = _warped(photo, way, behind, cv2.BORDER_REPLICATE)
    return np.asarray(behind + share * (face.astype(np.float32) - behind), dtype=np.uint8)


def _warped(photo: Image, way: npt.NDArray[np.float64], behind: Image, edges: int) -> Image:
    """The photo on a canvas, shrunk by areas first, as a detector's look does."""
    scale = float(np.hypot(way[0, 0], way[1, 0]))
    if scale < 0.5:
        ratio = max(scale * 1.2, 8 / photo.shape[0])
        inside = (round(photo.shape[1] * ratio), round(photo.shape[0] * ratio))
        real = np.array(inside) / photo.shape[1::-1]
        photo = np.asarray(cv2.resize(photo, inside, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        linear = way[:, :2] / real
        # Coordinates name pixel centres: photo = (shrunk + 0.5) / real - 0.5.
        way = np.column_stack([linear, way[:, 2] + linear @ (0.5 - 0.5 * real)])
    canvas = behind.copy()
    cv2.warpAffine(
        photo, way, canvas.shape[1::-1], dst=canvas, flags=cv2.INTER_LINEAR, borderMode=edges
    )
    return canvas


def batch(
    scenes: Sequence[Scene],
) -> tuple[Pictures, FloatArray, FloatArray, npt.NDArray[np.uint8]]:
    """Pictures (n, side, side, 3), boxes (n, MOST, 4), points (n, MOST, 5, 2), state (n, MOST)."""
    n = len(scenes)
    boxes = np.zeros((n, MOST, 4), np.float32)
    points = np.zeros((n, MOST, 5, 2), np.float32)
    state = np.zeros((n, MOST), np.uint8)
    for number, scene in enumerate(scenes):
        for face in range(len(scene.boxes)):
            boxes[number, face], points[number, face] = scene.boxes[face], scene.points[face]
            state[number, face] = scene.state[face]
    return np.stack([scene.picture for scene in scenes]), boxes, points, state
