"""Teaches our network: it starts from what age does to the average face, a critic does the rest."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.age.ages import KNOTS
from augment.generators.age.lesson import Batch, Lesson
from augment.generators.age.network import Editor
from augment.nets.adversary import ConditionalCritic, gradient_penalty, logistic
from augment.nets.augmenting import diff_augment
from augment.nets.loop import Indices
from augment.nets.losses import cross_entropy

_WEIGHTS = {"age": 0.3, "own": 3.0, "kept": 0.3, "prototype": 0.5, "real": 0.3, "back": 1.0}
_OWN = 4  # every fourth face of a batch is asked for its own age
_FAR = 2.5  # bits of the code: from here on another age is a wrong one (about two groups)
_LAZY = 8  # the critic's slope is held down every so many steps (T. Karras et al., StyleGAN2)
_PENALTY = 1.0
_RELAX = 3.0  # bits of the code over which a face may change its looks


class Game:
    """The two steps, which see the same faces; the critic's comes second and reuses what was
    made."""

    def __init__(self, lesson: Lesson, editor: Editor, critic: ConditionalCritic) -> None:
        self._lesson, self._editor, self._critic = lesson, editor, critic
        self._batch: Batch | None = None
        self._made: Tensor | None = None

    def edit(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The editor's losses."""
        batch = self._lesson.draw(indices, random)
        own = torch.arange(len(indices), device=batch.faces.device) % _OWN == 0
        for asked, given in zip(batch.target.parts, batch.own.parts, strict=True):
            asked[own] = given[own]
        made = self._editor(batch.faces, batch.own, batch.target)
        self._batch, self._made = batch, made.detach()
        change = made - batch.faces
        average = self._editor.average(made.shape[2], batch.own, batch.target)
        far = (batch.target.code - batch.own.code).abs().sum(1)
        found = {
            "age": self._age(batch),
            "own": change[own].abs().mean(),
            "kept": (change.abs().mean(dim=(1, 2, 3)) * torch.exp(-far / _RELAX)).mean(),
            "prototype": (_soft(change) - _soft(average)).abs().mean(),
        }
        found["real"] = self._fool(made, batch)
        found["back"] = self._back(made, batch)
        total = sum((_WEIGHTS[name] * value for name, value in found.items()), made.new_zeros(()))
        return {"loss": total, **found}

    def _age(self, batch: Batch) -> Tensor:
        noise = 0.2 * torch.rand(len(batch.faces), 1, 1, 1, device=batch.faces.device)
        age, rest = self._editor.classify(batch.faces + noise * torch.randn_like(batch.faces))
        return cross_entropy(age, batch.own.group) + cross_entropy(rest, batch.own.group)

    def _fool(self, made: Tensor, batch: Batch) -> Tensor:
        self._critic.requires_grad_(False)
        score = self._critic(diff_augment(made), batch.target.code)
        self._critic.requires_grad_(True)
        return nn.functional.softplus(-score).mean()

    def _back(self, made: Tensor, batch: Batch) -> Tensor:
        """A quarter of the faces made young or old and back: it costs as much as the edit."""
        some = slice(1, None, _OWN)
        back = self._editor(made[some], batch.target[some], batch.own[some])
        difference: Tensor = back - batch.faces[some]
        return difference.abs().mean()

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
        loss = logistic(scores, critic.judge(made, batch.target.code))
        misnamed = mismatched.sum() / far.sum().clamp_min(1)
        loss = loss + 0.5 * misnamed
        if random.random() < 1 / _LAZY:
            slope = gradient_penalty(batch.faces, lambda faces: critic(faces, batch.own.code))
            loss = loss + _PENALTY * _LAZY * slope
        return {"loss": loss, "misnamed": misnamed}


def critic(channels: Sequence[int]) -> ConditionalCritic:
    """Our network's adversary, which knows ages by their ordinal code."""
    return ConditionalCritic(channels, len(KNOTS))


def _soft(change: Tensor) -> Tensor:
    """What is left of a change at an eighth of the height."""
    return nn.functional.avg_pool2d(change, 8)
