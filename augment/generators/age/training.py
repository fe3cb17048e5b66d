"""Teaches our network's encoder to tell ages."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from augment.generators.age.lesson import Lesson
from augment.generators.age.network import Editor
from augment.nets.loop import Indices
from augment.nets.losses import cross_entropy


class Telling:
    """The step of a network that learns to tell ages: cross entropy of both halves of the
    description, on noisy faces."""

    def __init__(self, lesson: Lesson, editor: Editor) -> None:
        self._lesson, self._editor = lesson, editor

    def tell(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        batch = self._lesson.draw(indices, random)
        noise = 0.2 * torch.rand(len(batch.faces), 1, 1, 1, device=batch.faces.device)
        age, rest = self._editor.classify(batch.faces + noise * torch.randn_like(batch.faces))
        found = {
            "age": cross_entropy(age, batch.own.group),
            "leak": cross_entropy(rest, batch.own.group),
        }
        return {"loss": found["age"] + found["leak"], **found}
