"""Which generator turns faces of which bin into faces of which other bin: an integer programme.

A transportation problem: donor bins supply children, target bins lack faces, a generator that can
make a move is an arc with a cost. First as many faces as the limits allow, then, among those plans,
the least change. Solved exactly by HiGHS (Huangfu & Hall 2018) through scipy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linprog

from augment.metrics.balance import Counts


@dataclass(frozen=True)
class Supplier:
    """One generator, as the programme sees it.

    Attributes:
        key: its name in params.yaml.
        costs: (bins, bins), row donor and column target; NaN where it cannot make the move.
        parents: faces of the donor bin that one new face needs.
        max_share: of a bin's deficit that it may be ordered to fill, 0..1.
    """

    key: str
    costs: npt.NDArray[np.float64]
    parents: int = 1
    max_share: float = 1.0


@dataclass(frozen=True)
class Problem:
    """What is lacking, who is there, and what is allowed.

    Attributes:
        deficits: faces that each bin lacks, shape (bins,).
        faces: real train faces of each bin, all of them possible donors, shape (bins,).
        suppliers: the generators.
        most_children: candidates that one parent may have a part in.
        max_synthetic_share: of a bin after filling, 0..1.
        spare: candidates made for each face wanted, since the gate rejects some; at least 1.
    """

    deficits: Counts
    faces: Counts
    suppliers: Sequence[Supplier]
    most_children: int
    max_synthetic_share: float
    spare: float = 1.0


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
    """Faces that may be added to each bin: the deficit, cut by the synthetic share."""
    share = problem.max_synthetic_share
    if share >= 1:
        return problem.deficits
    # synthetic / (real + synthetic) <= share; the small term is for shares like 0.7 in binary.
    most = np.floor(share * problem.faces / (1 - share) + 1e-9).astype(np.int64)
    allowed: Counts = np.minimum(problem.deficits, most)
    return allowed


def supplier_room(problem: Problem, supplier: Supplier) -> Counts:
    """Faces of each bin that one generator may fill; a share of a small deficit rounds up."""
    most: Counts = np.ceil(supplier.max_share * problem.deficits - 1e-9).astype(np.int64)
    return most


def child_slots(problem: Problem) -> Counts:
    """How often faces of each bin may be parents of wanted faces, what is spare put aside.

    Rounded up, and never above faces x most_children: a single donor must be able to give one.
    """
    slots = problem.most_children * problem.faces / problem.spare
    whole: Counts = np.ceil(slots - 1e-9).astype(np.int64)
    return whole


@dataclass(frozen=True)
class _Arcs:
    """Every possible (supplier, donor bin, target bin); arrays of shape (arcs,)."""

    supplier: npt.NDArray[np.int64]
    donor: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    cost: npt.NDArray[np.float64]
    parents: npt.NDArray[np.int64]

    @classmethod
    def of(cls, problem: Problem) -> "_Arcs":
        wanted = room(problem) > 0
        pieces = [(np.empty(0, dtype=np.int64),) * 3 + (np.empty(0), np.empty(0, dtype=np.int64))]
        for number, supplier in enumerate(problem.suppliers):
            able = np.isfinite(supplier.costs)
            able &= (problem.faces >= max(1, supplier.parents))[:, None] & wanted[None, :]
            donor, target = np.nonzero(able)
            same = np.full(len(donor), number)
            pieces.append((same, donor, target, supplier.costs[donor, target],
                           np.full(len(donor), supplier.parents)))  # fmt: skip
        columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
        return cls(*columns)

    def __len__(self) -> int:
        return len(self.cost)


def solve(problem: Problem) -> list[Move]:
    """The moves of the best plan, ordered by target, supplier and donor.

    As many faces as the limits allow; among all such plans one of least total cost. Exact where
    each child has one parent. Children of two parents and of one may compete for a donor bin; its
    places are then divided as in the fractional optimum, rounded down for those of two, which
    costs at most one face a donor bin.
    """
    arcs = _Arcs.of(problem)
    if not len(arcs):
        return []
    limits = _limits(problem, arcs)
    if (arcs.parents > 1).any():
        limits = _divided(problem, arcs, _best(arcs, limits))
    # A vertex of this polytope is whole: each limit holds on a set of arcs, and the sets are those
    # of two nested families (targets, donors), whose matrix is totally unimodular.
    amounts = np.rint(_best(arcs, limits)).astype(np.int64)
    if (amounts < 0).any() or any((limit.matrix @ amounts > limit.most).any() for limit in limits):
        raise RuntimeError("the planner's programme came back with a limit overstepped")
    return _moves(problem, arcs, amounts)


@dataclass(frozen=True)
class _Limits:
    """Rows of ``matrix @ amounts <= most``."""

    matrix: Any  # sparse, (rows, arcs)
    most: npt.NDArray[np.float64]

    @classmethod
    def of(
        cls, group: npt.NDArray[np.int64], weight: npt.NDArray[np.int64], most: Counts
    ) -> "_Limits":
        """One row a group of arcs: their amounts, weighted, are at most ``most[group]``."""
        shape = (len(most), len(group))
        matrix = sparse.csr_array((weight, (group, np.arange(len(group)))), shape)
        used = np.unique(group)
        return cls(matrix[used], most[used].astype(np.float64))


def _limits(problem: Problem, arcs: _Arcs) -> list[_Limits]:
    """Children of parents first, then the room of targets and each generator's share of it."""
    ones = np.ones(len(arcs), dtype=np.int64)
    children = _Limits.of(arcs.donor, arcs.parents, child_slots(problem))
    return [children, _Limits.of(arcs.target, ones, room(problem)), *_shares(problem, arcs)]


def _shares(problem: Problem, arcs: _Arcs) -> list[_Limits]:
    if all(supplier.max_share >= 1 for supplier in problem.suppliers):
        return []
    pair = arcs.supplier * len(problem.deficits) + arcs.target
    most = [supplier_room(problem, supplier) for supplier in problem.suppliers]
    return [_Limits.of(pair, np.ones(len(arcs), dtype=np.int64), np.concatenate(most))]


def _divided(problem: Problem, arcs: _Arcs, guide: npt.NDArray[np.float64]) -> list[_Limits]:
    """The limits with each donor bin's places divided by how many parents a child takes."""
    left = child_slots(problem)
    bins, kinds = len(left), sorted(set(arcs.parents.tolist()), reverse=True)
    most = np.zeros((len(kinds), bins), dtype=np.int64)
    for kind, parents in enumerate(kinds):
        amounts = np.where(arcs.parents == parents, guide, 0)
        children = np.bincount(arcs.donor, amounts, minlength=bins)
        most[kind] = left // parents
        if parents != kinds[-1]:
            most[kind] = np.minimum(most[kind], np.floor(children + 1e-6).astype(np.int64))
        left = left - most[kind] * parents
    kind_of_arc = np.searchsorted(-np.array(kinds), -arcs.parents)
    ones = np.ones(len(arcs), dtype=np.int64)
    return [
        _Limits.of(kind_of_arc * bins + arcs.donor, ones, most.reshape(-1)),
        *_limits(problem, arcs)[1:],
    ]


def _best(arcs: _Arcs, limits: Sequence[_Limits]) -> npt.NDArray[np.float64]:
    """Amounts, shape (arcs,): the most that the limits allow in all, at the least cost."""
    most = _minimise(-np.ones(len(arcs)), limits, None).sum()
    return _minimise(arcs.cost, limits, float(most))


def _minimise(
    cost: npt.NDArray[np.float64], limits: Sequence[_Limits], total: float | None
) -> npt.NDArray[np.float64]:
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
    amounts: npt.NDArray[np.float64] = result.x
    return amounts


def _moves(problem: Problem, arcs: _Arcs, amounts: npt.NDArray[np.int64]) -> list[Move]:
    chosen = np.flatnonzero(amounts)
    order = np.lexsort((arcs.donor[chosen], arcs.supplier[chosen], arcs.target[chosen]))
    # What parents can still give after every wanted face has its own candidate.
    left = problem.most_children * problem.faces
    left = left - np.bincount(
        arcs.donor[chosen], amounts[chosen] * arcs.parents[chosen], minlength=len(left)
    ).astype(np.int64)
    moves = []
    for arc in chosen[order]:
        faces, parents = int(amounts[arc]), int(arcs.parents[arc])
        wanted = math.ceil(faces * problem.spare - 1e-9) - faces
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
