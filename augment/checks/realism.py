"""The face lies among real faces of its bin: near enough to some, as gate judges describe them.

No discriminator is asked. The judges' features are whitened on real faces, and the distance to the
k-th nearest real face of the same group is held against the same distance between real faces of
different people (k-nearest-neighbour outlier score: S. Ramaswamy et al., SIGMOD 2000): other photos
of one person lie nearer than any stranger's, and a candidate's person may have none. A bin with too
few real faces borrows the groups that it is part of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from augment.metrics.floors import Floors, Groups, groups_of
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image

NAMES = ("features", "identity")  # the features of judges that describe a whole face
_BIN = "bin"
_KEPT_VARIANCE = 0.98  # of the real faces' features; the rest would be noise blown up
_FEW = 4  # times as many faces as neighbours make a group to be near to
_BLOCK = 4_000_000  # distances calculated at a time: 32 MB

_Matrix = npt.NDArray[np.float64]
_Codes = npt.NDArray[np.int64]


class Config(Section):
    # The distance to the so-manieth nearest real face counts: one alone may be the parent.
    neighbours: int = Field(5, ge=1)


@dataclass(frozen=True)
class _Space:
    """One judge's feature, whitened on real faces: each number standardised, then principal
    components of unit variance."""

    middle: _Matrix
    axes: _Matrix  # (numbers, components)
    places: _Matrix  # (real faces, components)

    @classmethod
    def fit(cls, numbers: FloatArray) -> "_Space":
        values = numbers.astype(np.float64)
        middle, spread = values.mean(axis=0), values.std(axis=0)
        own = 1 / np.where(spread > 1e-9, spread, np.inf)  # a number that never varies says nothing
        standard = (values - middle) * own
        variance, directions = np.linalg.eigh(standard.T @ standard / len(standard))
        variance, directions = variance[::-1], directions[:, ::-1]
        share = np.cumsum(variance) / max(float(variance.sum()), 1e-12)
        kept = min(int(np.searchsorted(share, _KEPT_VARIANCE)) + 1, len(share))
        axes = own[:, None] * directions[:, :kept] / np.sqrt(np.maximum(variance[:kept], 1e-12))
        return cls(middle, axes, (values - middle) @ axes)

    def place(self, numbers: FloatArray) -> _Matrix:
        placed: _Matrix = (numbers.astype(np.float64) - self.middle) @ self.axes
        return placed


class Check:
    """Score: minus the distance to real faces of its group, where 1 is usual among these; of the
    judge that doubts it most."""

    measures: Mapping[str, int] = {}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        unseen = reference.unseen
        groups = groups_of(unseen.rows, reference.bins, reference.groups)
        everything = [numbers for _, numbers in _described(unseen)]
        finite = [np.isfinite(numbers).all(axis=1) for numbers in everything]
        self._known = np.logical_and.reduce(finite) if finite else np.zeros(0, bool)
        self._groups = {name: column[self._known] for name, column in groups.items()}
        self._people = _people(unseen.rows)[self._known]
        self._spaces: dict[tuple[str, str], _Space] = {}
        if self._known.sum() > self._config.neighbours:
            self._spaces = {
                key: _Space.fit(numbers[self._known]) for key, numbers in _described(unseen)
            }
        self._large = self._large_groups()
        self._usual = {
            key: {
                group: self._usual_distance(space.places[members], self._people[members])
                for group, members in self._large.items()
            }
            for key, space in self._spaces.items()
        }
        scores = self._scores({key: space.places for key, space in self._spaces.items()},
                              self._groups, int(self._known.sum()), own=True)  # fmt: skip
        self._floors = Floors.fit(
            scores, self._groups, reference.false_rejection, reference.smallest_group
        )

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows, reference = candidates.rows, self._reference
        if not self._spaces:
            return [Verdict(None, None, passed=True)] * rows.num_rows
        groups = groups_of(rows, reference.bins, reference.groups)
        found = dict(_described(candidates))
        missing = np.full((rows.num_rows, 1), np.nan, np.float32)
        places = {
            key: space.place(found[key]) if key in found else missing
            for key, space in self._spaces.items()
        }
        scores = self._scores(places, groups, rows.num_rows, own=False)
        floors = self._floors.of(groups, rows.num_rows)
        return [
            _verdict(float(score), float(floor))
            for score, floor in zip(scores, floors, strict=True)
        ]

    def notes(self) -> list[str]:
        if not self._spaces:
            return ["no features of real faces to compare with: nothing is refused"]
        judges = ", ".join(f"{judge} ({name})" for judge, name in self._spaces)
        bins = sum(name == _BIN for name, _ in self._large)
        return [
            f"a face may be {-(self._floors.overall or 0):.2f} times as far from the real faces of "
            f"its group as these are from each other, or as far as its group shows; as described "
            f"by {judges}; from {self._floors.faces} real faces, {bins} of "
            f"{len(self._reference.bins)} bins with at least {self._reference.smallest_group} "
            "(the others borrow wider groups)"
        ]

    def _large_groups(self) -> dict[tuple[str, str], npt.NDArray[np.int64]]:
        """(grouping, group) -> places of its real faces, of groups that are large enough.

        Bins first; last, as group "" of no grouping, all real faces. Of other groups a few faces
        will do: who is rare (wears a mask, say) is far from the many and near to the few alike.
        """
        few = _FEW * self._config.neighbours
        found = {}
        for name, column in self._groups.items():
            smallest = max(few, self._reference.smallest_group if name == _BIN else 0)
            for group, count in zip(*np.unique(column, return_counts=True), strict=True):
                if group and count >= smallest:
                    found[name, str(group)] = np.flatnonzero(column == group)
        return found | {("", ""): np.arange(int(self._known.sum()))}

    def _usual_distance(self, real: _Matrix, people: _Codes) -> float:
        found = _to_nearest(real, real, self._config.neighbours, (people, people))
        return max(float(np.median(found)), 1e-12)

    def _scores(
        self, places: Mapping[tuple[str, str], _Matrix], groups: Groups, rows: int, own: bool
    ) -> FloatArray:
        """(rows,), nan where a feature is missing. ``own``: the rows are the real faces."""
        worst = np.full(rows, np.nan)
        for number, (key, points) in enumerate(places.items()):
            ratios = self._ratios(points, key, groups, own)
            worst = ratios if number == 0 else np.maximum(worst, ratios)
        # Rounded: a threshold never hangs on a last bit.
        return np.round(-worst, 3).astype(np.float32)

    def _ratios(self, points: _Matrix, key: tuple[str, str], groups: Groups, own: bool) -> _Matrix:
        """Distance of each point to the real faces of its group, in what is usual there.

        The bin's faces where there are enough; else of the wider groups the one that it is nearest
        to; else all real faces.
        """
        real, usual = self._spaces[key].places, self._usual[key]
        nearest = np.full(len(points), np.inf)
        waiting = np.ones(len(points), bool)
        for group, members in self._large.items():
            # Bins come first: who has found one asks no wider group.
            name, word = group
            of_group = groups[name] == word if name else ~np.isfinite(nearest)
            rows = np.flatnonzero(of_group & waiting)
            people = (self._people[rows], self._people[members]) if own else None
            found = _to_nearest(points[rows], real[members], self._config.neighbours, people)
            nearest[rows] = np.minimum(nearest[rows], found / usual[group])
            if name == _BIN:
                waiting[rows] = False
        return np.where(np.isfinite(points).all(axis=1), nearest, np.nan)


def _described(faces: Evidence) -> Iterator[tuple[tuple[str, str], FloatArray]]:
    for judge, features in faces.features.items():
        for name in NAMES:
            if name in features:
                yield (judge, name), features[name]


def _people(rows: pa.Table) -> _Codes:
    """A number for each face's person; faces of nobody known are persons of their own."""
    ids = rows.column("id").to_pylist()
    names = rows.column("person").to_pylist() if "person" in rows.column_names else ids
    known = [name or f"\x1f{row_id}" for name, row_id in zip(names, ids, strict=True)]
    codes: _Codes = np.unique(np.array(known, dtype=np.str_), return_inverse=True)[1]
    return codes


def _to_nearest(
    points: _Matrix, real: _Matrix, count: int, people: tuple[_Codes, _Codes] | None = None
) -> _Matrix:
    """Distance of each point to its ``count``-th nearest real face, (points,).

    ``people``: who the points and the real faces are: faces of one's own person do not count. 0
    where there are not so many others.
    """
    place = min(count, len(real)) - 1
    lengths = np.square(real).sum(axis=1)
    found = np.zeros(len(points))
    step = max(1, _BLOCK // len(real))
    for start in range(0, len(points), step):
        block = points[start : start + step]
        squares = np.square(block).sum(axis=1)[:, None] + lengths - 2 * block @ real.T
        if people is not None:
            squares[people[0][start : start + step, None] == people[1]] = np.inf
        found[start : start + step] = np.partition(squares, place, axis=1)[:, place]
    return np.sqrt(np.where(np.isfinite(found), np.maximum(found, 0), 0))


def _verdict(score: float, floor: float) -> Verdict:
    if not np.isfinite(score):
        return Verdict(None, None, False, "a judge's description of it is not a number")
    if score >= floor:
        return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
    reason = f"far from real faces of its group: {-score:.1f} times as far as these are usually"
    return Verdict(score, floor, False, reason)
