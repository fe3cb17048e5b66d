"""The faces that fidelity is measured on: those that passed, their parents, unseen real ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augment.errors import RowError
from augment.gating.faces import FacesOf
from augment.images import decode, resize
from augment.metrics.floors import Groups, groups_of
from augment.metrics.halves import earlier_equal
from augment.metrics.visible_change import visible_change
from augment.schema import IMAGE, OK, POINTS, SMALL, Labels, candidate_schema, without_predicted
from augment.seeds import row_share
from augment.shards import iterate, read_schema, read_table
from augment.types import BinSpace, Image

_CHANGE = "visible_change"


@dataclass(frozen=True)
class Compared:
    """Who is compared with whom.

    Attributes:
        made: candidates that passed.
        real: faces of the train split's half ``half`` and of the validation split.
        parents: of ``made``.
    """

    made: FacesOf
    real: FacesOf
    parents: FacesOf


def read_compared(
    aligned: Path,
    folders: Sequence[Path],
    passed: Sequence[str],
    half: str,
    bins: BinSpace,
    groups: Sequence[str],
    most: int,
) -> Compared:
    """Read all but the pictures.

    Args:
        aligned: the folder of real faces.
        folders: of candidates.
        passed: ids of candidates that no check refused.
        half: of the train split, which no scoring judge learned on.
        bins: whose axes, and bins, are groups.
        groups: more label columns whose values are groups.
        most: faces of each group (and generator) that are looked at.
    """
    labels = Labels.of(read_schema(aligned))
    columns = ["id", "status", "split", "half", "person", *labels.columns]
    everyone = without_predicted(read_table(aligned, [*columns, "label_origin"])).select(columns)
    usable = FacesOf((aligned,), everyone.filter(pc.equal(everyone.column("status"), OK)))
    may_be_parents = pc.and_(
        pc.is_in(everyone.column("status"), pa.array([OK, SMALL])),
        pc.equal(everyone.column("split"), "train"),
    )
    unseen = pc.or_kleene(
        pc.equal(usable.rows.column("split"), "validation"),
        pc.and_kleene(
            pc.equal(usable.rows.column("split"), "train"),
            pc.equal(usable.rows.column("half"), half),
        ),
    )
    real = usable.where(pc.fill_null(unseen, False))
    columns = ["id", "generator", "bin", "parents", "changes", *labels.columns]
    empty = candidate_schema(labels).empty_table().select(columns)
    rows = pa.concat_tables([empty, *(read_table(folder, columns) for folder in folders)])
    made = FacesOf(tuple(folders), rows).with_ids(passed)
    made = made.with_ids(_first(made.rows, bins, groups, most, by_generator=True))
    parents = {name for names in made.rows.column("parents").to_pylist() for name in names or ()}
    return Compared(
        made=made,
        real=real.with_ids(_first(real.rows, bins, groups, most)),
        parents=FacesOf((aligned,), everyone.filter(may_be_parents)).with_ids(parents),
    )


def in_hash_order(ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """Places of the ids in an order that says nothing of the faces, and never changes."""
    shares = [row_share(0, "fidelity", name) for name in ids]
    order: npt.NDArray[np.int64] = np.argsort(np.array(shares), kind="stable")
    return order


def grouped(rows: pa.Table, bins: BinSpace, labels: Sequence[str]) -> Groups:
    """As :func:`augment.metrics.floors.groups_of`, with all faces as the grouping ``all``."""
    everybody = np.full(rows.num_rows, "all")
    return {"all": everybody} | dict(groups_of(rows, bins, labels))


def _first(
    rows: pa.Table, bins: BinSpace, labels: Sequence[str], most: int, by_generator: bool = False
) -> set[str]:
    """The first ``most`` ids of every group in hash order: large groups are sampled, small kept."""
    ids = np.array(rows.column("id").to_pylist(), dtype=object)
    order = in_hash_order(ids.tolist())
    maker = rows.column("generator").to_pylist() if by_generator else [""] * len(ids)
    makers = np.unique(np.array(maker, dtype=str), return_inverse=True)[1]
    chosen = np.zeros(len(ids), dtype=bool)
    for column in grouped(rows, bins, labels).values():
        names, groups = np.unique(column, return_inverse=True)
        codes = (makers * len(names) + groups)[order]
        chosen[order[(earlier_equal(codes) < most) & (column != "")[order]]] = True
    return set(ids[chosen])


class MeasureChange:
    """Operation: how much of an edit is visible; null where either picture cannot be read."""

    needs: tuple[str, ...] = ("image", "parent", "parent_points")
    adds = pa.schema([(_CHANGE, pa.float32())])

    def identity(self) -> str:
        return _CHANGE

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        found = [_change(row) for row in batch.select(list(self.needs)).to_pylist()]
        return pa.RecordBatch.from_arrays([pa.array(found, pa.float32())], schema=self.adds)


def _change(row: Mapping[str, Any]) -> float | None:
    image, parent = _decoded(row["image"]), _decoded(row["parent"])
    if image is None or parent is None:
        return None
    if image.shape != parent.shape:
        parent = resize(parent, image.shape[0])
    points = row["parent_points"]
    return visible_change(
        image, parent, None if points is None else np.array(points, np.float32).reshape(5, 2)
    )


def _decoded(content: Mapping[str, Any] | None) -> Image | None:
    if content is None or content["bytes"] is None:
        return None
    try:
        return decode(content["bytes"])
    except RowError:
        return None


def beside_parents(made: FacesOf, parents: FacesOf) -> Iterator[pa.RecordBatch]:
    """Batches of ``id``, ``image``, ``parent``, ``parent_points`` in the order of ``made``.

    For faces of one parent; of those with several, or with one that is not there, it is null.
    """
    known = _pictures_and_points(parents)
    rows = zip(
        made.rows.column("id").to_pylist(), made.rows.column("parents").to_pylist(), strict=True
    )
    parent_of = {name: names[0] for name, names in rows if names and len(names) == 1}
    for batch in made.pictures():
        found = [known.get(parent_of.get(name, "")) for name in batch.column("id").to_pylist()]
        pictures = pa.array([entry and entry[0] for entry in found], IMAGE)
        points = pa.array([entry and entry[1] for entry in found], POINTS)
        yield pa.RecordBatch.from_arrays(
            [batch.column("id"), batch.column("image"), pictures, points],
            names=["id", "image", "parent", "parent_points"],
        )


def _pictures_and_points(faces: FacesOf) -> dict[str, tuple[Any, Any]]:
    wanted = faces.rows.column("id").combine_chunks()
    found = {}
    for folder in faces.folders:
        for batch in iterate(folder, ["id", "image", "points"]):
            part = batch.filter(pc.is_in(batch.column("id"), wanted))
            for row in part.to_pylist():
                # The name of the file is no part of the picture.
                found[row["id"]] = ({"bytes": row["image"]["bytes"], "path": None}, row["points"])
    return found
