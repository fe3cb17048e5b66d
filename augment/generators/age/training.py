"""Teaches our network to tell ages, and, where it shall, to correct what age does to the average
face."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.age.ages import KNOTS
from augment.generators.age.lesson import Batch, Lesson
from augment.generators.age.network import Corrected, Editor
from augment.nets.adversary import (
    ConditionalCritic,
    gradient_penalty,
    logistic,
    told_by_critic,
    told_by_generator,
)
from augment.nets.augmenting import diff_augment
from augment.nets.loop import Indices
from augment.nets.losses import cross_entropy, gradient_l1

_WEIGHTS = {"age": 0.6, "learnt": 2.0, "edges": 2.0, "kept": 0.3, "real": 0.3}
_FAR = 2.5  # bits of the code: from here on another age is a wrong one (about two groups)
_LAZY = 8  # the critic's slope is held down every so many steps (T. Karras et al., StyleGAN2)
_PENALTY = 0.2
_RELAX = 3.0  # bits of the code over which the correction may grow


class Telling:
    """The step of a network that only learns to tell ages."""

    def __init__(self, lesson: Lesson, editor: Editor) -> None:
        self._lesson, self._editor = lesson, editor

    def tell(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        loss = age_loss(self._editor, self._lesson.draw(indices, random))
        return {"loss": loss, "age": loss}


def age_loss(editor: Editor, batch: Batch) -> Tensor:
    """Cross entropy of both halves of the description, on noisy faces."""
    noise = 0.2 * torch.rand(len(batch.faces), 1, 1, 1, device=batch.faces.device)
    age, rest = editor.classify(batch.faces + noise * torch.randn_like(batch.faces))
    return cross_entropy(age, batch.own.group) + cross_entropy(rest, batch.own.group)


class Game:
    """The two steps of a correction, which see the same faces; the critic's comes second and reuses
    what was made."""

    def __init__(self, lesson: Lesson, editor: Corrected, critic: ConditionalCritic) -> None:
        self._lesson, self._editor, self._critic = lesson, editor, critic
        self._batch: Batch | None = None
        self._made: Tensor | None = None

    def edit(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The editor's losses."""
        batch = self._lesson.draw(indices, random)
        made = self._editor(batch.faces, batch.own, batch.target)
        self._batch, self._made = batch, made.detach()
        change = (made - self._average(batch)).abs().mean(dim=(1, 2, 3))
        far = (batch.target.code - batch.own.code).abs().sum(1)
        age = age_loss(self._editor, batch)
        score = self._words(made, batch)
        found = {
            "age": age,
            "kept": (change * torch.exp(-far / _RELAX)).mean(),
            "real": nn.functional.softplus(-score).mean(),
            **self._learnt(batch),
        }
        total = sum((_WEIGHTS[name] * value for name, value in found.items()), made.new_zeros(()))
        return {"loss": total, **found, **told_by_generator(score)}

    def _learnt(self, batch: Batch) -> dict[str, Tensor]:
        """Real faces, made older or younger as the average face is: the editor learns to undo it.

        What it shall make is a real face of the age that is asked for, so nothing can be won by
        changing nothing (R. Sennrich et al., "Improving neural machine translation with monolingual
        data", ACL 2016, where sentences are translated back)."""
        again = self._editor(self._average(batch), batch.target, batch.own)
        everywhere = again.new_ones(len(again), 1, *again.shape[2:])
        return {
            "learnt": (again - batch.faces).abs().mean(),
            "edges": gradient_l1(again, batch.faces, everywhere),
        }

    @torch.no_grad()
    def _average(self, batch: Batch) -> Tensor:
        return self._editor.average(batch.faces, batch.own, batch.target).clamp(-1, 1)

    def _words(self, made: Tensor, batch: Batch) -> Tensor:
        self._critic.requires_grad_(False)
        score: Tensor = self._critic(diff_augment(made), batch.target.code)
        self._critic.requires_grad_(True)
        return score

    def criticise(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The critic's losses: real faces, made ones, and real ones that are called another age (S.
        Reed et al., "Generative adversarial text to image synthesis", ICML 2016, algorithm 1)."""
        batch, critic = self._batch, self._critic
        assert batch is not None
        assert self._made is not None
        faces = diff_augment(torch.cat([batch.faces, self._made]))
        real, made = critic.describe(faces).chunk(2)
        order = torch.randperm(len(real), device=real.device)
        wrong = batch.own.code[order]
        far = (wrong - batch.own.code).abs().sum(1) > _FAR
        scores = critic.judge(real, batch.own.code)
        mismatched = nn.functional.softplus(critic.judge(real, wrong)) * far
        of_made = critic.judge(made, batch.target.code)
        loss = logistic(scores, of_made)
        misnamed = mismatched.sum() / far.sum().clamp_min(1)
        loss = loss + 0.5 * misnamed
        if random.random() < 1 / _LAZY:
            slope = gradient_penalty(batch.faces, lambda faces: critic(faces, batch.own.code))
            loss = loss + _PENALTY * _LAZY * slope
        return {"loss": loss, "misnamed": misnamed, **told_by_critic(scores, of_made)}


def critic(channels: Sequence[int]) -> ConditionalCritic:
    """Our network's adversary, which knows ages by their ordinal code."""
    return ConditionalCritic(channels, len(KNOTS))
