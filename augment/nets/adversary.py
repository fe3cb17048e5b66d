"""Discriminators and what adversaries are taught with."""

import itertools
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from augment.nets.health import OF_CRITIC, OF_GENERATOR

_SURE = 0.02  # a least-squares word is no surer than this, read as a probability


class BranchCritic(nn.Module):
    """One output a class, of which only that of the face's class counts (M.-Y. Liu et al., "FUNIT",
    ICCV 2019, section 3.2; StarGAN v2).

    Args:
        channels: maps at half, quarter ... height.
        classes: how many there are.
    """

    def __init__(self, channels: Sequence[int], classes: int) -> None:
        super().__init__()
        self.body = strided(channels)
        self.head = nn.Linear(channels[-1], classes)

    def layers(self, x: Tensor) -> list[Tensor]:
        """Maps after each layer, the largest first: features to compare two faces by."""
        found = []
        for layer in self.body:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x)
        return found

    def forward(self, x: Tensor, number: Tensor) -> Tensor:
        """(n, 3, h, w), class numbers (n,) -> (n,)."""
        scores: Tensor = self.head(self.body(x).mean(dim=(2, 3)))
        return scores.gather(1, number[:, None])[:, 0].float()


class PatchCritic(nn.Module):
    """A word on every patch (P. Isola et al., CVPR 2017, section 3.2.2)."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.body = strided(channels)
        self.head = nn.Conv2d(channels[-1], 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, 1, rows, columns)."""
        words: Tensor = self.head(self.body(x))
        return words.float()


def strided(channels: Sequence[int]) -> nn.Sequential:
    """4 x 4 convolutions that halve height and width, without normalisation of maps."""
    layers: list[nn.Module] = []
    for inside, outside in itertools.pairwise([3, *channels]):
        layers += [nn.Conv2d(inside, outside, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


def logistic(real: Tensor, fake: Tensor) -> Tensor:
    """The non-saturating loss of I. Goodfellow et al. 2014, a discriminator's side."""
    return nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()


def told_by_critic(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """What a discriminator's step tells the training's health: its cross-entropies alone.

    Args:
        real, fake: logits, of real and of made faces.
    """
    return {OF_CRITIC: logistic(real.detach(), fake.detach())}


def told_by_generator(fake: Tensor) -> dict[str, Tensor]:
    """What a generator's step tells it; ``fake`` are the discriminator's logits."""
    return {OF_GENERATOR: nn.functional.softplus(-fake.detach()).mean()}


def as_logits(words: Iterable[Tensor]) -> Tensor:
    """Words of a least-squares discriminator (0: made, 1: real; X. Mao et al., ICCV 2017) read as
    probabilities: their logits, flat. Health has one rule for all losses."""
    flat = torch.cat([word.detach().float().flatten() for word in words])
    return torch.logit(flat.clamp(_SURE, 1 - _SURE))


def gradient_penalty(faces: Tensor, score: Callable[[Tensor], Tensor]) -> Tensor:
    """R1: the squared length of a score's gradient at real faces, half of its mean (L. Mescheder et
    al., ICML 2018, equation 9)."""
    faces = faces.detach().requires_grad_()
    (slope,) = torch.autograd.grad(score(faces).sum(), faces, create_graph=True)
    return 0.5 * slope.float().square().sum(dim=(1, 2, 3)).mean()
