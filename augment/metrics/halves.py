"""Real faces split into halves, persons apart: what lies between them is the floor of a distance.

Fréchet distances of finite samples are above 0 (see :mod:`augment.metrics.fidelity`), so one means
something only beside that of as many other real faces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.metrics.fidelity import FEWEST, Array, Codes, Estimate, Moments, around

#: How often the real faces are split into halves.
SPLITS = 8
#: Faces of a side in each comparison of halves, at most. There are many comparisons, and one of n
#: faces and d numbers takes time as min(n, d)³ does: features of more than ``WIDE`` numbers get
#: fewer.
MOST_IN_HALF = 1000
MOST_IN_HALF_WIDE = 200
WIDE = 256
_FEWEST_IN_HALF = FEWEST // 2

Features = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Sample:
    """Faces in an order that says nothing of them (that of their ids' hashes).

    Attributes:
        features: (n, d); rows that are not finite are set aside and counted.
        bins: (n,), -1 for those in none.
        families: (n, p): the persons shown, or those of the parents; -1 pads. One numbering for
            real and made faces.
    """

    features: Features
    bins: Codes
    families: Codes

    def __len__(self) -> int:
        return len(self.bins)

    def take(self, rows: npt.NDArray[Any]) -> "Sample":
        return Sample(self.features[rows], self.bins[rows], self.families[rows])


def matched(*bins: Codes) -> list[Codes]:
    """Rows of each side so that all hold equally many faces of every bin; the first come first.

    Faces in no bin (-1) match nobody.
    """
    count = max((int(side.max(initial=-1)) for side in bins), default=-1) + 1
    sizes = np.array([np.bincount(side[side >= 0], minlength=count) for side in bins])
    most = np.append(sizes.min(axis=0), 0)  # place -1: no bin
    return [np.flatnonzero(earlier_equal(side) < most[side]) for side in bins]


def earlier_equal(codes: Codes) -> Codes:
    """For each place, how many places before it hold the same code."""
    order = np.argsort(codes, kind="stable")
    _, starts, sizes = np.unique(codes[order], return_index=True, return_counts=True)
    earlier = np.empty(len(codes), dtype=np.int64)
    earlier[order] = np.arange(len(codes)) - np.repeat(starts, sizes)
    return earlier


@dataclass(frozen=True)
class Halves:
    """Fréchet distances from one half of the real faces, split by split.

    Attributes:
        samples: (splits, samples): of each sample.
        floor: (splits,): of the other half of the real faces.
        n: faces of a side, in the median split.
        all: faces of a side, had nothing been split.
        spread: the real faces' total variance.
    """

    samples: Array
    floor: Array
    n: int
    all: int
    spread: float

    @property
    def usable(self) -> bool:
        return len(self.floor) > SPLITS // 2

    @property
    def why(self) -> str:
        return f"too few (n={self.n}) once the real faces are halved, persons apart"

    def spread_around(self, value: float, each: Array, more: float = 0.0) -> Estimate | None:
        if not self.usable:
            return None
        share = min(1.0, self.n / max(1, self.all - self.n))
        return around(value, each, share + more)

    def against_floor(self) -> dict[str, Any]:
        if not self.usable:
            return {"fd_floor": None, "fd_ratio": {"n": self.n, "why": self.why}}
        floor = float(self.floor.mean())
        if floor <= 1e-6 * self.spread:
            why = "the real faces do not differ from each other"
            return {"fd_floor": digits(floor), "fd_ratio": {"n": self.n, "why": why}}
        value = float(self.samples[:, 0].mean()) / floor
        each = ratios(self.samples[:, 0], self.floor)
        estimate = self.spread_around(value, each, 1 / len(each))
        return {
            "fd_floor": digits(floor),
            "fd_ratio": {
                "n": self.n,
                "fd": digits(float(self.samples[:, 0].mean())),
                **shown(value, estimate, 0.0),
            },
        }


def ratios(above: Array, below: Array) -> Array:
    """What each split says of mean(above) / mean(below), to first order: a split whose own
    denominator happens to be small does not run away."""
    ratio = above.mean() / below.mean()
    found: Array = ratio + (above - ratio * below) / below.mean()
    return found


def compare_halves(
    samples: Sequence[Features], of: Sample, real: Sample, random: np.random.Generator
) -> Halves:
    """Split the real faces by person, and hold each sample and one half against the other half.

    All three sides have the same faces of every bin, so the distances' biases are the same.

    Args:
        samples: (n, d) each; rows belong to ``of``.
        of: bins and families of the samples.
        real: finite.
        random: draws the halves.
    """
    most = MOST_IN_HALF if real.features.shape[1] <= WIDE else MOST_IN_HALF_WIDE
    persons = np.unique(real.families[:, 0])
    families = 1 + max(int(side.families.max(initial=-1)) for side in (of, real))
    distances, sizes = [], []
    for _ in range(SPLITS):
        near_half = np.zeros(families + 1, dtype=bool)  # the last: the padding -1
        near_half[random.permutation(persons)[: len(persons) // 2]] = True
        ranks = random.permutation(families + 1)
        one = near_half[real.families[:, 0]]
        stranger = np.asarray(~near_half[of.families].any(axis=1))
        sides = [
            _in_order(ranks[of.families[:, 0]], stranger),
            _in_order(ranks[real.families[:, 0]], one),
            _in_order(ranks[real.families[:, 0]], ~one),
        ]
        codes = (of.bins, real.bins, real.bins)
        chosen = matched(*(bins[side] for bins, side in zip(codes, sides, strict=True)))
        made, near, far = (side[rows][:most] for side, rows in zip(sides, chosen, strict=True))
        sizes.append(len(made))
        if len(made) >= _FEWEST_IN_HALF:
            held = Moments.of(real.features[near])
            others = [*(sample[made] for sample in samples), real.features[far]]
            distances.append([held.distance(Moments.of(other)) for other in others])
    found = np.array(distances, dtype=np.float64).reshape(len(distances), len(samples) + 1)
    return Halves(
        found[:, :-1],
        found[:, -1],
        int(np.median(sizes)),
        len(matched(of.bins, real.bins)[0]),
        float(np.var(real.features, axis=0, dtype=np.float64).sum()),
    )


def _in_order(ranks: Codes, allowed: npt.NDArray[np.bool_]) -> Codes:
    """The allowed rows by rank: families come in random order, each together."""
    rows = np.flatnonzero(allowed)
    ordered: Codes = rows[np.argsort(ranks[rows], kind="stable")]
    return ordered


def shown(value: float, estimate: Estimate | None, least: float = -np.inf) -> dict[str, Any]:
    """``least``: what the figure cannot be below, whatever its interval."""
    interval = None
    if estimate is not None and np.isfinite(estimate.interval).all():
        interval = [digits(max(least, end)) for end in estimate.interval]
    return {"value": digits(value), "interval": interval}


def digits(value: float) -> float:
    return float(f"{value:.6g}")


def rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: digits(value) if isinstance(value, float) else value for name, value in found.items()
    }
