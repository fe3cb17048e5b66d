"""Results of one operation, a row at a time, on disk and outside of every stage's outputs.

DVC deletes a stage's outputs before it runs, also before a retry; what must survive a kill lives
here. A cache belongs to one operation identity; each chunk file holds some rows' keys and columns.
"""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from augment.shards import AtomicFile

KEY = "_key"
ASKED = "_asked"
#: Rows that are computed at a time. Networks look at 32 faces together: three times that.
ROWS_PER_CHUNK = 96
_TABLES_IN_MEMORY = 32
#: A cache that nobody opened for so long belongs to settings or code that are no more.
KEEP_DAYS = 30

_log = logging.getLogger(__name__)


class LostRows(Exception):
    """Rows that were thought to be kept cannot be read any more; compute them again."""


def row_keys(batch: pa.RecordBatch, needs: tuple[str, ...]) -> list[bytes]:
    """16 bytes a row: the digest of all values that the op's result depends on.

    The same values give the same key in every batch, process and run; types count (1 is not 1.0).
    """
    columns = [batch.column(name).to_pylist() for name in needs]
    return [_row_key(values) for values in zip(*columns, strict=True)]


def _row_key(values: tuple[Any, ...]) -> bytes:
    content = hashlib.blake2b(digest_size=16)
    for value in values:
        _feed(content, value)
    return content.digest()


def _feed(content: Any, value: Any) -> None:
    """Every value is fed with its kind and length, so that no two sequences feed the same bytes."""
    if isinstance(value, bytes):  # pictures: repr() of them would take ten times as long
        content.update(b"b%d:" % len(value))
        content.update(value)
    elif isinstance(value, str):
        text = value.encode()
        content.update(b"s%d:" % len(text))
        content.update(text)
    elif isinstance(value, dict):
        content.update(b"d%d:" % len(value))
        for name, part in value.items():  # in the order of the struct's fields
            _feed(content, name)
            _feed(content, part)
    elif isinstance(value, list | tuple):
        content.update(b"l%d:" % len(value))
        for part in value:
            _feed(content, part)
    else:
        text = f"{type(value).__name__} {value!r}".encode()
        content.update(b"v%d:" % len(text))
        content.update(text)


class RowCache:
    """Maps a 16-byte row key to the columns of ``schema`` that were computed for it."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._place: dict[bytes, tuple[Path, int]] = {}
        self._read = lru_cache(maxsize=_TABLES_IN_MEMORY)(_read_checked)

    def __enter__(self) -> "RowCache":
        self._folder.mkdir(parents=True, exist_ok=True)
        os.utime(self._folder)  # when it was last opened, for prune()
        _sweep(self._folder)
        for path in sorted(self._folder.glob("*.parquet")):
            try:
                keys = _read_checked(path, (KEY,)).column(KEY).to_pylist()
            except (pa.ArrowException, OSError, KeyError) as error:
                self._discard(path, error)
            else:
                self._remember(path, keys)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._read.cache_clear()

    def __contains__(self, key: bytes) -> bool:
        return key in self._place

    def put(self, result: pa.RecordBatch) -> None:
        """Keep a computed batch (its columns and :data:`KEY`), atomically."""
        keys = result.column(KEY).to_pylist()
        name = hashlib.blake2b(b"".join(keys), digest_size=16).hexdigest()
        path = self._folder / f"{name}.parquet"
        _write(path, pa.Table.from_batches([result]))
        self._remember(path, keys)

    def get(self, keys: list[bytes]) -> pa.RecordBatch:
        """The rows of ``keys``, in that order.

        Raises:
            LostRows: a chunk is damaged (it is deleted), or was found damaged before.
        """
        pieces = [self._rows(path, rows) for path, rows in self._runs(keys)]
        if not pieces:
            return pa.RecordBatch.from_pylist([], schema=self._schema)
        whole = pa.concat_tables(pieces).cast(self._schema).combine_chunks()
        return whole.to_batches()[0]

    def _rows(self, path: Path, rows: list[int]) -> pa.Table:
        try:
            return self._read(path, tuple(self._schema.names)).take(pa.array(rows))
        except (pa.ArrowException, OSError, KeyError) as error:
            self._discard(path, error)
            raise LostRows(str(path)) from None

    def _runs(self, keys: list[bytes]) -> list[tuple[Path, list[int]]]:
        """Neighbouring keys that lie in one file, taken together."""
        runs: list[tuple[Path, list[int]]] = []
        for key in keys:
            if key not in self._place:
                raise LostRows(key.hex())
            path, row = self._place[key]
            if runs and runs[-1][0] == path:
                runs[-1][1].append(row)
            else:
                runs.append((path, [row]))
        return runs

    def _remember(self, path: Path, keys: list[bytes]) -> None:
        self._place.update({key: (path, row) for row, key in enumerate(keys)})

    def _discard(self, path: Path, error: Exception) -> None:
        _log.warning("%s is damaged (%s): its rows are computed again.", path, error)
        path.unlink(missing_ok=True)
        self._place = {key: place for key, place in self._place.items() if place[0] != path}


class Missing:
    """The rows that caches do not hold, each once, in chunks of at most :data:`ROWS_PER_CHUNK`.

    A chunk has the columns that are needed, :data:`KEY`, and :data:`ASKED`: for each cache
    whether it lacks the row. Rows of several batches share a chunk: where one row in a hundred is
    new, an operation is still called with many rows.

    Attributes:
        kept: rows that nothing had to be computed for.
    """

    def __init__(
        self,
        streams: Iterable[tuple[Iterable[pa.RecordBatch], Sequence[int]]],
        needs: tuple[str, ...],
        caches: Sequence[RowCache],
        pass_over: Callable[[int], object],
    ) -> None:
        """Streams come with the places of the caches that are to hold their rows."""
        self._streams, self._needs, self._caches = streams, needs, caches
        self._pass_over = pass_over
        self._ordered: list[set[bytes]] = [set() for _ in caches]
        self.kept = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        waiting: list[pa.RecordBatch] = []
        for batches, wanted in self._streams:
            for batch in batches:
                waiting.append(self._fresh(batch, wanted))
                while sum(part.num_rows for part in waiting) >= ROWS_PER_CHUNK:
                    whole = pa.concat_batches(waiting)
                    yield whole.slice(0, ROWS_PER_CHUNK)
                    waiting = [whole.slice(ROWS_PER_CHUNK)]
        if any(part.num_rows for part in waiting):
            yield pa.concat_batches(waiting)

    def _fresh(self, batch: pa.RecordBatch, wanted: Sequence[int]) -> pa.RecordBatch:
        keys = row_keys(batch, self._needs)
        asked = [self._ask(key, wanted) for key in keys]
        places = [place for place, flags in enumerate(asked) if any(flags)]
        self.kept += batch.num_rows - len(places)
        self._pass_over(batch.num_rows - len(places))
        part = batch.select(list(self._needs)).take(pa.array(places, pa.int64()))
        flags = pa.array([asked[place] for place in places], pa.list_(pa.bool_()))
        return part.append_column(
            KEY, pa.array([keys[place] for place in places], pa.binary(16))
        ).append_column(ASKED, flags)

    def _ask(self, key: bytes, wanted: Sequence[int]) -> list[bool]:
        asked = [False] * len(self._caches)
        for place in wanted:
            asked[place] = key not in self._caches[place] and key not in self._ordered[place]
            if asked[place]:
                self._ordered[place].add(key)
        return asked


def prune(root: Path, days: float = KEEP_DAYS) -> None:
    """Remove the caches below ``root`` that were not opened for ``days``."""
    oldest = time.time() - days * 86_400
    for folder in root.glob("*/"):
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)


def drop_rows(path: Path, unwanted: Callable[[pa.Table], list[bool]]) -> int:
    """Take rows out of a chunk file; returns how many. A damaged file goes as a whole.

    Args:
        path: a file of a cache's folder.
        unwanted: its table -> one truth value a row.
    """
    try:
        content = pq.read_table(path)
    except (pa.ArrowException, OSError):
        path.unlink(missing_ok=True)
        return 0
    kept = pa.array([not dropped for dropped in unwanted(content)], pa.bool_())
    rest = content.filter(kept)
    if rest.num_rows == 0:
        path.unlink()
    elif rest.num_rows < content.num_rows:
        _write(path, rest)
    return int(content.num_rows - rest.num_rows)


def _write(path: Path, content: pa.Table) -> None:
    with AtomicFile(path) as temporary:
        # Pictures do not compress; checksums find what a bad disk or a cut-off copy did.
        pq.write_table(content, temporary, compression="none", write_page_checksum=True)


def _read_checked(path: Path, columns: tuple[str, ...]) -> pa.Table:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read(columns=list(columns))


def _sweep(folder: Path) -> None:
    """Remove half-written chunks of processes that were killed."""
    for path in folder.glob(".*.tmp"):
        owner = path.name.split(".")[-2]
        if not owner.isdigit() or not is_alive(int(owner)):
            path.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
