"""How good the judges are on real held-out faces: python benchmarks/judges.py accuracy

``accuracy``: every judge of labels learns as in the pipeline (the train stage, on half "b" of the
train split; sets and alignment as in examples/) and is asked about the test split. Rows, in
reports/systems/judges.json: ``accuracy`` with group ``gender`` (that label on all test faces),
``gender, ethnicity=black`` (the same on one group), ``all`` (mean over the labels);
``balanced_accuracy`` (mean over a label's values), ``train_seconds`` and, of all threads together,
``train_processor_seconds``, which others on the machine do not lengthen much; ``ms_per_face``. Only
labels that a data set gives are scored; a value that a judge has not learned counts as wrong.

Whether two photos show one person: see benchmarks/verification.py, which writes to the same file.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from augment.engine import Engine, one_thread
from augment.figures import Figure, write_figures
from augment.images import decode
from augment.job import Job
from augment.metrics.calibration import in_order
from augment.metrics.proportion import wilson_interval
from augment.nets.weights import sha256
from augment.params import read_params
from augment.plugins import configure
from augment.protocols import Judge
from augment.schema import OK
from augment.shards import MARKER, read_table
from augment.stages import align, ingest, train
from augment.types import Image
from augment.vocabulary import BASE_LABELS, UNKNOWN

SEED = 7
EXAMPLES = Path(__file__).parents[1] / "examples"
SETS = ("fairface", "utkface", "celeba", "lfw")
EMBEDDER = "weights/mobilefacenet_112.onnx"
#: Of CelebA's forty attributes, those that the generators and checks speak of.
LABELS = (*BASE_LABELS, "mask", "glasses", "smiling", "beard", "mouth_open", "hat")
TIMED = 200  # faces

Words = npt.NDArray[np.str_]
#: A judge, and the seconds that its training took: on the clock, and of the processor.
Trained = tuple[Judge, float, float]
#: name, group, value, n, 95 % interval
Share = tuple[str, str, float, int, tuple[float, float] | None]


@dataclass(frozen=True)
class Test:
    """The test faces of a data set, and label -> each face's word, of the labels that it gives."""

    images: list[Image]
    labels: Mapping[str, Words]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    _add_accuracy(commands.add_parser("accuracy", help="of labels, by group"))
    args = parser.parse_args()
    with nullcontext(args.work) if args.work else tempfile.TemporaryDirectory() as folder:
        figures = list(args.run(args, Path(folder)))
    write_figures(args.out, "judges", SEED, figures)


def _add_accuracy(parser: argparse.ArgumentParser) -> None:
    data = Path(os.environ.get("FACES_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of the data sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--judges", nargs="+", default=["attributes", "handmade", "embedding"])
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each network")
    parser.add_argument("--workers", type=int, default=2, help="processes that align")
    parser.add_argument("--work", type=Path, help="keep what was aligned and trained here")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/judges.json"))
    parser.set_defaults(run=_accuracy)


def _accuracy(args: argparse.Namespace, work: Path) -> Iterator[Figure]:
    entries: dict[str, dict[str, Any]] = {kind: {"kind": kind} for kind in args.judges}
    if "embedding" in entries:
        model = args.data / EMBEDDER
        entries["embedding"] |= {"model": str(model), "sha256": sha256(model)}
    for name in args.sets:
        folder = work / name
        test = _test_faces(aligned(args.data, name, folder, args.workers))
        for kind, entry in entries.items():
            # Nothing in the other judges is left to chance.
            seeds = range(SEED, SEED + (args.seeds if kind == "attributes" else 1))
            trained = [_trained(entry, folder, seed) for seed in seeds]
            for figure in _figures(name, kind, trained, test):
                if "," not in figure.group:
                    print(f"{name} {kind} {figure.name} ({figure.group}): {figure.value} "
                          f"{figure.interval or ''} n = {figure.n}")  # fmt: skip
                yield figure


def aligned(data: Path, name: str, folder: Path, workers: int) -> Path:
    """The data set, ingested and aligned with the settings of its example."""
    if not (folder / "aligned" / MARKER).is_file():
        own = EXAMPLES / f"{name}.yaml"
        params = read_params(own if own.is_file() else EXAMPLES / name / "params.yaml")
        params["ingest"]["data"] = str(data / name)
        engine = Engine("pool", workers, folder / "cache", progress=False)
        ingest.run(Job("ingest", None, params, SEED, {}, {"index": folder / "index"}, engine))
        inputs, outputs = {"index": folder / "index"}, {"aligned": folder / "aligned"}
        align.run(Job("align", None, params, SEED, inputs, outputs, engine))
    return folder / "aligned"


def _test_faces(aligned: Path) -> Test:
    rows = [
        row
        for row in read_table(aligned).to_pylist()
        if row["status"] == OK and row["split"] == "test"
    ]
    given = [
        label for label in LABELS if any(row["label_origin"].get(label) == "given" for row in rows)
    ]
    return Test(
        [decode(row["image"]["bytes"]) for row in rows],
        {label: np.array([row[label] or UNKNOWN for row in rows], np.str_) for label in given},
    )


def _trained(entry: Mapping[str, Any], folder: Path, seed: int) -> Trained:
    """The judge, and the seconds that its train stage took."""
    key = entry["kind"]
    model = folder / "models" / str(seed) / key
    job = Job(
        stage="train",
        key=key,
        params={"train": {key: dict(entry)}},
        seed=seed,
        inputs={"aligned": folder / "aligned"},
        outputs={f"models/{key}": model, f"history/{key}.json": model / "losses.json"},
        # Its own cache: a training that was finished before would take no time.
        engine=Engine("inline", 1, Path(tempfile.mkdtemp(dir=folder)) / "cache", progress=False),
    )
    started = time.perf_counter(), time.process_time()
    train.run(job)
    seconds = time.perf_counter() - started[0], time.process_time() - started[1]
    module, config = configure("judges", entry, key)
    judge: Judge = module.Judge(config)
    judge.load(model)
    return judge, *seconds


def _figures(data: str, kind: str, trained: Sequence[Trained], test: Test) -> Iterator[Figure]:
    def figure(name: str, value: float, n: int, group: str = "all", **more: Any) -> Figure:
        settings = {"unit": "ratio", "better": "higher", "split": "test", **more}
        rounded = round(value, 4)
        return Figure(name, kind, data, rounded, n=n, group=group, seeds=len(trained), **settings)

    judges, seconds, processor = zip(*trained, strict=True)
    found = [_judged(judge, test.images) for judge in judges]
    overall = []
    for label in (label for label in test.labels if label in judges[0].values()):
        right = np.mean([opinion[label] == test.labels[label] for opinion in found], axis=0)
        for name, group, value, n, interval in _shares(test, label, right):
            overall += [value] if (name, group) == ("accuracy", label) else []
            yield figure(name, value, n, group, interval=interval)
    if overall:
        yield figure("accuracy", float(np.mean(overall)), len(test.images))
    threads = f"{torch.get_num_threads()} threads"
    for name, taken in (("train_seconds", seconds), ("train_processor_seconds", processor)):
        yield figure(name, float(np.median(taken)), 1, threads, unit="s", better="lower")
    some = test.images[:TIMED]
    each = _milliseconds(judges[0].predict, some)
    yield figure("ms_per_face", each, len(some), "1 thread", unit="ms", better="lower")


def _shares(test: Test, label: str, right: npt.NDArray[np.floating]) -> Iterator[Share]:
    """How often a label is right, on all faces and by group; ``right``: (faces,), 0..1."""
    words = test.labels[label]
    known = words != UNKNOWN
    yield "accuracy", label, float(right[known].mean()), int(known.sum()), _interval(right[known])
    by_value = [right[words == value].mean() for value in np.unique(words[known])]
    yield "balanced_accuracy", label, float(np.mean(by_value)), int(known.sum()), None
    for grouping in sorted({label} | (test.labels.keys() & set(BASE_LABELS))):
        groups = test.labels[grouping]
        for group in in_order(grouping, set(groups.tolist()) - {UNKNOWN}):
            part = right[known & (groups == group)]
            name = f"{label}, {grouping}={group}"
            if len(part):
                yield "accuracy", name, float(part.mean()), len(part), _interval(part)


def _judged(judge: Judge, images: Sequence[Image]) -> dict[str, Words]:
    """label -> the value that each face is judged to have."""
    found = judge.predict(images)
    return {
        label: np.array(values)[found[label].argmax(axis=1)]
        for label, values in judge.values().items()
    }


def _interval(right: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Of the faces; with several trainings, of their mean."""
    low, high = wilson_interval(round(float(right.sum())), len(right))
    return round(low, 4), round(high, 4)


def _milliseconds(predict: Callable[[Sequence[Image]], object], images: Sequence[Image]) -> float:
    """Of processor time a face, in one thread: others may share the machine."""
    with one_thread():
        predict(images[:32])
        started = time.process_time()
        predict(images)
        return (time.process_time() - started) / len(images) * 1000


if __name__ == "__main__":
    main()
