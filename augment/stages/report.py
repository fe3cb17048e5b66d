"""report: one self-contained page about everything that happened, for a person to look at."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from augment.gating.candidates import all_candidate_folders, read_summary, read_topup, read_verdicts
from augment.job import Job
from augment.metrics.arms import BASELINES
from augment.metrics.passes import Tally, failed_checks, tally
from augment.metrics.proportion import wilson_interval
from augment.params import Section
from augment.reporting.balance import axis_bars, heat_maps
from augment.reporting.cards import Cards
from augment.reporting.dots import Dot, Dots, chart
from augment.reporting.faces import Outline, Visibility, choose
from augment.reporting.fidelity import FidelityPart, fidelity_part
from augment.reporting.gate import GatePart, gate_part
from augment.reporting.page import Card, GeneratorPart, Page, TaskPart, render
from augment.reporting.rates import Rate
from augment.reporting.svg import write_charts
from augment.shards import read_json, read_table, write_text
from augment.types import BinSpace

#: Sources whose faces are no people.
DRAWN = "drawn"
MEASURE_TITLES = {
    "overall": "Overall accuracy",
    "worst_group": "Accuracy of the worst group",
    "gap": "Gap between best and worst group, points",
    "balanced_accuracy": "Balanced accuracy",
    "equalized_odds_difference": "Equalised odds difference, points",
}


class Config(Section):
    """What the ``report`` section of params.yaml holds."""

    show_real_faces: bool = False
    show_sources: list[str] = Field(default_factory=list)
    gallery: int = Field(default=300, ge=0, le=2000)  # candidates in the gallery
    strip: int = Field(default=6, ge=0, le=50)  # candidates of each generator, passed and refused


@dataclass(frozen=True)
class _Inputs:
    """What the stage reads, without pictures."""

    audit: Mapping[str, Any]
    plan: Mapping[str, Any]
    metrics: Mapping[str, Any]
    evaluate: Mapping[str, Any]
    balanced: Mapping[str, Any]
    gate: GatePart
    fidelity: Mapping[str, Any]
    topup: Mapping[str, Any]
    manifest: pa.Table
    folders: tuple[Path, ...]  # of candidates, those of the top-ups behind the others
    candidates: Mapping[str, pa.Table]  # generator -> rows without pixels
    verdicts: list[dict[str, Any]]
    space: BinSpace

    @classmethod
    def read(cls, job: Job) -> "_Inputs":
        audit = read_json(job.inputs["audit.json"])
        space = BinSpace.from_json(audit["bin_space"])
        axes = [axis.name for axis in space.axes]
        columns = ["id", "generator", "bin", "parents", "steps", "weights", "status", *axes]
        keys, topup = list(job.params["generators"] or {}), job.inputs["topup"]
        folders = all_candidate_folders(job.inputs["candidates"], topup, keys)
        return cls(
            audit,
            read_json(job.inputs["plan.json"]),
            read_json(job.inputs["metrics.json"]),
            read_json(job.inputs["evaluate.json"]),
            read_json(job.inputs["balanced"] / "manifest.json"),
            gate_part(read_summary(topup), space),
            read_json(job.inputs["fidelity.json"]),
            read_topup(topup),
            pq.read_table(job.inputs["balanced"] / "manifest.parquet"),
            folders,
            {
                key: pa.concat_tables(
                    read_table(path, columns) for path in folders if path.name == key
                )
                for key in keys
            },
            read_verdicts(job.inputs["verdicts"], topup).to_pylist(),
            space,
        )


def run(job: Job) -> None:
    """Write ``reports/report.html``, and its charts as ``reports/figures/*.svg``.

    Raises:
        UserError: an earlier stage has not run.
    """
    config = job.config(Config)
    inputs = _Inputs.read(job)
    failed = failed_checks(inputs.verdicts)
    outlines = [
        outline for table in inputs.candidates.values() for outline in _outlines(table, failed)
    ]
    strips = {
        key: {
            passed: choose([o for o in outlines if o.generator == key and o.passed is passed],
                           config.strip)
            for passed in (True, False)
        }
        for key in inputs.candidates
    }  # fmt: skip
    gallery = choose(outlines, config.gallery)
    cards = Cards(_visibility(job, config), inputs.folders, job.inputs["balanced"] / "data")
    cards.load(
        [
            *gallery,
            *(row_id for part in strips.values() for ids in part.values() for row_id in ids),
        ],
        inputs.verdicts,
    )
    generators = [
        _generator(key, str(job.params["generators"][key]["kind"]), inputs, failed,
                   [cards.with_parents(row_id) for row_id in strips[key][True]],
                   [cards.with_parents(row_id) for row_id in strips[key][False]])
        for key in inputs.candidates
    ]  # fmt: skip
    page = _page(inputs, generators, [cards.alone(row_id) for row_id in gallery], len(outlines),
                 hidden=cards.hidden)  # fmt: skip
    write_text(job.outputs["report.html"], render(page))
    write_charts(page, job.outputs["figures"])


def _visibility(job: Job, config: Config) -> Visibility:
    sources = job.params["ingest"]["sources"] or {}
    drawn = {key for key, entry in sources.items() if entry.get("kind") == DRAWN}
    return Visibility(config.show_real_faces, frozenset(drawn | set(config.show_sources)))


def _outlines(candidates: pa.Table, failed: Mapping[str, Sequence[str]]) -> Iterable[Outline]:
    for row in candidates.select(["id", "generator", "bin"]).to_pylist():
        # A candidate that no check has seen has not passed.
        passed = row["id"] in failed and not failed[row["id"]]
        yield Outline(row["id"], row["generator"], row["bin"], passed)


def _generator(
    key: str,
    kind: str,
    inputs: _Inputs,
    failed: Mapping[str, Sequence[str]],
    kept: list[Card],
    rejected: list[Card],
) -> GeneratorPart:
    rows = inputs.candidates[key]
    found = tally(rows, failed, [key], inputs.space)
    whole = found["generator"][key]
    return GeneratorPart(
        key=key,
        kind=kind,
        candidates=whole.candidates,
        made=whole.made,
        passed=whole.passed,
        interval=wilson_interval(whole.passed, whole.made) if whole.made else None,
        refused=tuple(whole.refused.most_common()),
        groups={
            axis.name: tuple(
                _rate(value, found[axis.name][value])
                for value in axis.values
                if value in found[axis.name]
            )
            for axis in inputs.space.axes
        },
        refusals=inputs.gate.tables.get(key, ()),
        fidelity=_fidelity(key, inputs.fidelity),
        kept=tuple(kept),
        rejected=tuple(rejected),
        weights=tuple(sorted(set(rows.column("weights").to_pylist()) - {"", None})),
    )


def _fidelity(key: str, found: Mapping[str, Any]) -> FidelityPart | None:
    own = found["generators"].get(key)
    return None if own is None else fidelity_part(own, tuple(found["features"]))


def _rate(group: str, part: Tally) -> Rate:
    interval = wilson_interval(part.passed, part.made) if part.made else None
    return Rate(group, part.passed, part.made, interval)


def _page(
    inputs: _Inputs,
    generators: Sequence[GeneratorPart],
    gallery: Sequence[Card],
    candidates: int,
    hidden: bool,
) -> Page:
    space = inputs.space
    census = inputs.balanced["census"]
    before, after, targets = (
        np.array([row[name] for row in census], dtype=np.int64)
        for name in ("before", "after", "target")
    )
    return Page(
        metrics=inputs.metrics,
        audit=inputs.audit,
        bars=axis_bars(space, before, after - before, targets),
        heat=heat_maps(space, before, after, targets),
        bins=census,
        failures=_failures(inputs.audit["align_failures"]),
        plan=inputs.plan,
        topup=inputs.topup,
        generators=generators,
        gate=inputs.gate,
        fidelity_notes=inputs.fidelity["notes"],
        tasks=[_task(name, task) for name, task in inputs.evaluate["tasks"].items()],
        training=inputs.evaluate["train"],
        gallery=gallery,
        candidates=candidates,
        licences=_counted(inputs.manifest, "licence"),
        sources=_counted(inputs.manifest, "source"),
        made_by=inputs.balanced["made_by"],
        hidden=hidden,
    )  # fmt: skip


def _failures(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Rate, ...]]:
    found: dict[str, list[Rate]] = defaultdict(list)
    for row in rows:
        found[row["axis"]].append(
            Rate(row["value"], row["failed"], row["n"], tuple(row["interval"]))
        )
    return {axis: tuple(rates) for axis, rates in found.items()}


def _task(name: str, task: Mapping[str, Any]) -> TaskPart:
    charts = [
        _chart(title, measure, task["arms"])
        for measure, title in MEASURE_TITLES.items()
        if all(arm[measure] is not None for arm in task["arms"].values())
    ]
    return TaskPart(
        name, task["label"], tuple(task["groups"]), tuple(task["findings"]),
        tuple(task["remarks"]), tuple(charts),
        task["arms"], tuple(task["differences"]),
    )  # fmt: skip


def _chart(title: str, measure: str, arms: Mapping[str, Mapping[str, Any]]) -> Dots:
    rows = [
        Dot(
            label=name,
            value=arm[measure],
            interval=tuple(arm["interval" if measure == "overall" else f"{measure}_interval"]),
            note=_worst(arm) if measure == "worst_group" else "",
            kind="" if name in BASELINES else "main",
        )
        for name, arm in arms.items()
    ]
    first = next(iter(arms.values()))
    return chart(measure, f"{title} (n={first['n']:,}, {first['seeds']} seeds)", rows)


def _worst(arm: Mapping[str, Any]) -> str:
    name = arm["worst_group_name"]
    n = next(group["n"] for group in arm["groups"] if group["name"] == name)
    return f"{name}, n={n:,}"


def _counted(manifest: pa.Table, column: str) -> list[dict[str, Any]]:
    pairs = zip(
        manifest.column(column).to_pylist(), manifest.column("synthetic").to_pylist(), strict=True
    )
    counts = Counter(pairs)
    return [
        {column: value, "real": counts[value, False], "synthetic": counts[value, True]}
        for value in sorted({value for value, _ in counts}, key=str)
    ]
