"""What the planner's programme is given and what it gives back."""

import math
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
        spares: (bins, bins), candidates that each face takes, since the gate refuses some; row
            donor and column target; at least 1, inf where none is expected to pass.
        parents: faces of the donor bin that one new face needs.
        max_share: of a bin's deficit that it may be ordered to fill, 0..1.
        restores: its donors are the faces that are too small as they are, and only those; they
            stay in their bin.
    """

    key: str
    costs: Floats
    spares: Floats
    parents: int = 1
    max_share: float = 1.0
    restores: bool = False


@dataclass(frozen=True)
class Problem:
    """What is lacking, who is there, and what is allowed.

    Attributes:
        deficits: faces that each bin lacks, shape (bins,).
        faces: real train faces of each bin, shape (bins,).
        small: those of each bin that are too small to be used as they are, shape (bins,).
        suppliers: the generators.
        max_synthetic_share: of a bin after filling, 0..1.
        places: children that the faces of each donor may still have, all together, shape
            (2 * bins,): of the usable faces of each bin, then of those that are too small.
        donors: faces of each donor that may have a child, shape (2 * bins,).
        filled: faces that each generator has already put into each bin, shape (suppliers, bins).
        most_spare: candidates ordered for each face, at most. A move that takes more is a last
            resort where the generator can make the bin's faces with fewer.
    """

    deficits: Counts
    faces: Counts
    small: Counts
    suppliers: Sequence[Supplier]
    max_synthetic_share: float
    places: Counts
    donors: Counts
    filled: Counts
    most_spare: float = math.inf

    @classmethod
    def fresh(
        cls,
        deficits: Counts,
        faces: Counts,
        suppliers: Sequence[Supplier],
        most_children: int,
        max_synthetic_share: float,
        small: Counts | None = None,
        most_spare: float = math.inf,
    ) -> "Problem":
        """Nothing is filled yet; each face may have ``most_children`` candidates, a small one one.

        Args:
            small: faces of each bin that are too small, shape (bins,); None: there are none.
        """
        filled = np.zeros((len(suppliers), len(deficits)), dtype=np.int64)
        small = np.zeros_like(faces) if small is None else small
        places = np.concatenate([most_children * faces, small])
        donors = np.concatenate([faces, small])
        return cls(
            deficits, faces, small, suppliers, max_synthetic_share, places, donors, filled,
            most_spare,
        )  # fmt: skip

    def first_donor(self, supplier: Supplier) -> int:
        """Where a generator's donors begin in ``places`` and ``donors``: one a bin from there."""
        return len(self.deficits) if supplier.restores else 0

    def donors_of(self, supplier: Supplier) -> Counts:
        """Faces of each bin that may have a child by this generator, shape (bins,)."""
        first = self.first_donor(supplier)
        return self.donors[first : first + len(self.deficits)]

    def people_of(self, supplier: Supplier) -> Counts:
        """As :meth:`donors_of`, with those who may have no further child."""
        return self.small if supplier.restores else self.faces


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
