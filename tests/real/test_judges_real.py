"""Judges of labels on real faces: better than chance where it matters, each of its own kind."""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.engine import Engine
from augment.images import decode
from augment.job import Job
from augment.judges import embedding, handmade
from augment.nets.weights import sha256
from augment.protocols import Judge
from augment.schema import OK
from augment.shards import read_table, write_bucketed
from augment.stages import align, ingest
from augment.types import FloatArray

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))
YUNET = DATA / "weights/face_detection_yunet_2023mar.onnx"
EMBEDDER = DATA / "weights/mobilefacenet_112.onnx"
#: data set -> how many of its photos, and the margin of its crops.
SETS = {"utkface": (1000, -0.1), "lfw": (0, 0.1)}

Aligned = Callable[[str], Path]


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Aligned:
    """``data/aligned`` of a data set (utkface: some photos; lfw: those of some pairs)."""
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if not (DATA / name).is_dir() or not YUNET.is_file() or not EMBEDDER.is_file():
            pytest.skip(f"needs the photos of {name} and weights below {DATA} (or FACES_DATA)")
        if name not in made:
            made[name] = _align(name, tmp_path_factory.mktemp(name))
        return made[name]

    return of


def _align(name: str, folder: Path) -> Path:
    count, margin = SETS[name]
    params: dict[str, Any] = {
        "ingest": {"data": str(DATA), "sources": {name: {"kind": name, "root": name}}},
        "align": {"detector": {"kind": "yunet", "path": str(YUNET)}, "size": 64, "margin": margin},
    }
    engine = Engine("pool", 2, folder / "cache", progress=False)
    ingest.run(Job("ingest", None, params, 7, {}, {"index": folder / "whole"}, engine))
    index = read_table(folder / "whole")
    if count:
        chosen = np.random.default_rng(3).permutation(index.num_rows)[:count]
    else:
        wanted = {photo for one, other, _ in pairs() for photo in (one, other)}
        uris = index.column("uri").to_pylist()
        chosen = np.array([n for n, uri in enumerate(uris) if photo_of(uri) in wanted])
    write_bucketed(folder / "index", index.take(chosen), 2)
    outputs = {"aligned": folder / "aligned"}
    align.run(Job("align", None, params, 7, {"index": folder / "index"}, outputs, engine))
    return folder / "aligned"


def photo_of(uri: str) -> str:
    return "/".join(Path(uri).parts[-2:])


def pairs(count: int = 200) -> list[tuple[str, str, bool]]:
    """Photos of LFW, and whether they show one person."""
    with (DATA / "lfw/pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["a"], row["b"], row["same"] == "1") for row in csv.DictReader(file)]
    return rows[:count]


def foreign(**settings: Any) -> Judge:
    return embedding.Judge(
        embedding.Config(model=EMBEDDER, sha256=sha256(EMBEDDER), smallest_class=2, **settings)
    )


def trained(judge: Judge, faces: Path, folder: Path) -> Judge:
    judge.train(faces, folder / "models" / "judge", 7, folder / "work")
    judge.load(folder / "models" / "judge")
    return judge


def held_out(faces: Path) -> list[dict[str, Any]]:
    rows = [row for row in read_table(faces).to_pylist() if row["status"] == OK]
    return [row for row in rows if row["split"] in ("validation", "test")]


def balanced_accuracy(judge: Judge, rows: list[dict[str, Any]], label: str) -> float:
    """Mean over the values that it has learned."""
    values = judge.values()[label]
    known = [row for row in rows if row[label] in values]
    found = judge.predict([decode(row["image"]["bytes"]) for row in known])[label].argmax(axis=1)
    words = np.array([values.index(row[label]) for row in known])
    return float(np.mean([(found[words == value] == value).mean() for value in np.unique(words)]))


@pytest.mark.parametrize(
    ("make", "floors"),
    [
        # By chance: 1/2 of the genders, 1/9 of the ages, 1/5 of the ethnicities.
        (
            lambda: handmade.Judge(handmade.Config(labels=("gender", "age_group"))),
            {"gender": 0.7, "age_group": 0.25},
        ),
        (foreign, {"gender": 0.7, "age_group": 0.25, "ethnicity": 0.4}),
    ],
    ids=["handmade", "embedding"],
)
def test_labels_of_held_out_faces(
    make: Callable[[], Judge], floors: dict[str, float], aligned: Aligned, tmp_path: Path
) -> None:
    faces = aligned("utkface")
    judge = trained(make(), faces, tmp_path)
    rows = held_out(faces)
    for label, floor in floors.items():
        assert balanced_accuracy(judge, rows, label) > floor, label


def test_shown_as_arcface_shows_it_the_embedder_knows_people(
    aligned: Aligned, tmp_path: Path
) -> None:
    faces = aligned("lfw")
    rows = {
        photo_of(row["uri"]): decode(row["image"]["bytes"])
        for row in read_table(faces).to_pylist()
        if row["status"] == OK
    }
    known = [pair for pair in pairs() if pair[0] in rows and pair[1] in rows]
    assert len(known) > 190
    same = np.array([pair[2] for pair in known])

    def likenesses(**settings: Any) -> FloatArray:
        judge = trained(foreign(labels=("gender",), faces=60, **settings), faces, tmp_path)
        found = dict(zip(rows, judge.predict(list(rows.values()))["identity"], strict=True))
        return np.array([found[one] @ found[other] for one, other, _ in known])

    def gap(found: FloatArray) -> float:
        return float(found[same].mean() - found[~same].mean())

    square = likenesses()
    assert max(float(((square >= t) == same).mean()) for t in square) > 0.97
    assert gap(square) > gap(likenesses(shown=1.0)) + 0.02
    assert gap(square) > gap(likenesses(shown=0.65)) + 0.02
