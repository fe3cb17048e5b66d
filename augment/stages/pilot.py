"""pilot: make and gate a few candidates of every kind, to know how many pass before ordering many.

For each generator and each bin that it could fill, a few candidates go through the same making and
the same gate as the ordered ones; they are made from the nearest few bins that have parents, since
it may matter which. Nothing of it enters the data set, but nothing is lost either:
what the plan orders again comes out of the engine's row cache.

``pilot.json``: ``per_bin``, ``candidates`` in all, and rows under ``generators`` and ``moves``: of
each generator (and each bin that it made faces from and for) candidates, made, passed, pass_rate of
all candidates, its 95 % interval, and how many each check refused.
"""

import shutil
import sys
from collections.abc import Mapping

import pyarrow as pa
from pydantic import Field

from augment.gating.verdicts import Config as GateConfig
from augment.gating.verdicts import gate_candidates
from augment.generating.make import make_candidates
from augment.job import Job
from augment.metrics.passes import failed_checks
from augment.params import Section
from augment.planning.config import Config as PlanConfig
from augment.planning.pose import Question, make_movers, pose
from augment.planning.rates import Cells, Rates, by_generator, generator_rows, tally_cells, to_rows
from augment.planning.trial import pilot_orders
from augment.shards import write_json


class Config(Section):
    """Section ``pilot`` of params.yaml."""

    #: candidates that each generator makes for each bin that lacks faces, at most; 0: no pilot
    per_bin: int = Field(default=24, ge=0, le=1000)


def run(job: Job) -> None:
    """Write ``reports/pilot.json``: pass rates by generator, and by what it made of what.

    Raises:
        UserError: params are wrong, no usable train face is in any bin, or weights are missing.
    """
    config = job.config(Config)
    cells: Cells = {}
    if config.per_bin:
        plan = job.config(PlanConfig, "plan")
        movers = make_movers(job.params["generators"])
        asked = pose(plan, movers, Rates(), job.inputs["aligned"], job.inputs["audit.json"])
        orders = pilot_orders(
            asked, config.per_bin, plan.most_spare, plan.max_children_per_parent, job.seed
        )
        cells = _measure(job, asked, orders)
    for key, part in by_generator(cells).items():
        print(f"pilot: {key}: {part.in_words()}", file=sys.stderr)
    content = {
        "per_bin": config.per_bin,
        "candidates": sum(part.candidates for part in cells.values()),
        "generators": generator_rows(cells),
        "moves": to_rows(cells),
    }
    write_json(job.outputs["pilot.json"], content)


def _measure(job: Job, asked: Question, orders: Mapping[str, pa.Table]) -> Cells:
    aligned, models = job.inputs["aligned"], job.inputs["models"]
    work = job.engine.cache.parent / "pilot"
    folders = []
    for key, rows in orders.items():
        if rows.num_rows:
            entry = job.params["generators"][key]
            make_candidates(job.engine, key, entry, rows, aligned, models / key, work / key)
            folders.append(work / key)
    if not folders:
        return {}
    gated = gate_candidates(
        job.engine, aligned, folders, asked.space, job.params["judges"] or {}, models,
        job.config(GateConfig, "gate"),
    )  # fmt: skip
    shutil.rmtree(work)
    donors = asked.faces.donors_of(gated.candidates, asked.space)
    return tally_cells(gated.candidates, donors, failed_checks(gated.rows))
