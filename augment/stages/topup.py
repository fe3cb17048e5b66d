"""topup: where fewer candidates passed than were ordered, order again, a bounded number of times.

Each round counts what is still missing, orders it with spares from the pass rates measured by now
(also from other generators that are able), makes it, and puts it before the same gate: the new
candidates beside all earlier ones. It ends when nothing is missing or nothing can be ordered.

``topup.json``::

    rounds_allowed, missing_before, missing      faces that the data set lacks
    rounds         [{round, missing, candidates, made, passed, missing_after}, ...]
    cells          [{bin, deficit, filled, orders: {generator: faces for the data set}}, ...]
    still_missing  [{bin, n, reason, candidates, passed}, ...]: n add up to ``missing``
    pass_rates     [{generator, from, to, candidates, made, passed, pass_rate, interval,
                    refused}, ...]
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from augment.gating.candidates import SUMMARY, all_candidate_folders
from augment.gating.faces import candidate_folders
from augment.gating.verdicts import Config as GateConfig
from augment.gating.verdicts import Gated, gate_candidates, summarise
from augment.generating.make import make_candidates
from augment.job import Job
from augment.metrics.passes import MADE, failed_checks
from augment.params import Section
from augment.planning.config import Config as PlanConfig
from augment.planning.orders import Earlier
from augment.planning.pose import Question, make_movers, pose
from augment.planning.rates import Rates, from_rows, to_rows
from augment.planning.standing import Standing, stand
from augment.schema import order_schema, table, verdict_schema
from augment.shards import (
    read_json,
    read_table,
    shard_paths,
    write_bucketed,
    write_json,
    write_marker,
)

_COLUMNS = ("id", "generator", "bin", "parents")


class Config(Section):
    """Section ``topup`` of params.yaml."""

    #: rounds of further orders, at most; 0: none
    rounds: int = Field(default=2, ge=0, le=20)


def run(job: Job) -> None:
    """Write ``data/topup``: candidates and verdicts as ``data/candidates`` and ``data/verdicts``
    hold them, a summary over both, and ``topup.json``.

    Raises:
        UserError: params are wrong, or an input is missing.
    """
    rounds = job.config(Config).rounds
    topup = _TopUp.begin(job)
    standing = topup.stand()
    before = standing
    told: list[dict[str, Any]] = []
    while len(told) < rounds and standing.moves:
        earlier = standing.missing
        made = topup.order(standing, f"topup{len(told) + 1}-")
        standing = topup.stand()
        told.append(_round(topup, len(told) + 1, made, earlier, standing))
        _tell(told[-1])
    topup.finish()
    missing = standing.still_missing(rounds)
    content = {
        "rounds_allowed": rounds,
        "missing_before": before.missing,
        "missing": standing.missing,
        "rounds": told,
        "cells": standing.bins(),
        "still_missing": missing,
        "pass_rates": to_rows(standing.cells),
    }
    write_json(job.outputs["topup"] / "topup.json", content)
    _mark(job)
    if missing:
        print(f"topup: {standing.missing} faces are still missing; topup.json says why",
              file=sys.stderr)  # fmt: skip


@dataclass
class _TopUp:
    """What was ordered and gated so far, by the plan and here."""

    job: Job
    plan: PlanConfig
    asked: Question
    planned: Mapping[tuple[str, str], int]
    pilot: Rates
    candidates: pa.Table
    failed: dict[str, list[str]]
    orders: dict[str, pa.Table]
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    gated: Gated | None = None

    @classmethod
    def begin(cls, job: Job) -> "_TopUp":
        """What the plan, its pilot and the gate left."""
        plan = job.config(PlanConfig, "plan")
        shutil.rmtree(job.outputs["topup"], ignore_errors=True)  # of an earlier run
        report, pilot = (read_json(job.inputs[name]) for name in ("plan.json", "pilot.json"))
        rates = Rates(from_rows(pilot["moves"]), plan.spare)
        movers = make_movers(job.params["generators"])
        asked = pose(plan, movers, rates, job.inputs["aligned"], job.inputs["audit.json"])
        folders = candidate_folders(job.inputs["candidates"], list(movers))
        empty = order_schema(asked.faces.labels).empty_table()
        tables = [read_table(folder, _COLUMNS) for folder in folders]
        return cls(
            job, plan, asked,
            planned={(key, c["bin"]): n for c in report["cells"] for key, n in c["orders"].items()},
            pilot=rates,
            candidates=pa.concat_tables([empty.select(_COLUMNS), *tables]),
            failed=failed_checks(_given(job)),
            orders=dict.fromkeys(movers, empty),
        )  # fmt: skip

    def stand(self) -> Standing:
        return stand(
            self.asked, self.planned, self.candidates, self.failed, self.pilot,
            self.plan.max_children_per_parent,
        )  # fmt: skip

    def order(self, standing: Standing, mark: str) -> set[str]:
        """Order, make and gate once more; returns the ids of the new candidates."""
        new = self.asked.faces.orders(
            self.asked.space, standing.problem.suppliers, standing.moves,
            self.plan.max_children_per_parent, self.job.seed, Earlier.of([self.candidates], mark),
        )  # fmt: skip
        self.orders = {key: pa.concat_tables([self.orders[key], new[key]]) for key in new}
        rows = pa.concat_tables(content.select(_COLUMNS) for content in new.values())
        self.candidates = pa.concat_tables([self.candidates, rows])
        self._make()
        ids = set(rows.column("id").to_pylist())
        self._gate(ids)
        return ids

    def _make(self) -> None:
        for key, orders in self.orders.items():
            make_candidates(
                self.job.engine, key, self.job.params["generators"][key], orders.sort_by("id"),
                self.job.inputs["aligned"], self.job.inputs["models"] / key,
                self.job.outputs["topup"] / "candidates" / key,
            )  # fmt: skip

    def _gate(self, ids: set[str]) -> None:
        """Gate everything together, and keep the verdicts on the new ones."""
        folders = all_candidate_folders(
            self.job.inputs["candidates"], self.job.outputs["topup"], list(self.orders)
        )
        self.gated = gate_candidates(
            self.job.engine, self.job.inputs["aligned"], folders, self.asked.space,
            self.job.params["judges"] or {}, self.job.inputs["models"], self._gate_config(),
        )  # fmt: skip
        rows = [row for row in self.gated.rows if row["id"] in ids]
        self.verdicts += rows
        self.failed |= failed_checks(rows)

    def _gate_config(self) -> GateConfig:
        return self.job.config(GateConfig, "gate")

    def finish(self) -> None:
        """Write what readers expect, also where no round was needed."""
        target = self.job.outputs["topup"] / "verdicts"
        rows = sorted(self.verdicts, key=lambda row: str(row["id"]))
        if self.gated is None:
            self._make()
            content = read_json(self.job.inputs["verdicts"] / SUMMARY)
        else:
            everything = [*_given(self.job), *rows]
            content = summarise(
                self.gated, everything, list(self.orders), self.asked.space, self._gate_config()
            )
        write_json(target / SUMMARY, content)
        shards = len(shard_paths(self.job.inputs["aligned"]))
        write_bucketed(target, table(rows, verdict_schema()), shards)


def _given(job: Job) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_table(job.inputs["verdicts"]).to_pylist()
    return rows


def _round(
    topup: _TopUp, number: int, ids: set[str], missing: int, standing: Standing
) -> dict[str, Any]:
    """One round in topup.json."""
    failed = [topup.failed[row_id] for row_id in ids]
    return {
        "round": number,
        "missing": missing,
        "candidates": len(failed),
        "made": sum(MADE not in names for names in failed),
        "passed": sum(not names for names in failed),
        "missing_after": standing.missing,
    }


def _tell(told: Mapping[str, Any]) -> None:
    print(
        f"topup: round {told['round']}: {told['missing']} faces missing, {told['candidates']} "
        f"candidates made for them, {told['passed']} passed; {told['missing_after']} missing now",
        file=sys.stderr,
    )


def _mark(job: Job) -> None:
    """The folder is finished: it lists the shards of its candidates."""
    folder = job.outputs["topup"]
    paths = [
        path
        for key in job.params["generators"] or {}
        for path in shard_paths(folder / "candidates" / key)
    ]
    shards = [
        {"file": path.relative_to(folder).as_posix(), "rows": pq.read_metadata(path).num_rows}
        for path in paths
    ]
    write_marker(folder, {"shards": shards})
