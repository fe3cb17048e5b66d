"""Networks that enlarge a face four times, and the critic that teaches them.

All are fully convolutional: any height and width. Maps are (batch, channels, height, width),
pictures float in [-1, 1].
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

FACTOR = 4


def shrink(faces: Tensor) -> Tensor:
    """The one down-sampling by four: each pixel is the mean of 4 x 4, as ``images.resize`` has it.

    Sides must be multiples of four.
    """
    return nn.functional.avg_pool2d(faces.float(), FACTOR)


def bicubic(faces: Tensor) -> Tensor:
    """Four times the size by R. Keys' kernel with a = -0.5 (IEEE TASSP 1981), as Pillow has it."""
    enlarged: Tensor = nn.functional.interpolate(
        faces.float(), scale_factor=FACTOR, mode="bicubic", antialias=True
    )
    return enlarged


class Enlarger(nn.Module):
    """What a residual trunk adds to the bicubic enlargement. No normalisation: it would remove a
    face's own contrast (B. Lim et al., "EDSR", CVPRW 2017, section 3.1); sub-pixel convolution at
    the end (W. Shi et al., CVPR 2016).

    Args:
        channels: maps of the trunk.
        blocks: of two convolutions each.
    """

    multiple = 1  # tiles begin at multiples of it

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.trunk = nn.ModuleList(_PlainBlock(channels) for _ in range(blocks))
        self.tail = nn.Conv2d(channels, 3 * FACTOR**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)  # starts as the bicubic enlargement
        nn.init.zeros_(_bias(self.tail))
        #: Farther away than so many input pixels nothing has an influence on a pixel.
        self.reach = 2 * blocks + 4

    def forward(self, faces: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, 3, 4 h, 4 w); may overshoot [-1, 1]."""
        first = self.head(faces)
        x = first
        for block in self.trunk:
            x = block(x)
        detail = nn.functional.pixel_shuffle(self.tail(x + first), FACTOR)
        return bicubic(faces) + detail.float()


class _PlainBlock(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():  # small steps at first: deep trunks without normalisation need it
            self.second.weight.mul_(0.1)
            _bias(self.second).zero_()

    def forward(self, x: Tensor) -> Tensor:
        moved: Tensor = x + self.second(nn.functional.relu(self.first(x)))
        return moved


class PaperEnlarger(nn.Module):
    """A generator of StarGAN v2's residual blocks (Y. Choi et al., CVPR 2020) without style code,
    as far as the paper tells (its diagram is lost): down twice, four blocks, up four times with
    skips, added to the bicubic enlargement. Without instance normalisation, which would remove a
    face's own contrast.

    Args:
        channels: maps at the input's own size: 64 in the paper; deeper ones have 2 and 4 times as
            many.
    """

    multiple = 4

    def __init__(self, channels: int) -> None:
        super().__init__()
        one, two, four, half = channels, 2 * channels, 4 * channels, channels // 2
        self.head = nn.Conv2d(3, one, 3, padding=1)
        self.down = nn.ModuleList([_StarBlock(one, two, -1), _StarBlock(two, four, -1)])
        self.middle = nn.Sequential(*(_StarBlock(four, four, 0) for _ in range(4)))
        self.up = nn.ModuleList([_StarBlock(four, two, 1), _StarBlock(two, one, 1)])
        self.out = nn.Sequential(_StarBlock(one, one, 1), _StarBlock(one, half, 1))
        self.tail = nn.Conv2d(half, 3, 3, padding=1)
        #: As in :class:`Enlarger`; eight convolutions at a quarter of the size reach farthest.
        self.reach = 56

    def forward(self, faces: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, 3, 4 h, 4 w); edges are repeated up to the next multiple of four."""
        height, width = faces.shape[2:]
        more = (0, -width % self.multiple, 0, -height % self.multiple)
        x = self.head(nn.functional.pad(faces, more, mode="replicate"))
        skips = []
        for block in self.down:
            skips.append(x)
            x = block(x)
        x = self.middle(x)
        for block in self.up:
            before = skips.pop()
            x = block(x) + before
        detail = self.tail(nn.functional.leaky_relu(self.out(x), 0.2))
        inside = detail[..., : FACTOR * height, : FACTOR * width].float()
        enlarged: Tensor = bicubic(faces) + inside
        return enlarged


class _StarBlock(nn.Module):
    """Pre-activation block, divided by the root of two; ``turn`` -1 halves, 1 doubles the size."""

    def __init__(self, inside: int, outside: int, turn: int) -> None:
        super().__init__()
        self.turn = turn
        self.first = nn.Conv2d(inside, inside, 3, padding=1)
        self.second = nn.Conv2d(inside, outside, 3, padding=1)
        self.shortcut: nn.Module = nn.Identity()
        if inside != outside:
            self.shortcut = nn.Conv2d(inside, outside, 1, bias=False)

    def _resized(self, x: Tensor) -> Tensor:
        if self.turn == 0:
            return x
        resized: Tensor = (
            nn.functional.avg_pool2d(x, 2)
            if self.turn < 0
            else nn.functional.interpolate(x, scale_factor=2.0)
        )
        return resized

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(nn.functional.leaky_relu(x, 0.2))
        y = self.second(nn.functional.leaky_relu(self._resized(y), 0.2))
        total: Tensor = y + self._resized(self.shortcut(x))
        return total / math.sqrt(2)


class PatchCritic(nn.Module):
    """A word on every patch (P. Isola et al., CVPR 2017, section 3.2.2), at the picture's own size
    and at half of it (T.-C. Wang et al., CVPR 2018, section 3.2). Spectral norm (T. Miyato et al.,
    ICLR 2018).

    Args:
        channels: maps at half, quarter ... of the picture's size.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_Patches(channels) for _ in range(2))

    def forward(self, faces: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """(n, 3, h, w) -> words on patches, one map (n, 1, rows, columns) a scale, and all maps on
        the way to them: features to compare two pictures by."""
        words, features = [], []
        for scale in self.scales:
            word, maps = scale(faces)
            words.append(word)
            features += maps
            faces = nn.functional.avg_pool2d(faces, 2)
        return words, features


class _Patches(nn.Module):
    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(inside, outside, 3, 1 + (number > 0), 1))
            for number, (inside, outside) in enumerate(itertools.pairwise([3, *channels]))
        )
        self.word = nn.Conv2d(channels[-1], 1, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        maps = []
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), 0.2)
            maps.append(x)
        word: Tensor = self.word(x)
        return word.float(), maps


def _bias(layer: nn.Conv2d) -> Tensor:
    if layer.bias is None:
        raise TypeError("a convolution without bias")
    return layer.bias
