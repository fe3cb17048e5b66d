"""All labels that were not to change are judged as they were on the parent.

The judge's own word on the parent is the yardstick, so a label that it misjudges counts for
nothing. How far its word moves without any reason is taken from real faces: each is judged twice,
the second time mirrored and a little closer.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from pydantic import Field

from augment.metrics.floors import Floors, groups_of
from augment.metrics.parents import mean_of_parents, parent_places
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image
from augment.vocabulary import ORDERED_LABELS


class Config(Section):
    # Generator key -> label -> by how much less likely than on the parent (0..1) it may become,
    # above what real faces judged twice show. 1: it may change, as a mask may hide a beard.
    allowed: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)


class Check:
    """Score: 1 minus the largest loss of probability that a kept label's value suffers, 0..1."""

    measures: Mapping[str, int] = {}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        rows, unseen = reference.unseen.rows, reference.unseen.opinions
        losses = [
            _of_value(unseen[judge][label], rows, label, values)
            - _of_value(reference.again.opinions[judge][label], rows, label, values)
            for judge, labels in reference.values.items()
            for label, values in labels.items()
        ]
        scores = _score(losses, rows.num_rows)
        self._floors = Floors.fit(
            scores,
            groups_of(rows, reference.bins, reference.groups),
            reference.false_rejection,
            reference.smallest_group,
        )

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows = candidates.rows
        names, losses = self._losses(candidates)
        scores = _score(losses, rows.num_rows)
        groups = groups_of(rows, self._reference.bins, self._reference.groups)
        floors = self._floors.of(groups, rows.num_rows)
        return [
            self._verdict(float(scores[place]), float(floors[place]), names, losses, place)
            for place in range(rows.num_rows)
        ]

    def _losses(self, candidates: Evidence) -> tuple[list[str], list[FloatArray]]:
        """Per judge and label: how much less likely its value is than on the parents, less what
        is allowed."""
        rows, reference = candidates.rows, self._reference
        parents = parent_places(rows, reference.parents.rows)
        names: list[str] = []
        losses: list[FloatArray] = []
        for judge, labels in reference.values.items():
            for label, values in labels.items():
                of_parents = mean_of_parents(reference.parents.opinions[judge][label], parents)
                loss = _of_value(of_parents, rows, label, values) - _of_value(
                    candidates.opinions[judge][label], rows, label, values
                )
                names.append(label)
                losses.append(np.asarray(loss - self._allowance(rows, label), dtype=np.float32))
        return names, losses

    def _allowance(self, rows: pa.Table, label: str) -> FloatArray:
        """The loss that each candidate may show in a label; 1 where it was ordered to change."""
        pairs = zip(
            rows.column("generator").to_pylist(), rows.column("changes").to_pylist(), strict=True
        )
        allowed = {key: labels.get(label, 0.0) for key, labels in self._config.allowed.items()}
        return np.array(
            [1.0 if label in changes else allowed.get(key, 0.0) for key, changes in pairs],
            dtype=np.float32,
        )

    def _verdict(
        self, score: float, floor: float, names: list[str], losses: list[FloatArray], place: int
    ) -> Verdict:
        if not names:
            return Verdict(None, None, passed=True)
        if not np.isfinite(score):
            return Verdict(
                None, None, False, "the judge's answer on it or on its parent is not a number"
            )
        if score >= floor:
            return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
        worst = int(np.argmax([loss[place] for loss in losses]))
        more = losses[worst][place]
        reason = f"{names[worst]} moved: {more:.2f} less likely than on the parent"
        return Verdict(score, floor, False, reason)

    def notes(self) -> list[str]:
        floor = self._floors.overall
        if floor is None:
            return ["no real faces to compare with: nothing is refused"]
        return [
            f"a kept label may become less likely by {1 - floor:.2f} "
            f"(from {self._floors.faces} real faces judged twice)"
        ]


def _of_value(
    opinion: FloatArray, rows: pa.Table, label: str, values: tuple[str, ...]
) -> FloatArray:
    """The probability of each row's own value; 0 where that is unknown to the judge.

    Of an ordered label its neighbours count as well: a step of age or skin tone is no change.
    """
    words = rows.column(label).to_pylist()
    places = np.array([values.index(word) if word in values else -1 for word in words], np.int64)
    reach = 1 if label in ORDERED_LABELS else 0
    near = np.abs(np.arange(len(values)) - places[:, None]) <= reach
    own = np.sum(opinion, axis=1, where=near)
    return np.where(places >= 0, own, np.float32(0)).astype(np.float32)


def _score(losses: list[FloatArray], rows: int) -> FloatArray:
    if not losses:
        return np.ones(rows, dtype=np.float32)
    return np.asarray(1 - np.maximum(np.max(losses, axis=0), 0), dtype=np.float32)
