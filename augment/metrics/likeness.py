"""Are made faces like the real faces of their own group? Distances with n, floor and interval.

Three precautions, without which these figures mislead:

- *Same bins.* Both sides hold equally many faces of every bin. Otherwise a generator of masks would
  be far from "the faces of 20-29" because they wear none, whatever its masks look like.
- *A floor.* Distances of finite samples are above 0. The real faces are split into halves, persons
  apart, and what lies between the halves is the floor; the ratio takes both at the same n.
- *Not its own parents.* In the ratio no made face is held against a person that it was made of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.metrics.fidelity import (
    FEWEST,
    MOST_IN_PAIRS,
    Array,
    Codes,
    Estimate,
    Moments,
    around,
    finite_rows,
    frechet_distance,
    kernel_distance,
    neighbourhoods,
)

#: How often the real faces are split into halves.
SPLITS = 8
#: Faces of a side in each comparison of halves, at most: there are many comparisons.
MOST_IN_HALF = 200
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


def too_few(n: int) -> dict[str, Any]:
    return {"n": n, "why": f"too few (n={n})"}


def likeness(made: Sample, real: Sample, k: int, random: np.random.Generator) -> dict[str, Any]:
    """All distances between some made faces and the real faces of the same bins.

    Args:
        made: the passed candidates of one generator and group.
        real: real faces of that group.
        k: neighbours for precision, recall, density, coverage.
        random: draws halves.

    Returns:
        ``n`` (compared, on each side), ``set_aside`` (faces without finite features) and, unless
        there were too few (then ``why``): ``fd``, ``fd_floor``, ``fd_ratio``, ``kid`` and
        ``neighbours``, see :mod:`augment.stages.fidelity`.
    """
    usable = finite_rows(made.features), finite_rows(real.features)
    aside = {"made": int((~usable[0]).sum()), "real": int((~usable[1]).sum())}
    made, real = made.take(usable[0]), real.take(usable[1])
    rows = matched(made.bins, real.bins)
    n = len(rows[0])
    if n < FEWEST:
        return {**too_few(n), "set_aside": aside}
    first, second = made.take(rows[0]), real.take(rows[1])
    distance = frechet_distance(first.features, second.features)
    families = first.families[:, 0], second.families[:, 0]
    kernel = kernel_distance(first.features, second.features, families, random)
    halves = compare_halves([made.features], made, real, random)
    pairs = min(n, MOST_IN_PAIRS)
    neighbours = (
        neighbourhoods(second.features, first.features, k).__dict__ | {"k": k, "n": pairs}
        if k < pairs
        else too_few(pairs)
    )
    return {
        "n": n,
        "set_aside": aside,
        "made_of_real": int(np.isin(first.families, second.families).any(axis=1).sum()),
        "fd": _shown(distance, halves.spread_around(distance, halves.samples[:, 0]), 0.0),
        **halves.against_floor(),
        "kid": _shown(kernel.value, kernel) | {"n": pairs},
        "neighbours": _rounded(neighbours),
    }


def distance_closed(
    edited: Sample, donors: Features, real: Sample, random: np.random.Generator
) -> dict[str, Any]:
    """How much of the way from donors to the target's real faces an edit goes.

    1 - FD(edited, real) / FD(donors, real): 0 where nothing moved, below 0 where it moved away; a
    perfect edit comes to ``possible``, which has real faces in place of the edited ones.

    Args:
        edited: candidates that one parent and an edit made, in their target bins; one a parent.
        donors: (n, d) features of their parents, row by row.
        real: real faces of the target bins.
        random: draws halves.
    """
    usable = finite_rows(edited.features) & finite_rows(donors)
    aside = int((~usable).sum())
    edited, donors = edited.take(usable), donors[usable]
    real = real.take(finite_rows(real.features))
    n = len(matched(edited.bins, real.bins)[0])
    if n < FEWEST:
        return {**too_few(n), "set_aside": aside}
    halves = compare_halves([edited.features, donors], edited, real, random)
    if not halves.usable:
        return {"n": n, "set_aside": aside, "why": halves.why}
    of_edited, of_donors, floor = (float(part.mean()) for part in (*halves.samples.T, halves.floor))
    found = {
        "n": halves.n,
        "set_aside": aside,
        "fd_edited": of_edited,
        "fd_donors": of_donors,
        "fd_floor": floor,
    }
    if of_donors <= floor:
        why = "the donors are as near to the target's faces as these are to each other"
        return _rounded(found) | {"why": why}
    value = 1 - of_edited / of_donors
    with np.errstate(divide="ignore", invalid="ignore"):
        each = 1 - halves.samples[:, 0] / halves.samples[:, 1]
    return (
        _rounded(found)
        | _shown(value, halves.spread_around(value, each, 1 / len(each)))
        | {"possible": _digits(1 - floor / of_donors)}
    )


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
            return {"fd_floor": _digits(floor), "fd_ratio": {"n": self.n, "why": why}}
        value = float(self.samples[:, 0].mean()) / floor
        with np.errstate(divide="ignore", invalid="ignore"):
            each = self.samples[:, 0] / self.floor
        estimate = self.spread_around(value, each, 1 / len(each))
        return {
            "fd_floor": _digits(floor),
            "fd_ratio": {
                "n": self.n,
                "fd": _digits(float(self.samples[:, 0].mean())),
                **_shown(value, estimate, 0.0),
            },
        }


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
        made, near, far = (
            side[rows][:MOST_IN_HALF] for side, rows in zip(sides, chosen, strict=True)
        )
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


def _shown(value: float, estimate: Estimate | None, least: float = -np.inf) -> dict[str, Any]:
    """``least``: what the figure cannot be below, whatever its interval."""
    interval = None
    if estimate is not None and np.isfinite(estimate.interval).all():
        interval = [_digits(max(least, end)) for end in estimate.interval]
    return {"value": _digits(value), "interval": interval}


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _digits(value) if isinstance(value, float) else value for name, value in found.items()
    }
