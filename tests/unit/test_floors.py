"""Thresholds by group: no group loses more than the stated rate."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from augment.metrics.floors import Floors, floor_at, groups_of, take
from augment.types import Axis, BinSpace

BINS = BinSpace((Axis("gender", ("female", "male")), Axis("age_group", ("young", "old"))))


def test_refuses_at_most_the_stated_share() -> None:
    scores = np.arange(100, dtype=np.float32)
    assert floor_at(scores, 0.02) == 1.0  # refuses one of a hundred: the next would be over
    assert floor_at(scores, 0.05) == 4.0


@given(st.lists(st.floats(-5, 5, width=32), min_size=1), st.floats(0.001, 0.4))
def test_never_refuses_more(values: list[float], rate: float) -> None:
    scores = np.array(values, dtype=np.float32)
    assert (scores < floor_at(scores, rate)).mean() <= rate


def test_groups_are_bin_axes_and_labels() -> None:
    rows = pa.table(
        {
            "gender": ["female", "male", "unknown"],
            "age_group": ["old", "young", "old"],
            "ethnicity": ["black", "unknown", None],
        }
    )
    groups = groups_of(rows, BINS, ("ethnicity", "no such label"))
    assert {name: column.tolist() for name, column in groups.items()} == {
        "bin": ["female · old", "male · young", ""],
        "gender": ["female", "male", ""],
        "age_group": ["old", "young", "old"],
        "ethnicity": ["black", "", ""],
    }


def test_a_darker_group_is_held_to_its_own_range() -> None:
    random = np.random.default_rng(0)
    tone = np.array(["light"] * 900 + ["dark"] * 100)
    scores = np.where(tone == "dark", 60, 120) + random.normal(0, 10, 1000)
    floors = Floors.fit(scores.astype(np.float32), {"tone": tone}, 0.02, smallest=50)
    refused = scores < floors.of({"tone": tone}, 1000)
    assert refused[tone == "dark"].mean() <= 0.02
    assert refused[tone == "light"].mean() <= 0.02
    # One threshold for everybody would take its 2 % from the smaller group alone.
    assert (scores < floor_at(scores.astype(np.float32), 0.02))[tone == "dark"].mean() > 0.15


def test_a_face_is_refused_only_where_all_its_groups_would() -> None:
    groups = {"a": np.array(["x"] * 50 + ["y"] * 50), "b": np.array(["p", "q"] * 50)}
    scores = np.where(groups["a"] == "x", 10, 50) + np.where(groups["b"] == "p", 0, 5)
    floors = Floors.fit(scores.astype(np.float32), groups, 0.02, smallest=10)
    one = {"a": np.array(["y", "y"]), "b": np.array(["p", ""])}
    assert floors.of(one, 2).tolist() == [10.0, 50.0]


def test_small_groups_borrow_the_overall_threshold() -> None:
    groups = {"a": np.array(["x"] * 95 + ["y"] * 5)}
    scores = np.where(groups["a"] == "x", 10.0, 90.0).astype(np.float32)
    floors = Floors.fit(scores, groups, 0.02, smallest=10)
    assert set(floors.by_group["a"]) == {"x"}
    assert floors.of({"a": np.array(["y", "z", ""])}, 3).tolist() == [10.0] * 3


def test_without_real_faces_nothing_is_refused() -> None:
    floors = Floors.fit(np.array([np.nan], np.float32), {"a": np.array(["x"])}, 0.02, 10)
    assert floors.faces == 0
    assert floors.overall is None
    assert floors.of({"a": np.array(["x"])}, 1).tolist() == [-np.inf]


def test_take_keeps_rows_together() -> None:
    groups = {"a": np.array(["x", "y", "z"])}
    assert take(groups, np.array([True, False, True]))["a"].tolist() == ["x", "z"]
