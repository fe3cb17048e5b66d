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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from augment.closure import code_digest
from augment.operation import Op, Together, apply
from augment.rowcache import LostRows, Missing, RowCache, prune, row_keys
from augment.shards import (
    iterate,
    iterate_file,
    read_schema,
    shard_paths,
    write_shards,
)

EngineName = Literal["inline", "pool", "ray"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True)
class Work:
    """Rows, and what is to be computed for them.

    Attributes:
        ops: name of the cache folder -> operation; all operations have the same ``needs``.
        batches: makes the stream of rows; called twice (compute, then read).
        rows: how many rows it has.
    """

    ops: Mapping[str, Op]
    batches: Callable[[], Iterable[pa.RecordBatch]]
    rows: int


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
            self._compute([op], [(iterate(source), [0])], [cache], rows, label)
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
            self._compute([op], [(batches(), [0])], [cache], rows, label)
            for batch in batches():
                yield replace_columns(batch, _results([op], batch, [cache])[0])

    def map_many(
        self, works: Sequence[Work], label: str
    ) -> Iterator[tuple[int, list[pa.RecordBatch]]]:
        """Several operations on several streams of rows, in one pass: each row is sent once, to
        one worker, and one that stands in several streams is computed once.

        Operations of one name are one operation.

        Args:
            works: what to compute.
            label: what the progress bar calls it.

        Yields:
            (place in ``works``, a batch of each operation's columns) for every batch of every
            stream, in order.
        """
        ops = {name: op for work in works for name, op in work.ops.items()}
        if not ops:
            return
        places = {name: place for place, name in enumerate(ops)}
        asked = [[places[name] for name in work.ops] for work in works]
        with contextlib.ExitStack() as stack:
            caches = [stack.enter_context(self._cache(op, name)) for name, op in ops.items()]
            streams = [(work.batches(), own) for work, own in zip(works, asked, strict=True)]
            rows = sum(work.rows for work in works)
            self._compute(list(ops.values()), streams, caches, rows, label)
            for number, (work, own) in enumerate(zip(works, asked, strict=True)):
                used = list(work.ops.values())
                for batch in work.batches():
                    yield number, _results(used, batch, [caches[place] for place in own])

    def _cache(self, op: Op, label: str) -> RowCache:
        made_by = "\n".join([op.identity(), repr(op.needs), str(op.adds), code_digest(op)])
        prune(self.cache)
        return RowCache(self.cache / f"{label}-{digest(made_by)}", op.adds)

    def _compute(
        self,
        ops: Sequence[Op],
        streams: Iterable[tuple[Iterable[pa.RecordBatch], Sequence[int]]],
        caches: Sequence[RowCache],
        rows: int,
        label: str,
    ) -> None:
        """Fill the caches; a stream comes with the places of the ops that it is for."""
        together = Together(tuple(ops))
        with tqdm(
            total=rows, desc=label, unit="row", disable=not self.progress, mininterval=1.0
        ) as bar:

            def keep(result: pa.RecordBatch) -> None:
                together.keep(result, caches)
                bar.update(result.num_rows)

            missing = Missing(streams, together.needs, caches, bar.update)
            self._run(together, missing, keep)
            if missing.kept:
                bar.set_postfix_str(f"{missing.kept:,} kept from before")

    def _run(self, op: Op, missing: Missing, keep: Callable[[pa.RecordBatch], None]) -> None:
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


def _joined_schema(schema: pa.Schema, kept: list[str], adds: pa.Schema) -> pa.Schema:
    fields = {name: schema.field(name) for name in kept} | {field.name: field for field in adds}
    return pa.schema(fields.values(), metadata=schema.metadata)


def _assemble(
    paths: list[Path], op: Op, cache: RowCache, schema: pa.Schema
) -> Iterator[tuple[int, pa.Table]]:
    for number, path in enumerate(paths):
        batches = (
            replace_columns(batch, _results([op], batch, [cache])[0]).select(schema.names)
            for batch in iterate_file(path)
        )
        yield number, pa.Table.from_batches((b.cast(schema) for b in batches), schema=schema)


def _results(
    ops: Sequence[Op], batch: pa.RecordBatch, caches: Sequence[RowCache]
) -> list[pa.RecordBatch]:
    """The ops' columns for a batch; what a damaged chunk has lost is computed again, here."""
    keys = row_keys(batch, ops[0].needs) if ops else []
    return [_result(op, batch, keys, cache) for op, cache in zip(ops, caches, strict=True)]


def _result(op: Op, batch: pa.RecordBatch, keys: list[bytes], cache: RowCache) -> pa.RecordBatch:
    together = Together((op,))
    while True:
        try:
            return cache.get(keys)
        except LostRows:
            with one_thread():
                for chunk in Missing([([batch], [0])], op.needs, [cache], lambda rows: None):
                    together.keep(apply(together, chunk), [cache])


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
