"""Does the balanced set make a model treat groups more equally on real held-out faces?

    python benchmarks/fairness.py --project DIR --seeds 5

DIR holds a finished road (``dvc repro``). The pipeline's small classifier is trained on variants of
its train split, all seeing equally many faces, all starting from the same weights a seed, and all
tested on the same real held-out faces:

- ``original``, ``resampled``, ``classical``, ``logit-adjusted``, ``balanced``, ``balanced,
  logit-adjusted``: as in `evaluate`;
- part ``arms``: the balanced set resampled;
- part ``dose``: synthetic faces up to a share of 0.1, 0.25, 0.5 of each bin;
- part ``adjusted``: up to a share of 0.25, 0.5, with the logit-adjusted loss;
- part ``generators``: the faces of one generator only, and so with that loss;
- part ``gate``: as many candidates as the balanced set holds, whatever the gate said of them, and
  so with that loss;
- part ``strength``: what the adjusted trainings on real and on all faces answer where rarity is
  made up for less or more than in training (benchmarks/fairness_shifted.py); nothing is trained;
- ``whole``, with --whole DIR, and so with that loss: the real train faces of another road, whose
  set this one's was thinned from (benchmarks/fairness_thin.py): how many real faces does a
  synthetic one replace?

``--test DIR`` also predicts all faces of another road that is past `align` (trained on one data
set, tested on another), with the same networks; it may be said several times. Every finished
training is kept, so a stopped run goes on; the trainings of `evaluate` are not repeated. Intervals
are 95 %, paired bootstraps over test faces.

What was said of each face is kept in reports/fairface/predictions/. All figures come from there:
rows in reports/fairface/fairness.json (benchmarks/fairness_rows.py says which), and the page beside
it, fairness.md. ``--again`` prints and writes them anew, without photos and trainings.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fairness_page import write_page
from fairness_rows import SEED, rows_of_all
from fairness_saved import FIGURES, SAVED, Sitting, made_now, save
from fairness_shifted import MOVED, STRENGTHS, moved, moved_name, trained_as
from fairness_variants import (
    PARTS,
    Road,
    Variant,
    check_parts,
    chosen,
    first_candidates,
    learned,
    variants,
    whole,
)

from augment.errors import UserError
from augment.metrics.arms import BASELINES, MAIN, log_shares
from augment.metrics.resampling import Words
from augment.metrics.tasks import Task, check_tasks, real_faces
from augment.nets.classifier import NO_LABEL
from augment.nets.trials import Trials
from augment.params import read_params
from augment.schema import OK, Labels
from augment.shards import read_schema, read_table, write_text
from augment.stages.evaluate import ClassicalAugmentation, Config
from augment.types import FloatArray

#: variant -> label -> predicted words, shape (seeds, test faces)
Predicted = dict[str, dict[str, Words]]


def main() -> None:
    args = _arguments()
    if not args.again:
        for sitting in _sittings(args):
            save(args.saved, sitting)
    write(args.out, args.saved)


def write(out: Path, saved: Path) -> None:
    """Figures and page, from all predictions that are kept; prints the tables."""
    rows = rows_of_all(saved)
    head = json.dumps({"system": "fairness", **made_now(), "seed": SEED})
    # A row a line, so that git shows which figures changed.
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    write_text(out, f'{head[:-1]}, "rows": [\n{lines}\n]}}\n')
    write_page(out)


def _sittings(args: argparse.Namespace) -> list[Sitting]:
    """Train what is not trained yet, and predict."""
    road = Road.of(args.project)
    params = read_params(args.project / "params.yaml")
    config = trained_with(Config.model_validate(params["evaluate"]), args.images)
    exams = [_own_exam(args.project, args.name, config.tasks)]
    exams += [
        Exam(f"{args.name}, tested on {_sources(other)}", _photos(other)) for other in args.test
    ]
    pictures = _pictures(args.work / "pictures", args.project, args.test, args.whole)
    ungated = None
    if "gate" in args.parts:
        ungated = first_candidates(road, list(params["generators"] or {}), pictures)
    every = chosen(list(variants(road, args.parts, ungated)), args.only)
    if args.whole:
        every += whole(Road.of(args.whole))
    baselines = [variant.name for variant in every if variant.name in BASELINES]
    labels = [task.label for task in config.tasks.values()]
    made = {v.name: made_now() | {"learned": learned(v, labels)} for v in every}
    predicted = _predicted(args, params["seed"], config, every, exams, pictures)
    made |= {name: made[trained_as(name)] for name in predicted[0]}
    return [
        Sitting(exam.name, exam.test, config.tasks, words, MAIN, baselines, made)
        for exam, words in zip(exams, predicted, strict=True)
    ]


def trained_with(config: Config, images: int | None) -> Config:
    """With so many faces seen in a training, if that is said."""
    if not images:
        return config
    return config.model_copy(update={"train": config.train.model_copy(update={"images": images})})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, default=Path(), help="a finished road's folder")
    parser.add_argument("--test", type=Path, action="append", default=[],
                        help="another road past `align`, its faces are predicted too")  # fmt: skip
    parser.add_argument("--whole", type=Path, help="the road of the set before it was thinned")
    parser.add_argument("--name", default="", help="what the rows call the data; else the sources")
    parser.add_argument("--parts", type=check_parts, default=",".join(PARTS))
    parser.add_argument("--only", nargs="+", default=[], help="variants, by name, beside original")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images", type=int, help="seen in one training; else as in params.yaml")
    parser.add_argument("--work", type=Path, help="trainings; else those of `evaluate` are gone on")
    parser.add_argument("--out", type=Path, default=FIGURES)
    parser.add_argument("--saved", type=Path, default=SAVED, help="where predictions are kept")
    parser.add_argument("--again", action="store_true", help="from what is kept; train nothing")
    args = parser.parse_args()
    if args.again:
        if not list(args.saved.glob("*.parquet")):
            parser.error(f"{args.saved} holds no predictions: run this without --again first")
        return args
    if not (args.project / "data/balanced/manifest.parquet").is_file():
        parser.error(f"{args.project} holds no finished road: run `dvc repro` there first")
    for road in args.test:
        if not (road / "data/aligned/_complete.json").is_file():
            parser.error(f"{road} holds no aligned faces: run `dvc repro align` there first")
    if args.whole and not args.name:
        # Under the sources' names its rows would replace those of the whole set's own comparison.
        parser.error("with --whole, say --name: what the rows shall call the data")
    args.name = args.name or _sources(args.project)
    args.work = args.work or args.project / ".augment/evaluate"
    return args


def _sources(project: Path) -> str:
    return "+".join(read_params(project / "params.yaml")["ingest"]["sources"])


@dataclass(frozen=True)
class Exam:
    """Real held-out faces: what the figures call them, and their rows of a manifest."""

    name: str
    test: pa.Table


def _own_exam(project: Path, name: str, tasks: Mapping[str, Task]) -> Exam:
    manifest = pq.read_table(project / "data/balanced/manifest.parquet").sort_by("id")
    check_tasks(tasks, manifest)
    return Exam(name, real_faces(manifest, "test"))


def _photos(project: Path) -> pa.Table:
    """All usable faces of another road, whatever their split: of photos that come twice, one."""
    folder = project / "data/aligned"
    labels = Labels.of(read_schema(folder)).columns
    rows = read_table(folder, ["id", "status", "group", "person", "sha256", *labels])
    rows = rows.filter(pc.equal(rows.column("status"), OK)).sort_by("id")
    _, first = np.unique(rows.column("group").to_pylist(), return_index=True)
    return rows.take(pa.array(np.sort(first)))


def _pictures(folder: Path, project: Path, tested: Sequence[Path], whole: Path | None) -> Path:
    """Links to the train and test shards of a road, the aligned faces of others, and the train
    shards of the whole set.

    Where two roads hold a face its pictures are the same: crops do not depend on other faces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.parquet"):
        old.unlink()
    own = project / "data/balanced/data"
    linked = [("train", own.glob("train-*.parquet")), ("test", own.glob("test-*.parquet"))]
    linked += [
        (f"test-{number}", (road / "data/aligned").glob("*.parquet"))
        for number, road in enumerate(tested)
    ]
    if whole:
        linked.append(("train-whole", (whole / "data/balanced/data").glob("train-*.parquet")))
    for name, paths in linked:
        for path in paths:
            (folder / f"{name}-{path.name}").symlink_to(path.resolve())
    return folder


def _predicted(
    args: argparse.Namespace,
    seed: int,
    config: Config,
    every: Sequence[Variant],
    exams: Sequence[Exam],
    pictures: Path,
) -> list[Predicted]:
    """Of each exam."""
    content = json.loads((args.project / "data/balanced/manifest.json").read_text())
    classes = {task.label: content["classes"][task.label] for task in config.tasks.values()}
    shares = _log_shares(every[0].rows, classes)
    found: list[Predicted] = [{} for _ in exams]
    for number, variant in enumerate(every, 1):
        print(f"{number} of {len(every)}: {variant.name}", file=sys.stderr)
        for exam, predicted in zip(exams, found, strict=True):
            trials = Trials(
                pictures, variant.rows, exam.test, classes, config.train, seed, args.work, keep=True
            )
            said = trials.run((variant.arm,), args.seeds, ClassicalAugmentation())
            predicted[variant.name] = {
                label: np.stack([said[variant.arm, n][label] for n in range(args.seeds)])
                for label in classes
            }
            if "strength" in args.parts and variant.name in MOVED:
                for strength in STRENGTHS:
                    predicted[moved_name(variant.name, strength)] = moved(
                        trials, variant.arm, args.seeds, strength, shares
                    )
    return found


def _log_shares(rows: pa.Table, classes: Mapping[str, Sequence[str]]) -> dict[str, FloatArray]:
    """Of the classes of each label, among real faces."""
    real = rows.filter(pc.invert(rows.column("synthetic")))
    found = {}
    for label, words in classes.items():
        place = {word: number for number, word in enumerate(words)}
        codes = [place.get(word, NO_LABEL) for word in real.column(label).to_pylist()]
        found[label] = log_shares(np.array(codes), len(words))
    return found


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"fairness: {error}")
