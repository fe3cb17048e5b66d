"""Run operations in a pool of processes, one a core."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from augment.engine import set_threads
from augment.errors import UserError
from augment.operation import Op, apply

#: A worker keeps so many operations with what they have loaded: a stage asks judge after judge.
_KEPT_OPS = 16


def run_in_pool(
    op: Op, chunks: Iterable[pa.RecordBatch], keep: Callable[[pa.RecordBatch], None], workers: int
) -> None:
    """``keep(apply(op, chunk))`` for every chunk, in whatever order they get ready.

    Raises:
        UserError: a worker process died, which is nearly always a lack of memory.
    """
    pool = _pool(workers, str(Path.cwd()))
    run = partial(_run, pickle.dumps(op))
    running: set[Future[pa.RecordBatch]] = set()
    try:
        for chunk in chunks:
            running.add(pool.submit(run, chunk))
            # Bounded queue: memory does not grow with the data set.
            while len(running) >= 2 * workers:
                running = _collect(running, keep)
        while running:
            running = _collect(running, keep)
    except BaseException as error:
        _pool.cache_clear()
        pool.shutdown(wait=True, cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise UserError(
                "a worker process died, most likely because memory ran out. Finished rows are "
                "kept: run the same command again, with AUGMENT_WORKERS=1 if that repeats itself."
            ) from None
        raise


@lru_cache(maxsize=1)
def _pool(workers: int, folder: str) -> ProcessPoolExecutor:
    """The pool of this process. It outlives one operation, because its workers take seconds to
    start and to import what operations need; operations name files relative to ``folder``.
    """
    # "fork" would copy locks that another thread may hold; the fork server has no threads. It must
    # import nothing beforehand: OpenBLAS, OpenCV and torch start threads when they are imported,
    # and a worker that is forked after that waits for them for ever.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([])
    return ProcessPoolExecutor(workers, context, _start_worker)


def _collect(
    running: set[Future[pa.RecordBatch]], keep: Callable[[pa.RecordBatch], None]
) -> set[Future[pa.RecordBatch]]:
    done, waiting = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        keep(future.result())
    return waiting


def _start_worker() -> None:
    # Ctrl-C reaches every process of the terminal: one line from the parent is enough.
    signal.signal(signal.SIGINT, _leave)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = "1"  # for a torch that an op imports later
    set_threads(1)  # the pool has one process a core already


def _leave(*_: Any) -> None:
    os._exit(130)


def _leave_with_parent() -> None:
    """A killed parent cannot stop its workers, and they would wait for it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(op: bytes, chunk: pa.RecordBatch) -> pa.RecordBatch:
    loaded = _loaded(op)
    set_threads(1)  # the op's first call may have imported torch
    return apply(loaded, chunk)


@lru_cache(maxsize=_KEPT_OPS)
def _loaded(op: bytes) -> Op:
    made: Op = pickle.loads(op)  # noqa: S301 - from this program's own parent process
    return made
