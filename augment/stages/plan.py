"""plan: from deficits to orders, and what cannot be ordered and why.

``orders + unfilled = deficit``, in every bin, always.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from augment import plugins
from augment.errors import UserError
from augment.job import Job
from augment.metrics.balance import Counts, deficits
from augment.params import Section
from augment.planning.explain import render
from augment.planning.faces import read_train_faces
from augment.planning.programme import Problem, Supplier, solve
from augment.planning.result import Plan
from augment.planning.shortfall import explain_unfilled
from augment.planning.suppliers import Mover, supplier
from augment.planning.targets import Target, target_counts
from augment.shards import write_json, write_table
from augment.types import BinSpace


class GeneratorLimits(Section):
    """How far the plan may lean on one generator."""

    extra_cost: float = Field(default=0.0, ge=0)  # added to the cost of each of its moves
    max_share: float = Field(default=1.0, gt=0, le=1)  # of a bin's deficit that it may fill


class Config(Section):
    """Section ``plan`` of params.yaml."""

    target: Target = Field(default_factory=Target)
    max_children_per_parent: int = Field(default=4, ge=1)  # candidates, whether they pass or not
    max_synthetic_share: float = Field(default=0.75, ge=0, le=1)  # of a bin, after filling
    spare: float = Field(default=1.25, ge=1, le=10)  # candidates for each face wanted
    generators: dict[str, GeneratorLimits] = Field(default_factory=dict)


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
        movers = _movers(job.params["generators"])
    _require_known(config, movers)
    audit = json.loads(job.inputs["audit.json"].read_text(encoding="utf-8"))
    space = BinSpace.from_json(audit["bin_space"])
    faces = read_train_faces(job.inputs["aligned"], space)
    have = faces.census(len(space))
    if not have.sum():
        raise UserError("no usable train face is in any bin of audit.axes: there are no donors.")
    targets = target_counts(space, have, config.target)
    lacking = deficits(have, targets)
    problem = Problem(
        deficits=lacking,
        faces=have,
        suppliers=[_supplier(config, key, mover, space, lacking) for key, mover in movers.items()],
        most_children=config.max_children_per_parent,
        max_synthetic_share=config.max_synthetic_share,
        spare=config.spare,
    )
    moves = solve(problem)
    orders = faces.orders(space, problem.suppliers, moves, problem.most_children, job.seed)
    return Plan(space, targets, problem, moves, explain_unfilled(problem, moves), orders)


def _movers(entries: Mapping[str, Any] | None) -> dict[str, Mover]:
    movers: dict[str, Mover] = {}
    for key, entry in (entries or {}).items():
        module, config = plugins.configure("generators", entry, f"generators.{key}")
        movers[key] = module.Generator(config)
    return movers


def _require_known(config: Config, movers: Mapping[str, Mover]) -> None:
    unknown = sorted(set(config.generators) - set(movers))
    if unknown:
        raise UserError(
            f"params.yaml: plan.generators names '{unknown[0]}', but there is no such entry under "
            f"generators: {', '.join(movers)}."
        )


def _supplier(config: Config, key: str, mover: Mover, space: BinSpace, lacking: Counts) -> Supplier:
    limits = config.generators.get(key, GeneratorLimits())
    return supplier(key, mover, space, lacking, limits.extra_cost, limits.max_share)
