"""Real people: the judge learns to tell some apart, and the check catches exchanged ones."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.checks import identity as check
from augment.engine import Engine
from augment.gating.operations import same_face_again
from augment.images import decode
from augment.job import Job
from augment.judges import embedding
from augment.judges import identity as judge
from augment.metrics.pairs import likeness, same_person, strangers
from augment.nets.varying import vary
from augment.nets.weights import sha256
from augment.protocols import Evidence, Reference
from augment.shards import read_table, write_bucketed
from augment.stages import align, ingest
from augment.types import Axis, BinSpace

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))
YUNET = DATA / "weights/face_detection_yunet_2023mar.onnx"
EMBEDDER = DATA / "weights/mobilefacenet_112.onnx"
PEOPLE, PHOTOS = 70, 5


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LFW's people with most photos, aligned: half of them to learn from."""
    if not (DATA / "lfw").is_dir() or not YUNET.is_file():
        pytest.skip(f"needs the real photos of lfw and weights below {DATA} (or FACES_DATA)")
    folder = tmp_path_factory.mktemp("lfw")
    params: dict[str, Any] = {
        "ingest": {"data": str(DATA), "sources": {"lfw": {"kind": "lfw", "root": "lfw"}}},
        "align": {"detector": {"kind": "yunet", "path": str(YUNET)}, "size": 64},
    }
    engine = Engine("pool", 2, folder / "cache", progress=False)
    ingest.run(Job("ingest", None, params, 7, {}, {"index": folder / "whole"}, engine))
    index = read_table(folder / "whole")
    photos: dict[str, list[int]] = {}
    for place, person in enumerate(index.column("person").to_pylist()):
        photos.setdefault(person, []).append(place)
    people = sorted(photos, key=lambda person: (-len(photos[person]), person))[:PEOPLE]
    chosen = [place for person in people for place in photos[person][:PHOTOS]]
    numbers = {person: number for number, person in enumerate(people)}
    rows = index.take(chosen).to_pylist()
    for row in rows:
        learn = numbers[row["person"]] % 2 == 0
        row["split"], row["half"] = ("train", "b") if learn else ("validation", None)
    table = pa.Table.from_pylist(rows, schema=index.schema)
    write_bucketed(folder / "index", table, 2)
    inputs, outputs = {"index": folder / "index"}, {"aligned": folder / "aligned"}
    align.run(Job("align", None, params, 7, inputs, outputs, engine))
    return folder / "aligned"


def test_half_of_the_people_help_to_tell_the_others_apart(faces: Path, tmp_path: Path) -> None:
    """A short lesson from few photos: better than chance, as it should say of itself."""
    config = judge.Config(
        channels=(16, 32, 48, 64), train=judge.Training(images=5000, learning_rate=2e-3)
    )
    judge.Judge(config).train(faces, tmp_path / "judge", 7, tmp_path / "work")
    loaded = judge.Judge(config)
    loaded.load(tmp_path / "judge")
    rows = {(row["by"], row["group"]): row for row in loaded.accuracy()}
    assert rows["all", "all"]["n"] >= 300
    assert rows["all", "all"]["interval"][0] > 0.5


class TestCheckWithAForeignEmbedder:
    @pytest.fixture(scope="class")
    @classmethod
    def known(cls, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
        """Rows of held-out people, their pictures, and an embedder that describes faces."""
        if not EMBEDDER.is_file():
            pytest.skip(f"needs {EMBEDDER}")
        folder = tmp_path_factory.mktemp("embedding")
        config = embedding.Config(model=EMBEDDER, sha256=sha256(EMBEDDER))
        embedding.Judge(config).train(faces, folder / "embedding", 7, folder / "work")
        loaded = embedding.Judge(config)
        loaded.load(folder / "embedding")
        table = read_table(faces)
        held_out = table.filter(
            np.array(table.column("split").to_pylist(), dtype=np.str_) == "validation"
        )
        images = [decode(row["bytes"]) for row in held_out.column("image").to_pylist()]
        return held_out.drop_columns(["image"]), images, loaded

    def test_knows_people(self, known: Any) -> None:
        rows, images, embedder = known
        numbers = embedder.predict(images)["identity"]
        ids, persons = rows.column("id").to_pylist(), rows.column("person").to_pylist()
        one, two = same_person(ids, persons), strangers(ids, persons, np.full(len(ids), "all"))
        alike = likeness(numbers[one[:, 0]], numbers[one[:, 1]])
        unlike = likeness(numbers[two[:, 0]], numbers[two[:, 1]])
        assert float((alike[:, None] > unlike).mean()) > 0.98

    def test_varied_faces_pass_and_exchanged_ones_do_not(self, known: Any) -> None:
        rows, images, embedder = known

        def seen(pictures: list[Any]) -> Evidence:
            return Evidence(rows, features={"embedding": embedder.predict(pictures)})

        unseen, again = seen(images), seen([same_face_again(image) for image in images])
        bins = BinSpace((Axis("gender", ("female", "male")),))
        fitted = check.Check(check.Config())
        fitted.fit(Reference(bins, (), {}, unseen, again, unseen, rows, 0.02, 50))
        varied = [vary(image, np.random.default_rng(n)) for n, image in enumerate(images)]
        ids, persons = rows.column("id").to_pylist(), rows.column("person").to_pylist()
        other = [next(i for i in np.roll(np.arange(len(ids)), -n) if persons[i] != persons[n])
                 for n in range(len(ids))]  # fmt: skip
        passed = {}
        for name, places in (("own", range(len(ids))), ("exchanged", other)):
            columns = {name: rows.column(name) for name in rows.column_names}
            columns |= {
                "parents": [[ids[place]] for place in places],
                "generator": ["x"] * len(ids),
            }
            made = Evidence(
                pa.table(columns),
                features={"embedding": embedder.predict(varied)},
            )
            passed[name] = np.mean([verdict.passed for verdict in fitted.judge(made)])
        assert passed["own"] >= 0.95
        assert passed["exchanged"] <= 0.05
        assert "pairs of photos of 35 people" in fitted.notes()[0]
