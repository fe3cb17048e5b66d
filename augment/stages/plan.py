"""plan: from deficits to orders, and what cannot be ordered and why.

``orders + unfilled = deficit``, in every bin, always.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from augment.job import Job
from augment.planning.config import Config
from augment.planning.explain import render
from augment.planning.pose import make_movers, pose
from augment.planning.programme import solve
from augment.planning.rates import Rates, from_rows
from augment.planning.result import Plan
from augment.planning.shortfall import explain_unfilled
from augment.planning.suppliers import Mover
from augment.shards import write_json, write_table

__all__ = ["Config", "Mover", "explain", "make_plan", "run"]


def run(job: Job, movers: Mapping[str, Mover] | None = None) -> None:
    """Write ``data/plan/<key>.parquet`` for every generator, its plan.json, and reports/plan.json.

    Args:
        job: the stage's call.
        movers: the generators by key; None makes them from params.

    Raises:
        UserError: see :func:`make_plan`.
    """
    plan = make_plan(job, movers)
    folder = job.outputs["plan"]
    for key, orders in plan.orders.items():
        write_table(folder / f"{key}.parquet", orders)
    # Last, like every folder's marker: the files that belong to this plan.
    files = [{"file": f"{key}.parquet", "rows": len(rows)} for key, rows in plan.orders.items()]
    write_json(folder / "plan.json", {"orders": files})
    write_json(job.outputs["plan.json"], plan.report())


def explain(job: Job, movers: Mapping[str, Mover] | None = None) -> str:
    """The plan as text tables, made anew from the audit and params; writes nothing.

    Args:
        job: the stage's call.
        movers: the generators by key; None makes them from params.

    Raises:
        UserError: see :func:`make_plan`.
    """
    return render(make_plan(job, movers).report())


def make_plan(job: Job, movers: Mapping[str, Mover] | None = None) -> Plan:
    """Orders for what the train split lacks.

    Raises:
        UserError: params are wrong, or no usable train face is in any bin.
    """
    config = job.config(Config)
    if movers is None:
        movers = make_movers(job.params["generators"])
    rates = _rates(job.inputs["pilot.json"], config)
    asked = pose(config, movers, rates, job.inputs["aligned"], job.inputs["audit.json"])
    problem = asked.problem
    moves = solve(problem)
    orders = asked.faces.orders(
        asked.space, problem.suppliers, moves, config.max_children_per_parent, job.seed
    )
    unfilled = explain_unfilled(problem, moves)
    return Plan(asked.space, asked.targets, problem, rates, moves, unfilled, orders)


def _rates(pilot: Path, config: Config) -> Rates:
    """What the pilot measured; nothing where it has not run yet: a plan can be looked at before."""
    rows = json.loads(pilot.read_text(encoding="utf-8"))["moves"] if pilot.is_file() else []
    return Rates(from_rows(rows), config.spare)
