"""Lays each order's parents beside it, in bounded memory: one shard of orders at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from augment.schema import IMAGE, OK, POINTS, SMALL, Labels
from augment.shards import bucket_of, iterate_file, shard_paths, write_shards

DONORS = "donors"


def donor_type(labels: Labels) -> pa.DataType:
    """What is handed to a generator of each parent."""
    words = pa.struct([(name, pa.string()) for name in labels.columns])
    return pa.struct(
        [
            ("id", pa.string()),
            ("image", IMAGE),
            ("points", POINTS),
            ("age", pa.float32()),
            ("native_side", pa.float32()),
            ("licence", pa.string()),
            ("labels", words),
        ]
    )


def write_joined(orders: pa.Table, aligned: Path, folder: Path) -> None:
    """Write orders with a column of their parents, in as many shards as the aligned faces have.

    A parent that is no aligned face is left out of its order's list.

    Args:
        orders: rows of :func:`augment.schema.order_schema`.
        aligned: the folder of aligned faces.
        folder: where to; its schema carries the orders' label metadata.
    """
    labels = Labels.of(orders.schema)
    field = pa.field(DONORS, pa.list_(donor_type(labels)))
    schema = pa.schema([*orders.schema, field], metadata=orders.schema.metadata)
    count = len(shard_paths(aligned))
    shard_of = pa.array([bucket_of(name, count) for name in orders["id"].to_pylist()], pa.int32())
    wanted = {name for names in orders["parents"].to_pylist() for name in names}
    donors = _Donors(aligned, wanted, labels)

    def tables() -> Iterator[tuple[int, pa.Table]]:
        for number in range(count):
            part = orders.filter(pc.equal(shard_of, number))
            parents = part["parents"].to_pylist()
            found = donors.read({name for names in parents for name in names})
            beside = [[found[name] for name in names if name in found] for names in parents]
            column = pa.chunked_array([pa.array(beside, field.type)], field.type)
            yield number, part.append_column(field, column).cast(schema)

    write_shards(folder, tables(), count)


class _Donors:
    """Finds aligned rows by id without holding their pictures: id -> (shard, row group, row)."""

    def __init__(self, folder: Path, wanted: set[str], labels: Labels) -> None:
        self._labels = labels
        self._place: dict[str, tuple[Path, int, int]] = {}
        for path in shard_paths(folder):
            self._look_up(path, wanted)

    def _look_up(self, path: Path, wanted: set[str]) -> None:
        row = 0
        groups = _row_groups(path)
        for batch in iterate_file(path, ["id", "status"]):
            pairs = zip(batch["id"].to_pylist(), batch["status"].to_pylist(), strict=True)
            for name, status in pairs:
                if name in wanted and status in (OK, SMALL):
                    self._place[name] = (path, *groups[row])
                row += 1

    def read(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The rows of these ids, each row group of each shard read once, in order."""
        runs: dict[tuple[Path, int], list[tuple[str, int]]] = {}
        for name in names:
            if name in self._place:
                path, group, row = self._place[name]
                runs.setdefault((path, group), []).append((name, row))
        found = {}
        columns = ["id", "image", "points", "age", "native_side", "licence", *self._labels.columns]
        for (path, group), rows in sorted(runs.items()):
            with pq.ParquetFile(path) as file:
                content = file.read_row_group(group, columns=columns)
            chosen = content.take(pa.array([row for _, row in rows])).to_pylist()
            for row in chosen:
                words = {name: row.pop(name) for name in self._labels.columns}
                found[row["id"]] = {**row, "labels": words}
        return found


def _row_groups(path: Path) -> list[tuple[int, int]]:
    """(row group, row inside it) of every row of a file."""
    with pq.ParquetFile(path) as file:
        counts = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    return [(number, row) for number, count in enumerate(counts) for row in range(count)]
