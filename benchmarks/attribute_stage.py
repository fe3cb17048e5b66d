"""How many faces a second the generate stage makes for benchmarks/attribute.py: orders and parents
are read, pictures edited, encoded, measured and written; one process, nothing from a cache."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from attribute_faces import other

from augment.engine import Engine
from augment.job import Job
from augment.schema import OK, Labels, order_schema, table
from augment.seeds import row_seed
from augment.shards import read_schema, read_table
from augment.stages import generate
from augment.vocabulary import NO, YES

_ORDERS = 600


def stage_speed(
    aligned: Path, model: Path, entry: Mapping[str, Any], work: Path, seed: int
) -> tuple[float, int]:
    """Faces a second of one core, and how many were made.

    Args:
        aligned: whose train faces are the parents.
        model: the trained generator.
        entry: its settings; the first attribute is changed.
        work: to work in; emptied before and after.
        seed: the run's.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    labels, name = Labels.of(read_schema(aligned)), entry["attributes"][0]
    people = [row for row in read_table(aligned, ["id", "status", "split", *labels.columns])
              .to_pylist() if row["status"] == OK and row["split"] == "train"
              and row[name] in (NO, YES)]  # fmt: skip
    orders = [
        {**{column: row[column] for column in labels.columns}, name: other(row[name]),
         "id": f"attribute/stage/{number}", "generator": "attribute", "bin": "stage",
         "parents": [row["id"]], "changes": [name],
         "seed": row_seed(seed, "attribute stage", row["id"])}
        for number, row in enumerate(people[:_ORDERS])
    ]  # fmt: skip
    pq.write_table(table(orders, order_schema(labels)), work / "plan.parquet")
    paths = {"plan/attribute.parquet": work / "plan.parquet", "aligned": aligned,
             "models/attribute": model, "candidates/attribute": work / "made"}  # fmt: skip
    params = {"generators": {"attribute": {"kind": "attribute", **entry}}}
    engine = Engine("inline", 1, work / "cache", progress=False)
    started = time.process_time()
    generate.run(Job("generate", "attribute", params, seed, paths, paths, engine))
    seconds = time.process_time() - started
    made = sum(word == OK for word in read_table(work / "made")["status"].to_pylist())
    shutil.rmtree(work)
    return round(made / seconds, 1), made
