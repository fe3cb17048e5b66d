"""Results of one operation, a row at a time, on disk and outside of every stage's outputs.

DVC deletes a stage's outputs before it runs, also before a retry; what must survive a kill lives
here. A cache belongs to one operation identity; each chunk file holds some rows' keys and columns.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from augment.shards import AtomicFile

KEY = "_key"
_TABLES_IN_MEMORY = 32


class RowCache:
    """Maps a 16-byte row key to the columns of ``schema`` that were computed for it."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._place: dict[bytes, tuple[Path, int]] = {}
        self._read = lru_cache(maxsize=_TABLES_IN_MEMORY)(pq.read_table)

    def __enter__(self) -> "RowCache":
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._folder.glob("*.parquet")):
            self._remember(path, pq.read_table(path, columns=[KEY]).column(KEY).to_pylist())
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
        with AtomicFile(path) as temporary:
            pq.write_table(pa.Table.from_batches([result]), temporary, compression="zstd")
        self._remember(path, keys)

    def get(self, keys: list[bytes]) -> pa.RecordBatch:
        """The rows of ``keys``, in that order; every key must be there."""
        pieces = []
        for path, rows in self._runs(keys):
            pieces.append(self._read(path).select(self._schema.names).take(pa.array(rows)))
        if not pieces:
            return pa.RecordBatch.from_pylist([], schema=self._schema)
        whole = pa.concat_tables(pieces).cast(self._schema).combine_chunks()
        return whole.to_batches()[0]

    def _runs(self, keys: list[bytes]) -> list[tuple[Path, list[int]]]:
        """Neighbouring keys that lie in one file, taken together."""
        runs: list[tuple[Path, list[int]]] = []
        for key in keys:
            path, row = self._place[key]
            if runs and runs[-1][0] == path:
                runs[-1][1].append(row)
            else:
                runs.append((path, [row]))
        return runs

    def _remember(self, path: Path, keys: list[bytes]) -> None:
        self._place.update({key: (path, row) for row, key in enumerate(keys)})
