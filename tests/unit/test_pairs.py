"""Pairs of faces, and how well a likeness tells one person from two."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.metrics.pairs import (
    REACH,
    Described,
    best_threshold,
    fold_of,
    likeness,
    ring_pairs,
    same_person,
    strangers,
    thresholds_by_fold,
    verification_rows,
)
from augment.types import FloatArray


def unordered(pairs: np.ndarray) -> list[frozenset[int]]:
    return [frozenset(pair) for pair in pairs.tolist()]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=40), st.integers(1, 6))
def test_ring_pairs(words: list[str], reach: int) -> None:
    column = np.array(words, dtype=np.str_)
    pairs = ring_pairs(np.arange(len(words)), column, reach)
    found = unordered(pairs)
    assert len(set(found)) == len(found)
    for one, other in pairs.tolist():
        assert one != other
        assert words[one] == words[other] != ""
    for word in {"a", "b", "c"} & set(words):
        members = words.count(word)
        of_word = sum(words[one] == word for one, _ in pairs.tolist())
        assert of_word == min(members * (members - 1) // 2, members * reach)


def test_same_person_finds_all_pairs_of_few_photos() -> None:
    pairs = same_person(["w", "x", "y", "z"], ["p", "", "p", "p"])
    assert sorted(map(sorted, unordered(pairs))) == [[0, 2], [0, 3], [2, 3]]
    assert len(same_person([str(n) for n in range(100)], ["p"] * 100)) == 100 * REACH
    assert same_person([], []).shape == (0, 2)


def test_strangers_are_of_one_group_and_of_two_people() -> None:
    ids = [f"f{n}" for n in range(60)]
    persons = [("p", "q", "")[n % 3] for n in range(60)]
    words = np.array([("x", "y")[n % 2] for n in range(60)])
    pairs = strangers(ids, persons, words)
    assert len(pairs) > 100
    for one, other in pairs.tolist():
        assert words[one] == words[other]
        assert persons[one] != persons[other] or persons[one] == ""


def test_pairs_do_not_hang_on_the_order_of_rows() -> None:
    ids = [f"f{n}" for n in range(30)]
    words = np.array([("x", "y", "z")[n % 3] for n in range(30)])
    order = np.random.default_rng(1).permutation(30)
    there = strangers(ids, [""] * 30, words)
    back = strangers([ids[n] for n in order], [""] * 30, words[order])
    assert set(unordered(there)) == set(unordered(order[back]))


def test_likeness_is_the_cosine() -> None:
    one = np.array([[1, 0], [0.6, 0.8]], np.float32)
    other = np.array([[0, 1], [0.6, 0.8]], np.float32)
    np.testing.assert_allclose(likeness(one, other), [0, 1], atol=1e-7)


def test_best_threshold() -> None:
    same, different = np.array([0.5, 0.7, 0.9]), np.array([0.1, 0.2, 0.6])
    # One stranger is taken for the person, or one photo for another's.
    assert best_threshold(same, different) == pytest.approx(0.65)
    assert best_threshold(same, np.array([0.1, 0.2, 0.4])) == pytest.approx(0.45)
    assert best_threshold(np.array([0.1]), np.array([0.9])) == pytest.approx(0.1)


def test_thresholds_come_from_other_people() -> None:
    """In fold 0 all likenesses are 0.5 higher, so its own threshold would be another."""
    likenesses = np.array([1.2, 0.9, 0.7, 0.4], np.float32)
    same = np.array([True, False, True, False])
    folds = np.array([[0, 0], [0, 0], [1, 1], [1, 1]])
    np.testing.assert_allclose(thresholds_by_fold(likenesses, same, folds, 2), [0.55, 1.05])
    # A pair of both folds helps neither; a fold nobody else speaks of gets everybody's.
    folds = np.array([[0, 0], [0, 1], [0, 1], [0, 0]])
    np.testing.assert_allclose(thresholds_by_fold(likenesses, same, folds, 2)[0], 0.55)


def test_folds_are_even() -> None:
    counts = np.bincount([fold_of(f"p{n}", 5) for n in range(1000)], minlength=5)
    assert counts.min() > 150


def described(people: int, photos: int, spread: float, groups: int = 2) -> Described:
    """Directions on a sphere, one a person, and photos of them ``spread`` apart."""
    random = np.random.default_rng(2)
    centres = random.normal(size=(people, 16))
    numbers = np.repeat(centres, photos, axis=0) + spread * random.normal(
        size=(people * photos, 16)
    )
    count = people * photos
    return Described(
        [f"f{n}" for n in range(count)],
        [f"p{n // photos}" for n in range(count)],
        {
            "gender": [
                ("female", "male", "unknown")[n // photos % (groups + 1)] for n in range(count)
            ]
        },
        unit(numbers),
        unit(numbers + 0.01),
    )


def unit(numbers: np.ndarray) -> FloatArray:
    return (numbers / np.linalg.norm(numbers, axis=1, keepdims=True)).astype(np.float32)


class TestVerificationRows:
    def test_people_that_are_well_described_are_told_apart(self) -> None:
        rows = verification_rows(described(60, 3, 0.1), "identity")
        by = {(row["by"], row["group"]): row for row in rows}
        assert set(by) == {("all", "all"), ("gender", "female"), ("gender", "male")}
        assert by["all", "all"]["n"] == 2 * 180
        assert by["gender", "female"]["n"] == 2 * 60
        assert all(row["accuracy"] > 0.99 for row in rows)
        assert {row["label"] for row in rows} == {"identity"}

    def test_noise_is_told_apart_by_chance(self) -> None:
        (everyone, *_) = verification_rows(described(200, 3, 100.0), "identity")
        assert everyone["accuracy"] == pytest.approx(0.5, abs=0.06)
        assert everyone["interval"][0] < 0.52 < 0.56 < everyone["interval"][1] + 0.06

    @pytest.mark.parametrize("known", [True, False])
    def test_without_second_photos_faces_are_varied(self, known: bool) -> None:
        faces = described(100, 1, 0.1)
        if not known:
            faces = replace(faces, persons=[""] * 100)
        rows = verification_rows(faces, "identity")
        assert {row["label"] for row in rows} == {"identity (varied photos)"}
        assert rows[0]["n"] == 200
        assert rows[0]["accuracy"] > 0.99

    def test_groups_without_both_kinds_of_pairs_are_left_out(self) -> None:
        faces = described(40, 2, 0.1)
        genders = ["male" if n < 2 else "female" for n in range(80)]  # one man: no strangers to him
        rows = verification_rows(replace(faces, labels={"gender": genders}), "identity")
        assert [row["group"] for row in rows] == ["all", "female"]

    def test_nobody_to_compare(self) -> None:
        assert verification_rows(described(0, 1, 0.1), "identity") == []
        assert verification_rows(described(1, 1, 0.1), "identity") == []
        assert verification_rows(described(1, 3, 0.1), "identity") == []
