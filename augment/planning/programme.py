"""Which generator turns faces of which bin into faces of which other bin: an integer programme.

A transportation problem: donor bins supply children, target bins lack faces, a generator that can
make a move is an arc with a cost. First as many faces as the limits allow, then, among those plans,
the least change. Solved by HiGHS (Huangfu & Hall 2018) through scipy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linprog

from augment.metrics.balance import Counts

Floats = npt.NDArray[np.float64]

#: Added to a move's cost for each candidate that a face takes: of moves that cost the same, those
#: of the generator that passes more often come first. Small against any real difference in cost.
_PASSING = 1e-4
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Supplier:
    """One generator, as the programme sees it.

    Attributes:
        key: its name in params.yaml.
        costs: (bins, bins), row donor and column target; NaN where it cannot make the move.
        spares: (bins,), candidates made for each face wanted of a target bin, since the gate
            refuses some; at least 1, inf where none is expected to pass.
        parents: faces of the donor bin that one new face needs.
        max_share: of a bin's deficit that it may be ordered to fill, 0..1.
    """

    key: str
    costs: Floats
    spares: Floats
    parents: int = 1
    max_share: float = 1.0


@dataclass(frozen=True)
class Problem:
    """What is lacking, who is there, and what is allowed.

    Attributes:
        deficits: faces that each bin lacks, shape (bins,).
        faces: real train faces of each bin, shape (bins,).
        suppliers: the generators.
        max_synthetic_share: of a bin after filling, 0..1.
        places: children that the faces of each bin may still have, all together, shape (bins,).
        donors: faces of each bin that may have a child, shape (bins,).
        filled: faces that each generator has already put into each bin, shape (suppliers, bins).
    """

    deficits: Counts
    faces: Counts
    suppliers: Sequence[Supplier]
    max_synthetic_share: float
    places: Counts
    donors: Counts
    filled: Counts

    @classmethod
    def fresh(
        cls,
        deficits: Counts,
        faces: Counts,
        suppliers: Sequence[Supplier],
        most_children: int,
        max_synthetic_share: float,
    ) -> "Problem":
        """Nothing is filled yet; each face may have ``most_children`` candidates."""
        filled = np.zeros((len(suppliers), len(deficits)), dtype=np.int64)
        places = most_children * faces
        return cls(deficits, faces, suppliers, max_synthetic_share, places, faces, filled)


@dataclass(frozen=True)
class Move:
    """So many faces of bin ``target``, made by one generator from faces of bin ``donor``."""

    supplier: int  # place in Problem.suppliers
    donor: int
    target: int
    faces: int
    candidates: int
    cost: float  # of one face


def room(problem: Problem) -> Counts:
    """Faces that may still be added to each bin: the deficit, cut by the synthetic share."""
    most, share = problem.deficits, problem.max_synthetic_share
    if share < 1:
        # synthetic / (real + synthetic) <= share; the small term is for shares like 0.7 in binary.
        allowed = np.floor(share * problem.faces / (1 - share) + 1e-9).astype(np.int64)
        most = np.minimum(most, allowed)
    left: Counts = np.maximum(most - problem.filled.sum(axis=0), 0)
    return left


def supplier_room(problem: Problem, number: int) -> Counts:
    """Faces of each bin that one generator may still fill; a share of a small deficit rounds up."""
    share = problem.suppliers[number].max_share
    most = np.ceil(share * problem.deficits - 1e-9).astype(np.int64)
    left: Counts = np.maximum(most - problem.filled[number], 0)
    return left


@dataclass(frozen=True)
class _Arcs:
    """Every possible (supplier, donor bin, target bin); arrays of shape (arcs,)."""

    supplier: npt.NDArray[np.int64]
    donor: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    cost: Floats
    parents: npt.NDArray[np.int64]
    spare: Floats

    @classmethod
    def of(cls, problem: Problem) -> "_Arcs":
        wanted = room(problem) > 0
        whole, real = np.empty(0, dtype=np.int64), np.empty(0)
        pieces: list[tuple[Any, ...]] = [(whole, whole, whole, real, whole, real)]
        for number, supplier in enumerate(problem.suppliers):
            able = np.isfinite(supplier.costs)
            able &= (problem.donors >= max(1, supplier.parents))[:, None]
            able &= (wanted & np.isfinite(supplier.spares))[None, :]
            donor, target = np.nonzero(able)
            same, parents = np.full(len(donor), number), np.full(len(donor), supplier.parents)
            cost, spare = supplier.costs[donor, target], supplier.spares[target]
            pieces.append((same, donor, target, cost, parents, spare))
        columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
        return cls(*columns)

    def __len__(self) -> int:
        return len(self.cost)

    @property
    def weight(self) -> Floats:
        """Children that parents have for one face wanted, those who are spare included."""
        weight: Floats = self.parents * self.spare
        return weight


def solve(problem: Problem) -> list[Move]:
    """The moves of a plan, ordered by target, supplier and donor.

    As many faces as the limits allow; among all such plans one of least total cost. Exact where
    the children of a donor bin all need as many parents and spares. Where they differ (generators
    of one and of two parents; pass rates that differ by target), the fractional optimum is rounded
    down and then filled up, cheapest moves first. That mostly loses nothing; a property test holds
    the loss below two faces for each donor bin.
    """
    arcs = _Arcs.of(problem)
    if not len(arcs):
        return []
    limits = _limits(problem, arcs)
    # With equal weights a vertex of this polytope is whole: each limit holds on a set of arcs, and
    # the sets are those of two nested families (targets, donors), a totally unimodular matrix.
    # Elsewhere few entries of a vertex are broken: each limit that binds can break one.
    best = _best(arcs, limits)
    amounts = np.floor(best + 10 * _TOLERANCE).astype(np.int64)
    # Rounding up what is whole but for the solver's error may overstep a weighted limit by as much;
    # whole children are counted again below.
    if any((limit.matrix @ amounts > limit.most + 1e-3).any() for limit in limits):
        raise RuntimeError("the planner's programme came back with a limit overstepped")
    return _moves(problem, arcs, _filled_up(problem, arcs, amounts))


@dataclass(frozen=True)
class _Limits:
    """Rows of ``matrix @ amounts <= most``."""

    matrix: Any  # sparse, (rows, arcs)
    most: Floats

    @classmethod
    def of(cls, group: npt.NDArray[np.int64], weight: Floats, most: Floats | Counts) -> "_Limits":
        """One row a group of arcs: their amounts, weighted, are at most ``most[group]``."""
        shape = (len(most), len(group))
        matrix = sparse.csr_array((weight, (group, np.arange(len(group)))), shape)
        used = np.unique(group)
        return cls(matrix[used], most[used].astype(np.float64))


def _limits(problem: Problem, arcs: _Arcs) -> list[_Limits]:
    """Children of parents first, then the room of targets and each generator's share of it."""
    ones = np.ones(len(arcs))
    limits = [_children(problem, arcs), _Limits.of(arcs.target, ones, room(problem))]
    if any(supplier.max_share < 1 for supplier in problem.suppliers):
        pair = arcs.supplier * len(problem.deficits) + arcs.target
        most = [supplier_room(problem, number) for number in range(len(problem.suppliers))]
        limits.append(_Limits.of(pair, ones, np.concatenate(most)))
    return limits


def _children(problem: Problem, arcs: _Arcs) -> _Limits:
    """Children of each donor bin's faces, spare ones included.

    Where all of them weigh the same, their number is limited instead, rounded up so that a single
    donor can give one: whole numbers keep the programme exact.
    """
    places = problem.places.astype(np.float64)
    heaviest, lightest = np.zeros(len(places)), np.full(len(places), np.inf)
    np.maximum.at(heaviest, arcs.donor, arcs.weight)
    np.minimum.at(lightest, arcs.donor, arcs.weight)
    even = heaviest == lightest
    parents = np.ones(len(places))
    np.maximum.at(parents, arcs.donor, arcs.parents)
    number = np.minimum(np.ceil(places / np.maximum(heaviest, 1) - 1e-9), places // parents)
    weight = np.where(even[arcs.donor], 1.0, arcs.weight)
    return _Limits.of(arcs.donor, weight, np.where(even, number, places))


def _best(arcs: _Arcs, limits: Sequence[_Limits]) -> Floats:
    """Amounts, shape (arcs,): the most that the limits allow in all, at the least cost."""
    most = float(_minimise(-np.ones(len(arcs)), limits, None).sum())
    total = round(most) if abs(most - round(most)) < _TOLERANCE else most - _TOLERANCE / 10
    return _minimise(arcs.cost + _PASSING * arcs.spare, limits, total)


def _minimise(cost: Floats, limits: Sequence[_Limits], total: float | None) -> Floats:
    """A vertex of least cost (simplex, not interior point), with a given sum of all amounts."""
    result = linprog(
        cost,
        A_ub=sparse.vstack([limit.matrix for limit in limits], format="csr"),
        b_ub=np.concatenate([limit.most for limit in limits]),
        A_eq=None if total is None else np.ones((1, len(cost))),
        b_eq=None if total is None else [total],
        method="highs-ds",
    )
    if result.status != 0:
        raise RuntimeError(f"the planner's programme was not solved: {result.message}")
    amounts: Floats = result.x
    return amounts


def _filled_up(problem: Problem, arcs: _Arcs, amounts: Counts) -> Counts:
    """The amounts with what rounding down lost, as far as limits and parents allow."""
    amounts, bins = amounts.copy(), len(problem.deficits)
    target = room(problem) - np.bincount(arcs.target, amounts, bins)
    share = np.stack([supplier_room(problem, number) for number in range(len(problem.suppliers))])
    np.subtract.at(share, (arcs.supplier, arcs.target), amounts)
    children = problem.places - np.bincount(arcs.donor, amounts * arcs.parents, bins)
    planned = problem.places - np.bincount(arcs.donor, amounts * arcs.weight, bins)
    for arc in np.argsort(arcs.cost + _PASSING * arcs.spare, kind="stable"):
        donor, to, maker = arcs.donor[arc], arcs.target[arc], arcs.supplier[arc]
        while (
            min(target[to], share[maker, to]) > 0
            # A face whose spares find no place any more is ordered all the same.
            and planned[donor] > _TOLERANCE
            and children[donor] >= arcs.parents[arc]
        ):
            amounts[arc] += 1
            target[to] -= 1
            share[maker, to] -= 1
            children[donor] -= arcs.parents[arc]
            planned[donor] -= arcs.weight[arc]
    return amounts


def _moves(problem: Problem, arcs: _Arcs, amounts: Counts) -> list[Move]:
    chosen = np.flatnonzero(amounts)
    order = np.lexsort((arcs.donor[chosen], arcs.supplier[chosen], arcs.target[chosen]))
    # What parents can still give after every wanted face has its own candidate.
    left = problem.places - np.bincount(
        arcs.donor[chosen], amounts[chosen] * arcs.parents[chosen], minlength=len(problem.places)
    ).astype(np.int64)
    moves = []
    for arc in chosen[order]:
        faces, parents = int(amounts[arc]), int(arcs.parents[arc])
        wanted = int(np.ceil(faces * arcs.spare[arc] - 1e-9)) - faces
        spare = min(wanted, int(left[arcs.donor[arc]]) // parents)
        left[arcs.donor[arc]] -= spare * parents
        moves.append(
            Move(int(arcs.supplier[arc]), int(arcs.donor[arc]), int(arcs.target[arc]), faces,
                 faces + spare, float(arcs.cost[arc]))
        )  # fmt: skip
    return moves


def filled(problem: Problem, moves: Sequence[Move]) -> Counts:
    """Faces ordered for each bin."""
    counts = np.zeros(len(problem.deficits), dtype=np.int64)
    for move in moves:
        counts[move.target] += move.faces
    return counts
