"""The labels that the generator was to change are judged as ordered.

A candidate must look more like the ordered value than like its parent's: judges' likelihood ratio
of the two, of an ordered label over each value and its neighbours. Judges are not sure of real
faces either, so it is held against real faces that carry the ordered value, group by group.

Where judges are weak that alone lets nearly anything pass, so it is held against real faces that do
not carry the value, too: few of them may be as far on the way to it (judges' weighted mean of the
likelihood ratio, or of the place on an ordered scale). These are the faces of the parent's value;
on an ordered scale those of the nearest value on the parent's side that is no neighbour of the
ordered one. And on an ordered scale it must lie nearer to real faces of the ordered value than to
those of the next one on the parent's side (medians): else children fill the bins of babies. Both
refuse good candidates where judges hardly tell the two apart: a face whose label cannot be seen
teaches nobody.

And something must have changed: from the parent to the candidate that weighted mean must rise by
more than judges waver. Waverings are those of real faces judged twice, the second time mirrored and
a little closer. What this costs good candidates cannot be taken from real faces, which do not come
with and without a change: `benchmarks/gate.py` says it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from augment.metrics.doubts import Doubt, Order, Part, Places
from augment.metrics.floors import groups_of, take
from augment.metrics.ordered import Threshold
from augment.metrics.parents import parent_places
from augment.metrics.skill import left_out, skills
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image
from augment.vocabulary import UNKNOWN


class Config(Section):
    # Share of the real faces of a value that may be refused; None: the gate's shared rate.
    false_rejection: float | None = Field(default=None, gt=0, lt=0.5)
    # Share of real faces without the ordered value that may look as much like it; 1: not asked, nor
    # whether the next value is nearer.
    false_acceptance: float = Field(default=0.1, gt=0, le=1)
    # By how many times their usual wavering judges must see a candidate nearer to the ordered
    # value than its parent is; 0: it may not be farther away.
    least_change: float = Field(default=1.0, ge=0)


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
        self._thresholds: dict[Order, Threshold] = {}
        self._unjudged: set[tuple[str, str]] = set()

    def judge(self, candidates: Evidence) -> list[Verdict]:
        doubts: list[list[Doubt]] = [[] for _ in range(candidates.rows.num_rows)]
        groups = groups_of(candidates.rows, self._reference.bins, self._reference.groups)
        parents = _only_parent(candidates, self._reference.parents)
        for order, places in self._orders(candidates, parents).items():
            threshold = self._threshold(order)
            if not threshold.judges:
                self._unjudged.add((order.label, order.value))
                continue
            here = np.array(places)
            part = Part(candidates, here, self._reference.parents, parents[here])
            chosen = np.zeros(len(doubts), bool)
            chosen[here] = True
            for doubt in threshold.doubts(part, take(groups, chosen)):
                doubts[places[doubt.place]].append(doubt)
        return [_verdict(found) for found in doubts]

    def _orders(self, candidates: Evidence, parents: Places) -> dict[Order, list[int]]:
        """Each order, and the candidates it was made for."""
        known = {label for labels in self._reference.values.values() for label in labels}
        asked = self._config.false_rejection or self._reference.false_rejection
        found: dict[Order, list[int]] = {}
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
                order = Order(label, row[label], "" if same else before, asked / len(judged))
                found.setdefault(order, []).append(place)
        return found

    def _threshold(self, order: Order) -> "Threshold":
        if order not in self._thresholds:
            judges = {
                judge: self._skills[judge, order.label]
                for judge, labels in self._reference.values.items()
                if order.value in labels.get(order.label, ()) and self._skills[judge, order.label]
            }
            self._thresholds[order] = Threshold(
                order, judges, self._reference, self._groups, self._config.least_change,
                self._config.false_acceptance,
            )  # fmt: skip
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


def _only_parent(candidates: Evidence, parents: Evidence) -> Places:
    """The place of each candidate's parent; -1 where it has several, or a missing one."""
    places = parent_places(candidates.rows, parents.rows)
    return np.array([own[0] if len(own) == 1 else -1 for own in places], dtype=np.int64)


def _verdict(doubts: Sequence[Doubt]) -> Verdict:
    if not doubts:
        # Nothing was changed, or no judge has ever seen this value: notes() names the latter.
        return Verdict(None, None, passed=True)
    if not all(np.isfinite(doubt.score) for doubt in doubts):
        return Verdict(None, None, False, "the judge's answer is not a number")
    # What it looks like comes first in ``doubts`` and is told where it is refused for both.
    worst = min(doubts, key=lambda doubt: doubt.score >= doubt.floor)
    floor = worst.floor if np.isfinite(worst.floor) else None
    passed = worst.score >= worst.floor
    return Verdict(worst.score, floor, passed, "" if passed else worst.words)
