"""Our network: bends, shades and recolours a face, and leaves what lies outside as it was."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from augment.generators.age.ages import KNOTS
from augment.generators.age.decomposition import Age, AgeHead, AgeNetwork, Decomposition, reverse
from augment.nets.blocks import DoubleConv, FiLM

_CODE = 64
PROTOTYPE = 32  # pixels a side of the average faces: they are soft anyway
_BEND = 0.25  # strongest shift of a pixel, as a share of the picture's side


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
        # What a bit of the ordinal code does to the average face: see prototypes.py.
        self.register_buffer("slopes", torch.zeros(len(KNOTS), 3 * PROTOTYPE**2))
        self.slopes: Tensor
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
        with torch.no_grad():
            self.head.weight *= 0.1  # starts as the change of the average face

    def forward(self, face: Tensor, source: Age, target: Age) -> Tensor:
        average = self.average(face.shape[2], source, target)
        skips = self._encode(face, average)
        code = self.code(torch.cat([source.code - 0.5, target.code - source.code], dim=1))
        _, rest = self.split(skips.pop())
        x = self.film[0](rest, code)
        for expand, block, film in zip(self.expand, self.up, self.film[1:], strict=True):
            x = film(block(torch.cat([expand(x), skips.pop()], dim=1)), code)
        out = self.head(x).float()
        change = nn.functional.pixel_shuffle(out[:, :12], 2)
        mask = torch.sigmoid(nn.functional.pixel_shuffle(out[:, 12:16], 2) + 1.0)  # starts open
        flow = nn.functional.interpolate(
            torch.tanh(out[:, 16:]), scale_factor=2, mode="bilinear", align_corners=False
        )
        return bend(face, 2 * _BEND * mask * flow) + mask * (average + change)

    def average(self, size: int, source: Age, target: Age) -> Tensor:
        """What these years do to the average face: (n, 3, size, size), levels span 2."""
        moved = ((target.code - source.code).float() @ self.slopes).view(
            -1, 3, PROTOTYPE, PROTOTYPE
        )
        return nn.functional.interpolate(moved, (size, size), mode="bilinear", align_corners=False)

    def classify(self, face: Tensor) -> tuple[Tensor, Tensor]:
        """As said there; the other half's head teaches that half to know nothing."""
        age, rest = self.split(self._encode(face, torch.zeros_like(face))[-1])
        return self.age(age), self.leak(reverse(rest))

    def _encode(self, face: Tensor, average: Tensor) -> list[Tensor]:
        x = nn.functional.pixel_unshuffle(torch.cat([face, average], dim=1), 2)
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.avg_pool2d(x, 2))
            skips.append(x)
        return skips


def bend(face: Tensor, flow: Tensor) -> Tensor:
    """Every pixel taken from elsewhere: ``flow`` (n, 2, h, w) in halves of the side, x and y."""
    count, _, height, width = face.shape
    unit = torch.eye(2, 3, device=face.device)[None].expand(count, 2, 3)
    grid = nn.functional.affine_grid(unit, [count, 1, height, width], align_corners=False)
    return nn.functional.grid_sample(
        face.float(), grid + flow.permute(0, 2, 3, 1),
        mode="bilinear", padding_mode="reflection", align_corners=False,
    )  # fmt: skip
