"""Teaches the networks of the papers, by their papers' losses."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.age.decoding import Gating, Redrawing
from augment.generators.age.decomposition import AgeHead
from augment.generators.age.lesson import Batch, Lesson
from augment.nets.adversary import (
    BranchCritic,
    PatchCritic,
    as_logits,
    gradient_penalty,
    logistic,
    strided,
    told_by_critic,
    told_by_generator,
)
from augment.nets.loop import Indices
from augment.nets.losses import cross_entropy

_LAZY = 8  # R1 every so many steps (T. Karras et al., StyleGAN2, appendix B)
_EARLY, _EARLY_WEIGHT = 1 / 3, 10.0  # RAGAN: 10 of its 30 epochs lean on the reconstruction
_GUIDE_NOISE = 0.25  # strongest noise that HRFAE's classifier learns with, of levels 0..1


class Critic(BranchCritic):
    """Counts the steps that it has seen, in its weights: a killed training goes on with it."""

    def __init__(self, channels: Sequence[int], classes: int) -> None:
        super().__init__(channels, classes)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.seen: Tensor


class RedrawingGame:
    """The five losses of the decomposing paper; RAGAN's three where nothing is decomposed.

    The weights of the paper are lost. Reconstruction 10, later 1; cycle 1; adversary 1 (RAGAN's);
    age 0.5, perceptual 0.5. The perceptual loss acts on the reconstruction only, as the paper says;
    its features are the critic's.
    """

    def __init__(self, lesson: Lesson, network: Redrawing, critic: Critic, steps: int) -> None:
        self._lesson, self._network, self._critic = lesson, network, critic
        self._early = _EARLY * steps
        self._batch: Batch | None = None
        self._made: Tensor | None = None

    def edit(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        batch, network = self._lesson.draw(indices, random), self._network
        rest = network.rest(batch.faces)
        again, made = network.decode(rest, batch.own), network.decode(rest, batch.target)
        back = network(made, batch.target, batch.own)
        self._batch, self._made = batch, made.detach()
        self._critic.requires_grad_(False)
        score = self._critic(made, batch.target.group)
        found = {
            "own": (again - batch.faces).abs().mean(),
            "back": (back - batch.faces).abs().mean(),
            "real": nn.functional.softplus(-score).mean(),
        }
        if network.split is not None:
            age, leak = network.classify(batch.faces)
            found["age"] = 0.5 * cross_entropy(age, batch.own.group)
            found["leak"] = cross_entropy(leak, batch.own.group)
            found["perceptual"] = 0.5 * self._perceptual(again, batch.faces)
        self._critic.requires_grad_(True)
        weight = _EARLY_WEIGHT if float(self._critic.seen) < self._early else 1.0
        total = torch.stack(list(found.values())).sum() + (weight - 1) * found["own"]
        return {"loss": total, **found, **told_by_generator(score)}

    def _perceptual(self, again: Tensor, faces: Tensor) -> Tensor:
        pairs = zip(self._critic.layers(again), self._critic.layers(faces), strict=True)
        distances = [(one.float() - other.float()).abs().mean() for one, other in pairs]
        return torch.stack(distances).mean()

    def criticise(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        batch, critic = self._batch, self._critic
        assert batch is not None
        assert self._made is not None
        critic.seen += 1
        group = torch.cat([batch.own.group, batch.target.group])
        real, made = critic(torch.cat([batch.faces, self._made]), group).chunk(2)
        loss = logistic(real, made)
        if random.random() < 1 / _LAZY:
            slope = gradient_penalty(batch.faces, lambda x: critic(x, batch.own.group))
            loss = loss + _LAZY * slope
        return {"loss": loss, **told_by_critic(real, made)}


class GuidedCritic(nn.Module):
    """HRFAE's adversary, and the classifier that tells its network which age it shows."""

    def __init__(self, channels: Sequence[int], groups: int) -> None:
        super().__init__()
        self.patches = PatchCritic(channels[:-1])
        self.body = strided(channels)
        self.head = AgeHead(channels[-1], groups)

    def age(self, faces: Tensor) -> Tensor:
        """Logits (n, groups)."""
        logits: Tensor = self.head(self.body(faces))
        return logits


class GatingGame:
    """HRFAE's losses: reconstruction 10, adversary 1 (least squares), age of the output 0.1, R1 10.

    The paper's classifier is a VGG trained before; this one learns beside the network, on real
    faces with noise only.
    """

    def __init__(self, lesson: Lesson, network: Gating, critic: GuidedCritic) -> None:
        self._lesson, self._network, self._critic = lesson, network, critic
        self._batch: Batch | None = None
        self._made: Tensor | None = None

    def edit(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        batch, network, critic = self._lesson.draw(indices, random), self._network, self._critic
        again = network(batch.faces, batch.own, batch.own)
        made = network(batch.faces, batch.own, batch.target)
        self._batch, self._made = batch, made.detach()
        critic.requires_grad_(False)
        words = critic.patches(made)
        found = {
            "own": (again - batch.faces).abs().mean(),
            "real": (words - 1).square().mean(),
            "guide": cross_entropy(critic.age(made), batch.target.group),
        }
        critic.requires_grad_(True)
        total = 10 * found["own"] + found["real"] + 0.1 * found["guide"]
        return {"loss": total, **found, **told_by_generator(as_logits([words]))}

    def criticise(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        batch, critic = self._batch, self._critic
        assert batch is not None
        assert self._made is not None
        real, made = critic.patches(torch.cat([batch.faces, self._made])).chunk(2)
        strength = torch.rand(len(batch.faces), 1, 1, 1, device=made.device) * 2 * _GUIDE_NOISE
        noisy = batch.faces + strength * torch.randn_like(batch.faces)
        age = cross_entropy(critic.age(noisy), batch.own.group)
        loss = (real - 1).square().mean() + made.square().mean() + age
        if random.random() < 1 / _LAZY:
            slope = gradient_penalty(batch.faces, lambda x: critic.patches(x).mean(dim=(2, 3)))
            loss = loss + 10 * _LAZY * slope
        told = told_by_critic(as_logits([real]), as_logits([made]))
        return {"loss": loss, "age": age, **told}
