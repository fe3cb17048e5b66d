"""Our network: bends, shades and recolours a face, and leaves what lies outside as it was."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from augment.generators.age.ages import KNOTS
from augment.generators.age.decomposition import Age, AgeHead, AgeNetwork, Decomposition, reverse
from augment.generators.age.prototypes import SIDE
from augment.nets.blocks import DoubleConv, FiLM

_CODE = 64
_BEND = 0.3  # strongest further shift of a pixel, in halves of the picture's side
_OPEN = 3.0  # so open is the mask at the start


class Editor(AgeNetwork):
    """A U-Net on quarter-size pixels that gives a flow, a change of colours and where it counts.

    From a child to a grown-up a head changes its shape: a flow moves what is there, sharp as it is,
    where a change of colours alone would paint it anew. Sides must be multiples of
    ``2 ** len(channels)``.

    Args:
        channels: maps at half, quarter, eighth ... height.
        groups: how many age groups it tells apart.
    """

    def __init__(self, channels: Sequence[int], groups: int) -> None:
        super().__init__()
        # What age does to the average face, as prototypes.AverageFace says.
        self.register_buffer("middle", torch.zeros(len(KNOTS)))
        self.register_buffer("flows", torch.zeros(len(KNOTS), 2, SIDE, SIDE))
        self.register_buffer("colours", torch.zeros(len(KNOTS), 3, SIDE, SIDE))
        self.middle: Tensor
        self.flows: Tensor
        self.colours: Tensor
        self.code = nn.Sequential(
            nn.Linear(2 * len(KNOTS), _CODE), nn.SiLU(), nn.Linear(_CODE, _CODE), nn.SiLU()
        )
        inside = [24, *channels[:-1]]
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in zip(inside, channels, strict=True))
        self.split = Decomposition(channels[-1])
        self.age = AgeHead(channels[-1], groups)
        self.leak = AgeHead(channels[-1], groups)
        up = list(reversed(channels))
        pairs = list(itertools.pairwise(up))
        self.expand = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(DoubleConv(2 * b, b) for _, b in pairs)
        self.film = nn.ModuleList(FiLM(_CODE, count) for count in up)
        # A pixel of this map holds four of the picture: colour change and mask of each, one flow.
        self.head = nn.Conv2d(channels[0], 18, 3, padding=1)
        with torch.no_grad():  # starts as the change of the average face
            for values in self.head.parameters():
                values.mul_(0.01)

    def forward(self, face: Tensor, source: Age, target: Age) -> Tensor:
        size = face.shape[2]
        flow, colours = self._average_change(size, source, target)
        skips = self._encode(face, bend(face, flow) + colours)
        code = self.code(torch.cat([source.code - 0.5, target.code - source.code], dim=1))
        _, rest = self.split(skips.pop())
        x = self.film[0](rest, code)
        for expand, block, film in zip(self.expand, self.up, self.film[1:], strict=True):
            x = film(block(torch.cat([expand(x), skips.pop()], dim=1)), code)
        out = self.head(x).float()
        change = nn.functional.pixel_shuffle(out[:, :12], 2)
        mask = torch.sigmoid(nn.functional.pixel_shuffle(out[:, 12:16], 2) + _OPEN)
        more = _BEND * torch.tanh(_larger(out[:, 16:], size))
        return bend(face, mask * (flow + more)) + mask * (colours + change)

    def average(self, face: Tensor, source: Age, target: Age) -> Tensor:
        flow, colours = self._average_change(face.shape[2], source, target)
        return bend(face, flow) + colours

    def _average_change(self, size: int, source: Age, target: Age) -> tuple[Tensor, Tensor]:
        """Flow (n, 2, size, size) and change of colours (n, 3, size, size) between two ages."""
        change, shape = target.code - source.code, target.code - self.middle
        with torch.autocast(change.device.type, enabled=False):
            flow = torch.einsum("nk,kcyx->ncyx", change, self.flows)
            colours = torch.einsum("nk,kcyx->ncyx", change, self.colours)
            to_shape = torch.einsum("nk,kcyx->ncyx", shape, self.flows)
        return _larger(flow, size), _larger(bend(colours, to_shape), size)

    def classify(self, face: Tensor) -> tuple[Tensor, Tensor]:
        """As said there; the other half's head teaches that half to know nothing."""
        age, rest = self.split(self._encode(face, face)[-1])
        return self.age(age), self.leak(reverse(rest))

    def _encode(self, face: Tensor, average: Tensor) -> list[Tensor]:
        x = nn.functional.pixel_unshuffle(torch.cat([face, average], dim=1), 2)
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.avg_pool2d(x, 2))
            skips.append(x)
        return skips


def _larger(maps: Tensor, size: int) -> Tensor:
    return nn.functional.interpolate(maps, (size, size), mode="bilinear", align_corners=False)


def bend(face: Tensor, flow: Tensor) -> Tensor:
    """Every pixel taken from elsewhere: ``flow`` (n, 2, h, w) in halves of the side, x and y."""
    count, _, height, width = face.shape
    unit = torch.eye(2, 3, device=face.device)[None].expand(count, 2, 3)
    grid = nn.functional.affine_grid(unit, [count, 1, height, width], align_corners=False)
    return nn.functional.grid_sample(
        face.float(), grid + flow.permute(0, 2, 3, 1),
        mode="bilinear", padding_mode="reflection", align_corners=False,
    )  # fmt: skip
