"""generate@key: make what the plan ordered from one generator.

Every order becomes one candidate row: with a picture, or with the reason why there is none.
"""

import shutil

import pyarrow.parquet as pq

from augment.errors import UserError
from augment.generating.donors import write_joined
from augment.generating.operation import MakeFaces
from augment.job import Job
from augment.params import section
from augment.plugins import configure
from augment.protocols import Generator
from augment.schema import Labels, order_schema


def run(job: Job) -> None:
    """Write ``data/candidates/<key>``, rows of :func:`augment.schema.candidate_schema`.

    Raises:
        UserError: the plan has no orders file for this key, or the weights are missing.
    """
    key = str(job.key)
    where = f"generators.{key}"
    entry = section(job.params, where)
    module, config = configure("generators", entry, where)
    plan = job.inputs[f"plan/{key}.parquet"]
    if not plan.is_file():
        raise UserError(f"{plan} is missing: run `python -m augment plan` first, or `dvc repro`.")
    orders = pq.read_table(plan)
    labels = Labels.of(orders.schema)
    folder = job.inputs[f"models/{key}"]
    generator: Generator = module.Generator(config)
    if orders.num_rows:  # else its weights are not needed, nor torch
        generator.load(folder)
    op = MakeFaces(
        kind=entry["kind"],
        settings=config.model_dump_json(),
        folder=folder,
        weights=generator.weights(),
        labels=labels,
        parents=generator.parents,
    )
    joined = job.engine.cache.parent / "generate" / key
    write_joined(orders, job.inputs["aligned"], joined)
    job.engine.map_folder(
        op,
        joined,
        job.outputs[f"candidates/{key}"],
        f"generate {key}",
        columns=tuple(order_schema(labels).names),
    )
    shutil.rmtree(joined)
