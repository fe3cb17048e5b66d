"""The train faces that may become parents, and the orders made of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augment.errors import UserError
from augment.metrics.balance import Counts, count_bins
from augment.planning.donors import DonorPool
from augment.planning.orders import Earlier, label_words, order_rows
from augment.planning.problem import Move, Supplier
from augment.schema import OK, SMALL, Labels, order_schema, table
from augment.shards import read_schema, read_table
from augment.types import BinSpace, FloatArray


@dataclass(frozen=True)
class TrainFaces:
    """Faces of the train split that are in a bin: the usable ones, and those that are too small.

    Attributes:
        labels: the data set's label columns.
        words: axis name -> the words that a new face may be given there, in order.
        rows: columns id, person, points, ita and all labels, sorted by id.
        codes: the donor of each row: its bin, or ``bins + its bin`` where it is too small.
        bins: how many bins there are.
    """

    labels: Labels
    words: Mapping[str, Sequence[str]]
    rows: pa.Table
    codes: npt.NDArray[np.int64]
    bins: int

    def census(self) -> Counts:
        """Usable faces of each bin."""
        return count_bins(self.codes, 2 * self.bins)[: self.bins]

    def small(self) -> Counts:
        """Faces of each bin that are too small to be used as they are."""
        return count_bins(self.codes, 2 * self.bins)[self.bins :]

    def places(self, most_children: int, children: Mapping[str, int]) -> tuple[Counts, Counts]:
        """By donor: children that the faces may still have, and faces that may have one."""
        had = [children.get(name, 0) for name in self.rows.column("id").to_pylist()]
        most = np.where(self.codes < self.bins, most_children, 1)
        left = np.maximum(most - np.array(had, dtype=np.int64), 0)
        places = np.bincount(self.codes, left, minlength=2 * self.bins).astype(np.int64)
        return places, count_bins(self.codes[left > 0], 2 * self.bins)

    def donors_of(self, candidates: pa.Table, space: BinSpace) -> list[str]:
        """The name of the bin that the parents of each candidate (column parents) are in."""
        ids = self.rows.column("id").to_pylist()
        names = dict(zip(ids, (space.names[code % self.bins] for code in self.codes), strict=True))
        return [names[parents[0]] for parents in candidates.column("parents").to_pylist()]

    def orders(
        self, space: BinSpace, suppliers: Sequence[Supplier], moves: Sequence[Move],
        most_children: int, seed: int, earlier: Earlier | None = None,
    ) -> dict[str, pa.Table]:  # fmt: skip
        """The order table of every supplier, sorted by id; empty where it has no move.

        A move gets fewer candidates than it asks for where parents have no place for more.
        """
        earlier = earlier or Earlier()
        rows: dict[str, list[dict[str, Any]]] = {supplier.key: [] for supplier in suppliers}
        by_donor: dict[int, list[Move]] = defaultdict(list)
        for move in moves:
            by_donor[move.donor].append(move)
        for donor, of_donor in sorted(by_donor.items()):
            members = self.rows.take(pa.array(np.flatnonzero(self.codes == donor)))
            people = members.select(self.labels.columns).to_pylist()
            ids = members.column("id").to_pylist()
            persons = members.column("person").to_pylist()
            most = most_children if donor < self.bins else 1
            looks = looks_of(
                np.array([row or _NOWHERE for row in members.column("points").to_pylist()]),
                np.array(members.column("ita").to_pylist(), dtype=np.float64),
            )
            pool = DonorPool(ids, persons, most, seed, earlier.children, looks)
            for move in of_donor:
                supplier = suppliers[move.supplier]
                cell = f"{supplier.key}/{space.names[donor % self.bins]}/{space.names[move.target]}"
                n = min(move.candidates, pool.families(supplier.parents))
                families = [
                    [(ids[row], people[row]) for row in family]
                    for family in pool.take(n, supplier.parents, cell)
                ]
                rows[supplier.key] += order_rows(
                    supplier.key, move.target, space, self.words, families, seed, earlier
                )
        schema = order_schema(self.labels)
        return {key: table(of_key, schema).sort_by("id") for key, of_key in rows.items()}


def read_train_faces(aligned: Path, space: BinSpace) -> TrainFaces:
    """Read ids, persons and labels of ``data/aligned``; no pictures.

    Raises:
        UserError: an axis is no label of these faces.
    """
    labels = Labels.of(read_schema(aligned))
    strange = [axis.name for axis in space.axes if axis.name not in labels.columns]
    if strange:
        raise UserError(
            f"reports/audit.json counts by '{strange[0]}', which the faces in {aligned} have no "
            "label for: it is of another data set. Run `dvc repro` (or `augment audit`) again."
        )
    everything = read_table(
        aligned, ["id", "status", "split", "person", "points", "ita", *labels.columns]
    )
    found = {axis.name: pc.unique(everything.column(axis.name)).to_pylist() for axis in space.axes}
    there = pc.and_(
        pc.is_in(everything.column("status"), pa.array([OK, SMALL])),
        pc.equal(everything.column("split"), "train"),
    )
    rows = everything.filter(there).sort_by("id")
    codes = space.codes(rows)
    in_a_bin = codes >= 0
    codes += len(space) * pc.equal(rows.column("status"), SMALL).to_numpy()
    rows = rows.drop_columns(["status", "split"])
    words = {
        axis.name: label_words(axis, labels, [word for word in found[axis.name] if word])
        for axis in space.axes
    }
    return TrainFaces(labels, words, rows.filter(pa.array(in_a_bin)), codes[in_a_bin], len(space))


#: In place of the points of a face that has none.
_NOWHERE = [float("nan")] * 10
#: The five points are measured in parts of the eyes' distance, the typology angle in degrees: so
#: much of either is a difference of 1. A head held otherwise shows in a morph, skin a little less.
_PART, _DEGREES = 0.06, 20.0


def looks_of(points: npt.NDArray[np.floating], ita: npt.NDArray[np.floating]) -> FloatArray:
    """How faces are posed and how light their skin is, (faces, 11), as a pool of donors takes it.

    Args:
        points: of aligned faces, (faces, 10) or (faces, 5, 2), pixels; nan: not known.
        ita: individual typology angle, degrees, (faces,); nan: not known, as the usual one.
    """
    five = np.asarray(points, dtype=np.float64).reshape(-1, 5, 2)
    centred = five - five.mean(axis=1, keepdims=True)
    apart = np.maximum(np.linalg.norm(five[:, 1] - five[:, 0], axis=1), 1e-6)
    shape = (centred / apart[:, None, None]).reshape(-1, 10) / _PART
    known = np.isfinite(ita)
    usual = float(np.median(ita[known])) if known.any() else 0.0
    tone = np.where(known, ita, usual) / _DEGREES
    return np.concatenate([shape, tone[:, None]], axis=1).astype(np.float32)
