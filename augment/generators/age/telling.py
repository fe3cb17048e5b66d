"""Tells ages by hand-made features, and divides these into what speaks of age and the rest.

From a few thousand faces an encoder learns for minutes what logistic regression on edges, textures
and colours (augment.nets.descriptors) knows after seconds; reports/systems/age.md compares. The
half that speaks of age is where the means of the age groups differ; without it, no linear guess of
the age is better than chance on the faces it was learned from (N. Belrose et al., "LEACE: Perfect
linear concept erasure in closed form", NeurIPS 2023, theorem 3.1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from augment.nets.descriptors import LENGTH, describe
from augment.nets.linear_heads import LinearHeads, fit_heads, products
from augment.types import FloatArray, Image

_PENALTY = 0.25
_MIRRORED_BELOW = 8000  # faces; with more, mirror images teach nothing new
_AGE, _REST = "age", "rest"


@dataclass(frozen=True)
class Telling:
    """Two linear heads. numbers: LENGTH.

    Attributes:
        mean, scale: (numbers,), of the descriptions of the faces that were learned on.
        weights: (groups, numbers), of standardised descriptions.
        biases: (groups,).
        axes: (groups - 1, numbers), orthonormal: the half that speaks of age.
        rest_mean, rest_scale, rest_weights, rest_biases: the same of the other half.
    """

    mean: FloatArray
    scale: FloatArray
    weights: FloatArray
    biases: FloatArray
    axes: FloatArray
    rest_mean: FloatArray
    rest_scale: FloatArray
    rest_weights: FloatArray
    rest_biases: FloatArray

    @classmethod
    def empty(cls, groups: int) -> "Telling":
        """One that has not learned."""

        def numbers(*shape: int) -> FloatArray:
            return np.zeros(shape, np.float32)

        return cls(
            numbers(LENGTH), numbers(LENGTH), numbers(groups, LENGTH), numbers(groups),
            numbers(groups - 1, LENGTH), numbers(LENGTH), numbers(LENGTH),
            numbers(groups, LENGTH), numbers(groups),
        )  # fmt: skip

    @classmethod
    def learnt(
        cls, images: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], names: tuple[str, ...]
    ) -> "Telling":
        """
        Args:
            images: (n, h, w, 3).
            places: (n,), numbers of their age groups; each group has a face.
            names: of the groups.
        """
        if len(images) < _MIRRORED_BELOW:
            images = np.concatenate([images, images[:, :, ::-1]])
            places = np.tile(places, 2)
        described = _described(tqdm(images, "age: describing faces", unit="img"))
        age = fit_heads(described, {_AGE: places}, {_AGE: names}, _PENALTY)
        steps = age.standardised(described)
        means = np.stack([steps[places == place].mean(0) for place in range(len(names))])
        axes = np.linalg.svd(means - means.mean(0), full_matrices=False)[2][: len(names) - 1]
        steps -= (steps @ axes.T) @ axes
        rest = fit_heads(steps, {_REST: places}, {_REST: names}, _PENALTY)
        return cls(
            age.mean, age.scale, age.weights[_AGE], age.biases[_AGE],
            np.ascontiguousarray(axes, dtype=np.float32), rest.mean, rest.scale,
            rest.weights[_REST], rest.biases[_REST],
        )  # fmt: skip

    def tell(self, images: Sequence[Image]) -> tuple[FloatArray, FloatArray]:
        """Logits (n, groups), from the half that speaks of age and from the other one."""
        age = LinearHeads(self.mean, self.scale, {_AGE: self.weights}, {_AGE: self.biases})
        rest = LinearHeads(
            self.rest_mean, self.rest_scale, {_REST: self.rest_weights}, {_REST: self.rest_biases}
        )
        steps = age.standardised(_described(images))
        other = steps - products(products(steps, self.axes), np.ascontiguousarray(self.axes.T))
        return products(steps, self.weights) + self.biases, rest.logits(other)[_REST]


def _described(images: Iterable[Image]) -> FloatArray:
    found = [describe(np.ascontiguousarray(image)) for image in images]
    return np.stack(found) if found else np.zeros((0, LENGTH), np.float32)
