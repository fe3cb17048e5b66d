from collections import Counter

import numpy as np
import pytest

from augment.planning.donors import DonorPool

IDS = [f"face{number:03d}" for number in range(60)]


def pool(ids: list[str] = IDS, persons: list[str | None] | None = None, k: int = 3) -> DonorPool:
    return DonorPool(ids, persons or [None] * len(ids), k, seed=7)


def test_children_are_spread_evenly() -> None:
    used = Counter(row for (row,) in pool().take(90, 1, "cell"))
    assert sorted(used.values()) == [1] * 30 + [2] * 30


def test_later_cells_take_those_with_fewer_children() -> None:
    donors = pool()
    first = {row for (row,) in donors.take(20, 1, "one")}
    second = {row for (row,) in donors.take(40, 1, "two")}
    assert not first & second
    assert len(first | second) == 60


def test_persons_take_turns() -> None:
    persons = ["p"] * 50 + [f"q{number}" for number in range(10)]
    chosen = [persons[row] for (row,) in pool(persons=list(persons)).take(11, 1, "cell")]
    assert sorted(Counter(chosen).values()) == [1] * 11


def test_the_choice_does_not_depend_on_the_order_of_faces() -> None:
    turned = IDS[::-1]
    chosen = {IDS[row] for (row,) in pool().take(25, 1, "cell")}
    assert chosen == {turned[row] for (row,) in pool(turned).take(25, 1, "cell")}


def test_cells_and_seeds_choose_differently() -> None:
    one = pool().take(20, 1, "one")
    assert one != pool().take(20, 1, "two")
    assert one != DonorPool(IDS, [None] * 60, 3, seed=8).take(20, 1, "one")


def test_one_face_more_changes_at_most_one_choice_of_a_cell() -> None:
    chosen = {IDS[row] for (row,) in pool().take(25, 1, "cell")}
    more = [*IDS, "face999"]
    again = {more[row] for (row,) in pool(more).take(25, 1, "cell")}
    assert len(chosen - again) <= 1


def test_pairs_are_two_different_faces_and_persons() -> None:
    persons = [f"p{number // 2}" for number in range(60)]
    pairs = pool(persons=list(persons)).take(90, 2, "cell")
    used = Counter(row for pair in pairs for row in pair)
    assert all(first != second for first, second in pairs)
    assert set(used.values()) == {3}
    assert sum(persons[first] == persons[second] for first, second in pairs) <= 1


def test_pairs_of_two_faces_of_one_person() -> None:
    pairs = pool(["a", "b"], ["p", "p"], k=2).take(2, 2, "cell")
    assert [sorted(pair) for pair in pairs] == [[0, 1], [0, 1]]


@pytest.mark.parametrize("n", [3, 4, 5, 7])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_all_places_can_be_used_by_pairs(n: int, k: int) -> None:
    pairs = pool(IDS[:n], k=k).take(n * k // 2, 2, "cell")
    assert len(pairs) == n * k // 2
    assert all(first != second for first, second in pairs)


@pytest.mark.parametrize("parents", [1, 2])
def test_more_than_they_may_have_is_refused(parents: int) -> None:
    with pytest.raises(ValueError, match="more children"):
        pool(IDS[:2], k=1).take(3, parents, "cell")


def test_children_of_earlier_orders_count() -> None:
    earlier = dict.fromkeys(IDS[:30], 2) | {"stranger": 9}
    donors = DonorPool(IDS, [None] * 60, 3, 7, earlier)
    assert donors.families(1) == 30 * 3 + 30
    first = [row for (row,) in donors.take(60, 1, "cell")]
    assert all(row >= 30 for row in first)
    assert donors.families(1) == 60


@pytest.mark.parametrize(
    ("used", "parents", "families"),
    [
        ((0, 0), 2, 3), ((0, 3), 2, 0), ((0, 1, 3), 2, 2), ((3, 3, 3), 1, 0), ((0,), 2, 0),
        ((0, 0, 0), 3, 3), ((0, 2, 2, 2), 3, 1), ((0, 2, 2), 2, 2), ((), 1, 0),
    ],
)  # fmt: skip
def test_families_are_as_many_as_can_be_taken(
    used: tuple[int, ...], parents: int, families: int
) -> None:
    ids = IDS[: len(used)]
    children = dict(zip(ids, used, strict=True))
    donors = DonorPool(ids, [None] * len(ids), 3, 7, children)
    assert donors.families(parents) == families
    assert len(donors.take(families, parents, "cell")) == families
    assert donors.families(parents) == 0


def test_families_are_made_of_faces_posed_alike() -> None:
    yaw = np.arange(60, dtype=np.float32)[::-1, None] / 4
    donors = DonorPool(IDS, [None] * 60, 12, seed=7, looks=yaw)
    families = donors.take(90, 4, "cell")
    assert all(len(set(family)) == 4 for family in families)
    apart = [np.ptp(yaw[list(family)]) for family in families]
    by_hash = [np.ptp(yaw[list(family)]) for family in pool(k=12).take(90, 4, "cell")]
    assert np.max(apart) <= 2
    assert np.median(by_hash) > 5
    used = Counter(row for family in families for row in family)
    assert set(used) == set(range(60))
    assert max(used.values()) <= 12


def test_a_face_without_likes_gets_those_that_differ_least() -> None:
    yaw = np.r_[[40.0], np.arange(59) / 4].astype(np.float32)[:, None]
    donors = DonorPool(IDS, [None] * 60, 3, seed=7, looks=yaw)
    alone = next(family for family in donors.take(60, 2, "cell") if family[0] == 0)
    assert alone[1] in {58, 59}


def test_the_same_parents_seldom_come_together_twice() -> None:
    yaw = np.arange(60, dtype=np.float32)[:, None] / 4
    for looks in (None, yaw):
        donors = DonorPool(IDS, [None] * 60, 12, seed=7, looks=looks)
        families = donors.take(120, 4, "cell")
        assert len({frozenset(family) for family in families}) > 100


def test_room_for_families_and_strangers_come_before_pose() -> None:
    yaw = np.repeat(np.arange(10, dtype=np.float32), 6)[:, None]
    persons = [f"p{number // 6}" for number in range(60)]  # who is posed alike is one person
    donors = DonorPool(IDS, list(persons), 3, seed=7, looks=yaw)
    families = donors.take(60, 3, "cell")
    used = Counter(row for family in families for row in family)
    assert set(used.values()) == {3}
    first = [{persons[row] for row in family} for family in families[:20]]
    assert all(len(people) == 3 for people in first)


def test_unknown_poses_change_nothing() -> None:
    unknown = np.full((60, 10), np.nan, np.float32)
    with_them = DonorPool(IDS, [None] * 60, 3, seed=7, looks=unknown).take(20, 2, "cell")
    assert with_them == pool().take(20, 2, "cell")
