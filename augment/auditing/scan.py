"""One pass over the aligned shards that keeps, of every row, small numbers instead of words.

A million rows with forty attributes are 50 MB of codes, and several GB of Python strings.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from augment.schema import ALIGN_FAILED, OK, SMALL, Labels
from augment.shards import read_schema, shard_paths
from augment.types import Axis, BinSpace
from augment.vocabulary import UNKNOWN

Codes = npt.NDArray[np.int16]

_PLAIN = ("id", "status", "reason", "split", "person", "sha256", "photo_hash")
_NUMBERS = ("padded_share", "ita")


@dataclass
class Words:
    """A column of few distinct words: ``words[codes[row]]``; null counts as ``unknown``."""

    words: list[str] = field(default_factory=list)
    pieces: list[Codes] = field(default_factory=list)

    @property
    def codes(self) -> Codes:
        if len(self.pieces) > 1:
            self.pieces = [np.concatenate(self.pieces)]
        return self.pieces[0] if self.pieces else np.empty(0, dtype=np.int16)

    def add(self, column: pa.ChunkedArray) -> None:
        chunk = _encoded(pc.fill_null(column, UNKNOWN))
        for word in chunk.dictionary.to_pylist():
            if word not in self.words:
                self.words.append(word)
        place = np.array([self.words.index(w) for w in chunk.dictionary.to_pylist()], np.int16)
        self.pieces.append(place[chunk.indices.to_numpy()])

    def is_(self, word: str) -> npt.NDArray[np.bool_]:
        """Which rows hold this word, shape (rows,)."""
        if word not in self.words:
            return np.zeros(len(self.codes), dtype=bool)
        found: npt.NDArray[np.bool_] = self.codes == self.words.index(word)
        return found


@dataclass(frozen=True)
class Faces:
    """All rows of ``data/aligned``, compactly. Arrays are of shape (rows,).

    Attributes:
        ids: the rows' ids.
        labels: label column -> its words.
        origins: (label column, origin) -> rows.
        reasons: (status, reason) -> rows that are not ok.
        person: a number a person, -1 where not known.
        content: a number for each distinct file (sha256), -1 where it could not be read.
        photo_hash: uint8 (rows, 32), zeros where null.
        has_hash: where ``photo_hash`` is one.
        padded_share: 0..1, NaN where not aligned.
        ita: degrees, NaN where not measured.
        age_groups: the data set's, in order.
    """

    ids: pa.ChunkedArray
    status: Words
    split: Words
    labels: dict[str, Words]
    origins: Counter[tuple[str, str]]
    reasons: Counter[tuple[str, str]]
    person: npt.NDArray[np.int64]
    content: npt.NDArray[np.int64]
    photo_hash: npt.NDArray[np.uint8]
    has_hash: npt.NDArray[np.bool_]
    padded_share: npt.NDArray[np.float32]
    ita: npt.NDArray[np.float32]
    age_groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def ok(self) -> npt.NDArray[np.bool_]:
        return self.status.is_(OK)

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        return self.status.is_(ALIGN_FAILED)

    @property
    def small(self) -> npt.NDArray[np.bool_]:
        return self.status.is_(SMALL)

    def places(self, axis: Axis) -> npt.NDArray[np.int64]:
        """For each row the place of its value on the axis, -1 where it is not on it."""
        column = self.labels[axis.name]
        values = [axis.value_of(word) for word in column.words]
        of_word = [-1 if value is None else axis.values.index(value) for value in values]
        places: npt.NDArray[np.int64] = np.array(of_word, dtype=np.int64)[column.codes]
        return places

    def bins(self, space: BinSpace) -> npt.NDArray[np.int64]:
        """For each row its bin number, -1 where any axis value is unknown."""
        codes = np.zeros(len(self), dtype=np.int64)
        known = np.ones(len(self), dtype=bool)
        for axis in space.axes:
            place = self.places(axis)
            known &= place >= 0
            codes = codes * len(axis.values) + place
        codes[~known] = -1
        return codes


def scan(folder: Path) -> Faces:
    """Read what the audit needs of a finished ``data/aligned``; pictures are never touched."""
    labels = Labels.of(read_schema(folder))
    collected = _Collector(labels)
    for path in shard_paths(folder):
        columns = [*_PLAIN, *_NUMBERS, *labels.columns, "label_origin"]
        with pq.ParquetFile(path) as file:
            collected.add(file.read(columns=columns))
    return collected.faces()


class _Collector:
    def __init__(self, labels: Labels) -> None:
        self.age_groups = labels.age_groups
        self.status, self.split = Words(), Words()
        self.labels = {name: Words() for name in labels.columns}
        self.origins: Counter[tuple[str, str]] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.kept: dict[str, list[pa.ChunkedArray]] = {
            name: [] for name in ("id", "person", "sha256")
        }
        self.arrays: dict[str, list[npt.NDArray[Any]]] = {
            name: [] for name in ("photo_hash", "has_hash", *_NUMBERS)
        }

    def add(self, table: pa.Table) -> None:
        self.status.add(table.column("status"))
        self.split.add(table.column("split"))
        for name, words in self.labels.items():
            words.add(table.column(name))
            self._count_origins(name, table.column("label_origin"))
        self._count_reasons(table)
        for name, pieces in self.kept.items():
            pieces.append(table.column(name).combine_chunks())
        hashes = table.column("photo_hash").combine_chunks()
        self.arrays["has_hash"].append(hashes.is_valid().to_numpy(zero_copy_only=False))
        self.arrays["photo_hash"].append(_rows_of_bytes(hashes))
        for name in _NUMBERS:
            values = pc.fill_null(table.column(name), float("nan"))
            self.arrays[name].append(values.to_numpy().astype(np.float32))

    def _count_origins(self, name: str, column: pa.ChunkedArray) -> None:
        for chunk in column.chunks:
            for row in pc.value_counts(pc.struct_field(chunk, name)).to_pylist():
                self.origins[name, row["values"] or UNKNOWN] += row["counts"]

    def _count_reasons(self, table: pa.Table) -> None:
        bad = table.select(["status", "reason"]).filter(pc.not_equal(table.column("status"), OK))
        counted = bad.group_by(["status", "reason"]).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            self.reasons[row["status"], row["reason"] or ""] += row["count_all"]

    def faces(self) -> Faces:
        def array(name: str) -> npt.NDArray[Any]:
            return np.concatenate(self.arrays.pop(name))

        return Faces(
            ids=pa.chunked_array(self.kept["id"]),
            status=self.status,
            split=self.split,
            labels=self.labels,
            origins=self.origins,
            reasons=self.reasons,
            person=_numbers(self.kept.pop("person")),
            content=_numbers(self.kept.pop("sha256")),
            photo_hash=array("photo_hash"),
            has_hash=array("has_hash"),
            padded_share=array("padded_share"),
            ita=array("ita"),
            age_groups=self.age_groups,
        )


def _numbers(pieces: list[pa.Array]) -> npt.NDArray[np.int64]:
    """A number for each distinct word in order of appearance; -1 for null and for ""."""
    chunk = _encoded(pa.chunked_array(pieces))
    empty = pc.index(chunk.dictionary, "").as_py()
    indices: npt.NDArray[np.int64] = chunk.indices.fill_null(-1).to_numpy().astype(np.int64)
    if empty >= 0:
        indices[indices == empty] = -1
    return indices


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return pc.dictionary_encode(column.combine_chunks())


def _rows_of_bytes(column: pa.FixedSizeBinaryArray) -> npt.NDArray[np.uint8]:
    """A fixed-size binary column as (rows, size) numbers; null rows are zeros."""
    size = column.type.byte_width
    whole = pc.fill_null(column, b"\0" * size)
    if not len(whole):
        return np.empty((0, size), dtype=np.uint8)
    flat = np.frombuffer(whole.buffers()[1], np.uint8, len(whole) * size, whole.offset * size)
    return flat.reshape(-1, size)
