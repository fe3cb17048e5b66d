"""Does the balanced set make a model treat groups more equally on real held-out faces?

    python benchmarks/fairness.py --project DIR --seeds 5

DIR holds a finished road (``dvc repro``). The pipeline's small classifier is trained on variants of
its train split, all seeing equally many faces, all starting from the same weights a seed, and all
tested on the same real held-out faces:

- ``original``, ``resampled``, ``classical``, ``logit-adjusted``, ``balanced``: as in `evaluate`;
- part ``arms``: the balanced set resampled, and with the logit-adjusted loss;
- part ``dose``: synthetic faces up to a share of 0.1, 0.25, 0.5 of each bin;
- part ``generators``: the faces of one generator only;
- part ``gate``: as many candidates as the balanced set holds, whatever the gate said of them;
- ``whole``, with --whole DIR: the real train faces of another road, whose set this one's was
  thinned from (benchmarks/fairness_thin.py): how far does filling make up for real faces?

``--test DIR`` takes the test faces of another road (trained on one data set, tested on another).
Every finished training is kept under --work, so a stopped run goes on, and a second one prints the
figures again from the predictions saved there. Intervals are 95 %, paired bootstraps over test
faces. Rows go to reports/systems/fairness.json: measures of each variant, and, as group ``against
<variant>``, differences of each to ``original`` and of ``balanced`` to the best baseline; groups'
recall as ``accuracy``.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fairness_variants import Road, Variant, check_parts, first_candidates, variants, whole

from augment.errors import UserError
from augment.figures import Figure, write_figures
from augment.metrics.arms import ARMS, MAIN, REFERENCE
from augment.metrics.fairness import LOWER_IS_BETTER, MEASURES, Comparison, compare
from augment.metrics.resampling import Words
from augment.metrics.tasks import Task, check_tasks, held_out, real_faces
from augment.nets.config import TrainConfig
from augment.nets.trials import Trials
from augment.params import read_params
from augment.stages.evaluate import ClassicalAugmentation, Config
from augment.vocabulary import UNKNOWN

SEED = 11
#: variant -> label -> predicted words, shape (seeds, test faces)
Predicted = dict[str, dict[str, Words]]


def main() -> None:
    args = _arguments()
    road = Road.of(args.project)
    params = read_params(args.project / "params.yaml")
    tested = args.test or args.project
    manifest = pq.read_table(tested / "data/balanced/manifest.parquet").sort_by("id")
    config = Config.model_validate(params["evaluate"])
    check_tasks(config.tasks, manifest)
    pictures = _pictures(args.work / "pictures", args.project, tested, args.whole)
    ungated = None
    if "gate" in args.parts:
        ungated = first_candidates(road, list(params["generators"] or {}), pictures)
    test = real_faces(manifest, "test")
    every = list(variants(road, args.parts, ungated))
    if args.whole:
        every.append(whole(Road.of(args.whole)))
    predicted = _predicted(args, every, test, config.tasks, pictures)
    rows = [
        figure
        for name, task in config.tasks.items()
        for figure in _figures(name, task, test, predicted, args)
    ]
    write_figures(args.out, "fairness", SEED, rows)
    _print(config.tasks, test, predicted)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, default=Path(), help="a finished road's folder")
    parser.add_argument("--test", type=Path, help="another one, whose test faces are taken")
    parser.add_argument("--whole", type=Path, help="the road of the set before it was thinned")
    parser.add_argument("--name", default="", help="what the rows call the data; else the sources")
    parser.add_argument("--parts", type=check_parts, default="arms,dose,generators,gate")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images", type=int, default=48_000, help="seen in one training")
    parser.add_argument("--work", type=Path, default=Path(".augment/fairness"))
    parser.add_argument("--out", type=Path, default=Path("reports/systems/fairness.json"))
    args = parser.parse_args()
    if not (args.project / "data/balanced/manifest.parquet").is_file():
        parser.error(f"{args.project} holds no finished road: run `dvc repro` there first")
    if (args.test or args.whole) and not args.name:
        # Under the sources' names its rows would replace those of the whole set's own comparison.
        parser.error("with --test or --whole, say --name: what the rows shall call the data")
    sources = read_params(args.project / "params.yaml")["ingest"]["sources"]
    args.name = args.name or "+".join(sources)
    return args


def _pictures(folder: Path, project: Path, tested: Path, whole: Path | None) -> Path:
    """Links to the train shards of a road, the test shards of one, and those of the whole set.

    Where both roads hold a face its pictures are the same: crops do not depend on other faces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.parquet"):
        old.unlink()
    roads = [("train", project, ""), ("test", tested, "")]
    roads += [("train", whole, "whole-")] if whole else []
    for split, road, name in roads:
        for path in sorted((road / "data/balanced/data").glob(f"{split}-*.parquet")):
            (folder / f"{split}-{name}{path.name}").symlink_to(path.resolve())
    return folder


def _predicted(
    args: argparse.Namespace,
    every: Sequence[Variant],
    test: pa.Table,
    tasks: Mapping[str, Task],
    pictures: Path,
) -> Predicted:
    classes = {
        task.label: sorted(
            {
                word
                for rows in (every[0].rows, test)
                for word in pc.unique(rows.column(task.label)).to_pylist()
                if word not in (UNKNOWN, None)
            }
        )
        for task in tasks.values()
    }
    found: Predicted = {}
    for number, variant in enumerate(every, 1):
        print(f"{number} of {len(every)}: {variant.name}", file=sys.stderr)
        trials = Trials(
            pictures, variant.rows, test, classes, TrainConfig(images=args.images, batch=64),
            SEED, args.work,
        )  # fmt: skip
        said = trials.run((variant.arm,), args.seeds, ClassicalAugmentation())
        found[variant.name] = {
            label: np.stack([said[variant.arm, seed][label] for seed in range(args.seeds)])
            for label in classes
        }
    return found


def _compared(task: Task, test: pa.Table, predicted: Predicted) -> Comparison:
    faces, places = held_out(task, test)
    words = {name: said[task.label][:, places] for name, said in predicted.items()}
    # A baseline is what needs none of our faces.
    return compare(faces, words, MAIN, REFERENCE, SEED, rivals=ARMS)


def _figures(
    name: str, task: Task, test: pa.Table, predicted: Predicted, args: argparse.Namespace
) -> Iterator[Figure]:
    compared = _compared(task, test, predicted)
    data = f"{args.name}, {name}"
    for variant, scores in compared.scores.items():
        for measure in MEASURES:
            value = getattr(scores, measure)
            if value is not None:
                yield Figure(
                    measure, variant, data, round(value, 4), "ratio",
                    "lower" if measure in LOWER_IS_BETTER else "higher", scores.n, "test",
                    seeds=scores.seeds, interval=_rounded(scores.intervals[measure]),
                )  # fmt: skip
        for group in scores.groups:
            yield Figure(
                "accuracy", variant, data, round(group.accuracy, 4), "ratio", "higher", group.n,
                "test", group.name, scores.seeds, _rounded(group.interval),
            )  # fmt: skip
    for one in compared.differences:
        yield Figure(
            one.measure, one.arm, data, round(one.value, 4), "difference",
            "lower" if one.measure in LOWER_IS_BETTER else "higher", len(test), "test",
            f"against {one.against}", args.seeds, _rounded(one.interval),
        )  # fmt: skip


def _rounded(interval: tuple[float, float]) -> tuple[float, float]:
    return round(interval[0], 4), round(interval[1], 4)


def _print(tasks: Mapping[str, Task], test: pa.Table, predicted: Predicted) -> None:
    for name, task in tasks.items():
        compared = _compared(task, test, predicted)
        print(f"\n{name}: {'variant':24} overall  balanced  worst   gap")
        for variant, scores in compared.scores.items():
            numbers = (scores.overall, scores.balanced_accuracy, scores.worst_group, scores.gap)
            shown = "  ".join("    –" if value is None else f"{value:7.3f}" for value in numbers)
            print(f"{' ' * len(name)}  {variant:24} {shown}")
        print(f"best baseline: {compared.best_baseline}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"fairness: {error}")
