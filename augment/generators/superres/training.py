"""Teaches a network to enlarge faces by faces that are given: each is the target, its shrunken
copy the input (Jo, Park, about 2020, after A. Shocher et al., "Zero-Shot Super-Resolution", CVPR
2018). No face in high resolution is needed.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from augment.generators.superres.network import (
    FACTOR,
    Enlarger,
    PaperEnlarger,
    PatchCritic,
    shrink,
)
from augment.images import resize
from augment.nets.data import to_tensor
from augment.nets.loop import Fitted, Indices, Learner, build, fit
from augment.nets.losses import charbonnier
from augment.types import Image

if TYPE_CHECKING:
    from augment.generators.superres import Config

#: Targets' sides as shares of the faces', and how often each is drawn (paper: 64, 128 and 256 of
#: 256 pixels; the finest is nearest to the use).
LEVELS = {4: 0.25, 2: 0.25, 1: 0.5}
_BETAS = (0.0, 0.99)  # of Adam where two networks play against each other, as in StarGAN v2
_SMALLEST_TARGET = 16  # pixels; its input has 4
_ROTATIONS = 3
#: Stage -> what it has taught.
Networks = dict[str, Enlarger | PaperEnlarger]
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


class PixelStep:
    """Charbonnier loss of the pixels, and shrink-consistency: shrunken again, the result is the
    input, also at the scale of use, where no target is known."""

    def __init__(self, network: nn.Module, pairs: Pairs, consistency: float) -> None:
        self._network, self._pairs, self._consistency = network, pairs, consistency

    def __call__(self, indices: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        device = next(self._network.parameters()).device
        inputs, targets = self._pairs.draw(indices, random)
        target = to_tensor(targets, device)
        made = self._network(to_tensor(inputs, device))
        return self.losses(made, target, self.given(indices, random))

    def given(self, indices: Indices, random: np.random.Generator) -> Tensor:
        """How far faces at the scale of use, enlarged and shrunken again, are from themselves."""
        device = next(self._network.parameters()).device
        part = indices[: max(1, len(indices) // 4)]  # a quarter suffices: it is an easy lesson
        given = to_tensor(self._pairs.draw_given(part, random), device)
        return (shrink(self._network(given)) - given).abs().mean()

    def losses(self, made: Tensor, target: Tensor, given: Tensor) -> dict[str, Tensor]:
        pixels = charbonnier(made, target)
        shrunken = (shrink(made) - shrink(target)).abs().mean()
        total = pixels + self._consistency * (shrunken + given)
        return {"loss": total, "pixels": pixels, "shrunken": shrunken, "given": given}


class Adversaries:
    """The steps of an enlarger and its critic: LSGAN (X. Mao et al., ICCV 2017) and the critic's
    own features in place of somebody else's network (T.-C. Wang et al., CVPR 2018, equation 4)."""

    def __init__(
        self,
        network: nn.Module,
        critic: PatchCritic,
        pairs: Pairs,
        weights: tuple[float, float, float],
    ) -> None:
        self._network, self._critic, self._pairs = network, critic, pairs
        consistency, self._adversarial, self._perceptual = weights
        self._pixels = PixelStep(network, pairs, consistency)
        self._consistent = consistency > 0
        self._last: tuple[Tensor, Tensor] | None = None

    def learners(self) -> list[Learner]:
        """The two, in the order in which they take turns."""
        return [
            Learner(self._network, self.enlarge, betas=_BETAS),
            Learner(self._critic, self.criticise, "critic", betas=_BETAS),
        ]

    def enlarge(self, indices: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        device = next(self._network.parameters()).device
        inputs, targets = self._pairs.draw(indices, random)
        target = to_tensor(targets, device)
        made = self._network(to_tensor(inputs, device))
        given = torch.zeros((), device=device)
        if self._consistent:
            given = self._pixels.given(indices, random)
        found = self._pixels.losses(made, target, given)
        words, features = self._critic(made)
        with torch.no_grad():
            _, true_features = self._critic(target)
        adversarial = _mean([0.5 * (word - 1).square().mean() for word in words])
        perceptual = _mean(
            [
                (one.float() - other.float()).abs().mean()
                for one, other in zip(features, true_features, strict=True)
            ]
        )
        total = found["loss"] + self._adversarial * adversarial + self._perceptual * perceptual
        self._last = made.detach(), target
        return {**found, "loss": total, "adversarial": adversarial, "perceptual": perceptual}

    def criticise(self, indices: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        """Looks at what the enlarger has just made, in this very step."""
        if self._last is None:
            raise RuntimeError("the enlarger's step comes first")
        made, target = self._last
        real, _ = self._critic(target)
        fake, _ = self._critic(made)
        loss = 0.5 * _mean(
            [
                (one - 1).square().mean() + other.square().mean()
                for one, other in zip(real, fake, strict=True)
            ]
        )
        return {"loss": loss}


def _mean(values: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean()


def new_network(config: "Config") -> Enlarger | PaperEnlarger:
    """The network that the settings describe, with random weights."""
    if config.arch == "paper":
        return PaperEnlarger(config.network.channels)
    return Enlarger(config.network.channels, config.network.blocks)


def teach(
    pairs: Pairs, faces: int, digest: str, config: "Config", seed: int, work: Path
) -> tuple[Networks, Fitted]:
    """Train as the settings say.

    Args:
        pairs: what is learned from.
        faces: how many faces there are.
        digest: of the faces.
        config: the generator's.
        seed: the run's.
        work: checkpoints go there.

    Returns:
        ``pixels`` (first stage: least error) and ``detail`` (second stage: with adversary); of the
        paper's architecture, whose losses act in one stage, ``detail`` alone. And the history.
    """
    shared = config.model_dump(mode="json", exclude={"make", "adversarial", "train"})
    identity = {"faces": digest, "settings": shared}
    network = build(lambda: new_network(config), seed)
    critic = build(lambda: PatchCritic(config.adversarial.critic), seed)
    stage = config.adversarial.model_dump(mode="json")
    if config.arch == "paper":
        steps = Adversaries(network, critic, pairs, (0.0, 1.0, 1.0))  # the paper's weights
        identity = {**identity, "stage": stage}
        fitted = fit(steps.learners(), faces, config.train, seed, work, "superres paper", identity)
        return {"detail": network}, fitted
    first = Learner(network, PixelStep(network, pairs, config.consistency))
    fitted = fit([first], faces, config.train, seed, work, "superres pixels", identity)
    detail = build(lambda: new_network(config), seed)
    detail.load_state_dict(network.state_dict())
    weights = config.consistency, config.adversarial.adversarial, config.adversarial.perceptual
    steps = Adversaries(detail, critic, pairs, weights)
    identity = {**identity, "stage": stage, "first stage": fitted.digest}
    second = fit(
        steps.learners(),
        faces,
        config.adversarial.training(),
        seed,
        work,
        "superres detail",
        identity,
    )
    return {"pixels": network, "detail": detail}, _joined(fitted, second)


def _joined(first: Fitted, second: Fitted) -> Fitted:
    """Both stages as one training."""
    later = [{**row, "images": row["images"] + first.images} for row in second.history]
    return Fitted(
        first.images + second.images,
        first.history + later,
        second.digest,
        first.seconds + second.seconds,
    )
