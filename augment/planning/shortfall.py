"""Why a bin stays below its target: which limit binds, found by lifting limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from augment.metrics.balance import Counts
from augment.planning.problem import Move, Problem, Supplier, filled, room, supplier_room

NO_GENERATOR = "no generator can make it"
NO_DONORS = "no donors"
CHILDREN = "k children per parent"
SYNTHETIC_SHARE = "synthetic share"
GENERATOR_SHARE = "generator share"
REFUSED = "refused by the gate"


@dataclass(frozen=True)
class Unfilled:
    """So many faces of a bin that a limit keeps from being ordered."""

    target: int
    faces: int
    reason: str


def explain_unfilled(problem: Problem, moves: Sequence[Move]) -> list[Unfilled]:
    """What keeps each bin from its target: the limits are lifted one after the other, and what a
    bin gains by a lift is what that limit bound. The parts add up to the bin's shortfall exactly.

    Order of lifting: children per parent, generator shares, generators that the gate always
    refuses, synthetic share, lack of donors. What is left then cannot be made by any generator.
    """
    now = filled(problem, moves)
    unlimited = replace(
        problem, suppliers=[replace(supplier, max_share=1.0) for supplier in problem.suppliers]
    )
    hopeful = replace(
        unlimited,
        suppliers=[
            replace(supplier, spares=np.ones_like(supplier.spares))
            for supplier in unlimited.suppliers
        ],
    )
    no_share = replace(hopeful, max_synthetic_share=1.0)
    crowd = max([1, *(supplier.parents for supplier in problem.suppliers)])
    peopled = replace(
        no_share,
        faces=np.maximum(no_share.faces, crowd),
        small=np.maximum(no_share.small, no_share.deficits),
    )
    lifted = [
        (CHILDREN, _fill_by_any_parent(problem)),
        (GENERATOR_SHARE, _fill_by_any_parent(unlimited)),
        (REFUSED, _fill_by_any_parent(hopeful)),
        (SYNTHETIC_SHARE, _fill_by_any_parent(no_share)),
        (NO_DONORS, _fill_by_any_parent(peopled)),
        (NO_GENERATOR, np.maximum(problem.deficits - problem.filled.sum(axis=0), 0)),
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


def refused_suppliers(problem: Problem, target: int) -> list[str]:
    """Keys of the generators that could fill a bin, had the gate not refused all they made."""
    return [
        supplier.key
        for supplier in problem.suppliers
        if (able := _able(problem, supplier)[:, target]).any()
        and np.isinf(supplier.spares[able, target]).all()
    ]


def _able(problem: Problem, supplier: Supplier) -> npt.NDArray[np.bool_]:
    """Moves for which there are parents, (bins, bins)."""
    there = problem.people_of(supplier) >= max(1, supplier.parents)
    return np.asarray(np.isfinite(supplier.costs) & there[:, None])


def _fill_by_any_parent(problem: Problem) -> Counts:
    """What each bin could get if a parent had no limit of children: bins then do not compete, and
    no programme is needed."""
    able, restored = np.zeros((2, len(problem.deficits)), dtype=np.int64)
    for number, supplier in enumerate(problem.suppliers):
        reached = (_able(problem, supplier) & np.isfinite(supplier.spares)).any(axis=0)
        fill = restored if supplier.restores else able
        fill += np.where(reached, supplier_room(problem, number), 0)
    # A small face is restored once, whatever the limit of children.
    return np.minimum(room(problem), able + np.minimum(restored, problem.small))
