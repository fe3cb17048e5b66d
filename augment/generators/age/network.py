"""Our network: what age does to the average face, done to a face; it tells ages apart, too, and can
learn to correct what it does."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from augment.generators.age.ages import KNOTS
from augment.generators.age.decomposition import Age, AgeHead, AgeNetwork, Decomposition, reverse
from augment.generators.age.prototypes import SIDE
from augment.generators.age.texture import BANDS, brightness, with_detail
from augment.nets.blocks import DoubleConv, FiLM, norm

_CODE = 64
_BEND = 0.2  # strongest further shift of a pixel, in halves of the picture's side
_OPEN = 4.0  # so open is the mask at the start
_SOON = 1.0  # bits of the ordinal code over which a correction unfolds
_RIM = 12 / 64  # of the side: at the edges nothing is moved, which lies outside of the photo


@dataclass(frozen=True)
class Amounts:
    """How many times what the average face shows is done; averages are of faces that do not lie
    quite on each other, and show less than each of them."""

    shape: float
    brightness: float
    colour: float
    detail: float


class Editor(AgeNetwork):
    """Bends and shades a face, and changes the strength of its detail, as the average face's.

    Args:
        channels: of the encoder that tells ages: maps at half, quarter, eighth ... height. Sides
            must be multiples of ``2 ** len(channels)``.
        groups: how many age groups it tells apart.
        amounts: of the average face's change.
        seen: pictures that the encoder sees at once.
    """

    def __init__(
        self, channels: Sequence[int], groups: int, amounts: Amounts, seen: int = 1
    ) -> None:
        super().__init__()
        self.amounts = amounts
        # What age does to the average face, as prototypes.AverageFace says.
        self.register_buffer("middle", torch.zeros(len(KNOTS)))
        self.register_buffer("flows", torch.zeros(len(KNOTS), 2, SIDE, SIDE))
        self.register_buffer("colours", torch.zeros(len(KNOTS), 3, SIDE, SIDE))
        self.register_buffer("details", torch.zeros(len(KNOTS), BANDS, SIDE, SIDE))
        self.middle: Tensor
        self.flows: Tensor
        self.colours: Tensor
        self.details: Tensor
        inside = [12 * seen, *channels[:-1]]
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in zip(inside, channels, strict=True))
        self.split = Decomposition(channels[-1])
        self.age = AgeHead(channels[-1], groups)
        self.leak = AgeHead(channels[-1], groups)

    def forward(self, face: Tensor, source: Age, target: Age) -> Tensor:
        return self.average(face, source, target)

    def average(self, face: Tensor, source: Age, target: Age) -> Tensor:
        return self._change(face.shape[2], source, target).done(face)

    def _change(self, size: int, source: Age, target: Age) -> "_Change":
        """What is done to the average face between two ages, at this size."""
        move, shape = target.code - source.code, target.code - self.middle
        with torch.autocast(move.device.type, enabled=False):
            flow = torch.einsum("nk,kcyx->ncyx", move, self.flows)
            colours = torch.einsum("nk,kcyx->ncyx", move, self.colours)
            details = torch.einsum("nk,kcyx->ncyx", move, self.details)
            to_shape = torch.einsum("nk,kcyx->ncyx", shape, self.flows)
            colours = bend(colours, to_shape)
        grey, amounts = brightness(colours), self.amounts
        return _Change(
            amounts.shape * _window(size, flow.device) * _larger(flow, size),
            _larger(amounts.brightness * grey + amounts.colour * (colours - grey), size),
            amounts.detail * _larger(details, size),
        )

    def classify(self, face: Tensor) -> tuple[Tensor, Tensor]:
        """As said there; the other half's head teaches that half to know nothing."""
        return self._told(self._encode(face)[-1])

    def _told(self, described: Tensor) -> tuple[Tensor, Tensor]:
        age, rest = self.split(described)
        return self.age(age), self.leak(reverse(rest))

    def _encode(self, faces: Tensor) -> list[Tensor]:
        x, skips = nn.functional.pixel_unshuffle(faces, 2), []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.avg_pool2d(x, 2))
            skips.append(x)
        return skips


class Corrected(Editor):
    """A U-Net on quarter-size pixels adds a flow, a change of colours and where all of that counts.

    The correction is scaled by how far the two ages lie apart, so none is made where there is
    nothing to do. Arguments as :class:`Editor`.
    """

    def __init__(self, channels: Sequence[int], groups: int, amounts: Amounts) -> None:
        super().__init__(channels, groups, amounts, seen=2)
        self.code = nn.Sequential(
            nn.Linear(3 * len(KNOTS), _CODE), nn.SiLU(), nn.Linear(_CODE, _CODE), nn.SiLU()
        )
        up = list(reversed(channels))
        self.middles = _Styled(up[0], up[0])
        self.up = nn.ModuleList(_Styled(a + b, b) for a, b in itertools.pairwise(up))
        # A pixel of this map holds four of the picture: colour change and mask of each.
        self.paint = nn.Conv2d(channels[0], 16, 3, padding=1)
        self.flow = nn.Conv2d(channels[1], 2, 3, padding=1)
        with torch.no_grad():  # starts as the change of the average face
            for part in (self.paint, self.flow):
                for values in part.parameters():
                    values.mul_(0.01)

    def forward(self, face: Tensor, source: Age, target: Age) -> Tensor:
        size, average = face.shape[2], self._change(face.shape[2], source, target)
        skips = self._encode(torch.cat([face, average.done(face)], dim=1))
        move = target.code - source.code
        code = self.code(torch.cat([source.code - 0.5, target.code - 0.5, move], dim=1))
        _, x = self.split(skips.pop())
        x = self.middles(x, code)
        for place, block in enumerate(self.up):
            if place == len(self.up) - 1:  # a quarter of the picture's height: no finer than that
                flow = self.flow(x).float()
            x = nn.functional.interpolate(x, scale_factor=2)
            x = block(torch.cat([x, skips.pop()], dim=1), code)
        out = self.paint(x).float()
        amount = 1 - torch.exp(-move.abs().sum(1) / _SOON)[:, None, None, None]
        mask = torch.sigmoid(nn.functional.pixel_shuffle(out[:, 12:], 2) + _OPEN)
        more = amount * _BEND * torch.tanh(_larger(flow, size))
        change = amount * nn.functional.pixel_shuffle(out[:, :12], 2)
        return average.done(face, mask, more, change)

    def classify(self, face: Tensor) -> tuple[Tensor, Tensor]:
        return self._told(self._encode(torch.cat([face, face], dim=1))[-1])


class _Styled(nn.Module):
    """A residual block of two 3 x 3 convolutions; a code scales and shifts what was normalised."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, padding=1)
        self.second = nn.Conv2d(outside, outside, 3, padding=1)
        self.norms = nn.ModuleList(norm(outside) for _ in range(2))
        films = [FiLM(_CODE, outside) for _ in range(2)]
        for film in films:  # ages differ from the first step on
            nn.init.normal_(film.linear.weight, std=0.1)
        self.films = nn.ModuleList(films)
        self.shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        y = x
        for convolution, norm_, film in zip(
            (self.first, self.second), self.norms, self.films, strict=True
        ):
            y = nn.functional.silu(film(norm_(convolution(y)), code))
        result: Tensor = y + self.shortcut(x)
        return result


@dataclass(frozen=True)
class _Change:
    """A flow (n, 2, h, w), a change of colours (n, 3, h, w), gains of detail (n, BANDS, h, w)."""

    flow: Tensor
    colours: Tensor
    details: Tensor

    def done(
        self,
        face: Tensor,
        mask: Tensor | float = 1.0,
        flow: Tensor | float = 0.0,
        colours: Tensor | float = 0.0,
    ) -> Tensor:
        """The face changed where the mask is open, with a further flow and colours."""
        moved = bend(face, mask * (self.flow + flow))
        return with_detail(moved, mask * self.details) + mask * (self.colours + colours)


def _window(size: int, device: torch.device) -> Tensor:
    """(size, size): 1 inside, falling to 0 at the edges."""
    places = (torch.arange(size, device=device) + 0.5) / size
    rise = (torch.minimum(places, 1 - places) / _RIM).clamp(0, 1)
    rise = rise.square() * (3 - 2 * rise)
    return rise[:, None] * rise


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
