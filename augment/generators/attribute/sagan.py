"""Teaches the papers' layouts by SaGAN's losses, with MSaGAN's mask loss."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.attribute.collapse import Watch
from augment.generators.attribute.config import Config
from augment.generators.attribute.layouts import LayoutNet, SaganCritic, blend
from augment.generators.attribute.lesson import Batch, Lesson
from augment.generators.attribute.losses import mask_loss, slope_penalty, values_loss
from augment.nets.loop import Indices, Step

#: Steps of the discriminator for each of the editor, on fresh faces each.
TURNS = 3
_OWN, _BACK, _SLOPE = 100.0, 20.0, 10.0


class WatchedCritic(SaganCritic):
    """With the alarm, whose state is kept with its weights."""

    def __init__(self, size: int, attributes: int, width: int) -> None:
        super().__init__(size, attributes, width)
        self.watch = Watch()


class Game:
    """SaGAN's two steps. A batch of the loop holds the faces of all :data:`TURNS`."""

    def __init__(
        self, config: Config, lesson: Lesson, network: LayoutNet, critic: WatchedCritic
    ) -> None:
        self._config, self._lesson = config, lesson
        self._network, self._critic = network, critic

    def criticise(self, turn: int) -> Step:
        """The discriminator's step number ``turn`` (0..TURNS - 1)."""

        def step(indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
            batch, critic = self._lesson.draw(indices[turn::TURNS], random), self._critic
            with torch.no_grad():
                made = self._edited(batch.faces, batch.target)[0]
            score, shown = critic(batch.faces)
            distance = critic.score(made).mean() - score.mean()
            slope = slope_penalty(batch.faces, made, critic)
            values = values_loss(shown, batch.own)
            loss = distance + _SLOPE * slope + values
            return {"loss": loss, "distance": -distance, "slope": slope, "values": values}

        return step

    def edit(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The editor's losses."""
        batch = self._lesson.draw(indices[::TURNS], random)
        made, attention = self._edited(batch.faces, batch.target)
        again, own_attention = self._edited(batch.faces, batch.own)
        back, back_attention = self._edited(made, batch.own)
        self._critic.requires_grad_(False)
        score, shown = self._critic(made)
        self._critic.requires_grad_(True)
        kind, (of_own, of_back) = self._config.mask_loss, self._config.mask_weights
        found = {
            "real": -score.mean(),
            "values": values_loss(shown, batch.target),
            "own": _OWN * nn.functional.l1_loss(again, batch.faces),
            "back": _BACK * nn.functional.l1_loss(back, batch.faces),
            "mask": of_own * mask_loss(kind, batch.guide, own_attention)
            + of_back * mask_loss(kind, batch.guide, back_attention),
        }
        self._look(batch, made, attention)
        return {"loss": torch.stack(list(found.values())).sum(), **found}

    def _edited(self, faces: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        # A value that is not known is asked for as neither.
        image, attention = self._network(faces, torch.nan_to_num(values, 0.5))
        return blend(image, attention, faces), attention

    def _look(self, batch: Batch, made: Tensor, attention: Tensor) -> None:
        rule = self._config.collapse
        self._critic.watch.look(rule, batch.guide, attention.detach(), made.detach() - batch.faces)
