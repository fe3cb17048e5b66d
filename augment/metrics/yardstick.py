"""How like each other real faces are, as a yardstick for made ones.

Likeness is the cosine of two descriptions of faces by one judge. Three things are measured on real
faces: how like a face is to its own harmless variation, how like two photos of one person are, and
how like two people of a group are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from augment.metrics.floors import Floors, Groups, groups_of, take
from augment.metrics.pairs import Pairs, likeness, same_person, strangers
from augment.protocols import Reference
from augment.types import FloatArray

_HALF = 0.5


@dataclass(frozen=True)
class Yardstick:
    """How like each other real faces are, in one judge's description.

    Attributes:
        name: of the judge, and of the part of the face.
        feature: of the judge, that is compared.
        varied: likeness of each face to its harmless variation, and its groups.
        photos: of pairs of photos of one person; see :func:`_within`. None: there are too few.
        two_people: of pairs of different people, within each group.
        tried_on: of those within one bin, or of any, with all groups of the first.
        people: what ``photos`` are, in words.
        rate: share of ``varied`` and of ``photos`` that may be refused.
        smallest: see :meth:`augment.metrics.floors.Floors.fit`.
    """

    name: str
    feature: str
    varied: tuple[FloatArray, Groups]
    photos: tuple[FloatArray, Groups] | None
    two_people: tuple[FloatArray, Groups]
    tried_on: tuple[FloatArray, Groups]
    people: str
    rate: float
    smallest: int

    @classmethod
    def fit(
        cls, reference: Reference, judge: str, feature: str, name: str, rate: float
    ) -> "Yardstick":
        """Measure the real faces; ``name`` is what notes call it."""
        rows = reference.unseen.rows
        numbers = reference.unseen.features[judge][feature]
        groups = groups_of(rows, reference.bins, reference.groups)
        ids, persons = rows.column("id").to_pylist(), _persons(rows)
        pairs = same_person(ids, persons)
        enough = len(pairs) >= reference.smallest_group
        people = "no person has two photos"
        if len(pairs):
            count = len({persons[place] for place in pairs[:, 0]})
            people = f"{len(pairs)} pairs of photos of {count} people"
        found = {label: strangers(ids, persons, column) for label, column in groups.items()}
        nearest = found["bin"]
        if not len(nearest):
            nearest = strangers(ids, persons, np.full(len(rows), "anybody"))
        return cls(
            name=name,
            feature=feature,
            varied=(likeness(numbers, reference.again.features[judge][feature]), groups),
            photos=_within(numbers, groups, pairs) if enough else None,
            two_people=_apart(numbers, groups, found),
            tried_on=(
                likeness(numbers[nearest[:, 0]], numbers[nearest[:, 1]]),
                take(groups, nearest[:, 0]),
            ),
            people=people,
            rate=rate,
            smallest=reference.smallest_group,
        )

    def floors(self, parents: int, share: float | None, groups: Groups, faces: int) -> FloatArray:
        """The threshold of each of some candidates with so many parents, (faces,).

        Of one parent: as much likeness as photos of one person show, or as at most ``share`` of the
        pairs of two people have, whichever is more; of the latter no more than varied faces have.
        ``share`` None: the edit left untouched what is compared; it is more like its parent than
        every other varied face.
        Of several: minus the likeness that two people show. A face could be too like each of its
        parents, so each gets its part of the rate.
        """
        if parents > 1:
            return self._unlike(self.rate / parents).of(groups, faces)
        rate = _HALF if share is None else self.rate
        lowest = Floors.fit(*self.varied, rate, self.smallest).of(groups, faces)
        if share is not None:
            lowest = np.minimum(lowest, -self._unlike(share).of(groups, faces))
        if self.photos is None:
            return lowest
        photos = Floors.fit(*self.photos, self.rate, self.smallest).of(groups, faces)
        return np.maximum(lowest, photos)

    def _unlike(self, rate: float) -> Floors:
        scores, groups = self.two_people
        return Floors.fit(-scores, groups, rate, self.smallest)

    def note(self, share: float | None, generator: str = "") -> str:
        """What an edited face needs, and who has it: the same face, the same person, others."""
        name = f"{self.name}, of {generator}" if generator else self.name
        usual = float(np.median(self.floors(1, share, self.varied[1], len(self.varied[0]))))
        if not np.isfinite(usual):
            return f"{name}: no real face could be described: nothing is refused"
        found = [f"{self._reached(*self.varied, share)} faces, mirrored and cut closer"]
        people = self.people
        if self.photos is None:
            people += ": edits are compared with varied faces instead"
        else:
            scores, groups = self.photos
            first = np.arange(len(scores) // 2)
            reached = self._reached(scores[first], take(groups, first), share)
            found.append(f"{reached} pairs of photos of one person")
        bin_only = " of one bin" if (self.tried_on[1]["bin"] != "").all() else ""
        found.append(f"{self._reached(*self.tried_on, share)} pairs of different people{bin_only}")
        return (
            f"{name}: an edit must be as like its parent as {usual:.2f} (more or less by group; "
            f"{people}), as are {', '.join(found)}"
        )

    def _reached(self, scores: FloatArray, groups: Groups, share: float | None) -> str:
        """Which share of some pairs an edit's threshold lets pass, in words."""
        known = np.isfinite(scores)
        passed = (scores >= self.floors(1, share, groups, len(scores)))[known]
        counts = f"{int(passed.sum())} of {len(passed)}"
        return f"{counts} ({passed.mean():.0%})" if len(passed) else counts

    def note_on_several(self, parents: int) -> str:
        """What a face of several parents must stay below."""
        ceiling = self._unlike(self.rate / parents).overall
        if ceiling is None:
            return f"{self.name}: no two people to compare: faces of several parents pass unseen"
        return (
            f"{self.name}: a face of {parents} parents may be as like each as different people "
            f"of its group are: {-ceiling:.2f} (from {len(self.two_people[0])} pairs)"
        )


def _persons(rows: pa.Table) -> list[str]:
    """Who is on each face, "" where not known."""
    if "person" not in rows.column_names:
        return [""] * int(rows.num_rows)
    return [person or "" for person in rows.column("person").to_pylist()]


def _within(numbers: FloatArray, groups: Groups, pairs: Pairs) -> tuple[FloatArray, Groups]:
    """Likenesses of pairs. A pair of two groups counts in both, one within a group once there."""
    scores = likeness(numbers[pairs[:, 0]], numbers[pairs[:, 1]])
    of_pairs = {}
    for name, column in groups.items():
        first, second = column[pairs[:, 0]], column[pairs[:, 1]]
        of_pairs[name] = np.concatenate([first, np.where(first == second, "", second)])
    return np.concatenate([scores, scores]), of_pairs


def _apart(
    numbers: FloatArray, groups: Groups, found: Mapping[str, Pairs]
) -> tuple[FloatArray, Groups]:
    """Likenesses of the pairs found within each grouping's groups; each counts there alone."""
    scores = [likeness(numbers[pairs[:, 0]], numbers[pairs[:, 1]]) for pairs in found.values()]
    of_pairs = {
        name: np.concatenate(
            [
                column[pairs[:, 0]] if own == name else np.full(len(pairs), "", dtype=np.str_)
                for own, pairs in found.items()
            ]
        )
        for name, column in groups.items()
    }
    return np.concatenate(scores), of_pairs
