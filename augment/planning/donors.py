"""Which faces become parents: spread evenly over faces and persons, and stable.

Each choice (a "cell": one generator, one donor bin, one target bin) ranks faces by a hash of their
own. A face more or less in the data set then changes few choices, and what was made from the other
parents need not be made again.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from augment.seeds import row_seed
from augment.types import FloatArray

Rows = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_PURPOSE = "plan donors"
#: Faces look alike where no number of their looks differs by more. Heads held alike can be mixed.
_ALIKE = 1.6
#: Where no face looks like the parents so far: so many of those that differ least.
_NEAREST = 2


class DonorPool:
    """The faces of one donor bin and how many children each already has."""

    def __init__(
        self,
        ids: Sequence[str],
        persons: Sequence[str | None],
        most_children: int,
        seed: int,
        children: Mapping[str, int] | None = None,
        looks: FloatArray | None = None,
    ) -> None:
        """Make a pool.

        Args:
            ids: of the faces, in any order: choices do not depend on it.
            persons: who they show; None: not known, then each face counts as a person of its own.
            most_children: that one face may have.
            seed: the run's.
            children: how many a face already has; those not named have none.
            looks: (faces, numbers) that differ by about 1 where faces are posed and lit a little
                differently; nan or None: not known. Families are made of faces that look alike.
        """
        own = [
            person if person is not None else f"\x1f{ids[n]}" for n, person in enumerate(persons)
        ]
        self.ids = ids
        self._person = np.unique(np.array(own, dtype=object), return_inverse=True)[1]
        self._most = most_children
        self._seed = seed
        self._hash = np.array([row_seed(seed, _PURPOSE, name) for name in ids], dtype=np.uint64)
        self._children = np.array([(children or {}).get(name, 0) for name in ids], dtype=np.int64)
        self._looks = looks
        self._of_person = np.bincount(self._person, self._children).astype(np.int64)

    def take(self, n: int, parents: int, cell: str) -> list[tuple[int, ...]]:
        """Parents for ``n`` new faces: places in ``ids``, ``parents`` different ones each.

        Those with fewest children come first, then persons with fewest; the rest is by hash. Of a
        family that holds for the first parent; the others look like it.

        Raises:
            ValueError: the faces may not have so many children.
        """
        ranks = _mixed(self._hash, row_seed(self._seed, _PURPOSE, cell))
        if parents == 1:
            return [(int(row),) for row in self._singles(n, ranks)]
        return [self._family(parents, ranks) for _ in range(n)]

    def families(self, parents: int) -> int:
        """For how many more new faces there are parents, ``parents`` different ones each."""
        left = np.maximum(self._most - self._children, 0)
        least, most = 0, int(left.sum()) // parents
        while least < most:
            n = (least + most + 1) // 2
            # A face is in a family once, so n families use it n times at most.
            if np.minimum(left, n).sum() >= n * parents:
                least = n
            else:
                most = n - 1
        return least

    def _singles(self, n: int, ranks: Hashes) -> Rows:
        taken = [np.empty(0, dtype=np.int64)]
        while n > 0:
            rows = self._least_used(ranks)[:n]
            self._count(rows)
            taken.append(rows)
            n -= len(rows)
        return np.concatenate(taken)

    def _family(self, parents: int, ranks: Hashes) -> tuple[int, ...]:
        """Parents for one child: posed alike, unless that would leave room for fewer families."""
        before = self._children.copy(), self._of_person.copy()
        possible = self.families(parents)
        family = self._together(parents, ranks, even=False)
        if self.families(parents) < possible - 1:
            self._children, self._of_person = before
            family = self._together(parents, ranks, even=True)
        return family

    def _together(self, parents: int, ranks: Hashes, even: bool) -> tuple[int, ...]:
        """Different faces, and different persons where the bin has them.

        ``even``: of those with fewest children in the bin, so that as many families as possible can
        follow; else of those with fewest among the faces that look alike.
        """
        chosen: list[int] = []
        for _ in range(parents):
            order = ranks
            if chosen:
                # The others follow from the first parent and its turn: a family depends on little
                # else, and the next of the same first parent is another.
                turn = int(self._children[chosen[0]])
                order = _mixed(ranks, int(ranks[chosen[0]]) ^ turn)
            allowed = self._children < self._most
            allowed[chosen] = False
            strangers = allowed & ~np.isin(self._person, self._person[chosen])
            wishes = [strangers & self._alike(chosen, strangers), strangers, allowed]
            if not even:
                wishes = [next((wish for wish in wishes if wish.any()), allowed)]
            rows = self._least_used(order, *wishes)
            self._count(rows[:1])
            chosen.append(int(rows[0]))
        return tuple(chosen)

    def _alike(self, chosen: list[int], among: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which of ``among`` look like every parent so far."""
        if self._looks is None or not chosen or not among.any():
            return among
        open_ = np.flatnonzero(among)
        away = np.abs(self._looks[open_, None] - self._looks[chosen]).max(axis=(1, 2))
        if not np.isfinite(away).any():
            return among
        near = np.zeros(len(self.ids), dtype=bool)
        near[open_[away <= _ALIKE]] = True
        if not near.any():
            near[open_[np.argsort(away, kind="stable")[:_NEAREST]]] = True
        return near

    def _least_used(self, ranks: Hashes, *wishes: npt.NDArray[np.bool_]) -> Rows:
        """Faces with the fewest children, in order of choice.

        ``wishes`` are masks from the strictest to the loosest; a stricter one gives way only where
        it would make children less even.
        """
        masks = wishes or (np.ones(len(self.ids), dtype=bool),)
        open_ = masks[-1] & (self._children < self._most)
        if not open_.any():
            raise ValueError("more children were asked for than the donors may have")
        fewest = open_ & (self._children == self._children[open_].min())
        rows = next(np.flatnonzero(fewest & mask) for mask in masks if (fewest & mask).any())
        rows = rows[np.argsort(ranks[rows], kind="stable")]
        siblings = self._of_person[self._person[rows]] + _earlier_equal(self._person[rows])
        chosen: Rows = rows[np.argsort(siblings, kind="stable")]
        return chosen

    def _count(self, rows: Rows) -> None:
        self._children[rows] += 1
        np.add.at(self._of_person, self._person[rows], 1)


def _earlier_equal(codes: Rows) -> Rows:
    """For each place, how many places before it hold the same code."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(codes)])
    earlier = np.empty(len(codes), dtype=np.int64)
    earlier[order] = np.arange(len(codes)) - np.repeat(starts, sizes)
    return earlier


def _mixed(hashes: Hashes, key: int) -> Hashes:
    """Another hash of each number for each key: splitmix64 (Steele, Lea & Flood 2014)."""
    mixed = hashes ^ np.uint64(key)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
