"""A small U-Net that says where a mask lies on a face and how it is shaded; reads no landmarks."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from augment.generators.mask.style import CODE_SIZE, TYPES
from augment.nets.blocks import DoubleConv, FiLM

_CODE = 64


class MaskNet(nn.Module):
    """Face and style -> alpha, colour, place. Fully convolutional; sides must be multiples of
    ``2 ** len(channels)``.

    Every second pixel goes into maps of its own, and comes out of such (W. Shi et al. 2016): the
    convolutions work at half height, at a quarter of the cost, and edges stay at full.

    Args:
        channels: maps at half, quarter ... height.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.style = nn.Sequential(nn.Linear(CODE_SIZE, _CODE), nn.SiLU(), nn.Linear(_CODE, _CODE))
        inside = [12, *channels[:-1]]
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in zip(inside, channels, strict=True))
        up = list(reversed(channels))
        pairs = list(itertools.pairwise(up))
        self.expand = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(DoubleConv(2 * b, b) for _, b in pairs)
        self.film = nn.ModuleList(FiLM(_CODE, count) for count in up)
        self.head = nn.Conv2d(channels[0], 24, 1)

    def forward(self, face: Tensor, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where the mask is, and what it looks like.

        Args:
            face: float (n, 3, h, w) in [-1, 1].
            code: float (n, CODE_SIZE), :meth:`augment.generators.mask.style.Style.code`.

        Returns:
            Alpha as logits (n, 1, h, w); colour (n, 3, h, w) in [-1, 1]: the style's own colour
            times a learnt shade of 0..2, so that colours never trained on come out right; and the
            place on the mask (n, 2, h, w), around and down, -1.5..1.5.
        """
        style = self.style(code)
        skips: list[Tensor] = []
        x = nn.functional.pixel_unshuffle(face, 2)
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.max_pool2d(x, 2))
            skips.append(x)
        x = self.film[0](skips.pop(), style)
        for expand, block, film in zip(self.expand, self.up, self.film[1:], strict=True):
            x = film(block(torch.cat([expand(x), skips.pop()], dim=1)), style)
        out = nn.functional.pixel_shuffle(self.head(x).float(), 2)
        base = (code[:, len(TYPES) : len(TYPES) + 3, None, None] + 1) / 2
        shade = 2 * torch.sigmoid(out[:, 1:4])
        return out[:, :1], (base * shade).clamp(0, 1) * 2 - 1, 1.5 * torch.tanh(out[:, 4:])


def compose(alpha: Tensor, colour: Tensor, face: Tensor) -> Tensor:
    """``alpha * colour + (1 - alpha) * face``; alpha in [0, 1], the others in [-1, 1]."""
    return alpha * colour + (1 - alpha) * face
