"""No two people age alike, and nobody knows beforehand how: which of many ways a face goes.

A face keeps its place among faces of its age nearly, not quite: in coordinates in which faces are
spread alike in all directions (variety.py, hair.py) it is turned a little towards a draw. So it
stays as usual or unusual as it was.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from augment.generators.age.variety import MOST
from augment.types import FloatArray

_FACE, _HAIR = 0.15, 0.4  # angles at ``variation`` 1, radians
_DETAIL, _SHAPE = 0.2, 0.2  # standard deviations of logarithms of how much of it there is
_TONES = 3
#: Numbers of a way: of the face, of its hair, of its wrinkles and its shape, standard normal; last
#: ``variation``.
LENGTH = MOST + _TONES + 3


class Turn(NamedTuple):
    """Towards ``draw`` (n, k), by ``angle`` (n, 1), radians."""

    draw: Tensor
    angle: Tensor


def drawn(seeds: Sequence[int], variation: float) -> FloatArray:
    """(seeds, LENGTH): the same for the same seed, whatever the others."""
    found = [np.random.default_rng([0xA6E, seed]).standard_normal(LENGTH - 1) for seed in seeds]
    rows = np.asarray(found, np.float32).reshape(len(seeds), LENGTH - 1).clip(-2, 2)
    return np.concatenate([rows, np.full_like(rows[:, :1], variation)], axis=1)


class Ways(NamedTuple):
    """How faces age beside the average.

    Attributes:
        face, hair: where their places among others turn.
        detail, shape: how many times what age does to it is done, (n, 1).
    """

    face: Turn | None
    hair: Turn | None
    detail: Tensor
    shape: Tensor


def split(ways: Tensor | None, faces: Tensor) -> Ways:
    """Of :func:`drawn`; None: as on average, for so many ``faces`` (n, ...)."""
    if ways is None:
        usual = faces.new_ones(len(faces), 1)
        return Ways(None, None, usual, usual)
    face, hair, detail, shape, variation = torch.split(ways, [MOST, _TONES, 1, 1, 1], dim=1)
    return Ways(
        Turn(face, _FACE * variation), Turn(hair, _HAIR * variation),
        torch.exp(_DETAIL * variation * detail), torch.exp(_SHAPE * variation * shape),
    )  # fmt: skip


def turned(kept: Tensor, way: Turn) -> Tensor:
    """Places (n, k, 1), turned."""
    angle = way.angle[..., None].clamp(max=math.pi / 2)
    return torch.cos(angle) * kept + torch.sin(angle) * way.draw[..., None]
