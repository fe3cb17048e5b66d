"""`augment predict`: whom it looks at, what it writes, what it says of itself."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment import predicting
from augment.errors import UserError
from augment.intake.predictions import read_predictions, write_predictions
from augment.predicting import predict
from augment.types import FloatArray, Image
from tests.unit.aligned_faces import face_picture
from tests.unit.aligned_rows import row, write_aligned
from tests.unit.test_predictions import guess
from tests.unit.toy_project import Project


class Model:
    """Takes bright faces for old ones; is sure of the very bright and very dark."""

    def age_groups(self) -> tuple[str, ...]:
        return ("0-2", "70+")

    def classify(self, images: Sequence[Image]) -> FloatArray:
        old = np.array([image[0, 0, 0] / 255 for image in images], np.float32)
        return np.stack([1 - old, old], axis=1)

    def weights(self) -> str:
        return "0123456789abcdef"


def face(number: int, level: int, **values: Any) -> dict[str, Any]:
    from augment.images import encode

    image, points = face_picture(number, 64)
    image[:8, :8] = level
    return row(
        f"f{number}", image={"bytes": encode(image), "path": f"{number}.png"},
        points=points.ravel().tolist(), sha256=f"s{number}", **values,
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predicting, "_model", lambda key: Model())
    open_ = {"age_group": "unknown"}
    guessed = {"age_group": "70+", "label_origin": {"age_group": "predicted"}}
    given = {"label_origin": {"age_group": "given"}}
    write_aligned(
        tmp_path / "data/aligned",
        [
            face(1, 250, split="train", **open_),
            face(2, 5, split="train", **open_),
            face(3, 130, split="train", **open_),  # not sure of
            face(4, 250, split="train", **guessed),  # looked at again
            face(5, 250, split="train", age_group="0-2", **given),
            face(6, 250, split="test", **open_),
            face(7, 250, split="train", status="align_failed", **open_),
            *(face(n, 250, split="validation", age_group="70+", **given) for n in (10, 11, 12)),
            face(13, 250, split="validation", age_group="0-2", **given),
            face(14, 130, split="validation", age_group="0-2", **given),
        ],
    )
    return tmp_path


def test_sure_guesses_are_written(project: Path) -> None:
    said: list[str] = []
    assert predict("age", 0.8, said.append) == 3
    found = read_predictions(project / "predicted.csv")
    assert [(one.id, one.value) for one in found] == [("f1", "70+"), ("f2", "0-2"), ("f4", "70+")]
    assert found[0].model == "age 0123456789ab"
    assert found[0].sha256 == "s1"
    assert found[0].probability == pytest.approx(250 / 255, abs=0.02)
    assert "3 of 4 train faces" in said[0]
    # Of five labelled validation faces it is sure of four, and right of three.
    assert "Of 5 labelled validation faces it is as sure of 4: 75% right" in said[1]
    assert "dvc repro" in said[2]


def test_lines_of_others_stay(project: Path) -> None:
    mine = guess(9, "40-49", model="me", sha256="s1")
    write_predictions(project / "predicted.csv", [mine, guess(8, model="age of before")])
    predict("age", 0.8, lambda line: None)
    found = {one.id: one for one in read_predictions(project / "predicted.csv")}
    assert set(found) == {"s/9", "f2", "f4"}
    assert found["s/9"] == mine


def test_nothing_sure_is_said(project: Path) -> None:
    said: list[str] = []
    assert predict("age", 1.0, said.append) == 0
    assert "is as sure of none" in said[1]
    assert read_predictions(project / "predicted.csv") == []


def test_a_set_with_all_ages_is_left_alone(project: Path) -> None:
    shutil.rmtree(project / "data/aligned")
    write_aligned(project / "data/aligned", [face(1, 250, split="train")])
    said: list[str] = []
    assert predict("age", 0.8, said.append) == 0
    assert said == ["Every usable train face has an age group already: there is nothing to guess."]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("beard", "no generator 'beard'"),
        ("mask", "of kind 'mask', which does not say how old"),
        ("age", r"no trained model: run `dvc repro train@age`"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, reason: str
) -> None:
    Project(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=reason):
        predict(key, 0.8, lambda line: None)
