"""The evaluate stage: figures, what it keeps, and what it refuses before any long work."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from fairlearn.metrics import MetricFrame
from sklearn.metrics import accuracy_score

from augment.errors import UserError
from augment.images import encode
from augment.job import Job
from augment.metrics.arms import ARMS
from augment.metrics.tasks import Task, check_tasks, remarks
from augment.nets import classifier
from augment.nets.config import TrainConfig
from augment.nets.trials import Trials
from augment.shards import read_table
from augment.stages import evaluate
from augment.types import Image
from tests.unit.road_outputs import guess, job_of, write_road


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return job_of(write_road(tmp_path_factory.mktemp("road")), "evaluate")


def written(job: Job, name: str) -> Any:
    def no_constant(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(job.outputs[name].read_text(), parse_constant=no_constant)


def manifest(job: Job) -> pa.Table:
    return pq.read_table(job.inputs["balanced"] / "manifest.parquet")


def test_metrics_hold_the_keys_that_others_read(road: Job) -> None:
    metrics = written(road, "metrics.json")
    assert {
        "faces", "aligned", "failed", "evenness_before", "evenness_after", "bins",
        "bins_below_target_before", "bins_below_target_after",
    } <= set(metrics["audit"])  # fmt: skip
    assert {"deficit", "ordered", "unfilled"} <= set(metrics["plan"])
    assert set(metrics["evaluate"]["smile"]) == set(ARMS)
    for arm in metrics["evaluate"]["smile"].values():
        assert {
            "overall", "balanced_accuracy", "worst_group", "worst_group_name", "gap", "ratio",
            "equalized_odds_difference", "n", "seeds",
            "interval",
        } <= set(arm)  # fmt: skip
        assert arm["interval"][0] <= arm["overall"] <= arm["interval"][1]
        assert (arm["n"], arm["seeds"]) == (144, 3)
    assert metrics["audit"]["evenness_after"] > metrics["audit"]["evenness_before"]


def test_generate_figures_agree_with_the_verdicts(road: Job) -> None:
    verdicts = read_table(road.inputs["verdicts"]).to_pandas()
    figures = written(road, "metrics.json")["generate"]
    for key in ("copies", "mask"):
        own = verdicts[verdicts.generator == key]
        made = own[own.check == "made"].passed.sum()
        passed = own.groupby("id").passed.all().sum()
        assert figures[key] == {"made": made, "passed": passed}
        assert 0 < passed < made


def test_figures_can_be_taken_again_from_the_predictions(road: Job) -> None:
    table = pq.read_table(road.outputs["predictions"] / "test.parquet").to_pandas()
    metrics = written(road, "metrics.json")["evaluate"]["smile"]
    for arm, rows in table.groupby("arm"):
        frame = MetricFrame(
            metrics=accuracy_score,
            y_true=rows.truth,
            y_pred=rows.predicted,
            sensitive_features=rows.group,
        )
        assert metrics[arm]["overall"] == pytest.approx(frame.overall, abs=1e-4)
        assert metrics[arm]["worst_group"] == pytest.approx(frame.by_group.min(), abs=1e-4)
        assert metrics[arm]["gap"] == pytest.approx(frame.difference(), abs=1e-4)


def test_plots_hold_one_row_an_arm_and_group(road: Job) -> None:
    lines = (road.outputs["plots/evaluate"] / "smile.csv").read_text().splitlines()
    assert lines[0] == "arm,group,bar,n,accuracy,low,high"
    assert len(lines) == 1 + len(ARMS) * (1 + 6)


def test_no_task_still_gives_the_figures_of_the_road(tmp_path: Path, road: Job) -> None:
    outputs = {name: tmp_path / name for name in road.outputs}
    evaluate.run(replace(road, params=dict(road.params) | {"evaluate": {}}, outputs=outputs))
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["evaluate"] == {}
    assert metrics["audit"]["faces"] > 0
    assert pq.read_table(tmp_path / "predictions" / "test.parquet").num_rows == 0


def test_faces_with_an_unknown_label_are_not_scored(tmp_path: Path, road: Job) -> None:
    rows = manifest(road)
    words = ["unknown" if name.endswith("0003") else word for name, word in zip(
        rows.column("id").to_pylist(), rows.column("smile").to_pylist(), strict=True)]  # fmt: skip
    place = rows.schema.get_field_index("smile")
    balanced = tmp_path / "balanced"
    balanced.mkdir()
    pq.write_table(
        rows.set_column(place, "smile", pa.array(words)).cast(rows.schema),
        balanced / "manifest.parquet",
    )
    source = road.inputs["balanced"] / "manifest.json"
    (balanced / "manifest.json").write_text(source.read_text())
    outputs = {name: tmp_path / name for name in road.outputs}
    inputs = dict(road.inputs) | {"balanced": balanced}
    evaluate.run(replace(road, inputs=inputs, outputs=outputs), guess)
    assert json.loads((tmp_path / "metrics.json").read_text())["evaluate"]["smile"]["original"][
        "n"
    ] == (144 - 6)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"label": "smyle", "groups": ["gender"]}, "names 'smyle' .*; there are: age_group"),
        ({"label": "smile", "groups": ["gendre"]}, "names 'gendre'"),
        ({"label": "ethnicity", "groups": ["gender"]}, "has only 'white' among the .* real train"),
    ],
)
def test_a_task_that_cannot_be_is_refused(road: Job, task: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_tasks({"mine": Task(**task)}, manifest(road))


def test_a_road_that_has_not_run_is_one_sentence(road: Job, tmp_path: Path) -> None:
    nothing = replace(road, inputs={name: tmp_path / name for name in road.inputs})
    with pytest.raises(UserError, match=r"balanced/manifest.json is missing: run the stage"):
        evaluate.run(nothing)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_split_without_real_faces_is_refused(road: Job, split: str) -> None:
    rows = manifest(road)
    other = rows.filter(pc.not_equal(rows.column("split"), split))
    with pytest.raises(UserError, match=f"no real face in its {split} split"):
        check_tasks({"mine": Task(label="smile", groups=["gender"])}, other)


def with_words(rows: pa.Table, column: str, words: list[str]) -> pa.Table:
    place = rows.schema.get_field_index(column)
    return rows.set_column(place, column, pa.array(words, pa.string())).cast(rows.schema)


def test_a_group_column_that_nobody_knows_is_refused(road: Job) -> None:
    rows = with_words(manifest(road), "ethnicity", ["unknown"] * manifest(road).num_rows)
    with pytest.raises(UserError, match="'ethnicity', which is unknown of every one of the 144"):
        check_tasks({"mine": Task(label="smile", groups=["gender", "ethnicity"])}, rows)


def test_a_group_column_that_is_named_twice_is_refused(road: Job) -> None:
    with pytest.raises(UserError, match="groups names 'gender' twice"):
        check_tasks({"mine": Task(label="smile", groups=["gender", "gender"])}, manifest(road))


SMILES = Task(label="smile", groups=["age_group", "gender"])


def without(rows: pa.Table, split: str, column: str, word: str, keep: int = 0) -> pa.Table:
    """All rows but (most of) those of a split that have a word."""
    hit = pc.and_(pc.equal(rows.column("split"), split), pc.equal(rows.column(column), word))
    places = np.flatnonzero(hit.to_numpy(zero_copy_only=False))[keep:]
    return rows.take(pa.array(np.setdiff1d(np.arange(rows.num_rows), places)))


def test_empty_and_tiny_groups_are_said_before_the_long_work(road: Job) -> None:
    rows = manifest(road)
    assert remarks(SMILES, rows) == []
    empty = remarks(SMILES, without(rows, "test", "age_group", "20-29"))
    assert len(empty) == 1
    assert "nothing can be said of: 20-29 · female (n=" in empty[0]
    assert "20-29 · male (n=" in empty[0]
    (small,) = remarks(SMILES, without(rows, "test", "age_group", "70+", keep=30))
    assert "Fewer than 20 labelled test faces" in small
    assert "70+ · male (n=6 test faces)" in small
    test = np.flatnonzero(pc.equal(rows.column("split"), "test").to_numpy(zero_copy_only=False))
    few = rows.take(pa.array(np.setdiff1d(np.arange(rows.num_rows), test[test % 5 > 0])))
    assert any("there will be no worst group" in line for line in remarks(SMILES, few))


def test_a_class_that_no_real_train_face_has_is_said(road: Job) -> None:
    rows = manifest(road)
    words = [
        "open" if split == "test" and word == "yes" else word
        for split, word in zip(
            *(rows.column(n).to_pylist() for n in ("split", "smile")), strict=True
        )
    ]
    (line,) = remarks(SMILES, with_words(rows, "smile", words))
    assert "No real train face is labelled 'open'" in line
    assert "n=72 test faces" in line


def test_remarks_reach_the_person_before_training_and_the_report(
    tmp_path: Path, road: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "balanced"
    folder.mkdir()
    pq.write_table(
        without(manifest(road), "test", "age_group", "70+", keep=30), folder / "manifest.parquet"
    )
    source = road.inputs["balanced"] / "manifest.json"
    (folder / "manifest.json").write_text(source.read_text())
    job = replace(
        road,
        inputs=dict(road.inputs) | {"balanced": folder},
        outputs={name: tmp_path / name for name in road.outputs},
    )
    said: list[str] = []

    def predictor(*args: Any) -> Any:
        said.append(capsys.readouterr().err)
        return guess(*args)

    evaluate.run(job, predictor)
    assert "evaluate: task smile: Fewer than 20 labelled test faces" in said[0]
    (remark,) = written(job, "evaluate.json")["tasks"]["smile"]["remarks"]
    assert remark in said[0]


def test_where_a_gain_comes_from_is_in_the_figures_and_in_words(road: Job) -> None:
    task = written(road, "evaluate.json")["tasks"]["smile"]
    pair = [
        row for row in task["changes"] if (row["arm"], row["against"]) == ("balanced", "original")
    ]
    assert [row["role"] for row in pair] == ["worst", "best"]
    groups = {row["name"]: row for row in task["arms"]["original"]["groups"]}
    after = {row["name"]: row for row in task["arms"]["balanced"]["groups"]}
    for row in pair:
        assert row["before"] == groups[row["group"]]["accuracy"]
        assert row["after"] == after[row["group"]]["accuracy"]
        assert row["interval"][0] <= row["value"] <= row["interval"][1]
        assert any(row["group"] in sentence for sentence in task["findings"])
    assert pair[0]["group"] == task["arms"]["original"]["worst_group_name"]


def mirror(image: Image, random: np.random.Generator) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def make_trials(folder: Path) -> Trials:
    """Four light faces of "a" and two dark ones of "b" to learn, four to predict."""

    def faces(split: str, words: str) -> pa.Table:
        random = np.random.default_rng(len(words))
        rows, images = [], []
        for number, word in enumerate(words):
            level = 200 if word == "a" else 50
            image = (level + random.integers(-20, 20, (32, 32, 3))).astype(np.uint8)
            name = f"{split}{number}"
            images.append({"id": name, "image": {"bytes": encode(image), "path": name}})
            rows.append({"id": name, "sha256": name, "bin": word, "word": word, "synthetic": False})
        (folder / "data").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(images), folder / "data" / f"{split}-0.parquet")
        return pa.Table.from_pylist(rows)

    return Trials(
        folder=folder / "data",
        train=faces("train", "aaaabb"),
        test=faces("test", "abab"),
        classes={"word": ["a", "b"]},
        config=TrainConfig(images=480, batch=8, learning_rate=3e-3, ema=0.5),
        seed=3,
        work=folder / "work",
    )


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tiny batches: threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_trainings_learn_are_kept_and_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = make_trials(tmp_path)
    arms = ("original", "classical")
    first = trials.run(arms, 2, mirror)
    assert all(words["word"].tolist() == list("abab") for words in first.values())
    assert "3 of 4 trainings done, about" in capsys.readouterr().err
    kept = sorted(path for path in (tmp_path / "work").rglob("*") if path.is_file())
    assert sorted(path.name for path in kept) == [
        "classical-0.parquet", "classical-1.parquet", "original-0.parquet", "original-1.parquet",
    ]  # fmt: skip

    # A run that was killed in its last training trains that one alone, with the same result.
    lost = next(path for path in kept if path.name == "original-1.parquet")
    content = lost.read_bytes()
    lost.unlink()
    trained: list[str] = []
    real = classifier.train

    def counted(*args: Any) -> Any:
        trained.append(args[5])
        return real(*args)

    monkeypatch.setattr("augment.nets.trials.train", counted)
    again = make_trials(tmp_path).run(arms, 2, mirror)
    assert trained == ["original 2"]
    assert lost.read_bytes() == content
    assert {key: words["word"].tolist() for key, words in again.items()} == {
        key: words["word"].tolist() for key, words in first.items()
    }


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_kept_networks_predict_other_faces_without_training(tmp_path: Path) -> None:
    trials = replace(make_trials(tmp_path), keep=True)
    first = trials.run(("original",), 1, mirror)
    (checkpoint,) = tmp_path.glob("work/*/original-0/*/checkpoint.pt")
    before = checkpoint.stat().st_mtime_ns
    fewer = replace(trials, test=trials.test.slice(1, 2))
    second = fewer.run(("original",), 1, mirror)
    assert second["original", 0]["word"].tolist() == first["original", 0]["word"].tolist()[1:3]
    assert checkpoint.stat().st_mtime_ns == before
