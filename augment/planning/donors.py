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
#: Of the faces that could join a family, those that look most like the first parent come first:
#: this share of them, and at least so many. Heads turned alike, of like skin, can be mixed.
_NEAR_SHARE, _NEAR_LEAST = 0.1, 6


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
            looks: (faces, numbers) that are like each other where faces are posed and lit alike;
                nan or None: not known. Families of several parents are made of such as are near.
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

        Those with fewest children come first, then persons with fewest; the rest is by hash.

        Raises:
            ValueError: the faces may not have so many children.
        """
        ranks = _mixed(self._hash, row_seed(self._seed, _PURPOSE, cell))
        if parents == 1:
            return [(int(row),) for row in self._singles(n, ranks)]
        return [self._together(parents, ranks) for _ in range(n)]

    def families(self, parents: int) -> int:
        """For how many more new faces there are parents, ``parents`` different ones each."""
        left = self._most - self._children
        return next(
            n
            for n in range(int(left.sum()) // parents, -1, -1)
            # A face is in a family once, so n families use it n times at most.
            if np.minimum(left, n).sum() >= n * parents
        )

    def _singles(self, n: int, ranks: Hashes) -> Rows:
        taken = [np.empty(0, dtype=np.int64)]
        while n > 0:
            rows = self._least_used(ranks)[:n]
            self._count(rows)
            taken.append(rows)
            n -= len(rows)
        return np.concatenate(taken)

    def _together(self, parents: int, ranks: Hashes) -> tuple[int, ...]:
        """Different faces for one child, and different persons where the bin has them."""
        chosen: list[int] = []
        for _ in range(parents):
            # The hash of the first parent ranks the others: the pair depends on itself alone.
            order = _mixed(ranks, int(ranks[chosen[0]])) if chosen else ranks
            allowed = np.ones(len(self.ids), dtype=bool)
            allowed[chosen] = False
            strangers = allowed & ~np.isin(self._person, self._person[chosen])
            alike = strangers & self._alike(chosen, strangers)
            rows = self._least_used(order, alike, strangers, allowed)
            self._count(rows[:1])
            chosen.append(int(rows[0]))
        return tuple(chosen)

    def _alike(self, chosen: list[int], among: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which faces look most like the first parent, of those that may be taken at all."""
        if self._looks is None or not chosen or not among.any():
            return np.ones(len(self.ids), dtype=bool)
        open_ = np.flatnonzero(among & (self._children < self._most))
        away = np.square(self._looks[open_] - self._looks[chosen[0]]).sum(axis=1)
        if not np.isfinite(away).any():
            return np.ones(len(self.ids), dtype=bool)
        count = max(_NEAR_LEAST, round(_NEAR_SHARE * len(open_)))
        near = np.zeros(len(self.ids), dtype=bool)
        near[open_[np.argsort(away, kind="stable")[:count]]] = True
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
