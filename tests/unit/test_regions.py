import numpy as np
import pytest

from augment.regions import (
    PARTS,
    REGIONS,
    USUAL_REGIONS,
    guide,
    problem_of,
    reach,
    region_of,
    shape,
)

POINTS = np.array([[24, 27], [40, 27], [32, 35], [26, 43], [38, 43]], np.float32)


def test_shapes_lie_where_they_should() -> None:
    assert shape(REGIONS["mouth"], 64, POINTS)[44, 32]
    assert not shape(REGIONS["mouth"], 64, POINTS)[27, 24]
    assert shape(REGIONS["eyes"], 64, POINTS)[27, 24]
    assert shape(REGIONS["hair"], 64, POINTS)[5, 32]
    assert not shape(REGIONS["hair"], 64, POINTS)[35, 32]


def test_shapes_follow_a_tilt() -> None:
    middle = POINTS.mean(0)
    turned = (POINTS - middle) @ np.array([[0, 1], [-1, 0]]) + middle
    straight = shape(REGIONS["mouth"], 64, POINTS)
    assert abs(int(straight.sum()) - int(shape(REGIONS["mouth"], 64, turned).sum())) < 12
    x, y = turned[3:].mean(0)
    assert shape(REGIONS["mouth"], 64, turned)[round(y), round(x)]


def test_a_map_comes_before_landmarks() -> None:
    parsing = np.zeros((64, 64), np.uint8)
    parsing[50:54, 10:20] = PARTS.index("l_lip") + 1
    found = guide(REGIONS["mouth"], 64, POINTS, parsing)
    assert np.array_equal(found, parsing > 0)
    assert guide(REGIONS["mouth"], 32, POINTS * np.float32(0.5), parsing).sum() == 2 * 5


def test_without_the_part_landmarks_say_where() -> None:
    blank = np.zeros((64, 64), np.uint8)
    by_points = shape(REGIONS["mouth"], 64, POINTS)
    assert np.array_equal(guide(REGIONS["mouth"], 64, POINTS, blank), by_points)
    assert np.array_equal(guide(REGIONS["mouth"], 64, POINTS, None), by_points)


def test_where_no_face_is_there_is_no_region() -> None:
    nowhere = np.full((5, 2), np.nan, np.float32)
    for points in (nowhere, np.zeros((5, 2), np.float32)):
        assert not guide(REGIONS["mouth"], 64, points, None).any()
        assert not shape(REGIONS["mouth"], 64, points).any()


def test_own_parts() -> None:
    assert region_of(("hair", "hat")).parts == ("hair", "hat")


@pytest.mark.parametrize("chosen", ["cheek", ("lips", "nose"), ()])
def test_what_is_no_region_says_why(chosen: str | tuple[str, ...]) -> None:
    assert "is none of" in problem_of(chosen)
    assert problem_of("jaw") == problem_of(("nose", "hair")) == ""


def test_usual_regions_are_regions() -> None:
    assert set(USUAL_REGIONS.values()) <= set(REGIONS)


@pytest.mark.parametrize("name", REGIONS)
def test_an_edit_may_reach_a_little_farther(name: str) -> None:
    near, far = shape(REGIONS[name], 64, POINTS), reach(REGIONS[name], 64, POINTS)
    assert not (near & ~far).any()
    assert near.sum() < far.sum()
    larger = reach(REGIONS[name], 128, POINTS * 2 + 0.5)
    assert abs(float(larger.mean()) - float(far.mean())) < 0.02


def test_an_opened_mouth_reaches_down_to_the_chin() -> None:
    mouth, jaw = (reach(REGIONS[name], 64, POINTS) for name in ("mouth", "jaw"))
    assert np.flatnonzero((jaw & ~mouth).any(axis=1)).min() > 43


def test_nothing_is_reached_without_a_face() -> None:
    assert not reach(REGIONS["face"], 64, np.full((5, 2), np.nan, np.float32)).any()
