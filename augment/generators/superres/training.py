"""Teaches a network to enlarge faces by faces that are given: each is the target, its shrunken
copy the input (Jo, Park, about 2020, after A. Shocher et al., "Zero-Shot Super-Resolution", CVPR
2018). No face in high resolution is needed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.superres.network import (
    FACTOR,
    Enlarger,
    PaperEnlarger,
    PatchCritic,
    bicubic,
    shrink,
)
from augment.generators.superres.pairs import Pairs
from augment.nets.adversary import as_logits, told_by_critic, told_by_generator
from augment.nets.data import to_tensor
from augment.nets.loop import Fitted, Indices, Learner, build, fit
from augment.nets.losses import charbonnier

if TYPE_CHECKING:
    from augment.generators.superres import Config

_CELLS = 8  # of four pixels, a side: over so many a pattern is measured
_GRID = 2.0  # weight of such patterns beside the pixels' 1
_BETAS = (0.0, 0.99)  # of Adam where two networks play against each other, as in StarGAN v2
#: Stage -> what it has taught.
Networks = dict[str, Enlarger | PaperEnlarger]


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

    def given(self, indices: Indices, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Of faces at the scale of use, enlarged: how far they are, shrunken again, from
        themselves; and the pattern on them."""
        device = next(self._network.parameters()).device
        part = indices[: max(1, len(indices) // 4)]  # a quarter suffices: it is an easy lesson
        given = to_tensor(self._pairs.draw_given(part, random), device)
        made = self._network(given)
        return (shrink(made) - given).abs().mean(), grid(made - bicubic(given))

    def losses(
        self, made: Tensor, target: Tensor, given: tuple[Tensor, Tensor] | None
    ) -> dict[str, Tensor]:
        found = {
            "pixels": charbonnier(made, target),
            "shrunken": (shrink(made) - shrink(target)).abs().mean(),
            "grid": grid(made - target),
        }
        total = found["pixels"]
        if given is not None:
            found["given"], found["given_grid"] = given
            total = (
                total
                + self._consistency * (found["shrunken"] + found["given"])
                + _GRID * (found["grid"] + found["given_grid"])
            )
        return {"loss": total, **found}


def grid(detail: Tensor) -> Tensor:
    """How strong a pattern that comes again every four pixels is: sub-pixel convolution weaves one
    where an adversary asks for texture (A. Odena et al., "Deconvolution and Checkerboard
    Artifacts", Distill 2016). The mean of each of the 16 places of a cell, over 8 x 8 cells: true
    texture comes to nearly 0 there.

    Args:
        detail: (n, 3, 4 h, 4 w), the result less what it should be, or less what is smooth.
    """
    places = nn.functional.pixel_unshuffle(detail.float(), FACTOR)
    window = min(_CELLS, *places.shape[2:])
    return nn.functional.avg_pool2d(places, window).abs().mean()


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
        given = self._pixels.given(indices, random) if self._consistent else None
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
        told = told_by_generator(as_logits(words))
        found |= {"adversarial": adversarial, "perceptual": perceptual, **told}
        return {**found, "loss": total}

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
        return {"loss": loss, **told_by_critic(as_logits(real), as_logits(fake))}


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
        second.health,
    )
