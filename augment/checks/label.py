"""The labels that the generator was to change are judged as ordered.

A judge is not sure of real faces either. So the probability it gives the ordered value is held
against what it gives to real faces that carry this value, group by group.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from pydantic import Field

from augment.metrics.floors import Floors, Groups, groups_of, take
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image


class Config(Section):
    # Share of the real faces of a value that may be refused; None: gate.false_rejection. Below
    # the judge's own rate of errors the threshold would let everything pass.
    false_rejection: float | None = Field(default=0.05, gt=0, lt=0.5)


class Check:
    """Score: the probability of the ordered value, of the label and judge that doubt it most."""

    measures: Mapping[str, int] = {}

    def __init__(self, config: Config) -> None:
        self._config = config
        self._floors: dict[tuple[str, str, str], Floors] = {}
        self._notes: dict[tuple[str, str], list[str]] = {}
        self._ordered: set[tuple[str, str]] = set()

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        rows = reference.unseen.rows
        groups = groups_of(rows, reference.bins, reference.groups)
        for judge, labels in reference.values.items():
            for label, values in labels.items():
                words = np.array(rows.column(label).to_pylist(), dtype=np.str_)
                found = reference.unseen.opinions[judge][label]
                for place, value in enumerate(values):
                    self._fit_value((judge, label, value), found[:, place], words, groups)

    def _fit_value(
        self, key: tuple[str, str, str], scores: FloatArray, words: np.ndarray, groups: Groups
    ) -> None:
        own = words == key[2]
        reference = self._reference
        rate = self._config.false_rejection or reference.false_rejection
        floors = Floors.fit(scores[own], take(groups, own), rate, reference.smallest_group)
        self._floors[key] = floors
        others = scores[~own & (words != "unknown")]
        if floors.overall is not None and len(others):
            accepted = int((others >= floors.overall).sum())
            self._notes.setdefault(key[1:], []).append(
                f"{key[0]}: {key[1]} = {key[2]} needs {floors.overall:.2f} "
                f"(from {floors.faces} real faces of that value); "
                f"{accepted} of {len(others)} real faces of other values reach it too"
            )

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows = candidates.rows
        groups = groups_of(rows, self._reference.bins, self._reference.groups)
        floors = {key: f.of(groups, rows.num_rows) for key, f in self._floors.items()}
        changes = rows.column("changes").to_pylist()
        return [
            self._verdict(list(self._doubts(candidates, floors, place, changed)), changed)
            for place, changed in enumerate(changes)
        ]

    def _doubts(
        self,
        candidates: Evidence,
        floors: Mapping[tuple[str, str, str], FloatArray],
        place: int,
        changed: list[str],
    ) -> Iterator[tuple[float, float, str]]:
        """(score, threshold, words) of every judge that knows a changed label's ordered value."""
        for label in changed:
            value = candidates.rows.column(label)[place].as_py()
            self._ordered.add((label, value))
            for judge, labels in self._reference.values.items():
                values = labels.get(label, ())
                if value not in values:
                    continue
                opinion = candidates.opinions[judge][label][place]
                floor = float(floors[judge, label, value][place])
                if not np.isfinite(floor):
                    floor = 1 / len(values)  # no real face to compare with: better than chance
                likeliest = values[int(np.argmax(np.nan_to_num(opinion)))]
                words = f"{label} should be {value}; {judge} sees {likeliest}"
                yield float(opinion[values.index(value)]), floor, words

    def _verdict(self, doubts: list[tuple[float, float, str]], changed: list[str]) -> Verdict:
        if not doubts:
            # Nothing was changed, or no judge has ever seen this value: notes() names the latter.
            return Verdict(None, None, passed=True)
        if not all(np.isfinite(score) for score, _, _ in doubts):
            return Verdict(None, None, False, "the judge's answer is not a number")
        score, floor, words = min(doubts, key=lambda doubt: doubt[0] - doubt[1])
        passed = score >= floor
        return Verdict(score, floor, passed, "" if passed else f"{words} ({score:.2f})")

    def notes(self) -> list[str]:
        """What each threshold that was used is worth, and which orders no judge could look at."""
        known = {(label, value) for _, label, value in self._floors}
        unjudged = [
            f"no judge knows {label} = {value}: candidates of it pass unseen"
            for label, value in sorted(self._ordered - known)
        ]
        used = sorted(self._ordered & self._notes.keys())
        return [note for pair in used for note in self._notes[pair]] + unjudged
