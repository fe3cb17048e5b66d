"""Run an operation on Ray Data: on this machine, or on the cluster that RAY_ADDRESS names."""

import logging
import os
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa

from augment.engine import set_threads
from augment.errors import UserError
from augment.operation import Op, apply
from augment.rowcache import KEY


def run_on_ray(
    op: Op, chunks: Iterable[pa.RecordBatch], keep: Callable[[pa.RecordBatch], None], workers: int
) -> None:
    """``keep(apply(op, chunk))`` for every chunk, in whatever order they get ready.

    Chunks wait in Ray's object store, which spills to disk: memory stays bounded.

    Raises:
        UserError: Ray is not installed.
    """
    ray = _start_ray(workers)
    waiting = [ray.put(pa.Table.from_batches([chunk])) for chunk in chunks]
    if not waiting:
        return
    results = ray.data.from_arrow_refs(waiting).map_batches(
        _Actor,
        fn_constructor_args=(ray.put(op),),
        batch_size=None,  # one chunk is one block
        batch_format="pyarrow",
        zero_copy_batch=True,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
        # Half a core each: with a whole one, two actors on two cores leave none for Ray Data's
        # own tasks, and the run hangs.
        num_cpus=0.5,
    )
    schema = op.adds.append(pa.field(KEY, pa.binary(16)))
    for table in results.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
        for batch in table.select(schema.names).cast(schema).to_batches():
            keep(batch)


class _Actor:
    """Holds the op, and with it its weights, for as long as the run lasts."""

    def __init__(self, op: Any) -> None:
        import ray

        self._op: Op = ray.get(op) if isinstance(op, ray.ObjectRef) else op
        os.environ["OMP_NUM_THREADS"] = "1"

    def __call__(self, table: pa.Table) -> pa.Table:
        set_threads(1)
        batches = table.combine_chunks().to_batches()
        return pa.Table.from_batches([apply(self._op, batch) for batch in batches])


def _start_ray(workers: int) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")  # there is one already
    try:
        import ray
        import ray.data
    except ImportError:
        raise UserError(
            "--engine ray needs Ray, which is not installed: pip install 'augment[ray]' with the "
            "project's constraints.txt, or use --engine pool."
        ) from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        cores = None if address else workers
        ray.init(
            address=address,
            num_cpus=cores,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray
