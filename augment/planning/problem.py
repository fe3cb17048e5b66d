"""What the planner's programme is given and what it gives back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.metrics.balance import Counts

Floats = npt.NDArray[np.float64]


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


def filled(problem: Problem, moves: Sequence[Move]) -> Counts:
    """Faces ordered for each bin."""
    counts = np.zeros(len(problem.deficits), dtype=np.int64)
    for move in moves:
        counts[move.target] += move.faces
    return counts
