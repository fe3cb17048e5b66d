"""Every judge keeps the promises of ``protocols.Judge``."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.errors import UserError
from augment.gating.operations import JudgeFaces
from augment.images import decode
from augment.plugins import load, names
from augment.protocols import Adopting, Judge
from tests.unit.gate_rows import face, write_faces
from tests.unit.tiny_embedder import write_embedder

#: Enough training that what the pictures show is learned, in seconds.
QUICK: dict[str, dict[str, Any]] = {
    "attributes": {"train": {"images": 1500, "batch": 32, "learning_rate": 3e-3},
                   "channels": (8, 16, 32)},
    "identity": {"train": {"images": 1500, "batch": 32}, "channels": (8, 16, 32), "size": 32},
    "handmade": {"features": 16},
    "artifacts": {"train": {"images": 480, "batch": 32}, "channels": (8, 16, 32)},
}  # fmt: skip
#: These judge no label: what they say is in their features.
WITHOUT_LABELS = {"artifacts", "identity"}


def person(number: int, split: str = "train", half: str = "b") -> dict[str, Any]:
    gender = ("female", "male", "unknown")[number % 16 // 7]
    return face(f"{split}{half}/{number:03d}", split, half, gender=gender,
                mask="yes" if number % 3 == 0 else "no")  # fmt: skip


def made(kind: str) -> Judge:
    module = load("judges", kind)
    judge: Judge = module.Judge(module.Config(**QUICK[kind]))
    return judge


@pytest.fixture(scope="module", params=names("judges"))
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    name: str = request.param
    if name == "embedding":
        QUICK[name] = write_embedder(tmp_path_factory.mktemp("onnx") / "embedder.onnx")
    return name


@pytest.fixture(scope="module")
def trained(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``aligned`` and, trained on it, ``models/judge``."""
    folder = tmp_path_factory.mktemp(kind)
    rows = [person(n) for n in range(96)]
    # Were half "a" looked at, its ethnicities would be among the judge's values.
    rows += [person(n, half="a") | {"ethnicity": "black" if n % 2 else "asian"} for n in range(30)]
    write_faces(folder, rows + [person(n, "validation", "") for n in range(60)])
    made(kind).train(folder / "aligned", folder / "models" / "judge", 7, folder / "work")
    return folder


@pytest.fixture(scope="module")
def judge(kind: str, trained: Path) -> Judge:
    loaded = made(kind)
    loaded.load(trained / "models" / "judge")
    return loaded


IMAGES = [decode(person(n, "test", "")["image"]["bytes"]) for n in range(40)]


def test_judges_what_half_b_shows(kind: str, judge: Judge) -> None:
    labels = {} if kind in WITHOUT_LABELS else {"gender": ("female", "male"), "mask": ("no", "yes")}
    assert dict(judge.values()) == labels
    assert labels or judge.features()


def test_probabilities(judge: Judge) -> None:
    found = judge.predict(IMAGES)
    for label, values in judge.values().items():
        assert found[label].shape == (40, len(values))
        assert found[label].dtype == np.float32
        assert (found[label] >= 0).all()
        np.testing.assert_allclose(found[label].sum(axis=1), 1, atol=1e-5)
    assert {name: len(part) for name, part in judge.predict([]).items()} == dict.fromkeys(found, 0)


def test_features(judge: Judge) -> None:
    found = judge.predict(IMAGES)
    assert set(found) == {*judge.values(), *judge.features()}
    for name, count in judge.features().items():
        assert found[name].shape == (40, count)
        assert found[name].dtype == np.float32
        assert np.isfinite(found[name]).all()


def test_says_how_good_it_is(judge: Judge) -> None:
    assert {row["label"] for row in judge.accuracy()} >= set(judge.values())


def test_the_scoring_family_learns_on_the_other_half(kind: str) -> None:
    module = load("judges", kind)
    assert module.Config(**QUICK[kind]).half == "b"
    assert module.Config(**QUICK[kind], family="score").half == "a"


def test_it_has_learned(kind: str, judge: Judge) -> None:
    if kind in WITHOUT_LABELS:
        pytest.skip("no label: what it has learned is tested in its own file")
    found = judge.predict(IMAGES)["mask"].argmax(axis=1)
    masked = np.array([n % 3 == 0 for n in range(40)])
    assert (found == masked).mean() >= 0.9


def test_a_face_is_judged_the_same_in_any_company(judge: Judge) -> None:
    together = judge.predict(IMAGES)
    backwards = judge.predict(IMAGES[::-1])
    alone = judge.predict(IMAGES[5:6])
    for label in [*judge.values(), *judge.features()]:
        np.testing.assert_array_equal(together[label], backwards[label][::-1])
        np.testing.assert_array_equal(together[label][5:6], alone[label])


def test_training_again_gives_the_same_weights(kind: str, judge: Judge, trained: Path) -> None:
    other = trained / "models" / "judge_again" / "judge"
    made(kind).train(trained / "aligned", other, 7, trained / "work_again")
    again = made(kind)
    again.load(other)
    assert again.weights() == judge.weights() != ""


def test_config_says_how_good_it_is_by_group(trained: Path) -> None:
    content = json.loads((trained / "models" / "judge" / "config.json").read_text())["config"]
    rows = {(row["label"], row["by"], row["group"]): row for row in content["accuracy"]}
    for row in rows.values():
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
    assert {("all", "all"), ("gender", "male")} <= {key[1:] for key in rows}
    if content.get("values"):
        assert rows["mask", "all", "all"]["n"] == 60
        assert rows["gender", "gender", "male"]["n"] + rows["gender", "gender", "female"]["n"] < 60


def test_works_as_an_operation_of_the_engine(kind: str, judge: Judge, trained: Path) -> None:
    module = load("judges", kind)
    folder = trained / "models" / "judge"
    op = pickle.loads(pickle.dumps(JudgeFaces(kind, module.Config(**QUICK[kind]), folder)))  # noqa: S301
    row = person(3, "test", "")
    batch = pa.RecordBatch.from_pylist([{"image": row["image"]}, {"image": None}])
    found = op(batch)
    assert found.schema.equals(op.adds)
    assert judge.weights() in op.identity()
    for name, alone in judge.predict([decode(row["image"]["bytes"])]).items():
        assert found.column(name)[0].as_py() == pytest.approx(alone[0].tolist(), abs=0)
        assert np.isnan(found.column(name)[1].as_py()).all()


def test_missing_weights_say_what_to_run(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="train@"):
        made(kind).load(tmp_path / "judge")


def test_labels_without_two_values_are_said(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind in WITHOUT_LABELS:
        pytest.skip("no label")
    rows = [face(f"s/{n}", half="b") for n in range(20)]
    write_faces(tmp_path, rows)
    with pytest.raises(UserError, match="no label has two values"):
        made(kind).train(tmp_path / "aligned", tmp_path / "models" / "judge", 7, tmp_path / "work")
    assert "mask is left out: it has 1 value(s) to learn" in capsys.readouterr().err


def test_settings_are_read_without_torch() -> None:
    modules = ", ".join(f"augment.judges.{name}" for name in names("judges"))
    script = f"import {modules}, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_weights_from_elsewhere_are_measured_on_this_data_set(
    kind: str, judge: Judge, trained: Path, tmp_path: Path
) -> None:
    if not isinstance(judge, Adopting):
        pytest.skip(f"no weights of '{kind}' may come with the package")
    model = shutil.copytree(trained / "models" / "judge", tmp_path / "judge")
    # Nobody wears a mask here, and genders have other words for some.
    people = [face(f"here/{n:03d}", mask="no") for n in range(20)]
    people += [face(f"here/v{n:03d}", "validation", "", mask="no", gender=("female", "male")[n % 2])
               for n in range(10)]  # fmt: skip
    write_faces(tmp_path, people)
    adopted = made(kind)
    adopted.load(model)
    assert isinstance(adopted, Adopting)
    adopted.adopt(tmp_path / "aligned", model)
    again = made(kind)
    again.load(model)
    assert {row["n"] for row in again.accuracy() if row["by"] == "all"} <= {10, 20}
    assert again.accuracy() == adopted.accuracy() != judge.accuracy()
    assert dict(again.values()) == dict(judge.values())
    assert again.weights() == judge.weights()
