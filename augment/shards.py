"""Tables on disk: a folder of Parquet shards that are hash buckets of the row id.

Hash buckets, not sequential filling: dropping two rows of a set then changes two shards and
leaves all others byte for byte as they were, which is what makes re-runs and DVC's cache cheap.
Files are written under a temporary name, synced, renamed; the completion marker comes last, and
a folder without it does not exist for readers.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from augment.errors import UserError

MARKER = "_complete.json"
ROWS_PER_GROUP = 100
_RUN_ITS_STAGE = "run the stage that makes it (augment status lists them), or simply `dvc repro`."


def bucket_of(row_id: str, shards: int) -> int:
    """The shard that a row belongs to: stable whatever else is in the set."""
    digest = hashlib.blake2b(row_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % shards


def shard_name(number: int, shards: int) -> str:
    return f"part-{number:05d}-of-{shards:05d}.parquet"


def write_shards(folder: Path, tables: Iterable[tuple[int, pa.Table]], shards: int) -> None:
    """Write ``(shard number, table)`` pairs, then the marker.

    Every shard number 0..shards-1 must come once; rows inside a shard are sorted by id here.
    What an earlier run left in the folder stops counting before the first shard is written.
    """
    (folder / MARKER).unlink(missing_ok=True)
    written: list[dict[str, Any]] = []
    for number, content in tables:
        path = folder / shard_name(number, shards)
        write_table(path, content.sort_by("id"))
        written.append({"file": path.name, "rows": content.num_rows})
    if len(written) != shards:
        raise ValueError(f"{folder}: {len(written)} of {shards} shards were given")
    for stale in {path.name for path in folder.glob("part-*")} - {str(w["file"]) for w in written}:
        (folder / stale).unlink()
    write_marker(folder, {"shards": sorted(written, key=lambda shard: shard["file"])})


def write_bucketed(folder: Path, content: pa.Table, shards: int) -> None:
    """Split one in-memory table into its hash buckets and write them."""
    buckets = pa.array(
        [bucket_of(row_id, shards) for row_id in content.column("id").to_pylist()], pa.int32()
    )
    write_shards(
        folder,
        ((number, content.filter(pc.equal(buckets, number))) for number in range(shards)),
        shards,
    )


def write_table(path: Path, content: pa.Table) -> None:
    """One Parquet file, atomically. Encoded pictures stay uncompressed: zstd would save 2 %.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    binary = {f"{name}.bytes" for name in content.column_names} | {"parsing"}
    leaves = [column.path for column in _leaf_columns(content.schema)]
    compression = {leaf: "none" if leaf in binary else "zstd" for leaf in leaves}
    with AtomicFile(path) as temporary:
        pq.write_table(
            content,
            temporary,
            row_group_size=ROWS_PER_GROUP,
            compression=compression,
            use_dictionary=[leaf for leaf in leaves if leaf not in binary],
        )


def _leaf_columns(schema: pa.Schema) -> list[Any]:
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    parquet = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [parquet.column(number) for number in range(len(parquet))]


class AtomicFile:
    """``with AtomicFile(path) as temporary``: ``path`` appears whole, or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.temporary

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: Any
    ) -> None:
        if error is None:
            error = self._finish()
            if error is None:
                return
        self.temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise UserError(
                f"{self.path} cannot be written: {os.strerror(error.errno)}. "
                "Free some space and run the same command again; what is finished is kept."
            ) from error
        if kind is None:
            raise error

    def _finish(self) -> OSError | None:
        try:
            with self.temporary.open("rb+") as file:
                os.fsync(file.fileno())  # a full disk may show itself only here
            self.temporary.replace(self.path)
        except OSError as error:
            return error
        return None


def write_text(path: Path, text: str) -> None:
    with AtomicFile(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """JSON for people and git: indented, keys in the order given, one final newline."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_marker(folder: Path, content: Any) -> None:
    """The folder is finished."""
    remove_temporaries(folder)
    write_json(folder / MARKER, content)


def remove_temporaries(folder: Path) -> None:
    """What a process left that was killed while it wrote a file: no part of the output."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a finished folder, in order.

    Raises:
        UserError: the folder is missing, or the stage that makes it did not finish.
    """
    marker = folder / MARKER
    if not marker.is_file():
        raise UserError(f"{folder} is missing or incomplete: {_RUN_ITS_STAGE}")
    return [folder / shard["file"] for shard in json.loads(marker.read_text())["shards"]]


def read_json(path: Path) -> Any:
    """What :func:`write_json` wrote.

    Raises:
        UserError: the file is missing: the stage that makes it did not run.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: {_RUN_ITS_STAGE}") from None


def read_schema(folder: Path) -> pa.Schema:
    return pq.read_schema(shard_paths(folder)[0])


def read_table(folder: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """All shards of a finished folder as one table; ask for ``columns`` to leave pictures out."""
    paths = shard_paths(folder)
    wanted = list(columns) if columns is not None else None
    return pa.concat_tables([pq.ParquetFile(path).read(columns=wanted) for path in paths])


def iterate(folder: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Batches of at most :data:`ROWS_PER_GROUP` rows, in shard order: memory stays bounded."""
    for path in shard_paths(folder):
        yield from iterate_file(path, columns)


def iterate_file(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    wanted = list(columns) if columns is not None else None
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=ROWS_PER_GROUP, columns=wanted)
