"""Run an operation over row batches: here, in a process pool, or on Ray Data; same bytes out.

Each row is computed once per (operation config, weights, row content). Results go to a cache
outside of every stage's outputs, a chunk at a time, so that a killed run goes on where it was and a
grown data set pays only for its new rows.
"""

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from augment.rowcache import KEY, RowCache
from augment.shards import iterate, iterate_file, read_schema, shard_paths, write_shards

EngineName = Literal["inline", "pool", "ray"]


class Op(Protocol):
    """A callable on Arrow batches, like the argument of Ray Data's ``map_batches``.

    It must be picklable, depend on nothing but the row (never on the batch it comes in), and
    return as many rows as it was given, in order, holding exactly the columns of ``adds``.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that the result depends on."""
        ...

    @property
    def adds(self) -> pa.Schema: ...

    def identity(self) -> str:
        """Changes whenever results would: name, version, configuration, digests of weights."""
        ...

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch: ...


@dataclass(frozen=True)
class Engine:
    """How to run. A run-time choice, never a parameter: it must not change any result."""

    name: EngineName = "pool"
    workers: int = 0  # 0: one a core
    cache: Path = Path(".augment/cache")
    progress: bool = True

    def map_folder(
        self,
        op: Op,
        source: Path,
        target: Path,
        label: str,
        columns: tuple[str, ...] | None = None,
    ) -> None:
        """Every shard of ``source`` with the op's columns added, as the same shard of ``target``.

        Args:
            op: what to run.
            source: a finished folder of shards.
            target: the folder to write.
            label: what the progress bar and the cache folder call it.
            columns: which of the source's columns to keep; None keeps all.
        """
        paths = shard_paths(source)
        schema = read_schema(source)
        rows = sum(pq.read_metadata(path).num_rows for path in paths)
        kept = list(columns) if columns is not None else schema.names
        result = _joined_schema(schema, kept, op.adds)
        with self._cache(op, label) as cache:
            self._compute(op, iterate(source), cache, rows, label)
            write_shards(target, _assemble(paths, op, cache, result), len(paths))

    def map_batches(
        self, op: Op, batches: Callable[[], Iterable[pa.RecordBatch]], rows: int, label: str
    ) -> Iterator[pa.RecordBatch]:
        """A stream of batches with the op's columns added (or replaced), same rows, same order.

        Args:
            op: what to run.
            batches: makes the stream of input batches; called twice (compute, then assemble).
            rows: how many rows the stream has, for the progress bar.
            label: what the progress bar and the cache folder call it.
        """
        with self._cache(op, label) as cache:
            self._compute(op, batches(), cache, rows, label)
            for batch in batches():
                yield replace_columns(batch, cache.get(row_keys(batch, op.needs)))

    def _cache(self, op: Op, label: str) -> RowCache:
        return RowCache(self.cache / f"{label}-{digest(op.identity())}", op.adds)

    def _compute(
        self,
        op: Op,
        batches: Iterable[pa.RecordBatch],
        cache: RowCache,
        rows: int,
        label: str,
    ) -> None:
        missing = _Missing(batches, op.needs, cache)
        with tqdm(
            total=rows, desc=label, unit="row", disable=not self.progress, mininterval=1.0
        ) as bar:

            def keep(result: pa.RecordBatch) -> None:
                cache.put(result)
                bar.update(result.num_rows)

            bar.update(self._run(op, missing, keep))

    def _run(self, op: Op, missing: "_Missing", keep: Callable[[pa.RecordBatch], None]) -> int:
        """Compute what is missing; returns how many rows the cache already held."""
        workers = self.workers or os.cpu_count() or 1
        if self.name == "ray":
            from augment.ray_engine import run_on_ray

            run_on_ray(op, missing, keep, workers)
        elif self.name == "pool" and workers > 1:
            _run_in_pool(op, missing, keep, workers)
        else:
            for batch in missing:
                keep(apply(op, batch))
        return missing.cached


class _Missing:
    """Iterates over the parts of batches that the cache does not hold, with a key column."""

    def __init__(
        self, batches: Iterable[pa.RecordBatch], needs: tuple[str, ...], cache: RowCache
    ) -> None:
        self._batches, self._needs, self._cache = batches, needs, cache
        self.cached = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            keys = row_keys(batch, self._needs)
            fresh = [place for place, key in enumerate(keys) if key not in self._cache]
            self.cached += batch.num_rows - len(fresh)
            if fresh:
                part = batch.select(list(self._needs)).take(pa.array(fresh))
                key_column = pa.array([keys[place] for place in fresh], pa.binary(16))
                yield part.append_column(KEY, key_column)


def _joined_schema(schema: pa.Schema, kept: list[str], adds: pa.Schema) -> pa.Schema:
    fields = {name: schema.field(name) for name in kept} | {field.name: field for field in adds}
    return pa.schema(fields.values(), metadata=schema.metadata)


def _assemble(
    paths: list[Path], op: Op, cache: RowCache, schema: pa.Schema
) -> Iterator[tuple[int, pa.Table]]:
    for number, path in enumerate(paths):
        batches = (
            replace_columns(batch, cache.get(row_keys(batch, op.needs))).select(schema.names)
            for batch in iterate_file(path)
        )
        yield number, pa.Table.from_batches((b.cast(schema) for b in batches), schema=schema)


def apply(op: Op, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Run an op on a batch that carries keys, check its promise, and pass the keys on."""
    result = op(batch)
    if result.num_rows != batch.num_rows or not result.schema.equals(op.adds):
        raise ValueError(
            f"{type(op).__name__} returned {result.num_rows} rows of {result.schema.names} "
            f"for {batch.num_rows} rows of {op.adds.names}"
        )
    return result.append_column(KEY, batch.column(KEY))


_worker_op: Op | None = None


def _start_worker(op: Op) -> None:
    global _worker_op
    import cv2

    cv2.setNumThreads(1)  # the pool has one process a core already
    _worker_op = op


def _run_in_worker(batch: pa.RecordBatch) -> pa.RecordBatch:
    assert _worker_op is not None
    return apply(_worker_op, batch)


def _run_in_pool(
    op: Op, missing: Iterable[pa.RecordBatch], keep: Callable[[pa.RecordBatch], None], workers: int
) -> None:
    # "spawn" would import the parent's main module again in each worker, and "fork" copies locks
    # that another thread may hold; the fork server starts clean.
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(workers, context, _start_worker, (op,)) as pool:
        running: set[Future[pa.RecordBatch]] = set()
        try:
            for batch in missing:
                running.add(pool.submit(_run_in_worker, batch))
                # Bounded queue: memory does not grow with the data set.
                while len(running) >= 2 * workers:
                    running = _collect(running, keep)
            while running:
                running = _collect(running, keep)
        finally:
            for future in running:
                future.cancel()


def _collect(
    running: set[Future[pa.RecordBatch]], keep: Callable[[pa.RecordBatch], None]
) -> set[Future[pa.RecordBatch]]:
    done, waiting = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        keep(future.result())
    return waiting


def digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def row_keys(batch: pa.RecordBatch, needs: tuple[str, ...]) -> list[bytes]:
    """16 bytes a row: the digest of all values that the op's result depends on."""
    columns = [batch.column(name).to_pylist() for name in needs]
    return [
        hashlib.blake2b(repr(values).encode(), digest_size=16).digest()
        for values in zip(*columns, strict=True)
    ]


def replace_columns(batch: pa.RecordBatch, added: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the columns of ``added`` in place of its own of the same name, or behind."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns |= {name: added.column(name) for name in added.schema.names}
    return pa.RecordBatch.from_pydict(columns)
