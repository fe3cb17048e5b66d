"""Byte-identical files of an index: flagged, and set aside where their labels disagree."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from augment.duplicates import Rows, same_value_pairs
from augment.intake.label_tables import joined
from augment.schema import OK, SET_ASIDE
from augment.vocabulary import UNKNOWN

_GIVEN = "given"


def file_codes(column: pa.ChunkedArray) -> Rows:
    """A number a value, -1 for null and "", shape (rows,), int64."""
    words = pc.dictionary_encode(column.combine_chunks())
    codes: Rows = words.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype("int64")
    empty = words.dictionary.index(pa.scalar("", words.dictionary.type)).as_py()
    if empty >= 0:
        codes[codes == empty] = -1
    return codes


def flag_same_files(index: pa.Table, labels: Sequence[str]) -> pa.Table:
    """The index with ``note``, ``status`` and ``reason`` of byte-identical files filled in.

    Two files disagree where both were given a label (or an age) and it is not the same; unknown
    and assumed labels disagree with nothing.

    Args:
        index: rows of ``index_schema``.
        labels: the label columns.
    """
    copies: dict[int, list[int]] = defaultdict(list)
    for first, other in same_value_pairs(file_codes(index.column("sha256"))).tolist():
        copies[first].append(other)
    columns = {name: index.column(name).to_pylist() for name in ("status", "reason", "note")}
    ids = index.column("id")
    said = index.select(["age", "label_origin", *labels])
    for first, others in copies.items():
        rows = [first, *others]
        differing = _differing(said.take(pa.array(rows)).to_pylist(), labels)
        for row in rows:
            twin = ids[others[0] if row == first else first].as_py()
            columns["note"][row] = joined([columns["note"][row], f"same file as '{twin}'"])
            if differing and columns["status"][row] == OK:
                columns["status"][row] = SET_ASIDE
                columns["reason"][row] = (
                    f"the same file as '{twin}' with other labels: {', '.join(differing)}"
                )
    for name, values in columns.items():
        place = index.schema.get_field_index(name)
        index = index.set_column(place, name, pa.array(values, pa.string()))
    return index


def _differing(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[str]:
    def values(label: str) -> set[str]:
        return {row[label] for row in rows if row["label_origin"][label] == _GIVEN} - {UNKNOWN}

    ages = {row["age"] for row in rows} - {None}
    return [
        *(["age"] if len(ages) > 1 else []),
        *(name for name in labels if len(values(name)) > 1),
    ]
