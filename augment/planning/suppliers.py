"""What each generator says it can move, as the matrices that the programme takes."""

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from augment.metrics.balance import Counts
from augment.planning.config import GeneratorLimits
from augment.planning.problem import Supplier
from augment.types import BinSpace

#: Added to a move's cost for each step along an axis, so that among moves that a generator calls
#: equal the nearest donors come first. Small against any difference that a generator makes.
STEP = 1e-3
#: Axes whose values lie on a scale; on all others every move is one step.
SCALES = ("age_group", "skin_tone")


class Mover(Protocol):
    """The part of :class:`augment.protocols.Generator` that the plan asks."""

    parents: int

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None: ...


def supplier(
    key: str,
    mover: Mover,
    space: BinSpace,
    lacking: Counts,
    limits: GeneratorLimits,
    spares: npt.NDArray[np.float64],
) -> Supplier:
    """Ask a generator about every move into a bin that lacks faces.

    Args:
        key: the generator's.
        mover: the generator.
        space: the bins.
        lacking: faces that each bin lacks, shape (bins,).
        limits: how far the plan may lean on it.
        spares: see :class:`augment.planning.problem.Supplier`.

    Raises:
        ValueError: the generator names a negative or infinite cost, or restores a face into
            another bin.
    """
    values = [space.values(code) for code in range(len(space))]
    restores = bool(getattr(mover, "restores", False))
    costs = np.full((len(space), len(space)), np.nan)
    for target in np.flatnonzero(lacking):
        for donor in range(len(space)):
            cost = mover.cost(values[donor], values[target])
            if cost is None:
                continue
            if not 0 <= cost < math.inf:
                raise ValueError(f"generator '{key}': {cost} is no cost of a move")
            if restores and donor != target:
                raise ValueError(f"generator '{key}' restores faces: they stay in their bin")
            costs[donor, target] = cost
    costs += limits.extra_cost + STEP * steps(space)
    return Supplier(key, costs, spares, mover.parents, limits.max_share, restores)


def steps(space: BinSpace) -> npt.NDArray[np.float64]:
    """How many steps along axes lie between two bins, shape (bins, bins)."""
    places = np.unravel_index(np.arange(len(space)), space.shape)
    total = np.zeros((len(space), len(space)))
    for axis, place in zip(space.axes, places, strict=True):
        apart = np.abs(place[:, None] - place[None, :])
        total += apart if axis.name in SCALES else np.minimum(apart, 1)
    return total
