"""Small outputs of every stage before the report: made-up faces, the real audit, plan and assemble.

No detector, network or generator runs: pictures are tinted ovals (or what ``paint`` draws), and
candidates, verdicts and predictions are made up with a stated chance of being right.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from augment.engine import Engine
from augment.gating.together import Shared
from augment.images import encode
from augment.job import Job
from augment.metrics.calibration import accuracy_rows
from augment.metrics.halves import Sample
from augment.metrics.likeness import distance_closed, likeness
from augment.metrics.passes import MADE, failed_checks, tally
from augment.metrics.refusals import Refusals
from augment.metrics.reliability import judge_words
from augment.metrics.resampling import Words
from augment.schema import Labels, aligned_schema, candidate_schema, table, verdict_schema
from augment.shards import read_table, write_bucketed, write_json
from augment.stages import assemble, audit, evaluate, plan, report, topup
from augment.types import BinSpace, Image
from tests.unit.aligned_rows import row

AXES = [
    {"name": "age_group", "merge": {"young": ["0-2", "3-9", "10-19"], "adult": ["20-29", "30-39"],
                                    "older": ["40-49", "50-59", "60-69", "70+"]}},
    "gender",
]  # fmt: skip
#: Train faces of each (age group, gender).
CENSUS = {
    ("3-9", "female"): 30, ("3-9", "male"): 8, ("20-29", "female"): 60, ("20-29", "male"): 52,
    ("70+", "female"): 14, ("70+", "male"): 0,
}  # fmt: skip
GENERATORS = {"copies": {"kind": "copies"}, "mask": {"kind": "mask"}}
TASKS = {"smile": {"label": "smile", "groups": ["age_group", "gender"]}}
SIZE = 64
Paint = Callable[[Mapping[str, Any], int], Image]


@dataclass(frozen=True)
class Oval:
    """Paints a picture that is no face: an oval whose colours come from a number."""

    def __call__(self, labels: Mapping[str, Any], number: int) -> Image:
        random = np.random.default_rng(number)
        image = np.full((SIZE, SIZE, 3), random.integers(120, 240, 3), np.uint8)
        colour = tuple(int(c) for c in random.integers(40, 200, 3))
        cv2.ellipse(image, (32, 34), (18, 24), 0, 0, 360, colour, -1, cv2.LINE_AA)
        return image


class AnyMove:
    """A generator that the plan believes can make anything of anybody."""

    def __init__(self, parents: int, same_bin: bool) -> None:
        self.parents, self._same_bin = parents, same_bin

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        return (0.5 if self._same_bin else 0.9) if (donor == target) is self._same_bin else None


def write_road(
    folder: Path,
    paint: Paint | None = None,
    kind: str = "drawn",
    times: int = 1,
    **settings: Any,
) -> Job:
    """Everything the report reads, below ``folder``; returns the report's job.

    Args:
        folder: where to.
        paint: draws a face of these labels.
        kind: of the only source.
        times: how many times the faces of :data:`CENSUS`.
        settings: the ``report`` section.
    """
    params = {
        "audit": {"axes": AXES}, "generators": GENERATORS,
        "plan": {"target": {"kind": "equal"}, "max_synthetic_share": 1.0},
        "topup": {"rounds": 0}, "gate": {}, "judges": {}, "assemble": {},
        "evaluate": {"tasks": TASKS}, "report": settings,
        "ingest": {"sources": {"faces": {"kind": kind}}},
    }  # fmt: skip
    job = Job("report", None, params, 7, _paths(folder), _paths(folder), Engine("inline", 1,
              folder / "cache"))  # fmt: skip
    paint = paint or Oval()
    _write_faces(folder / "aligned", paint, times)
    audit.run(job_of(job, "audit"))
    movers = {"copies": AnyMove(1, True), "mask": AnyMove(1, False)}
    write_json(folder / "pilot.json", {"moves": []})
    plan.run(job_of(job, "plan"), movers)
    _write_candidates(folder, paint)
    topup.run(job_of(job, "topup"))
    assemble.run(job_of(job, "assemble"))
    evaluate.run(job_of(job, "evaluate"), guess)
    write_json(folder / "fidelity.json", _fidelity())
    return job


def write_report(job: Job) -> str:
    """The page's text."""
    report.run(job)
    return job.outputs["report.html"].read_text(encoding="utf-8")


def job_of(job: Job, stage: str) -> Job:
    """The same road, another stage."""
    return Job(stage, None, job.params, job.seed, job.inputs, job.outputs, job.engine)


def _paths(folder: Path) -> dict[str, Path]:
    names = [
        "aligned", "audit.json", "plan", "plan.json", "candidates", "verdicts", "balanced",
        "pilot.json", "topup", "models",
        "metrics.json", "evaluate.json", "predictions", "plots/audit", "plots/evaluate",
        "fidelity.json", "report.html", "figures",
    ]  # fmt: skip
    return {name: folder / name for name in names}


def _write_faces(folder: Path, paint: Paint, times: int) -> None:
    rows: list[dict[str, Any]] = []
    for (age_group, gender), count in CENSUS.items():
        for split, n in (("train", count * times), ("test", 24), ("validation", 2)):
            for number in range(n):
                name = f"faces/{split}-{age_group}-{gender}-{number:04d}"
                words = {"age_group": age_group, "gender": gender}
                failed = split == "train" and number % (9 if gender == "male" else 25) == 7
                face = None if failed else paint(words, len(rows))
                rows.append(row(name, **words, **_measured(face), source="faces", split=split,
                                smile="yes" if number % 2 else "no",
                                status="align_failed" if failed else "ok",
                                reason="no face was found" if failed else ""))  # fmt: skip
    labels = Labels(("smile",))
    origin = dict.fromkeys(labels.columns, "given")
    filled = [{"label_origin": origin, **entry} for entry in rows]
    write_bucketed(folder, table(filled, aligned_schema(labels)), 2)


def _measured(image: Image | None) -> dict[str, Any]:
    if image is None:
        return {"image": None}
    return {"image": {"bytes": encode(image), "path": "face.jpg"}, "points": [20.0] * 10}


def _write_candidates(folder: Path, paint: Paint) -> None:
    random = np.random.default_rng(3)
    verdicts: list[dict[str, Any]] = []
    for key in GENERATORS:
        orders = pa.parquet.read_table(folder / "plan" / f"{key}.parquet")
        rows = []
        for number, order in enumerate(orders.to_pylist()):
            failed = number % 17 == 5
            image = None if failed else paint(order, 1000 + number)
            rows.append({**order, **_measured(image), "licence": "CC0-1.0",
                         "weights": "" if key == "copies" else "ab" * 32,
                         "status": "generate_failed" if failed else "ok",
                         "reason": "the parent shows no mouth" if failed else "",
                         "steps": [f"{key} made up"]})  # fmt: skip
            verdicts += _verdicts(order, failed, float(random.random()))
        write_bucketed(folder / "candidates" / key, table(rows, _candidates(orders)), 2)
    write_bucketed(folder / "verdicts", table(verdicts, verdict_schema()), 2)
    space = BinSpace.from_json(json.loads((folder / "audit.json").read_text())["bin_space"])
    made = pa.concat_tables([read_table(folder / "candidates" / key) for key in GENERATORS])
    write_json(folder / "verdicts" / "summary.json", _summary(made, verdicts, space))


def _summary(
    made: pa.Table, verdicts: Sequence[Mapping[str, Any]], space: BinSpace
) -> dict[str, Any]:
    failed = failed_checks(verdicts)
    pictured = made.filter(pa.compute.equal(made.column("status"), "ok"))
    refusals = Refusals.of(pictured, failed, list(GENERATORS), ["label", "novelty"], space, [])
    found = tally(made, failed, list(GENERATORS), space)
    right = np.arange(60) % 5 > 0
    gender = np.array(["female", "male"])[(np.arange(60) % 5 < 2).astype(int)]
    accuracy = accuracy_rows("smile", right, {"gender": gender})
    refused = {"all": {"all": (3, 120)}, "gender": {"female": (1, 70), "male": (2, 50)}}
    return {
        "false_rejection": 0.05,
        "real_faces_compared_with": 120,
        "real_faces": Shared(0.02, 120, refused, {"label": 3, "novelty": 0}).to_json(),
        "checks": {"label": ["the judge knows no 'smile': it was not checked"], "novelty": []},
        "judges": {"attributes": judge_words("attributes", accuracy)},
        "passes": {
            grouping: {name: part.to_json() for name, part in parts.items()}
            for grouping, parts in found.items()
        },
        "refusals": refusals.to_json(),
        "findings": refusals.findings(),
    }


def _fidelity() -> dict[str, Any]:
    """Of ``mask`` in full, of ``copies`` that nothing passed."""
    random = np.random.default_rng(5)
    bins, people = np.arange(120) % 3, np.arange(120)[:, None]
    real = Sample(random.normal(0, 1, (120, 4)), bins, people)
    near = Sample(random.normal(0.3, 1, (120, 4)), bins, people + 1000)
    figure = {"n": 110, "value": 0.8, "interval": [0.72, 0.86]}
    judged = {"judges": {"hand": figure | {"real": figure | {"value": 0.9}}}, "weakest": "hand"}
    whole = {
        "candidates": 120, "real": 120,
        "likeness": {"hand/features": likeness(near, real, 5, random)},
        "target": {"mask": judged}, "kept": {"gender": judged},
        "edit": {"visible_change": figure, "distance_closed": {
            "hand/features": distance_closed(near, near.features + 2, real, random)}},
    }  # fmt: skip
    few = {"candidates": 4, "real": 120, "why": "too few (n=4)"}
    return {
        "features": ["hand/features"], "judges": {}, "terms": {}, "notes": ["made up for a test"],
        "generators": {
            "mask": {"passed": 120, "all": whole,
                     "by": {"gender": {"female": whole, "male": few}, "bin": {}}},
            "copies": {"passed": 0, "why": "no candidate passed"},
        },
    }  # fmt: skip


def _candidates(orders: pa.Table) -> pa.Schema:
    return candidate_schema(Labels.of(orders.schema))


def _verdicts(order: Mapping[str, Any], failed: bool, luck: float) -> list[dict[str, Any]]:
    own = {"id": order["id"], "generator": order["generator"]}
    if failed:
        return [{**own, "check": MADE, "passed": False, "reason": "the parent shows no mouth"}]
    wrong = luck < (0.35 if order["gender"] == "male" else 0.15)
    return [
        {**own, "check": MADE, "passed": True, "reason": ""},
        {**own, "check": "label", "score": luck, "threshold": 0.3, "passed": not wrong,
         "reason": f"judged 'female' ({100 * (1 - luck):.0f} %)" if wrong else ""},
        {**own, "check": "novelty", "score": 40.0, "threshold": 12.0, "passed": True, "reason": ""},
    ]  # fmt: skip


def guess(
    train: pa.Table, test: pa.Table, classes: Mapping[str, Sequence[str]]
) -> dict[tuple[str, int], dict[str, Words]]:
    """Predictions that are right more often in later arms, for older men above all."""
    skill = {
        "original": 0.62, "resampled": 0.68, "classical": 0.7, "logit-adjusted": 0.74,
        "balanced": 0.86, "balanced, logit-adjusted": 0.88,
    }  # fmt: skip
    hard = np.array(test.column("gender").to_pylist()) == "male"
    found = {}
    for place, (arm, right) in enumerate(skill.items()):
        for seed in range(3):
            random = np.random.default_rng(10 * place + seed)
            hit = random.random(test.num_rows) < np.where(hard, right, 0.9)
            found[arm, seed] = {
                label: np.where(hit, test.column(label).to_pylist(), "wrong") for label in classes
            }
    return found


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """All rows of a finished folder."""
    found: list[dict[str, Any]] = read_table(folder).to_pylist()
    return found
