"""Withdrawn rows in Parquet files: found by what each column means, and taken out."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from augment.shards import MARKER, write_json, write_table
from augment.withdrawing.mentions import Mentions
from augment.withdrawing.request import Withdrawal

_IDS = ("id", "order", "parents")
_DIGESTS = ("sha256", "source_sha256")
_BATCH = 200


@dataclass
class Finder:
    """Knows everything that must go, and looks for it.

    Attributes:
        withdrawal: what goes.
        mentions: the same for text.
        pictures: sha256 of the crops and made pictures that go, as stored.
    """

    withdrawal: Withdrawal
    mentions: Mentions = field(init=False)
    pictures: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        names = self.withdrawal.rows | self.withdrawal.persons
        self.mentions = Mentions(names, self.withdrawal.staying)

    def count(self, path: Path) -> int:
        """How many times a file of any kind names or shows what must go."""
        if is_parquet(path):
            return self.count_in_table(path)
        found = self.mentions.count_in_file(path)
        with path.open("rb") as file:
            return found + self._is_theirs(hashlib.file_digest(file, "sha256").hexdigest())

    def count_in_table(self, path: Path) -> int:
        """Values of a Parquet file that name or show what must go."""
        found = 0
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for name, column in _leaves(pa.Table.from_batches([batch])):
                    found += sum(self._hits(name, column))
        return found

    def theirs(self, content: pa.Table) -> list[bool]:
        """Which rows are a withdrawn photo, or made from one, or about one; a value a row."""
        found = [False] * content.num_rows
        for name in content.column_names:
            if name in (*_IDS, *_DIGESTS, "person", "image"):
                for place, hit in enumerate(self._row_hits(name, content.column(name))):
                    found[place] = found[place] or hit
        return found

    def redact(self, text: str | None) -> str | None:
        return None if text is None else self.mentions.redact(text)

    def learn_pictures(self, content: pa.Table) -> None:
        """Remember the pictures of those that go."""
        rows = content.filter(pa.array(self._row_hits("id", content.column("id")), pa.bool_()))
        for image in rows.column("image").to_pylist():
            if image and image["bytes"]:
                self.pictures.add(hashlib.sha256(image["bytes"]).hexdigest())

    def _row_hits(self, name: str, column: pa.ChunkedArray) -> list[bool]:
        if name == "image":
            return [
                bool(image)
                and (self._is_path(image.get("path")) or self._is_picture(image.get("bytes")))
                for image in column.to_pylist()
            ]
        if name == "parents":
            rows = self.withdrawal.rows
            return [not rows.isdisjoint(parents or ()) for parents in column.to_pylist()]
        return self._hits(name, column)

    def _hits(self, name: str, column: pa.ChunkedArray) -> list[bool]:
        """Which values of a flat column are hits, by the column's name."""
        test: Callable[[Any], bool] = self._mentioned
        if name in _IDS:
            test = self.withdrawal.rows.__contains__
        elif name == "person":
            test = self.withdrawal.persons.__contains__
        elif name in _DIGESTS:
            test = self._is_theirs
        elif name == "path":
            test = self._is_path
        elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            test = self._is_picture
        known: dict[Any, bool] = {None: False}
        found = []
        for value in column.to_pylist():
            if value not in known:
                known[value] = test(value)
            found.append(known[value])
        return found

    def _mentioned(self, text: str) -> bool:
        return self.mentions.count(text) > 0

    def _is_theirs(self, digest: str) -> bool:
        return digest in self.withdrawal.files or digest in self.pictures

    def _is_picture(self, content: bytes | None) -> bool:
        return content is not None and self._is_theirs(hashlib.sha256(content).hexdigest())

    def _is_path(self, path: str | None) -> bool:
        """Pictures are called like their row, with the codec's suffix."""
        if not path:
            return False
        return path in self.withdrawal.rows or path.rpartition(".")[0] in self.withdrawal.rows


def is_parquet(path: Path) -> bool:
    """By content: DVC's cache knows no suffixes."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _leaves(content: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Every text and binary column, however deep, under its innermost name."""
    waiting = [(name, content.column(name)) for name in content.column_names]
    while waiting:
        name, column = waiting.pop()
        kind = column.type
        if pa.types.is_struct(kind):
            waiting += [(f.name, pc.struct_field(column, f.name)) for f in kind]
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            waiting.append((name, pc.list_flatten(column)))
        elif pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind):
            yield name, column


def clean_table(path: Path, finder: Finder, groups: Mapping[str, str]) -> int:
    """Take the rows out of one shard and their names out of the others; returns how many rows.

    Args:
        path: a Parquet file, rewritten atomically if anything changes.
        finder: what must go.
        groups: new names of groups that were called like somebody who goes.
    """
    content = pq.read_table(path)
    kept = pa.array([not hit for hit in finder.theirs(content)], pa.bool_())
    rest = content.filter(kept)
    changed = rest.num_rows < content.num_rows
    for place, name in enumerate(rest.column_names):
        if name in (*_IDS, *_DIGESTS, "person", "image"):
            continue
        before = rest.column(name)
        after = _renamed(before, groups) if name == "group" else _redacted(before, finder)
        if after is not None:
            rest = rest.set_column(place, rest.schema.field(name), after)
            changed = True
    if changed:
        write_table(path, rest)
    return int(content.num_rows - rest.num_rows)


def _renamed(column: pa.ChunkedArray, names: Mapping[str, str]) -> pa.Array | None:
    values = column.to_pylist()
    if not any(names.get(value, value) != value for value in values):
        return None
    return pa.array([names.get(value, value) for value in values], column.type)


def _redacted(column: pa.ChunkedArray, finder: Finder) -> pa.Array | None:
    """Texts, and lists of texts, without names; None where there are none."""
    kind = column.type
    of_lists = pa.types.is_list(kind) and pa.types.is_string(kind.value_type)
    if not of_lists and not pa.types.is_string(kind):
        return None
    texts = pc.unique(pc.list_flatten(column) if of_lists else column).to_pylist()
    changed = {text: new for text in texts if (new := finder.redact(text)) != text}
    if not changed:
        return None
    if of_lists:
        lists = column.to_pylist()
        return pa.array([v and [changed.get(t, t) for t in v] for v in lists], kind)
    return pa.array([changed.get(text, text) for text in column.to_pylist()], kind)


def group_names(paths: Iterable[Path], withdrawal: Withdrawal) -> dict[str, str]:
    """New names for groups called like somebody who goes: as ingest would call what stays."""
    people: dict[str, str] = {}
    first: dict[str, str] = {}
    leaving = withdrawal.gone | withdrawal.persons
    for path in paths:
        rows = pq.read_table(path, columns=["id", "person", "group"])
        for row in rows.to_pylist():
            group, row_id, person = row["group"], row["id"], row["person"]
            if group not in leaving or row_id in withdrawal.gone:
                continue
            first[group] = min(first.get(group, row_id), row_id)
            if person and person not in withdrawal.persons:
                people[group] = min(people.get(group, person), person)
    return {group: people.get(group, name) for group, name in first.items()}


def mend_marker(folder: Path) -> None:
    """Row counts of a folder's completion marker, after rows were taken out of its shards."""
    marker = folder / MARKER
    if not marker.is_file():
        return
    import json

    content = json.loads(marker.read_text(encoding="utf-8"))
    shards = [
        {**shard, "rows": pq.read_metadata(folder / shard["file"]).num_rows}
        for shard in content.get("shards", ())
        if (folder / shard["file"]).is_file()
    ]
    if shards and shards != content["shards"]:
        write_json(marker, {**content, "shards": shards})
