"""Which generator turns faces of which bin into faces of which other bin: an integer programme.

A transportation problem: donor bins supply children, target bins lack faces, a generator that can
make a move is an arc with a cost. First as many faces as the limits allow, then, among those plans,
the least change. Solved exactly by HiGHS (Huangfu & Hall 2018) through scipy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from augment.metrics.balance import Counts

NO_GENERATOR = "no generator can make it"
NO_DONORS = "no donors"
CHILDREN = "k children per parent"
SYNTHETIC_SHARE = "synthetic share"
GENERATOR_SHARE = "generator share"


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


@dataclass(frozen=True)
class Unfilled:
    """So many faces of a bin that a limit keeps from being ordered."""

    target: int
    faces: int
    reason: str


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
        pieces = []
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

    As many faces as the limits allow; among all such plans one of least total cost.
    """
    if not problem.suppliers:
        return []
    arcs = _Arcs.of(problem)
    if not len(arcs):
        return []
    limits = _limits(problem, arcs)
    most = int(_minimise(-np.ones(len(arcs)), [limits]).sum())
    all_of_them = LinearConstraint(np.ones((1, len(arcs))), most, most)
    amounts = _minimise(arcs.cost, [limits, all_of_them])
    _require_within(limits, amounts)
    return _moves(problem, arcs, amounts)


def _limits(problem: Problem, arcs: _Arcs) -> LinearConstraint:
    """Rows: targets' room, donors' child slots, and each generator's share of a target."""
    bins = len(problem.deficits)
    columns = np.arange(len(arcs))
    ones = np.ones(len(arcs))
    pair = arcs.supplier * bins + arcs.target
    blocks = [
        (sparse.csr_array((ones, (arcs.target, columns)), (bins, len(arcs))), room(problem)),
        (sparse.csr_array((arcs.parents, (arcs.donor, columns)), (bins, len(arcs))),
         child_slots(problem)),
    ]  # fmt: skip
    if any(supplier.max_share < 1 for supplier in problem.suppliers):
        shape = (bins * len(problem.suppliers), len(arcs))
        most = [supplier_room(problem, supplier) for supplier in problem.suppliers]
        blocks.append((sparse.csr_array((ones, (pair, columns)), shape), np.concatenate(most)))
    matrix = sparse.vstack([block for block, _ in blocks], format="csr")
    upper = np.concatenate([limit for _, limit in blocks])
    used = np.flatnonzero(np.diff(matrix.indptr))
    return LinearConstraint(matrix[used], -np.inf, upper[used])


def _minimise(cost: npt.NDArray[np.float64], limits: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Whole amounts >= 0 of least cost. With one parent a child every vertex is whole anyway (the
    matrix is totally unimodular), so that branch and bound has nothing to do."""
    result = milp(
        cost,
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, np.inf),
        constraints=list(limits),
        options={"mip_rel_gap": 0.0},
    )
    if not result.success:
        raise RuntimeError(f"the planner's programme was not solved: {result.message}")
    amounts: npt.NDArray[np.int64] = np.rint(result.x).astype(np.int64)
    return amounts


def _require_within(limits: LinearConstraint, amounts: npt.NDArray[np.int64]) -> None:
    """The solver works with tolerances; what is ordered must keep the limits exactly."""
    if (amounts < 0).any() or (limits.A @ amounts > limits.ub).any():
        raise RuntimeError("the planner's programme came back with a limit overstepped")


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


def explain_unfilled(problem: Problem, moves: Sequence[Move]) -> list[Unfilled]:
    """What keeps each bin from its target: the limits are lifted one after the other, and what a
    bin gains by a lift is what that limit bound. The parts add up to the bin's shortfall exactly.

    Order of lifting: children per parent, generator shares, synthetic share, lack of donors. What
    is left then cannot be made by any generator.
    """
    now = filled(problem, moves)
    unlimited = replace(
        problem, suppliers=[replace(supplier, max_share=1.0) for supplier in problem.suppliers]
    )
    no_share = replace(unlimited, max_synthetic_share=1.0)
    crowd = max([1, *(supplier.parents for supplier in problem.suppliers)])
    peopled = replace(no_share, faces=np.maximum(no_share.faces, crowd))
    lifted = [
        (CHILDREN, _fill_by_any_parent(problem)),
        (GENERATOR_SHARE, _fill_by_any_parent(unlimited)),
        (SYNTHETIC_SHARE, _fill_by_any_parent(no_share)),
        (NO_DONORS, _fill_by_any_parent(peopled)),
        (NO_GENERATOR, problem.deficits),
    ]
    unfilled = []
    for reason, fill in lifted:
        gain = fill - now
        if (gain < 0).any():
            raise RuntimeError(f"lifting a limit ({reason}) lost faces")
        unfilled += [
            Unfilled(int(target), int(gain[target]), reason) for target in np.flatnonzero(gain)
        ]
        now = fill
    return sorted(unfilled, key=lambda part: part.target)


def _fill_by_any_parent(problem: Problem) -> Counts:
    """What each bin could get if a parent had no limit of children: bins then do not compete, and
    no programme is needed."""
    able = np.zeros(len(problem.deficits), dtype=np.int64)
    for supplier in problem.suppliers:
        donors = problem.faces >= max(1, supplier.parents)
        reached = np.isfinite(supplier.costs[donors]).any(axis=0)
        able += np.where(reached, supplier_room(problem, supplier), 0)
    return np.minimum(room(problem), able)
