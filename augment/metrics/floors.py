"""Thresholds from real faces, group by group, at a stated false-rejection rate. numpy and Arrow.

One threshold for everybody refuses most where a group differs most from the majority. Here a face
is held against the real faces of its own groups: its bin, and each axis value by itself. It is
refused only where *every* one of its groups with enough faces would refuse it; so no group loses
more than the stated rate, however the groups overlap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augment.types import BinSpace, FloatArray
from augment.vocabulary import UNKNOWN

#: grouping ("bin", "gender", ...) -> each row's group; "" where it has none.
Groups = Mapping[str, npt.NDArray[np.str_]]


def groups_of(rows: pa.Table, bins: BinSpace, labels: Sequence[str] = ()) -> Groups:
    """The groups that each row belongs to: its bin, its axis values, its words of ``labels``."""
    names = np.array([*bins.names, ""])
    found: dict[str, npt.NDArray[np.str_]] = {"bin": names[bins.codes(rows)]}
    for axis in bins.axes:
        words = rows.column(axis.name).to_pylist()
        found[axis.name] = np.array([axis.value_of(word) or "" for word in words], dtype=np.str_)
    for label in labels:
        if label not in found and label in rows.column_names:
            words = rows.column(label).to_pylist()
            known = ["" if word in (None, UNKNOWN) else word for word in words]
            found[label] = np.array(known, dtype=np.str_)
    return found


def take(groups: Groups, rows: npt.NDArray[np.bool_ | np.integer]) -> Groups:
    """The same groupings for some of the rows: a mask, or places."""
    return {name: column[rows] for name, column in groups.items()}


def floor_at(scores: FloatArray, rate: float) -> float:
    """The highest threshold that refuses at most the share ``rate`` of ``scores`` (score < it)."""
    return float(np.quantile(scores, rate, method="lower"))


@dataclass(frozen=True)
class Floors:
    """Lowest acceptable score by group. ``overall`` is None where there were no real faces."""

    by_group: Mapping[str, Mapping[str, float]]
    overall: float | None
    faces: int

    @classmethod
    def fit(cls, scores: FloatArray, groups: Groups, rate: float, smallest: int) -> "Floors":
        """From real faces.

        Args:
            scores: (faces,), higher is better; those that are not finite are left out.
            groups: of the same faces.
            rate: share of each group that may be refused.
            smallest: groups with fewer faces get no threshold of their own.
        """
        usable = np.isfinite(scores)
        scores, groups = scores[usable], take(groups, usable)
        by_group = {
            name: {
                str(group): floor_at(scores[column == group], rate)
                for group, count in zip(*np.unique(column, return_counts=True), strict=True)
                if group and count >= smallest
            }
            for name, column in groups.items()
        }
        overall = floor_at(scores, rate) if len(scores) else None
        return cls(by_group, overall, len(scores))

    def of(self, groups: Groups, rows: int) -> FloatArray:
        """The threshold of each of ``rows`` faces, float32 (rows,); -inf where nothing is known.

        The lowest among the face's groups; the overall one where none of them was large enough.
        """
        lowest = np.full(rows, np.inf, dtype=np.float32)
        for name, column in groups.items():
            own = self.by_group.get(name, {})
            floors = [own.get(str(group), np.inf) for group in column]
            lowest = np.minimum(lowest, np.array(floors, dtype=np.float32))
        otherwise = -np.inf if self.overall is None else self.overall
        return np.where(np.isfinite(lowest), lowest, np.float32(otherwise)).astype(np.float32)
