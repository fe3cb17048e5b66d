"""generate@key: make what the plan ordered from one generator.

Every order becomes one candidate row: with a picture, or with the reason why there is none.
"""

import pyarrow.parquet as pq

from augment.errors import UserError
from augment.generating.make import make_candidates
from augment.job import Job
from augment.params import section


def run(job: Job) -> None:
    """Write ``data/candidates/<key>``, rows of :func:`augment.schema.candidate_schema`.

    Raises:
        UserError: the plan has no orders file for this key, or the weights are missing.
    """
    key = str(job.key)
    plan = job.inputs[f"plan/{key}.parquet"]
    if not plan.is_file():
        raise UserError(f"{plan} is missing: run `python -m augment plan` first, or `dvc repro`.")
    make_candidates(
        job.engine,
        key,
        section(job.params, f"generators.{key}"),
        pq.read_table(plan),
        job.inputs["aligned"],
        job.inputs[f"models/{key}"],
        job.outputs[f"candidates/{key}"],
    )
