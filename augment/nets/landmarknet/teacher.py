"""Faces as a teacher sees them, in the mean of many looks.

One look of a small detector is noisy: YuNet's points move by 6 to 12 % of the distance between the
eyes when a FairFace photo is shrunk a little more, shifted or mirrored. The mean over looks at
random scales, shifts and tilts, half of them mirrored, keeps what is common to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.protocols import Detection, Detector
from augment.types import FloatArray, Image

#: Side of a look's canvas, pixels: what the teacher's ``look_size`` has to be.
SIDE = 160
#: Widths of the main face on the canvas at which YuNet's looks agree best, pixels.
_FACE = (55.0, 105.0)
_SHIFT = 0.1  # share of the canvas
_TILT = 5.0  # degrees, standard deviation
#: Detections of two looks are one face when their centres lie nearer than this, as a share of its
#: side, and their sides differ by less than the factor.
_NEAR, _LIKE = 0.4, 1.6
#: A face that so many of the looks see is one; one that fewer see, but more than _DOUBT, is left
#: out of account: neither face nor surroundings.
_SURE, _DOUBT = 0.6, 0.15
_MIRRORED = [1, 0, 2, 4, 3]  # the order of a mirrored face's points
_GREY = (128, 128, 128)


@dataclass(frozen=True)
class Seen:
    """What many looks say of one face, in pixels of the photo."""

    box: FloatArray  # (4,): x, y, width, height
    points: FloatArray  # (5, 2), in the order of :class:`augment.protocols.Detection`
    score: float  # mean of the looks
    sure: bool


@dataclass(frozen=True)
class _Hit:
    look: int
    box: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    score: float

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        return self.box[:2] + self.box[2:] / 2

    @property
    def side(self) -> float:
        return float(np.sqrt(self.box[2] * self.box[3]))


def look_often(
    photo: Image, teacher: Detector, random: np.random.Generator, looks: int = 16
) -> list[Seen]:
    """The photo's faces, largest first; [] where the first look, at the photo as it is, shows none.

    Args:
        photo: uint8 (height, width, 3), RGB.
        teacher: a detector whose looks have :data:`SIDE` pixels.
        random: of this photo.
        looks: how many, an even number.
    """
    first = teacher.detect(photo)
    if not first:
        return []
    main = max(first, key=lambda face: float(face.box[2] * face.box[3]))
    hits = [
        hit
        for look in range(looks)
        for hit in _look(photo, teacher, _way(photo, main, look % 2 == 1, random), look)
    ]
    return sorted(
        (seen for cluster in _clusters(hits) if (seen := _seen(cluster, looks)) is not None),
        key=lambda seen: -float(seen.box[2] * seen.box[3]),
    )


def _way(
    photo: Image, main: Detection, mirrored: bool, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """(2, 3): photo pixels -> pixels of a canvas that shows the main face at a random size."""
    low, high = np.log(_FACE)
    wanted = float(np.exp(random.uniform(low, high)))
    scale = wanted / max(1.0, float(np.sqrt(main.box[2] * main.box[3])))
    angle = float(np.radians(_TILT * random.standard_normal()))
    shift = random.uniform(-_SHIFT, _SHIFT, 2) * SIDE
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    centre = main.box[:2] + main.box[2:] / 2
    return np.column_stack([linear, SIDE / 2 + shift - linear @ centre])


def _look(photo: Image, teacher: Detector, way: Any, look: int) -> list[_Hit]:
    scale = float(np.sqrt(abs(np.linalg.det(way[:, :2]))))
    if scale < 0.7:  # smoothed first: bilinear sampling would skip pixels
        photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), 0.35 / scale), dtype=np.uint8)
    canvas = cv2.warpAffine(photo, way, (SIDE, SIDE), borderValue=_GREY)
    back = cv2.invertAffineTransform(way)
    order = _MIRRORED if np.linalg.det(way[:, :2]) < 0 else list(range(5))
    hits = []
    for face in teacher.detect(np.asarray(canvas, dtype=np.uint8)):
        points = face.points[order].astype(np.float64) @ back[:, :2].T + back[:, 2]
        centre = back[:, :2] @ (face.box[:2] + face.box[2:] / 2) + back[:, 2]
        sides = face.box[2:].astype(np.float64) / scale
        hits.append(_Hit(look, np.concatenate([centre - sides / 2, sides]), points, face.score))
    return hits


def _clusters(hits: Sequence[_Hit]) -> list[list[_Hit]]:
    """Hits that mean one face, with the most certain ones as seeds; at most one a look."""
    clusters: list[list[_Hit]] = []
    for hit in sorted(hits, key=lambda hit: -hit.score):
        for cluster in clusters:
            seed = cluster[0]
            near = np.linalg.norm(hit.centre - seed.centre) < _NEAR * seed.side
            if near and 1 / _LIKE < hit.side / seed.side < _LIKE:
                if all(other.look != hit.look for other in cluster):
                    cluster.append(hit)
                break
        else:
            clusters.append([hit])
    return clusters


def _seen(cluster: Sequence[_Hit], looks: int) -> Seen | None:
    if len(cluster) < _DOUBT * looks:
        return None
    return Seen(
        np.median([hit.box for hit in cluster], axis=0).astype(np.float32),
        _trimmed_mean(np.array([hit.points for hit in cluster])).astype(np.float32),
        float(np.mean([hit.score for hit in cluster])),
        len(cluster) >= _SURE * looks,
    )


def _trimmed_mean(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Over the first axis, without the lowest and the highest eighth of each coordinate."""
    drop = len(points) // 8
    kept: npt.NDArray[np.float64] = np.sort(points, axis=0)[drop : len(points) - drop].mean(axis=0)
    return kept
