"""evaluate: train one small classifier per arm, and score it by group on real held-out faces.

All arms see the same number of faces in batches of the same size, start from the same weights
(seed by seed), and are tested on the same faces. A finished training's predictions are kept
outside of the stage's outputs: a killed run loses at most the training it was in.
"""

import csv
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from augment.gating.candidates import read_verdicts
from augment.generators import copies
from augment.job import Job
from augment.metrics.arms import ARMS, BASELINES, MAIN, REFERENCE
from augment.metrics.fairness import Comparison, compare
from augment.metrics.findings import SAME_LOSS, conclude
from augment.metrics.resampling import SMALL_GROUP, HeldOutFaces, Words
from augment.metrics.results import detail, headline, plot_rows, road_figures
from augment.metrics.tasks import Task, check_tasks, held_out, real_faces, remarks
from augment.nets.config import TrainConfig
from augment.params import Section
from augment.protocols import Face, Request
from augment.schema import without_predicted
from augment.seeds import row_seed, row_share
from augment.shards import read_json, write_json, write_table, write_text
from augment.types import Image


class Training(TrainConfig):
    """The downstream training's own defaults: short, because it runs arms x seeds times."""

    images: int = Field(default=12_000, gt=0)
    batch: int = Field(default=64, gt=0)
    learning_rate: float = Field(default=2e-3, gt=0)
    ema: float = Field(default=0.98, ge=0, lt=1)


class Config(Section):
    """What the ``evaluate`` section of params.yaml holds."""

    tasks: dict[str, Task] = Field(default_factory=dict)
    seeds: int = Field(default=3, ge=3)  # trainings per arm: fewer would not show the luck of one
    train: Training = Field(default_factory=Training)
    # Of the train, and of the test split; 12 KB each at 64 pixels, 4 KB past the first GB.
    most_faces: int = Field(default=60_000, gt=0)


#: (train rows, test rows, label -> its words) -> (arm, number of the seed) -> label -> words.
Predictor = Callable[
    [pa.Table, pa.Table, Mapping[str, Sequence[str]]], dict[tuple[str, int], dict[str, Words]]
]


def run(job: Job, predictor: Predictor | None = None) -> None:
    """Write metrics.json, evaluate.json, the plots, and every prediction.

    Args:
        job: the stage's call.
        predictor: what trains and predicts; None: :class:`augment.nets.trials.Trials`.

    Raises:
        UserError: see :func:`check_tasks`; or an earlier stage has not run.
    """
    config = job.config(Config)
    balanced = job.inputs["balanced"]
    content = read_json(balanced / "manifest.json")
    manifest = pq.read_table(balanced / "manifest.parquet").sort_by("id")
    check_tasks(config.tasks, manifest)
    known = {name: remarks(task, manifest) for name, task in config.tasks.items()}
    for name, sentences in known.items():
        for sentence in sentences:
            print(f"evaluate: task {name}: {sentence}", file=sys.stderr)
    test = _limit(real_faces(manifest, "test"), config.most_faces)
    predicted: dict[tuple[str, int], dict[str, Words]] = {}
    if config.tasks:
        train = manifest.filter(pc.equal(manifest.column("split"), "train"))
        train = _limit(without_predicted(train), config.most_faces)
        classes = {task.label: content["classes"][task.label] for task in config.tasks.values()}
        predicted = (predictor or _trials(job, config))(train, test, classes)
    comparisons, table = {}, []
    for name, task in config.tasks.items():
        faces, rows = held_out(task, test)
        words = {
            arm: np.stack([predicted[arm, n][task.label][rows] for n in range(config.seeds)])
            for arm in ARMS
        }
        seed = row_seed(job.seed, "bootstrap", name)
        comparisons[name] = compare(
            faces, words, MAIN, REFERENCE, seed, rivals=BASELINES, also=[SAME_LOSS]
        )
        table.append(
            _prediction_table(
                name, test.column("id").take(pa.array(rows)).to_pylist(), faces, words
            )
        )
    _write(job, config, content, comparisons, known, table)


def _limit(rows: pa.Table, most: int) -> pa.Table:
    """At most so many rows, chosen by a hash of the id: a fair sample of every group."""
    if rows.num_rows <= most:
        return rows
    shares = [row_share(0, "limit", row_id) for row_id in rows.column("id").to_pylist()]
    return rows.take(pa.array(np.sort(np.argsort(shares)[:most])))


def _trials(job: Job, config: Config) -> Predictor:
    def predict(
        train: pa.Table, test: pa.Table, classes: Mapping[str, Sequence[str]]
    ) -> dict[tuple[str, int], dict[str, Words]]:
        from augment.nets.trials import Trials  # torch: `augment check` does not need it

        trials = Trials(
            folder=job.inputs["balanced"] / "data",
            train=train,
            test=test,
            classes=classes,
            config=config.train,
            seed=job.seed,
            work=job.engine.cache.parent / "evaluate",
        )
        return trials.run(ARMS, config.seeds, ClassicalAugmentation())

    return predict


class ClassicalAugmentation:
    """The augmentation of the classical arm: what the ``copies`` generator does by default."""

    def __init__(self) -> None:
        self._generator = copies.Generator(copies.Config())

    def __call__(self, image: Image, random: np.random.Generator) -> Image:
        face = Face("", image, np.zeros((5, 2), np.float32), {})
        request = Request("", (face,), {}, (), int(random.integers(2**31)))
        made = self._generator.make([request])[0]
        return image if made.image is None else made.image


def prediction_schema() -> pa.Schema:
    """data/predictions: one row a (task, arm, seed, test face): enough to take every figure again.

    ``group`` is the face's intersection, ``truth`` and ``predicted`` are words of the label.
    """
    words = ["id", "person", "group", "truth", "predicted", "task", "arm"]
    return pa.schema([*((name, pa.string()) for name in words), ("seed", pa.int16())])


def _prediction_table(
    task: str, ids: Sequence[str], faces: HeldOutFaces, words: Mapping[str, Words]
) -> pa.Table:
    return pa.concat_tables(
        pa.table(
            [
                pa.array(ids), pa.array(faces.person.tolist()), pa.array(faces.group.tolist()),
                pa.array(faces.truth.tolist()), pa.array(of_seed.tolist()),
                pa.repeat(task, len(ids)), pa.repeat(arm, len(ids)),
                pa.array([number] * len(ids), pa.int16()),
            ],
            schema=prediction_schema(),
        )
        for arm, predicted in words.items()
        for number, of_seed in enumerate(predicted)
    )  # fmt: skip


def _write(
    job: Job,
    config: Config,
    balanced: Mapping[str, Any],
    comparisons: Mapping[str, Comparison],
    known: Mapping[str, list[str]],
    predictions: list[pa.Table],
) -> None:
    plots = job.outputs["plots/evaluate"]
    plots.mkdir(parents=True, exist_ok=True)
    for name, comparison in comparisons.items():
        _write_csv(plots / f"{name}.csv", plot_rows(comparison))
    empty = prediction_schema().empty_table()
    write_table(
        job.outputs["predictions"] / "test.parquet", pa.concat_tables([empty, *predictions])
    )
    tasks = {
        name: {
            "label": config.tasks[name].label,
            "groups": config.tasks[name].groups,
            "remarks": known[name],
            "findings": conclude(config.tasks[name].label, comparison, MAIN, REFERENCE),
            **detail(comparison),
        }
        for name, comparison in comparisons.items()
    }
    write_json(
        job.outputs["evaluate.json"],
        {"small_group": SMALL_GROUP, "train": config.train.model_dump(), "tasks": tasks},
    )
    evaluated = {
        name: {arm: headline(scores) for arm, scores in comparison.scores.items()}
        for name, comparison in comparisons.items()
    }
    write_json(job.outputs["metrics.json"], {**_road_figures(job, balanced), "evaluate": evaluated})


def _road_figures(job: Job, balanced: Mapping[str, Any]) -> dict[str, Any]:
    audit, plan = (read_json(job.inputs[name]) for name in ("audit.json", "plan.json"))
    columns = ["id", "generator", "check", "passed"]
    verdicts = read_verdicts(job.inputs["verdicts"], job.inputs["topup"], columns)
    generators = list(job.params["generators"] or {})
    return road_figures(audit, plan, balanced, verdicts.to_pylist(), generators)


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
