"""The identity check of faces of several parents: they must be somebody new."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.checks import identity
from augment.metrics.crowd import most_like
from augment.protocols import Evidence
from tests.unit.check_evidence import described, reference, rows

#: 72 people all around, 5 degrees apart, each by one face; one of each is known to the gate.
AROUND = [5.0 * n for n in range(72)]


def faces(angles: list[float], people: list[str], **columns: Any) -> Evidence:
    table = rows(len(angles), person=pa.array(people, pa.string()), id=people, **columns)
    return Evidence(table, features=described(angles))


def made(angle: float, *parents: str) -> Evidence:
    return Evidence(rows(1, id=["m"], parents=[list(parents)]), features=described([angle]))


@pytest.fixture
def check() -> identity.Check:
    everybody = faces(AROUND, [f"p{n:02d}" for n in range(72)])
    new = identity.Check(identity.Config())
    new.fit(reference(everybody, parents=everybody, again=everybody))
    return new


def test_far_from_both_parents_and_from_everybody_else(check: identity.Check) -> None:
    (verdict,) = check.judge(made(92.5, "p00", "p36"))
    assert not verdict.passed  # 2.5 degrees from its neighbours; people are 5 apart
    assert verdict.reason.startswith("too like the train face p18: judge finds 1.00, at most")


def test_too_like_a_parent(check: identity.Check) -> None:
    (verdict,) = check.judge(made(1.0, "p00", "p36"))
    assert not verdict.passed
    assert "too like one of its parents" in verdict.reason


def test_somebody_new_passes_and_the_notes_say_what_was_asked() -> None:
    gap = [angle for angle in AROUND if not 150 < angle < 210]
    people = [f"p{angle:03.0f}" for angle in gap]
    everybody = faces(gap, people)
    check = identity.Check(identity.Config())
    check.fit(reference(everybody, parents=everybody, again=everybody))
    (verdict,) = check.judge(made(180.0, "p000", "p340"))
    assert verdict.passed
    assert verdict.score is not None
    notes = " ".join(check.notes())
    assert f"may be as like any of {len(gap)} train faces as real people are" in notes


def test_edits_of_one_parent_are_not_held_against_the_crowd(check: identity.Check) -> None:
    everybody = check.judge(made(0.0, "p00"))
    assert everybody[0].passed
    assert not any("train faces as real people" in note for note in check.notes())


def test_descriptions_that_are_no_numbers_are_like_nobody() -> None:
    crowd = np.array([[1, 0], [np.nan, 0], [0, 1]], np.float32)
    asked = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    but = [np.array([0]), np.array([], int), np.array([0, 1, 2])]
    likeness, place = most_like(asked, crowd, but)
    assert likeness.tolist() == [0.0, 1.0, -np.inf]
    assert place.tolist()[:2] == [2, 2]
