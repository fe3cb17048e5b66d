"""What age does to the average face: the classical start of face ageing, and ours.

D. M. Burt & D. I. Perrett, "Perception of age in adult Caucasian male faces", Proc. R. Soc. B 1995,
bend a face as two group averages differ in shape, and add by what they differ in colour. Here a
linear model of the pixels gives the averages for any year, with all other labels held: a set whose
children are girls must not make girls of everybody. Averages lose wrinkles: texture.py keeps them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch

from augment.generators.age.ages import KNOTS, ordinal_code
from augment.generators.age.texture import strength
from augment.nets.data import to_tensor
from augment.types import FloatArray, Image
from augment.vocabulary import UNKNOWN

#: Pixels a side of the average faces.
SIDE = 64
_RIDGE = 3.0  # in faces: so many faces' worth of doubt about each number
_LABEL = "age_group"
_FACE = (0.62, 0.288, 0.368)  # height of the face's middle, its half axes: shares of the side
_AT_ONCE = 256  # faces
_MIDDLE = 25.0  # the year whose shape all others are compared with
_YEARS = np.array([*np.arange(0.5, 20, 1.5), *np.arange(21, 83, 4)], np.float32)
_SHOWN = 256  # pixels a side at which averages are compared
_SOFT = 8.0  # standard deviation of the blur of a flow, of those pixels


@dataclass(frozen=True)
class AverageFace:
    """What is added when a bit of the ordinal code turns on.

    Attributes:
        middle: (len(KNOTS),) code of the age whose shape ``colours`` are in.
        flows: (len(KNOTS), 2, SIDE, SIDE), x and y: where a pixel is taken from, relative to its
            own place, in halves of the side.
        colours: (len(KNOTS), 3, SIDE, SIDE), levels span 2; nothing on average over the face, since
            age shall not change the tone of anybody's skin.
        details: (len(KNOTS), BANDS, SIDE, SIDE), logarithm of how much stronger detail becomes.
    """

    middle: FloatArray
    flows: FloatArray
    colours: FloatArray
    details: FloatArray


def average_face(
    images: npt.NDArray[np.uint8],
    years: FloatArray,
    labels: Mapping[str, Sequence[str]],
    weights: FloatArray,
) -> AverageFace:
    """Learn shapes from averages of all ages, and colours from faces bent to one shape.

    Args:
        images: (n, SIDE, SIDE, 3); each counts mirrored, too.
        years: (n,).
        labels: column -> each face's word; age_group is not looked at.
        weights: (n,), how much each face counts.
    """
    seen = _YEARS[(years.min() <= _YEARS) & (years.max() >= _YEARS)]
    grid = seen if len(seen) > 1 else np.array([years.min(), years.max()], np.float32)
    middle = int(np.abs(grid - _MIDDLE).argmin())
    codes = ordinal_code(grid) - ordinal_code(grid[middle])
    averages = _mean(images, weights) + np.tensordot(
        ordinal_code(grid) - _mean(ordinal_code(years), weights),
        average_change(images, years, labels, weights),
        axes=1,
    )
    shifts = _shifts(averages, middle)
    doubt = 0.1 * np.eye(len(KNOTS), dtype=np.float32)
    flows = np.linalg.solve(codes.T @ codes + doubt, codes.T @ shifts.reshape(len(grid), -1))
    back = ordinal_code(grid[middle]) - ordinal_code(years)
    ways = (back @ flows).reshape(-1, SIDE, SIDE, 2)
    bent = np.stack([_bent(image, way) for image, way in zip(images, ways, strict=True)])
    colours = average_change(bent, years, labels, weights)
    colours = _toneless(colours)
    details = regression(_strengths(images), years, labels, weights)
    return AverageFace(
        ordinal_code(grid[middle]),
        _planes(flows.astype(np.float32).reshape(-1, SIDE, SIDE, 2) / (SIDE / 2)),
        _planes(colours),
        _planes(details),
    )


def average_change(
    images: npt.NDArray[np.uint8],
    years: FloatArray,
    labels: Mapping[str, Sequence[str]],
    weights: FloatArray,
) -> FloatArray:
    """As :func:`regression`, of pixels (levels span 2) of (n, SIDE, SIDE, 3)."""
    return regression(_mirrored(images), years, labels, weights)


def regression(
    maps: FloatArray,
    years: FloatArray,
    labels: Mapping[str, Sequence[str]],
    weights: FloatArray,
) -> FloatArray:
    """Ridge regression of maps (n, side, side, c) on age and all other labels.

    Returns:
        (len(KNOTS), side, side, c): by how much each number changes, on average, when a bit of the
        ordinal code turns on.
    """
    others = [_one_hot(words) for name, words in labels.items() if name != _LABEL]
    inputs = np.concatenate([ordinal_code(years), *others], axis=1)
    shares = (weights / weights.mean()).astype(np.float32)[:, None]
    inputs = inputs - _mean(inputs, weights)
    flat = maps.reshape(len(maps), -1)
    outputs = flat - _mean(flat, weights)
    doubt = _RIDGE * np.eye(inputs.shape[1], dtype=np.float32)
    weighted = inputs * shares
    slopes = np.linalg.solve(weighted.T @ inputs + doubt, weighted.T @ outputs)
    return np.asarray(slopes[: len(KNOTS)].reshape(-1, *maps.shape[1:]), dtype=np.float32)


def _toneless(colours: FloatArray) -> FloatArray:
    """(k, SIDE, SIDE, 3) without what the face's skin as a whole gets lighter or redder by."""
    inside = _skin().astype(np.float32)
    soft = cv2.GaussianBlur(inside, (0, 0), SIDE / 12)[..., None]
    tone = (colours * soft).sum((1, 2), keepdims=True) / np.square(soft).sum()
    return np.asarray(colours - tone * soft, dtype=np.float32)


def _skin() -> npt.NDArray[np.bool_]:
    """(SIDE, SIDE): the ellipse where crops have the face."""
    height, across, along = _FACE
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    inside: npt.NDArray[np.bool_] = (
        np.square((columns - 0.5) / across) + np.square((rows - height) / along) <= 1
    )
    return inside


def _strengths(images: npt.NDArray[np.uint8]) -> FloatArray:
    """Of detail, as texture.py measures it: (n, SIDE, SIDE, BANDS), mirror images as well."""
    found = []
    with torch.no_grad():
        for start in range(0, len(images), _AT_ONCE):
            maps = strength(to_tensor(images[start : start + _AT_ONCE]))
            found.append(((maps + maps.flip(3)) / 2).permute(0, 2, 3, 1).numpy())
    return np.concatenate(found)


def _mean(values: npt.NDArray[np.generic], weights: FloatArray) -> FloatArray:
    """Of faces, which come first; pictures become levels that span 2, mirrored as well."""
    if values.dtype == np.uint8:
        values = _mirrored(np.asarray(values, dtype=np.uint8))
    shares = (weights / weights.sum()).astype(np.float32)
    return np.asarray(np.tensordot(shares, values, axes=1), dtype=np.float32)


def _mirrored(images: npt.NDArray[np.uint8]) -> FloatArray:
    both = images.astype(np.float32) + images[:, :, ::-1]
    return np.asarray(both / 255.0 - 1.0, dtype=np.float32)


def _one_hot(words: Sequence[str]) -> FloatArray:
    values = sorted(set(words) - {UNKNOWN})
    found = [[word == value for value in values] for word in words]
    return np.array(found, np.float32).reshape(len(words), len(values))


def _shifts(averages: FloatArray, middle: int) -> FloatArray:
    """Where each average's pixels lie in the middle one: (ages, SIDE, SIDE, 2), pixels.

    Summed up from age to age: from one to the next hair turns grey by so little that it is not
    taken for a move. Optical flow: T. Kroeger et al., "Fast optical flow using dense inverse
    search", ECCV 2016.
    """
    seeing = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    seeing.setFinestScale(0)
    grey = [_grey(average) for average in averages]
    found = np.zeros((len(averages), SIDE, SIDE, 2), np.float32)
    for step in (1, -1):
        last = len(averages) if step == 1 else -1
        for place in range(middle + step, last, step):
            flow = seeing.calc(grey[place], grey[place - step], None)
            soft = cv2.GaussianBlur(flow, (0, 0), _SOFT)
            small = cv2.resize(soft, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            found[place] = found[place - step] + small * (SIDE / _SHOWN)
    both = (found + found[:, :, ::-1] * np.array([-1, 1], np.float32)) / 2
    return np.asarray(both, dtype=np.float32)


def _grey(average: FloatArray) -> Image:
    levels = np.clip((average + 1) * 127.5, 0, 255).astype(np.uint8)
    large = cv2.resize(levels, (_SHOWN, _SHOWN), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _bent(image: Image, way: FloatArray) -> Image:
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    x, y = columns + way[..., 0], rows + way[..., 1]
    moved = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, dtype=np.uint8)


def _planes(maps: FloatArray) -> FloatArray:
    return np.ascontiguousarray(maps.transpose(0, 3, 1, 2), dtype=np.float32)
