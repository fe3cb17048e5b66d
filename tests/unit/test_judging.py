"""What judges of labels share."""

from pathlib import Path

import numpy as np
import pytest

from augment.errors import UserError
from augment.nets.config import LabelJudgeConfig
from augment.nets.data import load_faces
from augment.nets.judging import Knowledge, choose_values, gather, in_common, resolved
from tests.unit.gate_rows import face, write_faces


def rows(half: str = "b", split: str = "train") -> list[dict[str, object]]:
    genders = ["female"] * 9 + ["male"] * 9 + ["unknown"] * 2
    ages = ["3-9"] * 10 + ["0-2"] * 9 + ["70+"]
    return [
        face(f"{split}{half}/{n:02d}", split, half, gender=genders[n], age_group=ages[n])
        for n in range(20)
    ]


def test_values_with_enough_faces_are_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aligned = write_faces(tmp_path, rows() + rows("a"))
    learned, values, codes = gather(aligned, LabelJudgeConfig(smallest_class=9), "judge")
    assert len(learned) == 20
    assert dict(values) == {"age_group": ("0-2", "3-9"), "gender": ("female", "male")}
    assert codes["age_group"].tolist() == [1] * 10 + [0] * 9 + [-1]
    assert codes["gender"].tolist() == [0] * 9 + [1] * 9 + [-1] * 2
    said = capsys.readouterr().err
    assert "age_group: too few faces to learn 70+" in said
    assert "mask is left out: it has 1 value(s) to learn" in said


def test_the_other_half_and_fewer_faces(tmp_path: Path) -> None:
    aligned = write_faces(tmp_path, rows() + rows("a"))
    config = LabelJudgeConfig(family="score", labels=("gender",), smallest_class=1, faces=12)
    learned, values, _ = gather(aligned, config, "judge")
    assert len(learned) == 12
    assert all(name.startswith("traina/") for name in learned.ids)
    assert list(values) == ["gender"]


def test_no_face_to_learn_on(tmp_path: Path) -> None:
    aligned = write_faces(tmp_path, rows("a"))
    with pytest.raises(UserError, match=r"mine has no faces to train on: .* row of half b"):
        gather(aligned, LabelJudgeConfig(), "mine")


def test_a_label_that_there_is_not(tmp_path: Path) -> None:
    faces = load_faces(write_faces(tmp_path, rows()))
    with pytest.raises(UserError, match="name 'hat', which the data set has no column for"):
        choose_values(faces, ["hat"], 1, "b")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    config = LabelJudgeConfig(labels=("gender",))
    held_out = load_faces(write_faces(tmp_path, rows(split="validation")), ("validation",))
    values = {"gender": ("female", "male")}
    logits = np.tile(np.array([[1.0, 0.0]], np.float32), (20, 1))
    content = resolved(config, values, {"gender": np.array([0, 1, 1])}, held_out,
                       {"gender": logits})  # fmt: skip
    assert content["faces"] == {"gender": {"female": 1, "male": 2}}
    known = Knowledge.of(content)
    assert known.values == values
    everyone = next(row for row in known.accuracy if row["by"] == "all")
    assert (everyone["n"], everyone["accuracy"]) == (18, 0.5)


def test_temperatures_divide_logits() -> None:
    values = {"gender": ("female", "male")}
    known = Knowledge(values, values, {"gender": 2.0}, [])
    found = known.opinions({"gender": np.array([[2 * np.log(3.0), 0.0]], np.float32)})["gender"]
    np.testing.assert_allclose(found, [[0.75, 0.25]], atol=1e-5)


def test_labels_in_other_words_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = write_faces(tmp_path, rows())
    heads = {"gender": ("female", "male"), "mask": ("no", "yes"), "age_group": ("young", "old"),
             "hat": ("no", "yes")}  # fmt: skip
    found = in_common(heads, faces)
    assert "age_group" not in found
    assert found.items() <= heads.items()
    assert found["gender"] == ("female", "male")
    assert "age_group is left out: it was taught young, old, not" in capsys.readouterr().err
    with pytest.raises(UserError, match="in other words"):
        in_common({"hat": ("no", "yes")}, faces)
