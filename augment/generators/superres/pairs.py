"""Pairs to learn from: a face that is given is the target, its shrunken copy the input."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.generators.superres.network import FACTOR
from augment.images import resize
from augment.nets.loop import Indices
from augment.types import Image

#: Targets' sides as shares of the faces', and how often each is drawn (paper: 64, 128 and 256 of
#: 256 pixels; the finest is nearest to the use).
LEVELS = {4: 0.25, 2: 0.25, 1: 0.5}
_SMALLEST_TARGET = 16  # pixels; its input has 4
_ROTATIONS = 3
_KINDS = 7  # nothing, three rotations, noise, blur, JPEG: exactly one, each as often


class Pairs:
    """Draws (input, target) pairs of one scale a step.

    Args:
        images: uint8 (n, side, side, 3).
        crop: larger targets are cut to so many pixels a side, at a place drawn for each.
        levels: shares of the side (1, 2, 4: whole, half, quarter) and how often each is drawn.
        degraded: whether inputs are spoiled in one of the ways of :func:`degrade`.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        crop: int,
        levels: Mapping[int, float] = LEVELS,
        degraded: bool = True,
    ) -> None:
        cv2.setNumThreads(1)  # pictures this small lose more to threads than they win
        side = images.shape[1] - images.shape[1] % FACTOR
        sides = {share: side // share - side // share % FACTOR for share in levels}
        fit_in = {share: side for share, side in sides.items() if side >= _SMALLEST_TARGET}
        fit_in = fit_in or {min(sides): max(sides.values())}
        self._targets = [_resized(images, side) for side in fit_in.values()]
        often = np.array([levels[share] for share in fit_in])
        self._shares = often / often.sum()
        self._crop, self._degraded = crop - crop % FACTOR, degraded
        self.given = self._targets[-1]

    def draw(self, places: Indices, random: np.random.Generator) -> tuple[list[Image], list[Image]]:
        """Inputs and targets, four times their size, of the faces at these places."""
        level = int(random.choice(len(self._targets), p=self._shares))
        inputs, targets = [], []
        for place in places:
            target = cut(self._targets[level][place], self._crop, random)
            small = resize(target, len(target) // FACTOR)
            if self._degraded:
                small, target = degrade(small, target, random)
            inputs.append(small)
            targets.append(target)
        return inputs, targets

    def draw_given(self, places: Indices, random: np.random.Generator) -> list[Image]:
        """Pieces of the faces as they are given, as large as the inputs: what the network will be
        used on. What they look like enlarged is not known, but how they look shrunken again."""
        side = min(self._crop, self.given.shape[1]) // FACTOR
        return [cut(self.given[place], side, random) for place in places]


def _resized(images: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    if images.shape[1] == side:
        return images
    return np.stack([resize(image, side) for image in images])


def cut(image: Image, side: int, random: np.random.Generator) -> Image:
    """A piece of ``side`` pixels at a place drawn, mirrored every second time."""
    if len(image) > side:
        top, left = random.integers(0, len(image) - side + 1, size=2)
        image = image[top : top + side, left : left + side]
    return np.ascontiguousarray(image[:, ::-1] if random.random() < 0.5 else image)


def degrade(small: Image, target: Image, random: np.random.Generator) -> tuple[Image, Image]:
    """Exactly one of: nothing, a turn by 90, 180 or 270 degrees (of the target, too), Gaussian
    noise, Gaussian blur, JPEG compression of the input."""
    kind = int(random.integers(_KINDS))
    if kind == 0:
        return small, target
    if kind <= _ROTATIONS:
        return (
            np.ascontiguousarray(np.rot90(small, kind)),
            np.ascontiguousarray(np.rot90(target, kind)),
        )
    spoiler = _spoilers()[kind - _ROTATIONS - 1]
    spoiler.set_random_seed(int(random.integers(2**31)))
    return np.ascontiguousarray(spoiler(image=small)["image"]), target


@cache
def _spoilers() -> tuple[Any, ...]:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else it asks the network for news
    import albumentations as A

    return (
        A.Compose([A.GaussNoise(std_range=(0, 10 / 255), p=1)]),
        A.Compose([A.GaussianBlur(sigma_limit=(0.2, 1.5), blur_limit=0, p=1)]),
        A.Compose([A.ImageCompression(quality_range=(60, 95), p=1)]),
    )
