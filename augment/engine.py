"""Run an operation over row batches: here, in a process pool, or on Ray Data; same bytes out.

Each row is computed once per (operation config, weights, row content). Results go to a cache
outside of every stage's outputs, a chunk at a time, so that a killed run goes on where it was and a
grown data set pays only for its new rows.
"""

import contextlib
import hashlib
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from augment.closure import code_digest
from augment.rowcache import KEY, LostRows, RowCache, row_keys
from augment.shards import (
    ROWS_PER_GROUP,
    iterate,
    iterate_file,
    read_schema,
    shard_paths,
    write_shards,
)

EngineName = Literal["inline", "pool", "ray"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


class Op(Protocol):
    """A callable on Arrow batches, like the argument of Ray Data's ``map_batches``.

    It must be picklable, depend on nothing but the row (never on the batch it comes in), and
    return as many rows as it was given, in order, holding exactly the columns of ``adds``. What a
    network computes for a row may change in the last bit with the batch's size: such an op takes
    its rows one by one, or always in groups of one size.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that the result depends on."""
        ...

    @property
    def adds(self) -> pa.Schema: ...

    def identity(self) -> str:
        """Changes whenever results would: name, configuration, digests of weights.

        The code itself need not be told: the engine looks at it (see :mod:`augment.closure`).
        """
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
                yield replace_columns(batch, _results(op, cache, batch))

    def _cache(self, op: Op, label: str) -> RowCache:
        made_by = "\n".join([op.identity(), repr(op.needs), str(op.adds), code_digest(op)])
        return RowCache(self.cache / f"{label}-{digest(made_by)}", op.adds)

    def _compute(
        self,
        op: Op,
        batches: Iterable[pa.RecordBatch],
        cache: RowCache,
        rows: int,
        label: str,
    ) -> None:
        with tqdm(
            total=rows, desc=label, unit="row", disable=not self.progress, mininterval=1.0
        ) as bar:

            def keep(result: pa.RecordBatch) -> None:
                cache.put(result)
                bar.update(result.num_rows)

            missing = _Missing(batches, op.needs, cache, bar.update)
            self._run(op, missing, keep)
            if missing.kept:
                bar.set_postfix_str(f"{missing.kept:,} kept from before")

    def _run(self, op: Op, missing: "_Missing", keep: Callable[[pa.RecordBatch], None]) -> None:
        workers = self.workers or usable_cores()
        chunks = iter(missing)
        if self.name == "ray":
            from augment.ray_engine import run_on_ray

            run_on_ray(op, chunks, keep, workers)
            return
        first = list(itertools.islice(chunks, 2))
        if self.name == "pool" and workers > 1 and len(first) > 1:
            from augment.pool import run_in_pool

            run_in_pool(op, itertools.chain(first, chunks), keep, workers)
            return
        with one_thread():  # one chunk is done here sooner than a pool has started
            for chunk in itertools.chain(first, chunks):
                keep(apply(op, chunk))


class _Missing:
    """The rows that the cache does not hold, with a key column, in chunks of ~100 rows.

    Rows of several batches share a chunk: where one row in a hundred is new, the op is still
    called with a hundred rows.
    """

    def __init__(
        self,
        batches: Iterable[pa.RecordBatch],
        needs: tuple[str, ...],
        cache: RowCache,
        pass_over: Callable[[int], object],
    ) -> None:
        self._batches, self._needs, self._cache = batches, needs, cache
        self._pass_over = pass_over
        self.kept = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        waiting: list[pa.RecordBatch] = []
        for batch in self._batches:
            part = self._fresh(batch)
            if part.num_rows:
                waiting.append(part)
            if sum(part.num_rows for part in waiting) >= ROWS_PER_GROUP:
                yield pa.concat_batches(waiting)
                waiting = []
        if waiting:
            yield pa.concat_batches(waiting)

    def _fresh(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        keys = row_keys(batch, self._needs)
        places = [place for place, key in enumerate(keys) if key not in self._cache]
        self.kept += batch.num_rows - len(places)
        self._pass_over(batch.num_rows - len(places))
        part = batch.select(list(self._needs)).take(pa.array(places, pa.int64()))
        return part.append_column(KEY, pa.array([keys[place] for place in places], pa.binary(16)))


def _joined_schema(schema: pa.Schema, kept: list[str], adds: pa.Schema) -> pa.Schema:
    fields = {name: schema.field(name) for name in kept} | {field.name: field for field in adds}
    return pa.schema(fields.values(), metadata=schema.metadata)


def _assemble(
    paths: list[Path], op: Op, cache: RowCache, schema: pa.Schema
) -> Iterator[tuple[int, pa.Table]]:
    for number, path in enumerate(paths):
        batches = (
            replace_columns(batch, _results(op, cache, batch)).select(schema.names)
            for batch in iterate_file(path)
        )
        yield number, pa.Table.from_batches((b.cast(schema) for b in batches), schema=schema)


def _results(op: Op, cache: RowCache, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The op's columns for a batch; what a damaged chunk has lost is computed again, here."""
    keys = row_keys(batch, op.needs)
    while True:
        try:
            return cache.get(keys)
        except LostRows:
            with one_thread():
                for chunk in _Missing([batch], op.needs, cache, lambda rows: None):
                    cache.put(apply(op, chunk))


def apply(op: Op, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Run an op on a batch that carries keys, check its promise, and pass the keys on."""
    result = op(batch)
    if result.num_rows != batch.num_rows or not result.schema.equals(op.adds):
        raise ValueError(
            f"{type(op).__name__} returned {result.num_rows} rows of {result.schema.names} "
            f"for {batch.num_rows} rows of {op.adds.names}"
        )
    return result.append_column(KEY, batch.column(KEY))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV and torch use one thread inside, as they do in each process of a pool.

    Sums over several threads differ in the last bit, and with them a picture's bytes.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # for a torch that is not imported yet
    set_threads(1)
    try:
        yield
    finally:
        os.environ.pop("OMP_NUM_THREADS")
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before
        set_threads(int(before or usable_cores()))


def set_threads(number: int) -> None:
    """Threads of OpenCV and torch, where they are loaded: neither is imported for this."""
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(number)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(number)


def usable_cores() -> int:
    """Cores that this process may use: a container often has fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def replace_columns(batch: pa.RecordBatch, added: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the columns of ``added`` in place of its own of the same name, or behind."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns |= {name: added.column(name) for name in added.schema.names}
    return pa.RecordBatch.from_pydict(columns)
