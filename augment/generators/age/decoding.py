"""Encoder, conditional age network and AdaIN decoder of the decomposing paper and of RAGAN.

Neither gives layer tables; these follow StarGAN v2 (Y. Choi et al., CVPR 2020, appendix), narrower,
on quarter-size pixels: a map's pixel holds four of the picture.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from augment.generators.age.decomposition import Age, AgeHead, AgeNetwork, Decomposition

_STYLE = 64


class Redrawing(AgeNetwork):
    """Draws the whole face anew from its code and a target group.

    Args:
        channels: maps at half, quarter, eighth ... height.
        groups: how many age groups there are.
        decompose: whether attention takes the age out of the code first; else it is RAGAN's.
    """

    def __init__(self, channels: Sequence[int], groups: int, decompose: bool) -> None:
        super().__init__()
        last, pairs = channels[-1], list(itertools.pairwise(channels))
        self.encoder = nn.Sequential(
            nn.Conv2d(12, channels[0], 3, padding=1),
            *(_Block(a, b, "down") for a, b in pairs),
            _Block(last, last),
        )
        self.split = Decomposition(last) if decompose else None
        self.age = AgeHead(last, groups) if decompose else None
        self.leak = AgeHead(last, groups) if decompose else None
        self.modulator = _Modulator(last, groups)
        self.decoder = nn.ModuleList(
            [_Block(last, last, style=True)]
            + [_Block(b, a, "up", style=True) for a, b in reversed(pairs)]
        )
        self.paint = nn.Sequential(
            nn.InstanceNorm2d(channels[0], affine=True),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels[0], 12, 3, padding=1),
        )

    def forward(
        self, face: Tensor, source: Age, target: Age, points: Tensor | None = None,
        ways: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        return self.decode(self.rest(face), target)

    def rest(self, face: Tensor) -> Tensor:
        """What goes to the decoder."""
        code: Tensor = self.encoder(nn.functional.pixel_unshuffle(face, 2))
        return code if self.split is None else self.split(code)[1]

    def decode(self, rest: Tensor, target: Age) -> Tensor:
        """The code as a face of the target group, (n, 3, h, w)."""
        style, x = self.modulator(rest, target.group), rest
        for block in self.decoder:
            x = block(x, style)
        return nn.functional.pixel_shuffle(self.paint(x).float(), 2)

    def classify(self, face: Tensor) -> tuple[Tensor, Tensor]:
        if self.split is None or self.age is None or self.leak is None:
            return super().classify(face)
        age, rest = self.split(self.encoder(nn.functional.pixel_unshuffle(face, 2)))
        # The paper asks nobody what the rest knows; this head only reads it.
        return self.age(age), self.leak(rest.detach())


class _Modulator(nn.Module):
    """Down-sampling convolutions with conditional batch normalisation -> a style (n, numbers)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(channels, channels, 3, 2, 1) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels, affine=False) for _ in range(2))
        self.tables = nn.ModuleList(nn.Embedding(groups, 2 * channels) for _ in range(2))
        self.style = nn.Linear(channels, _STYLE)

    def forward(self, x: Tensor, group: Tensor) -> Tensor:
        for convolution, norm, table in zip(
            self.convolutions, self.norms, self.tables, strict=True
        ):
            scale, shift = table(group)[:, :, None, None].chunk(2, dim=1)
            x = nn.functional.leaky_relu(norm(convolution(x)) * (1 + scale) + shift, 0.2)
        style: Tensor = self.style(x.mean(dim=(2, 3)))
        return style


class _Block(nn.Module):
    """StarGAN v2's residual block: instance norm, or AdaIN where there is a style."""

    def __init__(self, inside: int, outside: int, move: str = "", style: bool = False) -> None:
        super().__init__()
        self.move = move
        self.first = nn.Conv2d(inside, outside, 3, padding=1)
        self.second = nn.Conv2d(outside, outside, 3, padding=1)
        self.norms = nn.ModuleList(
            nn.InstanceNorm2d(count, affine=not style) for count in (inside, outside)
        )
        self.styles = nn.ModuleList(
            nn.Linear(_STYLE, 2 * count) for count in (inside, outside) if style
        )
        self.shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        y = self._moved(self.first(self._activated(x, 0, style)))
        y = self.second(self._activated(y, 1, style))
        result: Tensor = (self._moved(self.shortcut(x)) + y) / math.sqrt(2)
        return result

    def _activated(self, x: Tensor, place: int, style: Tensor | None) -> Tensor:
        x = self.norms[place](x)
        if style is not None:
            scale, shift = self.styles[place](style)[:, :, None, None].chunk(2, dim=1)
            x = x * (1 + scale) + shift
        return nn.functional.leaky_relu(x, 0.2)

    def _moved(self, x: Tensor) -> Tensor:
        if self.move == "down":
            return nn.functional.avg_pool2d(x, 2)
        if self.move == "up":
            return nn.functional.interpolate(x, scale_factor=2)
        return x


class Gating(AgeNetwork):
    """HRFAE (X. Yao et al., ICPR 2020): the target age multiplies the channels of the code; skips.

    The paper's network at quarter-size pixels: two halvings, residual blocks, two doublings.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        pairs = list(itertools.pairwise([12, *channels]))
        self.down = nn.ModuleList(
            _normalised(a, b, stride=1 if place == 0 else 2) for place, (a, b) in enumerate(pairs)
        )
        self.body = nn.Sequential(*(_Block(channels[-1], channels[-1]) for _ in range(2)))
        self.gate = nn.Linear(YEARS, channels[-1])
        rising = list(itertools.pairwise(reversed(channels)))
        self.up = nn.ModuleList(_normalised(a + b, b) for a, b in rising)
        self.paint = nn.Conv2d(channels[0], 12, 3, padding=1)

    def forward(
        self, face: Tensor, source: Age, target: Age, points: Tensor | None = None,
        ways: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        x, skips = nn.functional.pixel_unshuffle(face, 2), []
        for block in self.down:
            x = block(x)
            skips.append(x)
        year = target.years.round().long().clamp(0, YEARS - 1)
        gate = torch.sigmoid(self.gate(nn.functional.one_hot(year, YEARS).float()))
        x = self.body(skips.pop()) * gate[:, :, None, None]
        for block in self.up:
            x = nn.functional.interpolate(x, scale_factor=2)
            x = block(torch.cat([x, skips.pop()], dim=1))
        return nn.functional.pixel_shuffle(self.paint(x).float(), 2)


YEARS = 101  # one number a year, 0 to 100


def _normalised(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1),
        nn.InstanceNorm2d(outside, affine=True),
        nn.LeakyReLU(0.2),
    )
