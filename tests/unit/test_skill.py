"""What a judge's word is worth."""

from typing import Any

import pytest

from augment.metrics.skill import left_out, skill, skills


def row(group: str, accuracy: float, n: int = 100) -> dict[str, Any]:
    return {"label": "gender", "by": "gender", "group": group, "n": n, "accuracy": accuracy}


GENDERS = ("female", "male")


def test_every_value_counts_the_same() -> None:
    rows = [row("female", 0.9, 900), row("male", 0.7, 100)]
    assert skill(rows, "gender", GENDERS) == pytest.approx((0.8 - 0.5) / 0.5)


def test_always_saying_the_commoner_value_is_no_skill() -> None:
    assert skill([row("female", 1.0, 900), row("male", 0.0, 100)], "gender", GENDERS) == 0


def test_what_few_faces_show_may_be_luck() -> None:
    lucky = [row("female", 0.6, 20), row("male", 0.6, 20)]
    assert skill(lucky, "gender", GENDERS) == 0
    assert skill([{**r, "n": 500} for r in lucky], "gender", GENDERS) == pytest.approx(0.2)


def test_where_nothing_was_measured_it_is_taken_at_its_word() -> None:
    assert skill([], "gender", GENDERS) == 1
    assert skill([row("female", 0.0, 0)], "gender", GENDERS) == 1


def test_a_label_that_is_guessed_is_named() -> None:
    rows = [row("female", 0.5), row("male", 0.5)]
    found = skills({"j": rows}, {"j": {"gender": GENDERS, "mask": ("no", "yes")}})
    assert found == {("j", "gender"): 0.0, ("j", "mask"): 1.0}
    (note,) = left_out(found)
    assert note.startswith("j is not asked about gender")
