"""Sharpness, brightness and contrast are within what real faces of the same group show.

Group by group, because skin, light and camera differ between groups of a data set: held against
everybody, dark skin would be "too dark".
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import pyarrow as pa

from augment.metrics.floors import Groups, floor_at, groups_of
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image

NAMES = ("sharpness", "brightness", "contrast")
_TOO = {"sharpness": ("too soft", "too harsh"), "brightness": ("too dark", "too bright"),
        "contrast": ("too flat", "too much contrast")}  # fmt: skip


class Config(Section):
    """Nothing to set: the range comes from real faces at ``gate.false_rejection``."""


@dataclass(frozen=True)
class _Range:
    """What is usual in one group. ``below`` and ``above`` hold 34 % of its faces each."""

    middle: FloatArray  # (3,)
    below: FloatArray
    above: FloatArray
    floor: float

    @classmethod
    def fit(cls, numbers: FloatArray, rate: float) -> "_Range":
        low, middle, high = np.quantile(numbers, [0.16, 0.5, 0.84], axis=0).astype(np.float32)
        tiny = np.float32(1e-3)
        own = cls(middle, np.maximum(middle - low, tiny), np.maximum(high - middle, tiny), 0.0)
        return cls(own.middle, own.below, own.above, floor_at(own.score(numbers), rate))

    def deviations(self, numbers: FloatArray) -> FloatArray:
        away = numbers - self.middle
        return np.asarray(away / np.where(away < 0, self.below, self.above), dtype=np.float32)

    def score(self, numbers: FloatArray) -> FloatArray:
        return np.asarray(-np.abs(self.deviations(numbers)).max(axis=-1), dtype=np.float32)


class Check:
    """Score: minus the largest deviation from the usual, in units of the group's own spread."""

    measures: Mapping[str, int] = {"contrast": 1}
    candidates_only = True

    def __init__(self, config: Config) -> None:
        self._ranges: dict[tuple[str, str], _Range] = {}
        self._overall: _Range | None = None
        self._faces = 0

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """Contrast: standard deviation of the crop's luma, grey levels 0..127."""
        luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return {"contrast": np.array([luma.std()], dtype=np.float32)}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        numbers = _numbers(reference.unseen)
        usable = np.isfinite(numbers).all(axis=1)
        numbers, self._faces = numbers[usable], int(usable.sum())
        rate = reference.false_rejection
        if self._faces:
            self._overall = _Range.fit(numbers, rate)
        groups = groups_of(reference.unseen.rows, reference.bins, reference.groups)
        for name, column in groups.items():
            for group, count in zip(*np.unique(column[usable], return_counts=True), strict=True):
                if group and count >= reference.smallest_group:
                    own = numbers[column[usable] == group]
                    self._ranges[name, str(group)] = _Range.fit(own, rate)

    def judge(self, candidates: Evidence) -> list[Verdict]:
        numbers = _numbers(candidates)
        groups = groups_of(candidates.rows, self._reference.bins, self._reference.groups)
        return [self._verdict(row, groups, place) for place, row in enumerate(numbers)]

    def _verdict(self, numbers: FloatArray, groups: Groups, place: int) -> Verdict:
        if not np.isfinite(numbers).all():
            missing = [name for name, number in zip(NAMES, numbers, strict=True)
                       if not np.isfinite(number)]  # fmt: skip
            return Verdict(None, None, False, f"{' and '.join(missing)} could not be measured")
        keys = [(name, str(column[place])) for name, column in groups.items()]
        ranges = [self._ranges[key] for key in keys if key in self._ranges]
        if not ranges and self._overall is not None:
            ranges = [self._overall]
        if not ranges:
            return Verdict(None, None, passed=True)
        # Refused only where every one of its groups refuses it.
        best = max(ranges, key=lambda own: float(own.score(numbers)) - own.floor)
        score = float(best.score(numbers))
        if score >= best.floor:
            return Verdict(score, best.floor, passed=True)
        deviations = best.deviations(numbers)
        worst = int(np.argmax(np.abs(deviations)))
        return Verdict(score, best.floor, False, _TOO[NAMES[worst]][int(deviations[worst] > 0)])

    def notes(self) -> list[str]:
        if self._overall is None:
            return ["no real faces to compare with: nothing is refused"]
        return [f"own range for {len(self._ranges)} groups, from {self._faces} real faces"]


def _numbers(faces: Evidence) -> FloatArray:
    """(faces, 3): log sharpness, brightness, contrast; nan where not measured."""
    sharpness = np.log1p(np.maximum(_column(faces.rows, "sharpness"), 0))
    columns = [sharpness, _column(faces.rows, "brightness"), faces.measures["contrast"][:, 0]]
    return np.stack(columns, axis=1).astype(np.float32)


def _column(rows: pa.Table, name: str) -> FloatArray:
    values = [np.nan if value is None else value for value in rows.column(name).to_pylist()]
    return np.array(values, dtype=np.float32)
