"""Do two photos show one person? python benchmarks/verification.py

On LFW's pairs, for the identity judge that is trained here, for a foreign embedder (ONNX) where its
file is there, and for plain pixels as a baseline. The judge learns as in the pipeline: on half "b"
of the train people of CelebA, of the drawn set, and of those LFW people who are in no pair.
Whether somebody is in both CelebA and LFW is not known: CelebA's people are numbers.

Thresholds by cross-validation over ten folds of people. Accuracy is the mean of the share of pairs
of one person and of two that are told right: the file has twice as many of one. The interval
resamples pairs. Faces that could not be aligned count as wrong.
"""

import argparse
import csv
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from augment.engine import Engine
from augment.figures import Figure, write_figures
from augment.images import decode
from augment.job import Job
from augment.judges import embedding, identity
from augment.metrics.pairs import Pairs, fold_of, likeness, thresholds_by_fold
from augment.metrics.proportion import wilson_interval
from augment.nets.weights import sha256
from augment.schema import OK
from augment.shards import read_schema, read_table, write_bucketed
from augment.stages import align, ingest
from augment.types import FloatArray, Image

SEED = 7
FOLDS = 10
SIZE = 112
FEWEST = 20  # pairs of either kind that a group needs
YUNET, EMBEDDER = "weights/face_detection_yunet_2023mar.onnx", "weights/mobilefacenet_112.onnx"


@dataclass(frozen=True)
class Test:
    """LFW's pairs: ``pairs`` are places among ``images``, whose ``genders`` are as labelled."""

    images: list[Image]
    people: list[str]
    genders: list[str]
    pairs: Pairs
    same: np.ndarray[Any, np.dtype[np.bool_]]
    lost: int  # pairs with a face that could not be aligned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("FACES_DATA", "../shared/data"))
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=None, help="faces seen; else the default")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path, help="keep what was aligned and trained here")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/judges.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = args.work or Path(name)
        listed = _listed(args.data)
        if not (folder / "faces" / "_complete.json").is_file():
            _prepare(args, folder, {name for pair in listed for name in pair[:2]})
        test = _test(folder / "faces", listed)
        figures = _figures("pixels", [_pixels(test.images)], test)
        seeds = range(SEED, SEED + args.seeds)
        figures += _figures(
            "ours", [_ours(args, folder, seed, test.images) for seed in seeds], test
        )
        if (args.data / EMBEDDER).is_file():
            figures += _figures("mobilefacenet", [_foreign(args, folder, test.images)], test)
    write_figures(args.out, "judges", SEED, figures)


def _listed(data: Path) -> list[tuple[str, str, bool]]:
    """Each pair once: some stand in the file in both orders."""
    with (data / "lfw/pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = {frozenset((row["a"], row["b"])): row for row in csv.DictReader(file)}
    return [(row["a"], row["b"], row["same"] == "1") for row in rows.values()]


def _prepare(args: argparse.Namespace, folder: Path, photos: set[str]) -> None:
    """Ingest and align the sets, then give LFW's people their split: test, whoever is in a pair."""
    params: dict[str, Any] = {
        "ingest": {
            "data": str(args.data),
            "sources": {
                "celeba": {"kind": "celeba", "root": "celeba"},
                "lfw": {"kind": "lfw", "root": "lfw"},
                "drawn": {"kind": "drawn", "faces": 2400, "faces_per_person": 3, "size": 128},
            },
        },
        "align": {"detector": {"kind": "yunet", "path": str(args.data / YUNET)}, "size": SIZE},
    }
    engine = Engine("pool", args.workers, folder / "cache", progress=False)
    ingest.run(Job("ingest", None, params, SEED, {}, {"index": folder / "index"}, engine))
    inputs, outputs = {"index": folder / "index"}, {"aligned": folder / "aligned"}
    align.run(Job("align", None, params, SEED, inputs, outputs, engine))
    tested = {f"lfw/{Path(photo).parent.name}" for photo in photos}
    rows = read_table(folder / "aligned").to_pylist()
    for row in rows:
        if row["person"] in tested:
            row["split"], row["half"] = "test", None
        elif row["source"] == "lfw":
            row["split"], row["half"] = "train", "b"
    schema: pa.Schema = read_schema(folder / "aligned")
    write_bucketed(folder / "faces", pa.Table.from_pylist(rows, schema=schema), 4)


def _test(faces: Path, listed: Sequence[tuple[str, str, bool]]) -> Test:
    rows = {
        row["uri"].removeprefix("lfw-deepfunneled/"): row
        for row in read_table(faces).to_pylist()
        if row["source"] == "lfw" and row["split"] == "test" and row["status"] == OK
    }
    places = {photo: place for place, photo in enumerate(rows)}
    known = [pair for pair in listed if pair[0] in places and pair[1] in places]
    return Test(
        images=[decode(row["image"]["bytes"]) for row in rows.values()],
        people=[row["person"] for row in rows.values()],
        genders=[row["gender"] for row in rows.values()],
        pairs=np.array([[places[a], places[b]] for a, b, _ in known], dtype=np.int64),
        same=np.array([same for _, _, same in known]),
        lost=len(listed) - len(known),
    )


def _ours(args: argparse.Namespace, folder: Path, seed: int, images: list[Image]) -> FloatArray:
    train = {"images": args.images} if args.images else {}
    judge = identity.Judge(identity.Config(train=identity.Training(**train)))
    model = folder / f"models/identity_{seed}"
    judge.train(folder / "faces", model, seed, folder / "work")
    judge.load(model)
    return judge.predict(images)["identity"]


def _foreign(args: argparse.Namespace, folder: Path, images: list[Image]) -> FloatArray:
    path = args.data / EMBEDDER
    judge = embedding.Judge(embedding.Config(model=path, sha256=sha256(path), faces=500))
    judge.train(folder / "faces", folder / "models/embedding", SEED, folder / "work")
    judge.load(folder / "models/embedding")
    return judge.predict(images)["identity"]


def _pixels(images: list[Image]) -> FloatArray:
    """Grey levels of a 16 x 16 thumbnail, centred and of length 1."""
    small = [
        cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (16, 16), interpolation=cv2.INTER_AREA)
        for image in images
    ]
    levels = np.stack(small).reshape(len(images), -1).astype(np.float32)
    levels -= levels.mean(axis=1, keepdims=True)
    return np.asarray(levels / np.linalg.norm(levels, axis=1, keepdims=True), dtype=np.float32)


def _figures(arch: str, described: Sequence[FloatArray], test: Test) -> list[Figure]:
    """Of all pairs, of each kind, and of pairs within a gender; over all trainings."""
    right = np.stack([_right(numbers, test) for numbers in described])
    genders = np.array(test.genders)[test.pairs]
    groups = {"all": np.ones(len(test.same), dtype=bool)}
    for gender in ("female", "male"):
        groups[gender] = np.all(genders == gender, axis=1)
    found = []
    for group, members in groups.items():
        kinds = [right[:, members & (test.same == kind)] for kind in (True, False)]
        if min(kind.shape[1] for kind in kinds) < FEWEST:
            continue
        lost = test.lost if group == "all" else 0
        value, interval = _balanced(kinds, lost / (len(test.same) + test.lost))
        n = int(members.sum()) + lost
        found.append(_figure(arch, group, value, interval, n, len(described)))
    for group, kind in (("one person", True), ("two people", False)):
        told = right[:, test.same == kind].mean(axis=0)
        interval = wilson_interval(round(float(told.sum())), len(told))
        found.append(_figure(arch, group, float(told.mean()), interval, len(told), len(described)))
    for figure in found:
        print(f"{arch}, {figure.group}: {figure.value} {figure.interval} (n = {figure.n})")
    return found


def _right(numbers: FloatArray, test: Test) -> np.ndarray[Any, np.dtype[np.bool_]]:
    likenesses = likeness(numbers[test.pairs[:, 0]], numbers[test.pairs[:, 1]])
    folds = np.array([fold_of(person, FOLDS) for person in test.people])[test.pairs]
    thresholds = thresholds_by_fold(likenesses, test.same, folds, FOLDS)
    right = np.equal(likenesses >= thresholds[folds[:, 0]], test.same)
    return np.asarray(right, dtype=np.bool_)


def _balanced(
    kinds: Sequence[np.ndarray[Any, Any]], lost: float
) -> tuple[float, tuple[float, float]]:
    """The mean of both shares, and its 95 % interval from 2000 resamplings of the pairs."""
    random = np.random.default_rng(SEED)
    shares = [kind.mean(axis=0) for kind in kinds]  # of each pair, over the trainings
    drawn = [random.choice(share, (2000, len(share))).mean(axis=1) * (1 - lost) for share in shares]
    low, high = np.quantile(np.mean(drawn, axis=0), [0.025, 0.975])
    value = float(np.mean([share.mean() for share in shares])) * (1 - lost)
    return value, (float(low), float(high))


def _figure(
    arch: str, group: str, value: float, interval: tuple[float, float], n: int, seeds: int
) -> Figure:
    ends = (round(interval[0], 4), round(interval[1], 4))
    return Figure(
        "verification_accuracy", arch, "lfw", round(value, 4), "ratio", "higher", n,
        split="held_out_people", group=group, seeds=seeds, interval=ends,
    )  # fmt: skip


if __name__ == "__main__":
    main()
