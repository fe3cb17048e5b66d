"""Part "pairs" of the mask benchmark: made masks beside true ones, pixel by pixel."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from mask_measures import (
    Numbers,
    Region,
    changed_region,
    interval,
    laplacian_variance,
    overlap,
    psnr,
    squared_error,
    ssim_map,
)
from mask_methods import Method, Pictures, points_of
from mask_truth import DRAWN_KIND, PEOPLE, PICTURES, Pairs

from augment.figures import Figure
from augment.types import Image

_FAR = 3  # pixels from a true mask, its loops and its shadow: nothing has to change there


@dataclass(frozen=True)
class _Row:
    """A figure: its name, the columns that it is made of, and how."""

    name: str
    unit: str
    better: Literal["higher", "lower"]
    columns: tuple[int, ...]
    figure: Callable[[Numbers], Numbers]


def _decibels(means: Numbers) -> Numbers:
    return np.array([psnr(float(value)) for value in np.ravel(means)])


def _plain(means: Numbers) -> Numbers:
    return np.ravel(means)


def _ratio(means: Numbers) -> Numbers:
    """Of two columns' means: (resamples, 2) -> (resamples,)."""
    return np.asarray(means[..., 0] / means[..., 1])


#: Columns: squared error whole/inside/outside, SSIM the same, overlap, Laplacian variance made and
#: true inside, made and true outside, share of far pixels that changed, overlap of what changed in
#: the made and in the true picture.
_ROWS = (
    _Row("psnr_whole", "dB", "higher", (0,), _decibels),
    _Row("psnr_inside", "dB", "higher", (1,), _decibels),
    _Row("psnr_outside", "dB", "higher", (2,), _decibels),
    _Row("ssim_whole", "ratio", "higher", (3,), _plain),
    _Row("ssim_inside", "ratio", "higher", (4,), _plain),
    _Row("ssim_outside", "ratio", "higher", (5,), _plain),
    _Row("iou", "ratio", "higher", (6,), _plain),
    _Row("sharpness_inside", "ratio", "higher", (7, 8), _ratio),
    _Row("sharpness_outside", "ratio", "higher", (9, 10), _ratio),
    _Row("changed_outside", "ratio", "lower", (11,), _plain),
    _Row("iou_changed", "ratio", "higher", (12,), _plain),
)


def pair_figures(
    arch: str, method: Method | None, pairs: Pairs, seed: int, only: Collection[str] = ()
) -> Iterator[Figure]:
    """Every row of a method (or ``only`` some) on a set's held-out pictures and people, by type of
    mask. Without a method the true pictures themselves: what a row can be at best."""
    for part in (PICTURES, PEOPLE):
        for kind in dict.fromkeys(pairs.kind.tolist()):
            some = pairs.of((pairs.part == part) & (pairs.kind == kind))
            if len(some.faces):
                group = "all" if kind == DRAWN_KIND else kind
                made = (
                    list(some.targets) if method is None
                    else method(list(some.faces), points_of(some))
                )  # fmt: skip
                for figure in _of_part(arch, made, some, part, group, seed):
                    if not only or figure.name in only:
                        yield figure


def _of_part(
    arch: str, made: Pictures, pairs: Pairs, part: str, group: str, seed: int
) -> Iterator[Figure]:
    there = np.array([image is not None for image in made])
    yield _figure("coverage", arch, pairs, part, group, float(there.mean()), len(there), None)
    if not there.any():
        return
    numbers = np.array([
        _measured(image, pairs, place) for place, image in enumerate(made) if image is not None
    ])  # fmt: skip
    person = pairs.person[there]
    for row in _ROWS:
        columns = numbers[:, row.columns]
        usable = np.isfinite(columns).all(axis=1)
        if not usable.any():
            continue
        columns = columns[usable]
        value = float(row.figure(columns.mean(axis=0, keepdims=True))[0])
        ends = interval(columns, person[usable].tolist(), seed, row.figure)
        yield Figure(
            row.name, arch, pairs.name, round(value, 4), row.unit, row.better, int(usable.sum()),
            split=part, group=group, interval=ends,
        )  # fmt: skip


def _figure(
    name: str, arch: str, pairs: Pairs, part: str, group: str, value: float, n: int,
    ends: tuple[float, float] | None,
) -> Figure:  # fmt: skip
    return Figure(
        name, arch, pairs.name, round(value, 4), "ratio", "higher", n,
        split=part, group=group, interval=ends,
    )  # fmt: skip


def _measured(made: Image, pairs: Pairs, place: int) -> list[float]:
    face, target = pairs.faces[place], pairs.targets[place]
    inside, outside = pairs.inside[place], pairs.outside[place]
    similarity = ssim_map(made, target)
    whole: Region = np.ones_like(inside)
    errors = [squared_error(made, target, region) for region in (whole, inside, outside)]
    similar = [float(similarity[region].mean()) for region in (whole, inside, outside)]
    sharp = [
        laplacian_variance(picture, region)
        for region in (inside, outside)
        for picture in (made, target)
    ]
    changed = changed_region(made, face)
    return [
        *errors, *similar, overlap(changed, inside), *sharp,
        float((made != face).any(axis=2)[_far(outside)].mean()),
        overlap(changed, changed_region(target, face)),
    ]  # fmt: skip


def _far(outside: Region) -> Region:
    side = 2 * _FAR + 1
    square = np.ones((side, side), np.uint8)
    far = cv2.erode(outside.astype(np.uint8), square, borderValue=1) > 0
    return np.asarray(far, dtype=np.bool_)
