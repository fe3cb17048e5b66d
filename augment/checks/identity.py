"""An edit keeps its person; a face made of several people is a new one.

Judges describe who is on a picture; likeness is the cosine of two descriptions. An edited face must
be as like its parent as two photos of one person are to each other. Where a judge knows people
badly, two of them reach that as well; but an edit has its parent's light, pose and hair, so more
may be asked of it: what few pairs of different people reach, as long as faces that were varied
harmlessly do. A face of several parents must not be like any of them: not more than two
different people of the same group are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pydantic import Field

from augment.metrics.floors import Floors, Groups, groups_of, take
from augment.metrics.pairs import Pairs, likeness, same_person, strangers
from augment.metrics.parents import parent_places
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image

WHOLE, UPPER = "identity", "identity_upper"
_NOT_A_NUMBER = "a judge's description of it, or of its parent, is not a number"


class Config(Section):
    # Generators whose candidates are compared by the upper face, where a judge describes it: a
    # mask hides the rest.
    upper: tuple[str, ...] = ()
    # Share of the pairs of different people of one group that may pass for an edit and its parent.
    # More do where a judge finds them as like each other as a face and its harmless variation.
    strangers: float = Field(0.05, gt=0, lt=1)


class Check:
    """Score: the likeness to the parent; of several parents, minus the largest. -1..1."""

    measures: Mapping[str, int] = {}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        self._several: set[int] = set()
        found = reference.unseen.features
        self._judges = [judge for judge, features in found.items() if WHOLE in features]
        wanted = (WHOLE, UPPER) if self._config.upper else (WHOLE,)
        # Each judge may refuse: together they shall not refuse more than the stated share.
        rate = reference.false_rejection / max(len(self._judges), 1)
        self._yardsticks = {
            (judge, feature): _Yardstick.fit(
                reference, judge, feature, rate, self._config.strangers
            )
            for judge in self._judges
            for feature in wanted
            if feature in found[judge]
        }

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows = candidates.rows
        groups = groups_of(rows, self._reference.bins, self._reference.groups)
        parents = parent_places(rows, self._reference.parents.rows)
        counts = {len(places) for places in parents}
        self._several |= {count for count in counts if count > 1}
        floors = {
            (*key, count): yardstick.floors(count, groups, rows.num_rows)
            for key, yardstick in self._yardsticks.items()
            for count in counts
        }
        generators = rows.column("generator").to_pylist()
        return [
            _verdict(
                places, list(self._words(candidates, floors, place, places, generators[place]))
            )
            for place, places in enumerate(parents)
        ]

    def _words(
        self,
        candidates: Evidence,
        floors: Mapping[tuple[str, str, int], FloatArray],
        place: int,
        parents: list[int],
        generator: str,
    ) -> Iterator[tuple[str, float, float]]:
        """(judge, score, threshold) of one candidate."""
        if -1 in parents or not parents:
            return
        for judge in self._judges:
            feature = UPPER if generator in self._config.upper else WHOLE
            feature = feature if (judge, feature) in self._yardsticks else WHOLE
            own = candidates.features[judge][feature][place]
            cosines = self._reference.parents.features[judge][feature][parents] @ own
            score = float(cosines[0]) if len(parents) == 1 else -float(cosines.max())
            yield judge, score, float(floors[judge, feature, len(parents)][place])

    def notes(self) -> list[str]:
        """What the thresholds are taken from, and what they are worth."""
        if not self._judges:
            return ["no judge describes who is on a face: every candidate passes unseen"]
        if not self._reference.unseen.rows.num_rows:
            return ["no real faces to compare with: nothing is refused"]
        lacking = [j for j in self._judges if self._config.upper and (j, UPPER) not in
                   self._yardsticks]  # fmt: skip
        return [
            *(note for yardstick in self._yardsticks.values() for note in yardstick.notes()),
            *(
                yardstick.note_on_several(count)
                for yardstick in self._yardsticks.values()
                for count in sorted(self._several)
            ),
            *(f"{judge} does not know upper faces: it compares whole ones" for judge in lacking),
        ]


def _verdict(parents: list[int], words: list[tuple[str, float, float]]) -> Verdict:
    if -1 in parents or not parents:
        return Verdict(None, None, False, "its parent is not among the train faces")
    if not words:
        return Verdict(None, None, passed=True)
    if not all(np.isfinite(score) for _, score, _ in words):
        return Verdict(None, None, False, _NOT_A_NUMBER)
    judge, score, floor = min(words, key=lambda word: word[1] - word[2])
    if score >= floor:
        return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
    if len(parents) == 1:
        reason = f"not like its parent: {judge} finds {score:.2f}, needs {floor:.2f}"
    else:
        reason = f"too like one of its parents: {judge} finds {-score:.2f}, at most {-floor:.2f}"
    return Verdict(score, floor, False, reason)


@dataclass(frozen=True)
class _Yardstick:
    """How like each other real faces are, in one judge's description.

    Attributes:
        name: of the judge, and of the part of the face.
        varied: likeness of each face to its harmless variation, and its groups.
        photos: of pairs of photos of one person; see :func:`_within`. None: there are too few.
        two_people: of pairs of different people, within each group.
        tried_on: of those within one bin, or of any, with all groups of the first.
        people: what ``photos`` are, in words.
        rate: share of ``varied`` and of ``photos`` that may be refused.
        strangers: share of ``two_people`` that may pass, if ``varied`` allow it.
        smallest: see :meth:`augment.metrics.floors.Floors.fit`.
    """

    name: str
    varied: tuple[FloatArray, Groups]
    photos: tuple[FloatArray, Groups] | None
    two_people: tuple[FloatArray, Groups]
    tried_on: tuple[FloatArray, Groups]
    people: str
    rate: float
    strangers: float
    smallest: int

    @classmethod
    def fit(
        cls, reference: Reference, judge: str, feature: str, rate: float, share: float
    ) -> "_Yardstick":
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
            name=judge if feature == WHOLE else f"{judge}, upper face",
            varied=(likeness(numbers, reference.again.features[judge][feature]), groups),
            photos=_within(numbers, groups, pairs) if enough else None,
            two_people=_apart(numbers, groups, found),
            tried_on=(
                likeness(numbers[nearest[:, 0]], numbers[nearest[:, 1]]),
                take(groups, nearest[:, 0]),
            ),
            people=people,
            rate=rate,
            strangers=share,
            smallest=reference.smallest_group,
        )

    def floors(self, parents: int, groups: Groups, faces: int) -> FloatArray:
        """The threshold of each of some candidates with so many parents, (faces,).

        A face of several could be too like each of them, so each gets its part of the rate.
        """
        if parents > 1:
            return self._unlike(self.rate / parents).of(groups, faces)
        varied = Floors.fit(*self.varied, self.rate, self.smallest).of(groups, faces)
        lowest = np.minimum(varied, -self._unlike(self.strangers).of(groups, faces))
        if self.photos is None:
            return lowest
        photos = Floors.fit(*self.photos, self.rate, self.smallest).of(groups, faces)
        return np.maximum(lowest, photos)

    def _unlike(self, rate: float) -> Floors:
        scores, groups = self.two_people
        return Floors.fit(-scores, groups, rate, self.smallest)

    def notes(self) -> list[str]:
        """What an edited face needs, and who has it: the same face, the same person, others."""
        usual = float(np.median(self.floors(1, self.varied[1], len(self.varied[0]))))
        if not np.isfinite(usual):
            return [f"{self.name}: no real face could be described: nothing is refused"]
        found = [f"{self._reached(*self.varied)} faces, mirrored and cut closer"]
        if self.photos is None:
            lack = f"{self.people}: edits are compared with varied faces instead"
        else:
            scores, groups = self.photos
            first = np.arange(len(scores) // 2)
            lack = self.people
            found.append(f"{self._reached(scores[first], take(groups, first))} pairs of photos of "
                         "one person")  # fmt: skip
        bin_only = "of one bin " if (self.tried_on[1]["bin"] != "").all() else ""
        found.append(
            f"{self._reached(*self.tried_on)} pairs of different people {bin_only}".strip()
        )
        return [f"{self.name}: an edit must be as like its parent as {usual:.2f} (more or less by "
                f"group; {lack}), as are {', '.join(found)}"]  # fmt: skip

    def _reached(self, scores: FloatArray, groups: Groups) -> str:
        """Which share of some pairs an edit's threshold lets pass, in words."""
        known = np.isfinite(scores)
        passed = scores >= self.floors(1, groups, len(scores))
        n = int(known.sum())
        return f"{int(passed[known].sum())} of {n}" + (
            f" ({passed[known].mean():.0%})" if n else ""
        )

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
