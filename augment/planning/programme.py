"""Which generator turns faces of which bin into faces of which other bin: an integer programme.

A transportation problem: donor bins supply children, target bins lack faces, a generator that can
make a move is an arc with a cost. First as many faces as the limits allow, then, among those plans,
the least change. Moves of which too few pass the gate come after all others, where the generator
has better ones for the bin. Solved by HiGHS
(Huangfu & Hall 2018) through scipy.

Faces count by the candidates that they take. Counted by heads, parents that are short would all go
to the bins whose faces pass most easily, and the groups that the gate refuses more got none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linprog

from augment.metrics.balance import Counts
from augment.planning.problem import Floats, Move, Problem, room, supplier_room

#: Added to a move's cost for each candidate that a face takes: of moves that cost the same, those
#: of the generator that passes more often come first. Small against any real difference in cost.
_PASSING = 1e-4
_TOLERANCE = 1e-6
#: Added to the cost of a move that is a last resort: it comes after all others.
_LAST = 1e3


@dataclass(frozen=True)
class _Arcs:
    """Every possible (supplier, donor bin, target bin); arrays of shape (arcs,)."""

    supplier: npt.NDArray[np.int64]
    donor: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    cost: Floats
    parents: npt.NDArray[np.int64]
    spare: Floats
    last: npt.NDArray[np.bool_]  # a last resort: too few pass, and more do of other donors
    worth: Floats  # of a face: the candidates that its bin's first choice takes

    @classmethod
    def of(cls, problem: Problem) -> "_Arcs":
        wanted = room(problem) > 0
        whole, real = np.empty(0, dtype=np.int64), np.empty(0)
        pieces: list[tuple[Any, ...]] = [(whole, whole, whole, real, whole, real, real)]
        for number, supplier in enumerate(problem.suppliers):
            able = np.isfinite(supplier.costs)
            able &= (problem.donors_of(supplier) >= max(1, supplier.parents))[:, None]
            able &= wanted[None, :] & np.isfinite(supplier.spares)
            donor, target = np.nonzero(able)
            same, parents = np.full(len(donor), number), np.full(len(donor), supplier.parents)
            cost, spare = supplier.costs[donor, target], supplier.spares[donor, target]
            best = np.where(able, supplier.spares, np.inf).min(axis=0)[target]
            donor += problem.first_donor(supplier)
            pieces.append((same, donor, target, cost, parents, spare, best))
        columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
        maker, donor, target, cost, parents, spare, best = columns
        last = spare > np.maximum(best, problem.most_spare)
        spare = np.minimum(spare, problem.most_spare)
        worth = np.ones(len(problem.deficits))
        worst_first = np.lexsort((spare, cost, last))[::-1]
        worth[target[worst_first]] = spare[worst_first]  # the one that is set last stays: the best
        return cls(maker, donor, target, cost, parents, spare, last, worth[target])

    def __len__(self) -> int:
        return len(self.cost)

    @property
    def weight(self) -> Floats:
        """Children that parents have for one face wanted, those who are spare included."""
        weight: Floats = self.parents * self.spare
        return weight

    @property
    def burden(self) -> Floats:
        """What one face costs in the programme."""
        burden: Floats = self.worth * (self.cost + _PASSING * self.spare + _LAST * self.last)
        return burden


def solve(problem: Problem) -> list[Move]:
    """The moves of a plan, ordered by target, supplier and donor.

    As many faces as the limits allow, each counted by the candidates that its bin's first choice
    takes; among all such plans one of least total cost, counted likewise. Exact where the children
    of a donor bin all need as many parents and spares. Where they differ (generators of one and of
    two parents; pass rates that differ by move), the fractional optimum is rounded down and then
    filled up, cheapest moves first. That mostly loses nothing; a property test holds the loss
    below two faces for each donor bin.
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
    most = float(_minimise(-arcs.worth, limits) @ arcs.worth)
    return _minimise(arcs.burden, limits, (arcs.worth, most - _TOLERANCE / 10))


def _minimise(
    cost: Floats, limits: Sequence[_Limits], total: tuple[Floats, float] | None = None
) -> Floats:
    """A vertex of least cost (simplex, not interior point), with a given weighted sum."""
    result = linprog(
        cost,
        A_ub=sparse.vstack([limit.matrix for limit in limits], format="csr"),
        b_ub=np.concatenate([limit.most for limit in limits]),
        A_eq=None if total is None else total[0][None, :],
        b_eq=None if total is None else [total[1]],
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
    places = problem.places
    children = places - np.bincount(arcs.donor, amounts * arcs.parents, len(places))
    planned = places - np.bincount(arcs.donor, amounts * arcs.weight, len(places))
    for arc in np.argsort(arcs.burden / arcs.worth, kind="stable"):
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
