"""A small U-Net that says where a mask lies on a face and how it is shaded; reads no landmarks."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from augment.generators.mask.style import CODE_SIZE, TYPES
from augment.nets.blocks import DoubleConv, FiLM, global_mean, norm

_CODE = 64


class MaskNet(nn.Module):
    """Face and style -> alpha, colour, place. Fully convolutional; sides must be multiples of
    ``2 ** len(channels)``.

    Every second pixel goes into maps of its own, and alpha comes out of such (W. Shi et al. 2016):
    the convolutions work at half height, at a quarter of the cost, and edges stay at full. Colour
    and place have no edges: half height is all they need. What comes up from below is added to what
    was kept on the way down (A. Chaurasia and E. Culurciello 2017, "LinkNet"), not set beside it,
    which halves the convolutions there.

    Args:
        channels: maps at half, quarter ... height.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.style = nn.Sequential(
            nn.Linear(CODE_SIZE + 6, _CODE), nn.SiLU(), nn.Linear(_CODE, _CODE), nn.SiLU()
        )
        self.enter = _conv(12, channels[0])
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in itertools.pairwise(channels))
        upwards = list(itertools.pairwise(reversed(channels)))
        self.expand = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in upwards)
        self.up = nn.ModuleList(_conv(b, b) for _, b in upwards)
        self.film = nn.ModuleList(FiLM(_CODE, a) for a, _ in upwards)
        self.head = nn.Conv2d(channels[0], 7, 1)

    def forward(self, face: Tensor, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where the mask is, and what it looks like.

        Args:
            face: float (n, 3, h, w) in [-1, 1].
            code: float (n, CODE_SIZE), :meth:`augment.generators.mask.style.Style.code`.

        Returns:
            Alpha as logits (n, 1, h, w). At half height and width: the colour (n, 3, h/2, w/2) in
            [-1, 1], the style's own times a learnt shade of 0..2, so that colours never trained on
            come out right; and the place on the mask (n, 2, h/2, w/2), around and down, -1.5..1.5.
        """
        style = self.style(torch.cat([code, _light(face)], dim=1))
        x = self.enter(nn.functional.pixel_unshuffle(face, 2))
        kept: list[Tensor] = []
        for block in self.down:
            kept.append(x)
            x = block(nn.functional.max_pool2d(x, 2))
        for film, expand, block in zip(self.film, self.expand, self.up, strict=True):
            above = nn.functional.interpolate(expand(film(x, style)), scale_factor=2.0)
            x = block(above + kept.pop())
        out = self.head(x).float()
        base = (code[:, len(TYPES) : len(TYPES) + 3, None, None] + 1) / 2
        colour = (base * (2 * torch.sigmoid(out[:, 4:5]))).clamp(0, 1) * 2 - 1
        logits = nn.functional.pixel_shuffle(out[:, :4], 2)
        return logits, colour, 1.5 * torch.tanh(out[:, 5:])


def _light(face: Tensor) -> Tensor:
    """Mean colour of a face and of its brighter parts, (n, 6) in 0..1, which the normalised maps
    have forgotten: how bright the light is, and of which cast."""
    levels = (face[..., ::4, ::4].float() + 1) / 2
    sixth = global_mean(levels**6).clamp_min(1e-9) ** (1 / 6)
    return torch.cat([global_mean(levels), sixth], dim=1)


def _conv(inside: int, outside: int) -> nn.Sequential:
    layer = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
    return nn.Sequential(layer, norm(outside), nn.SiLU(inplace=True))


def full_size(planes: Tensor) -> Tensor:
    """Planes of half height, as a network gives colour and place, at a face's own."""
    return nn.functional.interpolate(planes, scale_factor=2.0, mode="bilinear")


def compose(alpha: Tensor, colour: Tensor, face: Tensor) -> Tensor:
    """``alpha * colour + (1 - alpha) * face``; alpha in [0, 1], the others in [-1, 1]."""
    return alpha * colour + (1 - alpha) * face
