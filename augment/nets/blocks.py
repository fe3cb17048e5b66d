"""Parts that networks are put together from. All maps are (batch, channels, height, width)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation: unlike batch normalisation, a face's result does not depend on the
    other faces of its batch."""
    return nn.GroupNorm(max(1, min(8, channels // 8)), channels)


class DoubleConv(nn.Sequential):
    """Two 3 x 3 convolutions, each normalised and activated (SiLU); keeps height and width."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(
            nn.Conv2d(inside, outside, 3, padding=1, bias=False),
            norm(outside),
            nn.SiLU(inplace=True),
            nn.Conv2d(outside, outside, 3, padding=1, bias=False),
            norm(outside),
            nn.SiLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a short cut; ``stride`` 2 halves height and width.

    ``normed`` makes a normalisation of so many channels.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        stride: int = 1,
        normed: Callable[[int], nn.Module] = norm,
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
            normed(outside),
            nn.SiLU(inplace=True),
            nn.Conv2d(outside, outside, 3, padding=1, bias=False),
            normed(outside),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), normed(outside)
            )
        self.activation = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return result


class FiLM(nn.Module):
    """Scales and shifts each channel by a code (E. Perez et al. 2018, "FiLM")."""

    def __init__(self, code: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(code, 2 * channels)
        nn.init.zeros_(self.linear.weight)  # starts as the identity
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """``x`` (batch, channels, h, w), ``code`` (batch, code) -> like ``x``."""
        scale, shift = self.linear(code)[:, :, None, None].chunk(2, dim=1)
        result: Tensor = x * (1 + scale) + shift
        return result


def parameters(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(value.numel() for value in network.parameters())


def global_mean(x: Tensor) -> Tensor:
    """(batch, channels, h, w) -> (batch, channels)."""
    return torch.mean(x, dim=(2, 3))
