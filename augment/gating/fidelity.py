"""Fidelity figures of one group of one generator's candidates, from what judges and pixels say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augment.gating.compared import grouped, in_hash_order
from augment.metrics.calibration import in_order
from augment.metrics.fidelity import FEWEST, Codes
from augment.metrics.halves import Sample
from augment.metrics.likeness import distance_closed, likeness, too_few
from augment.metrics.parents import parent_places
from augment.metrics.recognised import Seen, recognised
from augment.protocols import Evidence
from augment.schema import Labels
from augment.seeds import row_seed
from augment.types import BinSpace, FloatArray

ALL = "all"
_Z = 1.959963984540054


@dataclass(frozen=True)
class Material:
    """All that figures are made of.

    Attributes:
        made: passed candidates.
        real: faces that no scoring judge learned on.
        parents: of ``made``.
        values: judge key -> label -> its values, in the order of the probabilities.
        visible: (made,) visible change; nan where it was not measured.
        bins: whose axes are groupings.
        groups: label columns that are groupings besides.
        learned: the half of the train split that scoring judges learned on.
        neighbours: k of precision, recall, density and coverage.
        most: faces of each side that a figure is taken of.
        seed: the run's.
    """

    made: Evidence
    real: Evidence
    parents: Evidence
    values: Mapping[str, Mapping[str, Sequence[str]]]
    visible: FloatArray
    bins: BinSpace
    groups: tuple[str, ...]
    learned: str
    neighbours: int
    most: int
    seed: int


class GroupFigures:
    """Figures by generator, grouping and group. Results do not depend on the order of rows."""

    def __init__(self, material: Material) -> None:
        self._material = material
        made, real = material.made.rows, material.real.rows
        self._made_order = in_hash_order(made.column("id").to_pylist())
        self._real_order = in_hash_order(real.column("id").to_pylist())
        self._made_groups = grouped(made, material.bins, material.groups)
        self._real_groups = grouped(real, material.bins, material.groups)
        self._made_bins = material.bins.codes(made)
        self._real_bins = material.bins.codes(real)
        self._generator = np.array(made.column("generator").to_pylist(), dtype=str)
        self._parents = parent_places(made, material.parents.rows)
        halves = material.parents.rows.column("half").to_pylist()
        self._donors_learned = np.array([half == material.learned for half in halves], dtype=bool)
        self._made_families, self._real_families = self._families()
        changes = made.column("changes").to_pylist()
        self._edited = np.array([bool(names) for names in changes], dtype=bool)
        self._labels = Labels.of(made.schema).columns
        self._changed = {
            label: np.array([label in (names or ()) for names in changes], dtype=bool)
            for label in self._labels
        }
        self._seen_made = self._seen(material.made, self._made_families[:, 0])
        self._seen_real = self._seen(material.real, self._real_families[:, 0])

    @property
    def features(self) -> list[tuple[str, str]]:
        """(judge key, feature) of all that describe a face."""
        found = self._material.real.features
        return [(judge, name) for judge, given in found.items() for name in given]

    def groups(self, generator: str) -> dict[str, list[str]]:
        """Grouping -> groups that the generator has candidates of; ``all`` is left out."""
        own = self._generator == generator
        return {
            grouping: self._ordered(grouping, {str(name) for name in column[own]} - {""})
            for grouping, column in self._made_groups.items()
            if grouping != ALL
        }

    def _ordered(self, grouping: str, names: set[str]) -> list[str]:
        bins = self._material.bins
        known = {"bin": bins.names} | {axis.name: axis.values for axis in bins.axes}
        if grouping in known:
            return [name for name in known[grouping] if name in names]
        return in_order(grouping, names)

    def of(self, generator: str, grouping: str = ALL, group: str = ALL) -> dict[str, Any]:
        """One entry; :mod:`augment.stages.fidelity` says what it holds."""
        own = (self._generator == generator) & (self._made_groups[grouping] == group)
        made = self._made_order[own[self._made_order]][: self._material.most]
        there = self._real_groups[grouping] == group
        real = self._real_order[there[self._real_order]][: self._material.most]
        where = f"{generator}/{grouping}/{group}"
        found: dict[str, Any] = {"candidates": len(made), "real": len(real)}
        if len(made) < FEWEST:
            return found | {"why": too_few(len(made))["why"]}
        found |= {
            "likeness": {
                f"{judge}/{name}": likeness(
                    self._made_sample(judge, name, made),
                    self._real_sample(judge, name, real),
                    self._material.neighbours,
                    self._random(f"{where}/{judge}/{name}"),
                )
                for judge, name in self.features
            },
            "target": self._labels_seen(made, real, changed=True),
            "kept": self._labels_seen(made, real, changed=False),
        }
        edited = made[self._edited[made]]
        if len(edited):
            found["edit"] = self._edit(edited, real, where, grouping)
        return found

    def _edit(self, rows: Codes, real: Codes, where: str, grouping: str) -> dict[str, Any]:
        """Distances that edits close are told of bins and axes, which orders are made in."""
        told = grouping in (ALL, "bin", *(axis.name for axis in self._material.bins.axes))
        visible = self._material.visible[rows].astype(np.float64)
        measured = np.isfinite(visible)
        return {
            "visible_change": mean_of_families(
                visible[measured], self._made_families[rows[measured], 0]
            ),
            "distance_closed": {
                f"{judge}/{name}": self._closed(judge, name, rows, real, where)
                for judge, name in (self.features if told else ())
            },
        }

    def _closed(
        self, judge: str, name: str, rows: Codes, real: Codes, where: str
    ) -> dict[str, Any]:
        """Of one candidate for each parent: both sides then hold equally many different faces."""
        of_parent: dict[int, int] = {}
        for row in rows:
            places = self._parents[row]
            if len(places) == 1 and places[0] >= 0:
                of_parent.setdefault(places[0], int(row))
        edited = np.array(list(of_parent.values()), dtype=np.int64)
        donors = np.array(list(of_parent), dtype=np.int64)
        learned = np.asarray(self._donors_learned[donors])
        return {"donors_learned": int(learned.sum())} | distance_closed(
            self._made_sample(judge, name, edited),
            self._material.parents.features[judge][name][donors],
            self._real_sample(judge, name, real),
            self._random(f"{where}/{judge}/{name}/closed"),
        )

    def _labels_seen(self, made: Codes, real: Codes, changed: bool) -> dict[str, Any]:
        """Held against real faces of bins that the made ones have: a mask hides a smile."""
        real = real[np.isin(self._real_bins[real], self._made_bins[made])]
        found = {}
        for label in self._labels:
            rows = made[self._changed[label][made] == changed]
            if len(rows) and self._seen_made[label]:
                found[label] = recognised(
                    self._seen_made[label], rows, self._seen_real[label], real
                )
        return found

    def _seen(self, faces: Evidence, families: Codes) -> dict[str, dict[str, Seen]]:
        """label -> judge key -> what it sees."""
        return {
            label: {
                judge: Seen.of(
                    faces.rows.column(label).to_pylist(),
                    known[label],
                    faces.opinions[judge][label],
                    families,
                )
                for judge, known in self._material.values.items()
                if label in known
            }
            for label in self._labels
        }

    def _made_sample(self, judge: str, name: str, rows: Codes) -> Sample:
        features = self._material.made.features[judge][name][rows]
        return Sample(features, self._made_bins[rows], self._made_families[rows])

    def _real_sample(self, judge: str, name: str, rows: Codes) -> Sample:
        features = self._material.real.features[judge][name][rows]
        return Sample(features, self._real_bins[rows], self._real_families[rows])

    def _families(self) -> tuple[Codes, Codes]:
        """Numbers of the persons that made faces come from, (made, most parents), padded by -1, and
        of those that real faces show, (real, 1)."""
        own = _persons(self._material.parents.rows)
        shown = _persons(self._material.real.rows)
        ids = self._material.made.rows.column("id").to_pylist()
        names = [
            [own[place] for place in places if place >= 0] or [f"\x1f{ids[row]}"]
            for row, places in enumerate(self._parents)
        ]
        everybody = np.unique(np.array([*shown, *(n for row in names for n in row)], dtype=str))
        code = {str(name): place for place, name in enumerate(everybody)}
        made = np.full((len(names), max(map(len, names), default=1)), -1, dtype=np.int64)
        for row, family in enumerate(names):
            made[row, : len(family)] = [code[name] for name in family]
        real = np.array([code[name] for name in shown], dtype=np.int64).reshape(-1, 1)
        return made, real

    def _random(self, where: str) -> np.random.Generator:
        return np.random.default_rng(row_seed(self._material.seed, "fidelity", where))


def _persons(rows: pa.Table) -> list[str]:
    """Who each face shows; a face of nobody known is a person of its own."""
    named = zip(rows.column("id").to_pylist(), rows.column("person").to_pylist(), strict=True)
    return [person or f"\x1f{name}" for name, person in named]


def mean_of_families(values: npt.NDArray[np.float64], families: Codes) -> dict[str, Any]:
    """A mean with its 95 % interval, where values of one family are no independent witnesses."""
    n = len(values)
    if n < FEWEST:
        return too_few(n)
    mean = float(values.mean())
    _, codes = np.unique(families, return_inverse=True)
    off = np.bincount(codes, weights=values - mean)
    count = len(off)
    half = _Z * float(np.sqrt(np.sum(off**2) * count / max(1, count - 1))) / n
    interval = [round(mean - half, 6), round(mean + half, 6)] if count > 1 else None
    return {"n": n, "value": round(mean, 6), "interval": interval}
