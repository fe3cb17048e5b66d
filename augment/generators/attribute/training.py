"""Teaches our network: transplants are undone, edits must convince, attention is held on both
sides."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.attribute.codes import BEYOND
from augment.generators.attribute.collapse import Watch
from augment.generators.attribute.config import Config
from augment.generators.attribute.layouts import blend
from augment.generators.attribute.lesson import WindowBatch, WindowLesson
from augment.generators.attribute.losses import two_sided
from augment.generators.attribute.network import Critic, Editor
from augment.nets.adversary import (
    gradient_penalty,
    logistic,
    told_by_critic,
    told_by_generator,
)
from augment.nets.augmenting import diff_augment
from augment.nets.loop import Indices
from augment.nets.losses import gradient_l1, weighted_l1

_WEIGHTS = {
    "learnt": 3.0, "edges": 2.0, "missing": 0.2, "outside": 0.1,
}  # fmt: skip
# Colours beside the region, which the critic's word would move, too; as often as that word weighs.
_KEPT = 5.0
_OPENING, _OPENING_STEPS = 1.0, 500  # a further weight of what is missing, at first
ALONE = 0.1  # share of the training without the critic's word; it comes in as slowly
_LAZY = 8  # the critic's slope is held down every so many steps (T. Karras et al., StyleGAN2)
_PENALTY = 3.0  # 0.5: colours beside opened mouths that no face has


class WatchedCritic(Critic):
    """With the alarm, whose state is kept with its weights."""

    def __init__(self, channels: Sequence[int], attributes: int, size: int) -> None:
        super().__init__(channels, attributes, size)
        self.watch = Watch()


class Game:
    """The two steps, which see the same faces; the critic's comes second and reuses what was
    made."""

    def __init__(
        self, config: Config, lesson: WindowLesson, editor: Editor, critic: WatchedCritic
    ) -> None:
        self._config, self._lesson, self._editor, self._critic = config, lesson, editor, critic
        self._last: tuple[WindowBatch, Tensor] | None = None

    def edit(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The editor's losses."""
        batch = self._lesson.draw(indices, random)
        codes, place = self._lesson.codes, batch.place
        assert codes is not None
        own = codes.of(batch.faces, batch.area, place)
        turn = batch.change.sum(1)
        wanted = codes.moved(own, place, turn, BEYOND)
        rough = codes.shown(batch.faces, wanted - own, place)
        image, attention = self._editor(batch.faces, batch.change, batch.area, rough)
        made = blend(image, attention, batch.faces)
        self._last = batch, made.detach()
        self._critic.requires_grad_(False)
        score = self._score(diff_augment(made), batch.target, batch.change)
        self._critic.requires_grad_(True)
        start = self._rough(batch, made.detach())
        # The true code teaches what codes mean; the linear edit's, to mend it: every other time.
        begun = codes.of(start, batch.area, place)
        led = codes.moved(begun, place, -turn, BEYOND)
        share = (2 * torch.rand(len(own), 1, device=own.device) - 1).clamp_min(0)
        rough = codes.shown(start, share * own + (1 - share) * led - begun, place)
        image, back_attention = self._editor(start, -batch.change, batch.area, rough)
        again = blend(image, back_attention, start)
        weight = batch.area + 0.05
        both = torch.cat([attention, back_attention])
        guide, near = torch.cat([batch.guide] * 2), torch.cat([batch.near] * 2)
        missing, outside = two_sided(guide, near, both)
        moved = made.detach() - batch.faces
        found = {
            "learnt": weighted_l1(again, batch.faces, weight),
            "edges": gradient_l1(again, batch.faces, weight),
            "real": nn.functional.softplus(-score).mean(),
            "missing": missing,
            "outside": outside,
            "kept": weighted_l1(made, batch.faces, batch.area * (1 - batch.near)),
        }
        watch = self._critic.watch
        opening = _OPENING * max(0.0, 1 - float(watch.steps) / _OPENING_STEPS)
        realism = self._config.realism
        weights = {**_WEIGHTS, "real": realism * self._ramp(), "kept": _KEPT * realism}
        total = sum((weights[name] * value for name, value in found.items()), made.new_zeros(()))
        watch.look(self._config.collapse, batch.guide, attention.detach(), moved)
        return {"loss": total + opening * missing, **found, **told_by_generator(score)}

    def _ramp(self) -> float:
        """0 while the editor learns from transplants alone, then up to 1."""
        train = self._config.train
        share = float(self._critic.watch.steps) * train.batch / train.images
        return min(1.0, max(0.0, (share - ALONE) / ALONE))

    def _rough(self, batch: WindowBatch, made: Tensor) -> Tensor:
        """Pictures with the value asked for, to be led back: the editor's own, where the critic
        sees that value on them, every other time; else transplants."""
        with torch.no_grad():
            _, shown = self._critic(made)
        wanted = torch.nan_to_num(batch.target - 0.5)
        changed = batch.change != 0
        convinced = ((shown * wanted > 0) | ~changed).all(dim=1)
        own = convinced & (torch.rand(len(made), device=made.device) < 0.5)
        return torch.where(own[:, None, None, None], made.clamp(-1, 1), batch.pasted)

    def _score(self, faces: Tensor, values: Tensor, change: Tensor) -> Tensor:
        """Above 0: real, and it shows this value of the attribute that is to change. Of every
        patch, (n, rows, columns)."""
        words, shown = self._critic(faces)
        fits = (shown * torch.nan_to_num(2 * values - 1) * change.abs()).sum(1)
        score: Tensor = words + fits[:, None, None]
        return score

    def criticise(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The critic's losses: real faces, made ones, and real ones said to have the other value
        (S. Reed et al., "Generative adversarial text to image synthesis", ICML 2016, algorithm 1).
        A critic that knows values only from real faces is fooled by colours that no face has."""
        assert self._last is not None
        batch, made = self._last
        change = batch.change
        real, fake = diff_augment(torch.cat([batch.faces, made])).chunk(2)
        right = self._score(real, batch.own, change)
        wrong = self._score(real, batch.target, change)
        misnamed = nn.functional.softplus(wrong).mean()
        of_made = self._score(fake, batch.target, change)
        loss = logistic(right, of_made) + misnamed
        if random.random() < 1 / _LAZY:
            slope = gradient_penalty(
                batch.faces, lambda x: self._score(x, batch.own, change).mean(dim=(1, 2))
            )
            loss = loss + _PENALTY * _LAZY * slope
        return {"loss": loss, "misnamed": misnamed, **told_by_critic(right, of_made)}
