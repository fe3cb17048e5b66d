"""What changed lies where the changed attribute is seen.

An edit of glasses that also moves the chin, or tints the whole picture, brings into the data set
what nobody ordered. Candidates of which every changed label is seen in a known region of the face
are compared with their parent, cell by cell, outside of these regions; others pass.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from augment.metrics.parents import parent_places
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.regions import USUAL_REGIONS, Region, problem_of, reach, region_of
from augment.types import FloatArray, Image

_SIDE = 32  # cells
_NOWHERE = [float("nan")] * 10

_Regions = Mapping[str, str | tuple[str, ...]]


class Config(Section):
    # Grey levels (0..255) by which the mean of a cell, 32 x 32 a face, may change in a channel.
    most_levels: float = Field(6.0, gt=0)
    # Label -> the region (mouth, jaw, eyes, nose, lower_face, face, hair, head_top) or parsing
    # parts where it is seen, for those that are not usual ones.
    regions: _Regions = Field(default_factory=dict)

    @field_validator("regions")
    @classmethod
    def _known(cls, regions: _Regions) -> _Regions:
        for name, region in regions.items():
            if problem := problem_of(region):
                raise ValueError(f"{name}: {problem}")
        return regions


class Check:
    """Score: minus the largest change of a cell outside of the regions, grey levels."""

    measures: Mapping[str, int] = {"cells": _SIDE * _SIDE * 3, "side": 1}

    def __init__(self, config: Config) -> None:
        self._config = config
        chosen = {**USUAL_REGIONS, **config.regions}
        self._regions = {name: region_of(region) for name, region in chosen.items()}

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """Means of 32 x 32 cells, RGB, row by row, 0..255; and the picture's side, pixels."""
        cells = cv2.resize(image.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        side = np.array([image.shape[0]], np.float32)
        return {"cells": np.asarray(cells, dtype=np.float32).ravel(), "side": side}

    def fit(self, reference: Reference) -> None:
        self._parents = reference.parents
        names = reference.parents.rows.column_names
        known = "points" in names
        count = reference.parents.rows.num_rows
        points = reference.parents.rows.column("points").to_pylist() if known else [None] * count
        self._points = np.array([row or _NOWHERE for row in points], np.float32).reshape(-1, 5, 2)

    def judge(self, candidates: Evidence) -> list[Verdict]:
        families = parent_places(candidates.rows, self._parents.rows)
        changes = candidates.rows.column("changes").to_pylist()
        return [
            self._verdict(cells, family, changed or ())
            for cells, family, changed in zip(
                candidates.measures["cells"], families, changes, strict=True
            )
        ]

    def _verdict(self, cells: FloatArray, family: Sequence[int], changed: Sequence[str]) -> Verdict:
        if not np.isfinite(cells).all():
            return Verdict(None, None, False, "the picture cannot be read")
        regions = [self._regions[name] for name in changed if name in self._regions]
        if not changed or len(regions) < len(changed) or len(family) != 1:
            return Verdict(None, None, passed=True)
        (parent,) = family
        if parent < 0:
            return Verdict(None, None, False, "its parent is no train face: nothing to compare")
        outside = ~self._inside(regions, parent)
        apart = np.abs(cells - self._parents.measures["cells"][parent])
        largest = float(apart.reshape(_SIDE, _SIDE, 3).max(axis=2)[outside].max(initial=0.0))
        most = self._config.most_levels
        if largest <= most:
            return Verdict(-largest, -most, passed=True)
        where = " and ".join(changed)
        reason = f"changed by {largest:.0f} grey levels away from where {where} is seen"
        return Verdict(-largest, -most, False, reason)

    def _inside(self, regions: list[Region], parent: int) -> npt.NDArray[np.bool_]:
        """Cells that an edit may touch: a cell is as far as its middle; one more around it, for
        the soft edge of an edit."""
        side = float(self._parents.measures["side"][parent, 0])
        points = (self._points[parent] + 0.5) * (_SIDE / side) - 0.5
        inside = np.any([reach(region, _SIDE, points) for region in regions], axis=0)
        return np.asarray(cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)

    def notes(self) -> list[str]:
        return []
