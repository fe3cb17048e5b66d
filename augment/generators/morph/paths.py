"""Walks through a trained network's numbers (Han & Kim 2018, section 4): expressions of one person,
and paths that lead from one person to another."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import augment.generators.morph.dcgan as dcgan
from augment.generators.morph.network import Code, Morpher
from augment.types import FloatArray

#: Faces uint8 (n, side, side, 3) -> probability of the second person, (n,).
Tells = Callable[[npt.NDArray[np.uint8]], FloatArray]
#: Steps of a walk of z, as in the port.
WALK = 64


def straight(first: Tensor, second: Tensor, steps: int) -> Tensor:
    """From one code (k,) to another in equal steps, (steps, k), both ends included."""
    return torch.lerp(first, second, torch.linspace(0, 1, steps, device=first.device)[:, None])


def walk(noise: Tensor, place: int) -> Tensor:
    """z (100,) of which one number goes from 0 up to 63/64 in equal steps: (64, 100)."""
    found = noise.repeat(WALK, 1)
    found[:, place] = torch.arange(WALK, device=noise.device) / WALK
    return found


@torch.no_grad()
def people_path(network: Morpher, code: Code, steps: int) -> Tensor:
    """Faces (steps, 3, side, side) from the first person of ``code`` (2 faces) to the second, in
    the first one's moment, in equal steps of w."""
    who = straight(code.who[0], code.who[1], steps)
    found: Tensor = network.decode(Code(who, code.moment[:1].expand(steps, -1)))
    return found


def ends(probability: FloatArray, sure: float, count: int) -> tuple[list[int], list[int]]:
    """Places of up to ``count`` samples each that show the first person, and the second.

    The network knows nobody, so a recogniser has to say who a sample shows.

    Args:
        probability: of the second person, (n,).
        sure: least probability of either.
        count: at most so many a person, the surest first.
    """
    order = np.argsort(probability, kind="stable")
    first = [int(n) for n in order if probability[n] <= 1 - sure][:count]
    second = [int(n) for n in order[::-1] if probability[n] >= sure][:count]
    return first, second


@torch.no_grad()
def noise_path(network: dcgan.Maker, first: Tensor, second: Tensor, steps: int) -> Tensor:
    """Faces (steps, 3, 64, 64) between two z (100,); straight, as z is uniform."""
    found: Tensor = network(straight(first, second, steps))
    return found
