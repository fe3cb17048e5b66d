"""Our network: one editor of several attributes, which makes a picture of a linear edit."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from augment.nets.adversary import strided
from augment.nets.blocks import DoubleConv, FiLM

_CODE = 48
_OPEN = 1.5  # so open is the attention at the start: it cannot stay shut


class Editor(nn.Module):
    """A U-Net on quarter-size pixels of a window. It sees the face and a linear edit of it
    (codes.py); its features are set by what changes (M. Liu et al., "STGAN", CVPR 2019).

    The attribute image is painted on the linear edit, and is that edit before anything is learned;
    the attention is confined to the area given: what lies farther away stays as it is, bit for bit.

    Args:
        channels: maps at half, quarter, eighth ... height.
        attributes: how many it may change.
    """

    def __init__(self, channels: Sequence[int], attributes: int) -> None:
        super().__init__()
        self.code = nn.Sequential(nn.Linear(attributes, _CODE), nn.SiLU(), nn.Linear(_CODE, _CODE))
        inside = [28 + attributes, *channels[:-1]]
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in zip(inside, channels, strict=True))
        up = list(reversed(channels))
        pairs = list(itertools.pairwise(up))
        self.expand = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(DoubleConv(2 * b, b) for _, b in pairs)
        self.film = nn.ModuleList(FiLM(_CODE, count) for count in up)
        # A pixel of this map holds four of the picture: colours and attention of each.
        self.head = nn.Conv2d(channels[0], 16, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(
        self, face: Tensor, change: Tensor, area: Tensor, rough: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What to show, and where.

        Args:
            face: (n, 3, h, w) in [-1, 1].
            change: (n, attributes), wanted value minus own: -1, 0 or 1.
            area: (n, 1, h, w) in 0..1, beyond which nothing may change.
            rough: as ``face``, the linear edit.

        Returns:
            Attribute image (n, 3, h, w) and attention (n, 1, h, w) in 0..1.
        """
        code = self.code(change)
        x = nn.functional.pixel_unshuffle(torch.cat([face, rough, area], dim=1), 2)
        planes = change[:, :, None, None].expand(-1, -1, *x.shape[2:])
        x = torch.cat([x, planes.to(x.dtype)], dim=1)
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.avg_pool2d(x, 2))
            skips.append(x)
        x = self.film[0](skips.pop(), code)
        for expand, block, film in zip(self.expand, self.up, self.film[1:], strict=True):
            x = film(block(torch.cat([expand(x), skips.pop()], dim=1)), code)
        out = nn.functional.pixel_shuffle(self.head(x).float(), 2)
        return rough + out[:, :3], torch.sigmoid(out[:, 3:] + _OPEN) * area


class Critic(nn.Module):
    """Does a face look real, patch by patch, and which values does it show?

    Args:
        channels: maps at half, quarter ... height.
        attributes: how many values it tells.
        side: of the windows, pixels.
    """

    def __init__(self, channels: Sequence[int], attributes: int, side: int) -> None:
        super().__init__()
        self.body = strided(channels)
        self.real = nn.Conv2d(channels[-1], 1, 1)
        described = channels[-1] * (side >> len(channels)) ** 2
        self.shown = nn.Sequential(
            nn.Flatten(), nn.Linear(described, 64), nn.LeakyReLU(0.2), nn.Linear(64, attributes)
        )

    def forward(self, face: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 3, h, w) -> words on patches (n, rows, columns) and logits of the values
        (n, attributes)."""
        described = self.body(face)
        word: Tensor = self.real(described)[:, 0]
        return word.float(), self.shown(described).float()
