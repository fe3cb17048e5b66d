"""The networks of DCGAN (A. Radford et al., ICLR 2016) in the sizes of its well-known TensorFlow
port: 5 x 5 convolutions of stride 2 between 4 and 64 pixels, batch normalisation, z of 100 numbers.

H. Han & C. Kim (J. Digital Contents Society 19(3), 2018) name DCGAN and no sizes; what they say of
their code fits the port.
"""

import itertools

import torch
from torch import Tensor, nn

#: Numbers of z, uniform between -1 and 1.
NOISE = 100
SIDE, _START = 64, 4
_SPREAD = 0.02  # standard deviation of the first weights


class Maker(nn.Module):
    """z -> face.

    Args:
        width: maps at half the picture's side; twice as many at each halving (the port: 64, so
            that there are 512 at 4 x 4).
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        maps = [8 * width, 4 * width, 2 * width, width]
        self.start = nn.Linear(NOISE, maps[0] * _START**2)
        self.first = nn.BatchNorm2d(maps[0])
        layers: list[nn.Module] = []
        for inside, outside in itertools.pairwise(maps):
            layers += [_up(inside, outside), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers, _up(maps[-1], 3), nn.Tanh())
        self.apply(first_weights)

    def forward(self, z: Tensor) -> Tensor:
        """(n, 100) in [-1, 1] -> (n, 3, 64, 64) in [-1, 1]."""
        maps = self.start(z).unflatten(1, (-1, _START, _START))
        made: Tensor = self.body(torch.relu(self.first(maps)))
        return made.float()


class Critic(nn.Module):
    """Face -> logit: real or made? Real and made faces must come in batches of their own, or batch
    normalisation tells it which is which."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        maps = [3, width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for number, (inside, outside) in enumerate(itertools.pairwise(maps)):
            layers.append(nn.Conv2d(inside, outside, 5, 2, 2))
            layers += [nn.BatchNorm2d(outside)] if number else []
            layers.append(nn.LeakyReLU(0.2))
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(maps[-1] * _START**2, 1))
        self.apply(first_weights)

    def forward(self, faces: Tensor) -> Tensor:
        """(n, 3, 64, 64) -> (n,)."""
        words: Tensor = self.body(faces)
        return words[:, 0].float()


def _up(inside: int, outside: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inside, outside, 5, 2, 2, output_padding=1)


@torch.no_grad()
def first_weights(layer: nn.Module) -> None:
    """Normal with spread 0.02; scales of normalisation around 1, biases 0."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
        middle = 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0
        nn.init.normal_(layer.weight, middle, _SPREAD)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def draw_noise(count: int, device: torch.device) -> Tensor:
    """(count, 100), from torch's own randomness."""
    return 2 * torch.rand(count, NOISE, device=device) - 1
