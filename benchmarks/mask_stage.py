"""Part "stage" of the mask benchmark: how many faces a second the generate stage makes.

The stage itself, as the pipeline calls it: orders and parents are read, masks put on, pictures
encoded, measured and written. Drawn faces, nothing from a cache.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from mask_bench import Bench

from augment.engine import Engine
from augment.figures import Figure
from augment.job import Job
from augment.schema import OK, Labels, order_schema, table
from augment.seeds import row_seed
from augment.shards import read_schema, read_table
from augment.stages import generate

SIZES = (64, 128)
REPEATS = 2
_WARM = 64  # orders that start the workers and load the network


def stage_figures(bench: Bench) -> Iterator[Figure]:
    """``stage_faces_per_s`` by size: with workers that run already, and with their start."""
    model, _ = bench.model("unet", "drawn")
    for size in SIZES:
        faces = bench.aligned("stage", size)
        rates, cold = [], 0.0
        engine = _engine(bench, "warm")
        for turn in range(-1, REPEATS):
            count = bench.scale.stage_faces if turn >= 0 else _WARM
            orders = _orders(faces, count, turn)
            start = time.perf_counter()
            made = _run(bench, engine, orders, faces, model)
            seconds = time.perf_counter() - start
            if turn < 0:
                cold = seconds
            else:
                rates.append(made / seconds)
        best = max(rates)
        count = bench.scale.stage_faces
        both = (("", best), (", with start", count / (count / best + cold)))
        for words, rate in both:
            yield Figure(
                "stage_faces_per_s", "unet", "drawn", round(rate, 1), "faces/s", "higher", count,
                split="train", group=f"{size}px{words}",
            )  # fmt: skip


def _engine(bench: Bench, name: str) -> Engine:
    cache = bench.work / "stage" / name
    shutil.rmtree(cache, ignore_errors=True)
    return Engine("pool", bench.engine.workers, cache, progress=False)


def _orders(aligned: Path, count: int, turn: int) -> pa.Table:
    """A mask for each unmasked train face in turn, each time another one."""
    labels = Labels.of(read_schema(aligned))
    rows = [
        row
        for row in read_table(aligned)
        .select(["id", "status", "split", *labels.columns])
        .to_pylist()
        if row["status"] == OK and row["split"] == "train" and row["mask"] == "no"
    ]
    orders = []
    for number in range(count):
        parent = rows[number % len(rows)]
        name = f"mask/bench/{turn}.{number}"
        words = {column: parent[column] for column in labels.columns} | {"mask": "yes"}
        orders.append(
            {
                "id": name,
                "generator": "mask",
                "bin": "bench",
                "parents": [parent["id"]],
                "changes": ["mask"],
                "seed": row_seed(turn, "mask benchmark", name),
                **words,
            }
        )
    return table(orders, order_schema(labels))


def _run(bench: Bench, engine: Engine, orders: pa.Table, aligned: Path, model: Path) -> int:
    """Run the stage; how many faces it made."""
    plan = bench.work / "stage" / "mask.parquet"
    plan.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(orders, plan)
    target = bench.work / "stage" / "candidates"
    job = Job(
        "generate",
        "mask",
        {"generators": {"mask": bench.params["generators"]["mask"]}},
        bench.seed,
        {"plan/mask.parquet": plan, "aligned": aligned, "models/mask": model},
        {"candidates/mask": target},
        engine,
    )
    generate.run(job)
    made = read_table(target).select(["status"]).to_pylist()
    shutil.rmtree(target)
    return sum(row["status"] == OK for row in made)
