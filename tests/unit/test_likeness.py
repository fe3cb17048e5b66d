"""Made faces against real ones of the same bins: floor, ratio, distance closed, recognised."""

from typing import Any

import numpy as np
import pytest

from augment.metrics.halves import Features, Sample, compare_halves, matched
from augment.metrics.likeness import distance_closed, likeness
from augment.metrics.recognised import Seen, recognised, share_interval

STRANGERS = 1_000_000  # families from here on are of nobody among the real faces


def drawn(n: int, seed: int, shift: float = 0.0, d: int = 8) -> Features:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def sample(features: Features, bins: Any = None, families: Any = None) -> Sample:
    n = len(features)
    return Sample(
        features,
        np.zeros(n, np.int64) if bins is None else np.asarray(bins),
        (np.arange(n) if families is None else np.asarray(families)).reshape(n, 1),
    )


def made_of_strangers(features: Features, bins: Any = None) -> Sample:
    return sample(features, bins, STRANGERS + np.arange(len(features)))


def random() -> np.random.Generator:
    return np.random.default_rng(5)


def test_matched_rows_have_the_same_bins_and_come_first() -> None:
    first, second = matched(np.array([0, 0, 2, -1, 0, 1]), np.array([1, 0, -1, 2, 0, 2]))
    assert first.tolist() == [0, 1, 2, 5]
    assert second.tolist() == [0, 1, 3, 4]


def test_matched_with_nobody() -> None:
    first, second = matched(np.array([], np.int64), np.array([0, 1]))
    assert (len(first), len(second)) == (0, 0)


def test_a_perfect_generator_is_as_near_as_real_faces_are() -> None:
    """The ratio is 1 within its interval; the plain distance is above 0 also then."""
    found = likeness(made_of_strangers(drawn(300, 1)), sample(drawn(300, 2)), 5, random())
    assert found["n"] == 300
    low, high = found["fd_ratio"]["interval"]
    assert low < 1 < high
    assert found["fd_ratio"]["value"] == pytest.approx(1, abs=0.25)
    assert found["fd"]["value"] > 0.05
    low, high = found["kid"]["interval"]
    assert low < 0 < high
    assert found["neighbours"]["density"] == pytest.approx(1, abs=0.15)


def test_a_poor_generator_is_farther() -> None:
    found = likeness(made_of_strangers(drawn(300, 1, 1.0)), sample(drawn(300, 2)), 5, random())
    assert found["fd_ratio"]["interval"][0] > 1
    assert found["kid"]["interval"][0] > 0
    assert found["fd"]["value"] == pytest.approx(8.2, abs=0.8)  # |shift|² of 8 numbers, and bias
    assert found["fd"]["interval"][0] < found["fd"]["value"] < found["fd"]["interval"][1]


def test_who_is_shown_does_not_count_as_how() -> None:
    """Real faces are mostly of bin 0, made ones mostly of bin 1: each bin is drawn perfectly."""
    bins = np.array([0] * 300 + [1] * 100)
    real = sample(drawn(400, 1) + 5.0 * bins[:, None], bins)
    made = made_of_strangers(drawn(400, 2) + 5.0 * (1 - bins)[:, None], 1 - bins)
    found = likeness(made, real, 5, random())
    assert found["n"] == 200
    assert found["fd_ratio"]["interval"][0] < 1 < found["fd_ratio"]["interval"][1]


def test_copies_of_real_faces_are_not_held_against_themselves() -> None:
    """Copies of one half of the people are no nearer to the other half than real faces are."""
    real = sample(drawn(300, 1), families=np.arange(300))
    copies = sample(real.features + 0.001, families=np.arange(300))
    found = likeness(copies, real, 5, random())
    assert found["fd"]["value"] < 0.01
    assert found["made_of_real"] == 300
    assert found["fd_ratio"]["value"] == pytest.approx(1, abs=0.05)


def test_halves_keep_persons_together() -> None:
    """Ten photos of each of 30 people: the halves differ by people, so the floor is high."""
    people = np.repeat(drawn(30, 1), 10, axis=0) + 0.1 * drawn(300, 2)
    together = compare_halves(
        [people], sample(people), sample(people, families=np.arange(300) // 10), random()
    )
    apart = compare_halves([people], sample(people), sample(people), random())
    assert together.floor.mean() > 2 * apart.floor.mean()


def test_too_few_are_told_by_number() -> None:
    found = likeness(made_of_strangers(drawn(49, 1)), sample(drawn(300, 2)), 5, random())
    assert found == {"n": 49, "why": "too few (n=49)", "set_aside": {"made": 0, "real": 0}}
    nobody = likeness(made_of_strangers(drawn(0, 1)), sample(drawn(300, 2)), 5, random())
    assert nobody["why"] == "too few (n=0)"


def test_one_person_cannot_be_halved() -> None:
    real = sample(drawn(80, 1), families=np.zeros(80, np.int64))
    found = likeness(made_of_strangers(drawn(80, 2)), real, 5, random())
    assert found["fd"]["interval"] is None
    assert found["fd_floor"] is None
    assert found["fd_ratio"]["why"].startswith("too few (n=0) once the real faces are halved")


def test_faces_without_numbers_are_set_aside_and_counted() -> None:
    features = drawn(120, 1)
    features[3, 2], features[7] = np.nan, np.inf
    found = likeness(made_of_strangers(features), sample(drawn(200, 2)), 5, random())
    assert (found["n"], found["set_aside"]) == (118, {"made": 2, "real": 0})


def test_real_faces_that_are_all_equal_are_no_measure() -> None:
    found = likeness(made_of_strangers(drawn(80, 1)), sample(np.ones((80, 8))), 5, random())
    assert found["fd_ratio"]["why"] == "the real faces do not differ from each other"
    assert found["fd"]["value"] > 0


@pytest.mark.parametrize("done", [0.0, 0.5, 1.0])
def test_distance_closed(done: float) -> None:
    """Donors lie 2 away in each number; an edit that goes half of the way closes 3/4 of FD."""
    real = sample(drawn(600, 1), families=np.arange(600))
    donors = drawn(400, 2, 2.0)
    found = distance_closed(made_of_strangers(donors - 2.0 * done), donors, real, random())
    assert found["value"] == pytest.approx(1 - (1 - done) ** 2, abs=0.04)
    low, high = found["interval"]
    assert low <= found["value"] <= high
    assert found["possible"] == pytest.approx(1, abs=0.04)


def test_donors_that_are_there_already_leave_nothing_to_close() -> None:
    real = sample(drawn(300, 1))
    found = distance_closed(made_of_strangers(drawn(300, 2)), real.features, real, random())
    assert found["fd_donors"] < found["fd_floor"]
    assert found["why"].startswith("the donors are as near to the target's faces")
    assert "value" not in found


def test_distance_closed_of_few_or_unreadable_faces() -> None:
    real = sample(drawn(600, 1))
    donors = drawn(60, 2, 2.0)
    donors[:15] = np.nan
    found = distance_closed(made_of_strangers(drawn(60, 3)), donors, real, random())
    assert found == {"n": 45, "why": "too few (n=45)", "set_aside": 15}


def opinions(right: int, wrong: int) -> tuple[list[str], Features]:
    """Faces labelled yes: so many judged yes, so many judged no."""
    yes, no = [[0.1, 0.9]], [[0.8, 0.2]]
    return ["yes"] * (right + wrong), np.array(yes * right + no * wrong, np.float32).reshape(-1, 2)


def seen(right: int, wrong: int, families: Any = None) -> Seen:
    words, found = opinions(right, wrong)
    own = np.arange(len(words)) if families is None else families
    return Seen.of(words, ("no", "yes"), found, own)


def test_recognised_beside_the_ceiling_and_the_weakest_word() -> None:
    made = {"robust": seen(90, 10), "handmade": seen(45, 55)}
    real = {"robust": seen(95, 5), "handmade": seen(60, 40)}
    rows = np.arange(100)
    found = recognised(made, rows, real, rows)
    assert found["judges"]["robust"]["value"] == 0.9
    assert found["judges"]["robust"]["real"]["value"] == 0.95
    assert found["judges"]["handmade"]["of_real"] == 0.75
    assert found["weakest"] == "handmade"


def test_recognised_of_nobody() -> None:
    found = recognised({"robust": seen(0, 0)}, np.arange(0), {"robust": seen(0, 0)}, np.arange(0))
    assert found == {"judges": {"robust": {"n": 0, "why": "too few (n=0)"}}, "weakest": None}


def test_the_ceiling_has_the_made_faces_values() -> None:
    """Real faces are mostly "no", which is easy; made ones are all "yes", which is hard."""
    words = ["no"] * 400 + ["yes"] * 100
    found = np.array([[0.9, 0.1]] * 460 + [[0.1, 0.9]] * 40, np.float32)
    real = {"robust": Seen.of(words, ("no", "yes"), found, np.arange(500))}
    shares = recognised({"robust": seen(40, 60)}, np.arange(100), real, np.arange(500))
    assert shares["judges"]["robust"]["real"]["value"] == 0.4
    assert shares["judges"]["robust"]["real"]["n"] == 100
    assert shares["judges"]["robust"]["of_real"] == 1.0


def test_unknown_words_and_missing_opinions_are_not_counted() -> None:
    words, found = opinions(100, 0)
    found[:20] = np.nan
    made = Seen.of(["unknown"] * 10 + words[10:], ("no", "yes"), found, np.arange(100))
    shares = recognised({"a": made}, np.arange(100), {"a": seen(60, 0)}, np.arange(60))
    assert shares["judges"]["a"]["n"] == 80


def test_children_of_one_parent_widen_the_interval() -> None:
    many = recognised({"a": seen(90, 10)}, np.arange(100), {"a": seen(60, 0)}, np.arange(60))
    few = {"a": seen(90, 10, np.arange(100) // 10)}
    narrow = many["judges"]["a"]["interval"]
    wide = recognised(few, np.arange(100), {"a": seen(60, 0)}, np.arange(60))["judges"]["a"]
    assert wide["interval"][1] - wide["interval"][0] > 2 * (narrow[1] - narrow[0])


def test_an_interval_of_one_witness_holds_the_share() -> None:
    low, high = share_interval(0.4, 0)
    assert 0 <= low <= 0.4 <= high <= 1
