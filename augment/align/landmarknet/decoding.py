"""From the network's maps to faces: boxes, points, and one answer a face."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from augment.align.landmarknet.graph import Layout
from augment.protocols import Detection
from augment.types import FloatArray

#: Two boxes that share more than this (intersection over union) are one face.
_OVERLAP = 0.35
#: Answers whose boxes share more than this with the best one's speak for the very same face, and
#: its box and points are their mean, weighted by score.
_AGREE = 0.6
_CANDIDATES = 500  # cells with the highest scores; more are looked at in no picture


def faces_of(maps: Sequence[FloatArray], layout: Layout, min_score: float) -> list[Detection]:
    """Faces of at least ``min_score``, best first, in pixels of the canvas.

    Args:
        maps: for each stride float32 (1, 15, height, width).
        layout: of the network.
        min_score: 0..1.
    """
    least = float(np.log(min_score / (1.0 - min_score)))
    rows = np.concatenate(
        [
            _rows(level[0], stride, layout.unit * stride, least)
            for level, stride in zip(maps, layout.strides, strict=True)
        ]
    )
    rows = rows[np.argsort(-rows[:, 0], kind="stable")[:_CANDIDATES]]
    faces = []
    while len(rows):
        shared = _overlap(rows[0, 1:5], rows[:, 1:5])
        agreeing = rows[shared >= _AGREE]
        mean = np.average(agreeing[:, 1:], axis=0, weights=agreeing[:, 0]).astype(np.float32)
        low, high = mean[:2], mean[2:4]
        box = np.concatenate([low, high - low])
        faces.append(Detection(box, mean[4:].reshape(5, 2), float(rows[0, 0])))
        rows = rows[shared < _OVERLAP]
    return faces


def _rows(level: FloatArray, stride: int, unit: float, least: float) -> npt.NDArray[np.float64]:
    """(cells, 15): score, box (left, top, right, bottom), five points; pixels of the canvas."""
    y, x = np.nonzero(level[0] >= least)
    answers = level[:, y, x].T.astype(np.float64)
    places = (np.column_stack([x, y]) + 0.5) * stride - 0.5
    centres = places + answers[:, 1:3] * unit
    half = np.exp(np.clip(answers[:, 3:5], -4.0, 4.0)) * unit / 2
    points = np.tile(places, 5) + answers[:, 5:] * unit
    scores = 1.0 / (1.0 + np.exp(-answers[:, :1]))
    return np.concatenate([scores, centres - half, centres + half, points], axis=1)


def _overlap(
    box: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Intersection over union of one box with each of (n, 4): left, top, right, bottom."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    common = np.clip(high - low, 0.0, None).prod(axis=1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    shares: npt.NDArray[np.float64] = common / (_area(box) + area - common)
    return shares


def _area(box: npt.NDArray[np.float64]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))
