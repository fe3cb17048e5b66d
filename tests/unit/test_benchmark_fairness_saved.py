"""Predictions that figures can be printed from again."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fairness_saved import Sitting, read, save

from augment.metrics.tasks import Task

TASKS = {"gender": Task(label="gender", groups=["ethnicity", "gender"])}
RANDOM = np.random.default_rng(4)
COUNT = 120


def faces() -> pa.Table:
    random = np.random.default_rng(3)
    return pa.table(
        {
            "id": [f"photo {n}" for n in range(COUNT)],
            "person": [f"name {n // 2}" if n % 3 else None for n in range(COUNT)],
            "gender": random.choice(["female", "male", "unknown"], COUNT, p=[0.5, 0.45, 0.05]),
            "ethnicity": random.choice(["black", "white"], COUNT),
        }
    )


def sitting(names: list[str], seeds: int = 2, test: pa.Table | None = None) -> Sitting:
    said = {
        name: {"gender": RANDOM.choice(["female", "male"], (seeds, COUNT)).astype(str)}
        for name in names
    }
    made = {name: {"commit": "c", "command": f"made {name}"} for name in names}
    baselines = [name for name in names if name in ("real", "classical")]
    return Sitting("set, other", test or faces(), TASKS, said, names[0], baselines, made)


def test_what_is_read_gives_the_figures_again(tmp_path: Path) -> None:
    before = sitting(["balanced", "real"])
    save(tmp_path, before)
    again = read(tmp_path / "set_other.parquet")
    first, second = (one.compared(TASKS["gender"], 5) for one in (before, again))
    assert first.scores == second.scores
    assert first.difference("overall", "balanced", "real") == second.difference(
        "overall", "balanced", "real"
    )
    assert (again.name, again.main, again.baselines) == ("set, other", "balanced", ["real"])
    assert again.made == before.made


def test_no_photo_and_no_person_is_named(tmp_path: Path) -> None:
    save(tmp_path, sitting(["balanced", "real"]))
    table = pq.read_table(tmp_path / "set_other.parquet")
    assert "id" not in table.column_names
    people = {word for word in table.column("person").to_pylist() if word}
    assert all(word.isdigit() for word in people)
    assert len(people) == len({word for word in faces()["person"].to_pylist() if word})


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        (sitting(["dose", "real"]), {"balanced", "dose", "real"}),
        (sitting(["dose", "real"], seeds=3), {"dose", "real"}),
        (sitting(["dose", "real"], test=faces().slice(0, COUNT)[::-1]), {"dose", "real"}),
    ],
    ids=["the same faces", "trained more often", "other faces"],
)
def test_what_else_is_known_of_the_same_faces_stays(
    tmp_path: Path, later: Sitting, kept: set[str]
) -> None:
    save(tmp_path, sitting(["balanced", "real"]))
    save(tmp_path, later)
    found = read(tmp_path / "set_other.parquet")
    assert set(found.predicted) == set(found.made) == kept
    for name, said in later.predicted.items():
        np.testing.assert_array_equal(found.predicted[name]["gender"], said["gender"])


def test_baselines_that_are_known_stay(tmp_path: Path) -> None:
    save(tmp_path, sitting(["balanced", "real", "classical"]))
    save(tmp_path, sitting(["dose", "real"]))
    assert read(tmp_path / "set_other.parquet").baselines == ["real", "classical"]


def test_nobody_needs_to_be_known(tmp_path: Path) -> None:
    strangers = faces().set_column(1, "person", pa.nulls(COUNT, pa.string()))
    save(tmp_path, sitting(["balanced", "real"], test=strangers))
    assert read(tmp_path / "set_other.parquet").test["person"].to_pylist() == [None] * COUNT
