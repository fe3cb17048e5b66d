"""No faults of making: pasted patches, seams, ringing, blur, specks and their like.

Asked are the gate judges that look at workmanship and not at whom a face shows (feature
``artifact``: log-odds of "untouched"). What they say of real faces sets the threshold, group by
group, and of the same faces harmlessly varied: a copy that was mirrored, scaled and stored once
more has no fault.
"""

from collections.abc import Mapping

import numpy as np

from augment.metrics.floors import Floors, groups_of
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image

FEATURE = "artifact"


class Config(Section):
    """Nothing to set: the threshold comes from real faces at ``gate.false_rejection``."""


class Check:
    """Score: the log-odds of "untouched", of the judge that doubts it most."""

    measures: Mapping[str, int] = {}

    def __init__(self, config: Config) -> None:
        self._judges: list[str] = []

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        unseen, again = reference.unseen, reference.again
        self._judges = [judge for judge, found in unseen.features.items() if FEATURE in found]
        # A face counts once: by the lower of its two scores.
        scores = np.minimum(self._scores(unseen), self._scores(again))
        self._floors = Floors.fit(
            scores,
            groups_of(unseen.rows, reference.bins, reference.groups),
            reference.false_rejection,
            reference.smallest_group,
        )

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows, reference = candidates.rows, self._reference
        if not self._judges:
            return [Verdict(None, None, passed=True)] * rows.num_rows
        groups = groups_of(rows, reference.bins, reference.groups)
        floors = self._floors.of(groups, rows.num_rows)
        return [
            _verdict(float(score), float(floor))
            for score, floor in zip(self._scores(candidates), floors, strict=True)
        ]

    def notes(self) -> list[str]:
        if not self._judges:
            return ["no judge looks for faults of making: nothing is refused"]
        floor = self._floors.overall
        if floor is None:
            return ["no real faces to compare with: nothing is refused"]
        told = [
            f"a face needs log-odds of {floor:.1f} for being untouched, or what its group shows "
            f"(from {self._floors.faces} real faces, each as it is and harmlessly varied)"
        ]
        return told + [self._worth(judge) for judge in self._judges]

    def _worth(self, judge: str) -> str:
        rows = [row for row in self._reference.accuracy.get(judge, ()) if row["n"]]
        parts = [row for row in rows if row["by"] == FEATURE]
        told = ", ".join(f"{row['group']} {row['accuracy']:.2f} of {row['n']}" for row in parts)
        return f"{judge} tells right on real held-out faces: {told or 'not measured'}"

    def _scores(self, faces: Evidence) -> FloatArray:
        """(faces,), nan where a judge's answer is missing."""
        found = [_column(faces, judge) for judge in self._judges]
        return np.min(found, axis=0) if found else np.zeros(faces.rows.num_rows, np.float32)


def _column(faces: Evidence, judge: str) -> FloatArray:
    given = faces.features.get(judge, {}).get(FEATURE)
    if given is None:
        return np.full(faces.rows.num_rows, np.nan, np.float32)
    return np.asarray(given[:, 0], dtype=np.float32)


def _verdict(score: float, floor: float) -> Verdict:
    if not np.isfinite(score):
        return Verdict(None, None, False, "the judge's answer is not a number")
    if score >= floor:
        return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
    reason = f"faults of making: log-odds of {score:.1f} for being untouched"
    return Verdict(score, floor, False, reason)
