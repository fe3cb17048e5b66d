"""The labels that the generator was to change are judged as ordered.

A candidate must look more like the ordered value than like its parent's: judges' likelihood ratio
of the two, of an ordered label over each value and its neighbours. Where a label has more than two
values, a judge must also see a change: nobody is as near to the parent, in the judge's words on
this label, as a copy of it. Judges are not sure of real faces either, so both are held against
real faces that carry the ordered value, group by group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pydantic import Field

from augment.metrics.floors import Floors, Groups, groups_of, take
from augment.metrics.parents import parent_places
from augment.metrics.ranks import Ranks, weakest_word
from augment.metrics.skill import left_out, skills
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image
from augment.vocabulary import ORDERED_LABELS, UNKNOWN

#: Probabilities below this are all the same: log ratios end here.
_TINY = 1e-3
#: From so many real faces of a value on, thresholds come from them.
_FEWEST = 8
#: So many real faces of a value are enough to know how near to a parent they lie.
_MOST = 300


class Config(Section):
    # Share of the real faces of a value that may be refused; None: the gate's shared rate.
    false_rejection: float | None = Field(default=None, gt=0, lt=0.5)


class _Order(NamedTuple):
    """What was ordered of one label; ``before``: the parent's value, "" where not known."""

    label: str
    value: str
    before: str
    rate: float


@dataclass(frozen=True)
class _Doubt:
    """What is held against one candidate: it passes where ``score`` >= ``floor``."""

    score: float
    floor: float
    words: str


class Check:
    """Score: the smallest rank, among real faces of the ordered value, that any judge gives."""

    measures: Mapping[str, int] = {}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        self._groups = groups_of(reference.unseen.rows, reference.bins, reference.groups)
        self._skills = skills(reference.accuracy, reference.values)
        self._thresholds: dict[_Order, _Threshold] = {}
        self._unjudged: set[tuple[str, str]] = set()

    def judge(self, candidates: Evidence) -> list[Verdict]:
        doubts: list[list[_Doubt]] = [[] for _ in range(candidates.rows.num_rows)]
        groups = groups_of(candidates.rows, self._reference.bins, self._reference.groups)
        parents = _only_parent(candidates, self._reference.parents)
        for order, places in self._orders(candidates, parents).items():
            threshold = self._threshold(order)
            if not threshold.judges:
                self._unjudged.add((order.label, order.value))
                continue
            here = np.array(places)
            part = _Part(candidates, here, self._reference.parents, parents[here])
            chosen = np.zeros(len(doubts), bool)
            chosen[here] = True
            for place, doubt in zip(places, threshold.doubts(part, take(groups, chosen)),
                                    strict=True):  # fmt: skip
                doubts[place].append(doubt)
        return [_verdict(found) for found in doubts]

    def _orders(self, candidates: Evidence, parents: np.ndarray) -> dict[_Order, list[int]]:
        """Each order, and the candidates it was made for."""
        known = {label for labels in self._reference.values.values() for label in labels}
        asked = self._config.false_rejection or self._reference.false_rejection
        found: dict[_Order, list[int]] = {}
        columns = ["changes", *{name for changes in candidates.rows.column("changes").to_pylist()
                                for name in changes}]  # fmt: skip
        for place, row in enumerate(candidates.rows.select(columns).to_pylist()):
            changes = row["changes"]
            self._unjudged |= {(label, row[label]) for label in changes if label not in known}
            judged = [label for label in changes if label in known]
            for label in judged:
                before = UNKNOWN
                if parents[place] >= 0 and label in self._reference.parents.rows.column_names:
                    before = self._reference.parents.rows.column(label)[parents[place]].as_py()
                same = before in (UNKNOWN, None, row[label])
                # Each of several labels gets its part of the rate.
                order = _Order(label, row[label], "" if same else before, asked / len(judged))
                found.setdefault(order, []).append(place)
        return found

    def _threshold(self, order: _Order) -> "_Threshold":
        if order not in self._thresholds:
            judges = {
                judge: self._skills[judge, order.label]
                for judge, labels in self._reference.values.items()
                if order.value in labels.get(order.label, ()) and self._skills[judge, order.label]
            }
            self._thresholds[order] = _Threshold(order, judges, self._reference, self._groups)
        return self._thresholds[order]

    def notes(self) -> list[str]:
        """What each threshold that was used is worth, and which orders no judge could look at."""
        used = [order for order, found in self._thresholds.items() if found.judges]
        worth = [self._thresholds[order].in_words() for order in sorted(used)]
        unjudged = [
            f"no judge knows {label} = {value}: candidates of it pass unseen"
            for label, value in sorted(self._unjudged)
        ]
        return worth + left_out(self._skills) + unjudged


@dataclass(frozen=True)
class _Part:
    """Some candidates, and where the parent of each stands; -1 where there is not just one."""

    faces: Evidence
    places: np.ndarray
    parents: Evidence
    parent_places: np.ndarray


class _Threshold:
    """What real faces of the ordered value score, against one value that a parent may have."""

    def __init__(
        self, order: _Order, judges: Mapping[str, float], reference: Reference, groups: Groups
    ) -> None:
        self._order, self.judges = order, judges
        self._values = {judge: reference.values[judge][order.label] for judge in judges}
        words = np.array(reference.unseen.rows.column(order.label).to_pylist(), dtype=np.str_)
        self._own = np.flatnonzero(words == order.value)
        unseen = reference.unseen.opinions
        self._real = {judge: unseen[judge][order.label][self._own] for judge in judges}
        self._ratios = {j: Ranks.fit(self._ratio(j, found)) for j, found in self._real.items()}
        own = self._score(self._real, self._posing(unseen, words))[0]
        is_own = words == order.value
        self._floors = Floors.fit(own, take(groups, is_own), order.rate, reference.smallest_group)
        self._others = self._reached_by_others(unseen, words)

    def _posing(
        self, unseen: Mapping[str, Mapping[str, FloatArray]], words: np.ndarray
    ) -> Mapping[str, FloatArray] | None:
        """Opinions on real faces of the parents' value: one for each real face of the ordered."""
        before = np.flatnonzero(words == self._order.before)
        if not len(before) or not self._order.before:
            return None
        places = before[np.arange(len(self._own)) % len(before)]
        return {judge: unseen[judge][self._order.label][places] for judge in self.judges}

    def _reached_by_others(
        self, unseen: Mapping[str, Mapping[str, FloatArray]], words: np.ndarray
    ) -> tuple[int, int]:
        """How many real faces of the parents' value (of any other) reach the threshold, of all."""
        before = self._order.before
        others = words == before if before else (words != self._order.value) & (words != UNKNOWN)
        found = {judge: unseen[judge][self._order.label][others] for judge in self.judges}
        scores, floor = self._score(found, None)[0], self._floors.overall
        return (int((scores >= floor).sum()) if floor is not None else 0), int(others.sum())

    def _ratio(self, judge: str, opinion: FloatArray) -> FloatArray:
        """log P(ordered value) - log P(parents' value, or any other), (faces,)."""
        own = self._near(judge, opinion, self._order.value)
        known = self._order.before in self._values[judge]
        other = self._near(judge, opinion, self._order.before) if known else 1 - own
        return np.asarray(np.log(own + _TINY) - np.log(other + _TINY), dtype=np.float32)

    def _near(self, judge: str, opinion: FloatArray, value: str) -> FloatArray:
        """The probability of a value; of an ordered label, of its neighbours as well."""
        values = self._values[judge]
        reach = 1 if self._order.label in ORDERED_LABELS else 0
        near = np.abs(np.arange(len(values)) - values.index(value)) <= reach
        return np.asarray(opinion[:, near].sum(axis=1), dtype=np.float32)

    def _score(
        self, faces: Mapping[str, FloatArray], parents: Mapping[str, FloatArray] | None
    ) -> tuple[FloatArray, list[tuple[str, str]], list[FloatArray]]:
        """The weakest word on each face; (judge, what it went by) and ranks of all words."""
        names: list[tuple[str, str]] = []
        ranks: list[FloatArray] = []
        for judge, opinion in faces.items():
            names.append((judge, "ratio"))
            ranks.append(self._ratios[judge].of(self._ratio(judge, opinion)))
            if parents is not None and len(self._values[judge]) > 2:
                names.append((judge, "change"))
                ranks.append(self._change(judge, opinion, parents[judge]))
        weights = [self.judges[judge] for judge, _ in names]
        count = len(next(iter(faces.values()))) if faces else 0
        return weakest_word(ranks, weights, count), names, ranks

    def _change(self, judge: str, faces: FloatArray, parents: FloatArray) -> FloatArray:
        """How far each face is from its parent, ranked among real faces' distances from it."""
        real = _logs(self._real[judge][:_MOST])
        ranks = np.ones(len(faces), np.float32)
        for place, (face, parent) in enumerate(zip(_logs(faces), _logs(parents), strict=True)):
            usual = Ranks.fit(_distance(real, parent), least_scale=0.05)
            ranks[place] = usual.of(_distance(face[None], parent))[0]
        return ranks

    def doubts(self, part: _Part, groups: Groups) -> list[_Doubt]:
        """One for each candidate of ``part``."""
        label, count = self._order.label, len(part.places)
        faces = {j: part.faces.opinions[j][label][part.places] for j in self.judges}
        if len(self._own) < _FEWEST:
            return self._without_reference(faces, count)
        parents = None
        if self._order.before:
            parents = {j: part.parents.opinions[j][label][part.parent_places] for j in self.judges}
        scores, names, ranks = self._score(faces, parents)
        floors = self._floors.of(groups, count)
        weighed = [r / self.judges[judge] for (judge, _), r in zip(names, ranks, strict=True)]
        worst = np.argmin(np.nan_to_num(weighed, nan=0.0), axis=0)
        found = []
        for n, (judge, by) in enumerate(names[place] for place in worst):
            words = self._words(faces, judge, by, n)
            found.append(_Doubt(float(scores[n]), float(floors[n]), words))
        return found

    def _without_reference(self, faces: Mapping[str, FloatArray], count: int) -> list[_Doubt]:
        """Too few real faces of this value: it must be more likely than by chance."""
        found = []
        for n in range(count):
            chances = {j: self._near(j, opinion[n : n + 1], self._order.value)[0]
                       * len(self._values[j]) for j, opinion in faces.items()}  # fmt: skip
            worst = min(chances, key=lambda judge: float(np.nan_to_num(chances[judge])))
            score = float(chances[worst]) / len(self._values[worst])
            floor = 1 / len(self._values[worst])
            found.append(_Doubt(score, floor, self._words(faces, worst, "ratio", n)))
        return found

    def _words(self, faces: Mapping[str, FloatArray], judge: str, by: str, place: int) -> str:
        opinion, values = np.nan_to_num(faces[judge][place]), self._values[judge]
        start = f"{self._order.label} should be {self._order.value}; {judge} sees"
        if by == "change":
            return f"{start} hardly a change from the parent ({self._order.before})"
        chance = opinion[values.index(self._order.value)]
        return f"{start} {values[int(np.argmax(opinion))]} ({chance:.2f})"

    def in_words(self) -> str:
        label, value, before, _ = self._order
        what = f"{label} = {value}" + (f" instead of {before}" if before else "")
        if len(self._own) < _FEWEST:
            return f"{what}: {len(self._own)} real faces of it, so better than chance must do"
        reached, of = self._others
        return (
            f"{what}: {', '.join(self.judges)} must rank it above {self._floors.overall:.3f} of "
            f"{len(self._own)} real faces of it; {reached} of {of} real faces of "
            f"{before or 'other values'} reach that too"
        )


def _only_parent(candidates: Evidence, parents: Evidence) -> np.ndarray:
    """The place of each candidate's parent; -1 where it has several, or a missing one."""
    places = parent_places(candidates.rows, parents.rows)
    return np.array([own[0] if len(own) == 1 else -1 for own in places], dtype=np.int64)


def _logs(opinion: FloatArray) -> FloatArray:
    return np.asarray(np.log(opinion + _TINY), dtype=np.float32)


def _distance(faces: FloatArray, parent: FloatArray) -> FloatArray:
    """Logarithm of the Euclidean distance between log probabilities, (faces,)."""
    return np.asarray(np.log(np.linalg.norm(faces - parent, axis=1) + 0.01), dtype=np.float32)


def _verdict(doubts: Sequence[_Doubt]) -> Verdict:
    if not doubts:
        # Nothing was changed, or no judge has ever seen this value: notes() names the latter.
        return Verdict(None, None, passed=True)
    if not all(np.isfinite(doubt.score) for doubt in doubts):
        return Verdict(None, None, False, "the judge's answer is not a number")
    worst = min(doubts, key=lambda doubt: doubt.score / max(doubt.floor, 1e-12))
    floor = worst.floor if np.isfinite(worst.floor) else None
    passed = worst.score >= worst.floor
    return Verdict(worst.score, floor, passed, "" if passed else worst.words)
