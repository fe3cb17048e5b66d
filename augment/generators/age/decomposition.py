"""Which part of a face's description speaks of its age, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from augment.nets.blocks import global_mean, norm
from augment.nets.data import in_groups
from augment.nets.device import best_device
from augment.types import FloatArray, Image

_CELLS = (1, 2, 3)  # sides of the pooled maps: 14 cells


@dataclass(frozen=True)
class Age:
    """The ages of a batch.

    Attributes:
        years: (n,).
        code: (n, knots), :func:`augment.generators.age.ages.ordinal_code`.
        group: (n,) int64, number of the age group.
    """

    years: Tensor
    code: Tensor
    group: Tensor

    @property
    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.years, self.code, self.group

    def __getitem__(self, places: Any) -> "Age":
        return Age(*(part[places] for part in self.parts))


class AgeNetwork(nn.Module):
    """What every ``arch`` is: ``forward`` makes faces of another age.

    Attributes:
        any_size: whether it takes faces of all sizes.
    """

    any_size = False

    def forward(
        self, face: Tensor, source: Age, target: Age, points: Tensor | None = None,
        ways: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """(n, 3, h, w) in [-1, 1] at one age -> the same at another; may exceed the range.

        ``points``: eyes, nose, corners of the mouth, (n, 5, 2) from -1 to 1 over the side; nan or
        None: not known. Not every network looks at them.

        ``ways``: (n, ways.LENGTH), see there; None: as on average."""
        raise NotImplementedError

    def classify(self, face: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, groups) from the half of the code that speaks of age, and from the other."""
        raise RuntimeError(f"{type(self).__name__} does not tell ages apart")

    def opinions(self, images: Sequence[Image]) -> tuple[FloatArray, FloatArray]:
        """The same of pictures, uint8 (h, w, 3), all of the network's size."""
        found: list[list[FloatArray]] = [[], []]
        with torch.inference_mode():
            for batch, count in in_groups(images, best_device()):
                for half, logits in zip(found, self.classify(batch), strict=True):
                    half.append(logits[:count].float().cpu().numpy())
        return np.concatenate(found[0]), np.concatenate(found[1])


class Decomposition(nn.Module):
    """Attention that splits a map into a part that speaks of age and the rest: MTLFace's
    (Z. Huang, J. Zhang, H. Shan, CVPR 2021, section 3.1), with group normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        cells = sum(side * side for side in _CELLS)
        inner = max(8, channels * cells // 16)
        self.channel = nn.Sequential(
            nn.Linear(channels * cells, inner), nn.ReLU(), nn.Linear(inner, channels)
        )
        self.space = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, c, h, w) -> age part, rest; their sum is ``x``."""
        pooled = [
            (
                nn.functional.adaptive_avg_pool2d(x, side)
                + nn.functional.adaptive_max_pool2d(x, side)
            )
            for side in _CELLS
        ]
        channel = self.channel(torch.cat([part.flatten(1) for part in pooled], dim=1))
        space = self.space(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1))
        gates = torch.sigmoid(channel)[:, :, None, None] + torch.sigmoid(space)
        age = 0.5 * gates * x
        return age, x - age


class AgeHead(nn.Module):
    """(n, c, h, w) -> (n, groups) logits."""

    def __init__(self, channels: int, groups: int, hidden: int = 128) -> None:
        super().__init__()
        self.norm = norm(channels)
        self.body = nn.Sequential(
            nn.Linear(channels, hidden), nn.SiLU(), nn.Dropout(0.2), nn.Linear(hidden, groups)
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.body(global_mean(self.norm(x)))
        return logits.float()
