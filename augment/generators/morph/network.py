"""Our morphing networks: a face is who it is and its moment, two codes; people mix in the first.

*Who* says which person (0..1 each number, so that any mix of people is one, too), *moment* how the
head is held, lit and what it does. The paper's z holds both, entangled: nobody can say which z is a
given person, or half of one.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from augment.nets.adversary import strided
from augment.nets.blocks import FiLM, global_mean, norm

_START = 4  # pixels
_FINE = 12  # maps at full size


@dataclass(frozen=True)
class Code:
    """Faces in numbers: ``who`` (n, k) in 0..1, ``moment`` (n, m)."""

    who: Tensor
    moment: Tensor


class Encoder(nn.Module):
    """Face -> code. ``channels``: maps at half, quarter ... height."""

    def __init__(self, channels: Sequence[int], who: int, moment: int) -> None:
        super().__init__()
        self.body = strided(channels)
        self.who = nn.Linear(channels[-1] * _START**2, who)
        self.moment = nn.Linear(channels[-1] * _START**2, moment)

    def forward(self, faces: Tensor) -> Code:
        """(n, 3, side, side) in [-1, 1]."""
        maps = self.body(faces).flatten(1)
        return Code(torch.sigmoid(self.who(maps)).float(), self.moment(maps).float())


class Decoder(nn.Module):
    """Code -> face. Each layer is scaled and shifted by the whole code (FiLM). Doublings repeat
    pixels: sub-pixels (W. Shi et al., CVPR 2016) left a grid of coloured dots in mixes of people.

    Args:
        channels: maps at 4, 8, 16 ... pixels; the last is at half of the side.
        code: numbers of both codes together.
    """

    def __init__(self, channels: Sequence[int], code: int) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.start = nn.Linear(code, channels[0] * _START**2)
        pairs = list(itertools.pairwise(channels))
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairs)
        self.norms = nn.ModuleList(norm(b) for _, b in pairs)
        self.films = nn.ModuleList(FiLM(code, b) for _, b in pairs)
        self.fine = nn.Conv2d(channels[-1], _FINE, 3, padding=1)
        self.last = nn.Conv2d(_FINE, 3, 3, padding=1)

    def forward(self, code: Code) -> Tensor:
        """-> (n, 3, side, side) in [-1, 1]."""
        numbers = torch.cat([2 * code.who - 1, code.moment], dim=1)
        x = self.start(numbers).unflatten(1, (-1, _START, _START))
        for layer, normed, film in zip(self.layers, self.norms, self.films, strict=True):
            x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
            x = nn.functional.silu(film(normed(layer(x)), numbers))
        x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
        x = nn.functional.silu(self.fine(x))
        return torch.tanh(self.last(x).float())


class Morpher(nn.Module):
    """Encoder and decoder. The side of its faces is 4 pixels doubled once for each of ``channels``.

    Args:
        channels: of the decoder; the encoder has half as many, the other way round.
        who, moment: numbers of the two codes.
    """

    def __init__(self, channels: Sequence[int], who: int, moment: int) -> None:
        super().__init__()
        halves = [max(4, count // 2) for count in reversed(channels)]
        self.encoder = Encoder([*halves[:-1], channels[0]], who, moment)
        self.decoder = Decoder(channels, who + moment)
        # Mean and Cholesky factor of all learned moments: see learn_moments.
        self.register_buffer("usual", torch.zeros(moment))
        self.register_buffer("spread", torch.eye(moment))
        self.usual: Tensor
        self.spread: Tensor

    def encode(self, faces: Tensor) -> Code:
        code: Code = self.encoder(faces)
        return code

    def decode(self, code: Code) -> Tensor:
        faces: Tensor = self.decoder(code)
        return faces

    @torch.no_grad()
    def learn_moments(self, moments: Tensor) -> None:
        """Keep how moments (n, m) are distributed, so that new ones can be drawn."""
        self.usual.copy_(moments.mean(0))
        centred = moments - self.usual
        covariance = centred.T @ centred / max(1, len(moments) - 1)
        ridge = 1e-4 * covariance.diagonal().mean().clamp_min(1e-6)
        self.spread.copy_(torch.linalg.cholesky(covariance + ridge * torch.eye(len(self.usual),
                          device=moments.device)))  # fmt: skip

    def draw_moments(self, count: int) -> Tensor:
        """(count, m), from torch's own randomness."""
        return self.usual + torch.randn(count, len(self.usual), device=self.usual.device) @ (
            self.spread.T
        )


class Critic(nn.Module):
    """Does a face look real, and like its person? A projection discriminator (T. Miyato &
    M. Koyama, ICLR 2018), to be held by :func:`augment.nets.adversary.gradient_penalty`.

    Args:
        channels: maps at half, quarter ... height.
        who: numbers of the person's code.
    """

    def __init__(self, channels: Sequence[int], who: int) -> None:
        super().__init__()
        self.body = strided(channels)
        self.real = nn.Linear(channels[-1], 1)
        self.match = nn.Linear(who, channels[-1], bias=False)

    def describe(self, faces: Tensor) -> Tensor:
        """(n, 3, side, side) -> (n, channels[-1])."""
        return global_mean(self.body(faces))

    def judge(self, described: Tensor, who: Tensor) -> Tensor:
        """(n, channels[-1]), (n, who) -> (n,); above 0: real and fitting."""
        match = (self.match(2 * who - 1) * described).sum(1)
        score: Tensor = self.real(described)[:, 0] + match
        return score.float()

    def forward(self, faces: Tensor, who: Tensor) -> Tensor:
        return self.judge(self.describe(faces), who)


def mixed(whos: Tensor, shares: Tensor) -> Tensor:
    """People mixed: whos (people, k), shares (n, people) that sum to 1 -> (n, k)."""
    return shares @ whos


def side_of(channels: Sequence[int]) -> int:
    """Pixels."""
    return int(_START * 2 ** len(channels))
