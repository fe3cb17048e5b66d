import json
import math
from pathlib import Path
from typing import Any

import pytest

from augment.engine import Engine
from augment.errors import TrainingFailed, UserError
from augment.job import Job
from augment.stages.train import plug_point, run
from tests.unit.aligned_faces import write_faces

QUICK: dict[str, Any] = {
    "kind": "mask",
    "network": {"size": 32, "channels": [8, 16]},
    "train": {"images": 64, "batch": 8},
}


def train(root: Path, key: str, entry: Any, outputs: str = "out") -> Path:
    """Run the stage on ``root/aligned``; returns the model's folder."""
    run(
        Job(
            stage="train",
            key=key,
            params={"train": {key: entry}},
            seed=7,
            inputs={"aligned": root / "aligned"},
            outputs={
                f"models/{key}": root / outputs / key,
                f"history/{key}.json": root / outputs / f"history/{key}.json",
            },
            engine=Engine("inline", cache=root / ".augment/cache"),
        )
    )
    return root / outputs / key


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_faces(tmp_path / "aligned", 12)
    return tmp_path


def test_a_generator_leaves_weights_config_and_history(root: Path) -> None:
    model = train(root, "mask", QUICK)
    assert list(contents(model)) == ["config.json", "weights.safetensors"]
    config = json.loads((model / "config.json").read_text())
    assert config["images_seen"] == 64
    assert config["config"]["network"] == {"size": 32, "channels": [8, 16]}
    assert config["config"]["train"]["learning_rate"] == 2e-3  # defaults are written out, too
    history = json.loads((root / "out/history/mask.json").read_text())
    assert [point["images"] for point in history] == list(range(8, 65, 8))
    assert all("loss" in point for point in history)


def test_what_was_trained_is_written_again_without_training(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = contents(train(root, "mask", QUICK))
    from augment.generators.mask.training import PaintedPairs

    def never(*_: object) -> None:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(PaintedPairs, "__call__", never)
    assert contents(train(root, "mask", QUICK, "again")) == first
    other = train(root, "mask", {**QUICK, "make": {"types": ["n95"]}}, "other")
    assert contents(other)["weights.safetensors"] == first["weights.safetensors"]
    with pytest.raises(AssertionError, match="trained again"):
        train(root, "mask", {**QUICK, "network": {"size": 32, "channels": [8, 8]}}, "new")


def test_a_generator_without_weights_leaves_its_config(root: Path) -> None:
    model = train(root, "copies", {"kind": "copies", "turn": 3})
    assert list(contents(model)) == ["config.json"]
    assert json.loads((model / "config.json").read_text())["config"]["turn"] == 3
    assert json.loads((root / "out/history/copies.json").read_text()) == []


def test_generators_and_judges_are_found_by_their_kind() -> None:
    assert plug_point({"kind": "mask"}, "x") == "generators"
    assert plug_point({"kind": "attributes"}, "x") == "judges"
    for entry in ({"kind": "no_such"}, {}, None):
        with pytest.raises(UserError, match=r"'x' has kind.*copies, mask.*attributes"):
            plug_point(entry, "x")


def test_wrong_settings_are_named_where_they_stand(root: Path) -> None:
    entry = {**QUICK, "train": {"image": 3}}
    with pytest.raises(UserError, match=r"generators\.mask\.train\.image: unknown.*'images'"):
        train(root, "mask", entry)


def test_a_data_set_without_train_faces_is_said_so(tmp_path: Path) -> None:
    write_faces(tmp_path / "aligned", 3, split="test", half=None)
    with pytest.raises(UserError, match="no faces to train on"):
        train(tmp_path, "mask", QUICK)


def test_a_training_that_fails_leaves_its_curve_and_no_model(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = train(root, "mask", QUICK)
    curve = [{"images": 8, "d_loss": 0.01, "g_loss": 5.0, "health": "FAILED"}]

    def fail(*_: object) -> None:
        raise TrainingFailed("mask has failed", curve)

    monkeypatch.setattr("augment.generators.mask.Generator.train", fail)
    with pytest.raises(TrainingFailed, match="mask has failed"):
        train(root, "mask", QUICK)
    assert not model.exists()
    assert json.loads((root / "out/history/mask.json").read_text()) == curve


def test_the_health_of_adversaries_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = {
        "kind": "superres",
        "network": {"channels": 8, "blocks": 1},
        "crop": 32,
        "train": {"images": 16, "batch": 8},
        "adversarial": {"images": 64, "batch": 8, "critic": [8, 8]},
    }
    told = json.loads((train(root, "superres", small) / "config.json").read_text())["health"]
    assert told["verdict"] == "WATCH"
    assert "superres: health of the training: WATCH: fewer than 500" in capsys.readouterr().out
    assert "too short" in told["reason"]
    history = json.loads((root / "out/history/superres.json").read_text())
    assert "d_loss" not in history[0]
    assert 0 < history[-1]["d_loss"] < 2 * math.log(1 / 0.02)
    assert history[-1]["health"] == "WATCH"
