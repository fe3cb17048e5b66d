"""Faults of making, as judges of workmanship tell them, on evidence made by hand."""

from typing import Any

import numpy as np
import pytest

from augment.checks import artifact
from augment.protocols import Evidence, Verdict
from augment.types import FloatArray
from tests.unit.check_evidence import reference, rows

ACCURACY = {"eye": [
    {"label": "artifact", "by": "all", "group": "all", "n": 9, "accuracy": 0.5, "interval": None},
    {"label": "artifact", "by": "artifact", "group": "blur", "n": 8, "accuracy": 0.75,
     "interval": [0.4, 0.9]},
    {"label": "artifact", "by": "artifact", "group": "seam", "n": 0, "accuracy": None,
     "interval": None},
]}  # fmt: skip


def odds(values: Any) -> dict[str, FloatArray]:
    return {"artifact": np.asarray(values, np.float32).reshape(-1, 1)}


@pytest.fixture
def check() -> artifact.Check:
    """Real bare faces get 2 to 4, masked ones 0 to 2; varied harmlessly, all get 0.5 less."""
    real = np.r_[np.linspace(2, 4, 100), np.linspace(0, 2, 100)]
    faces = rows(200, gender=["unknown"] * 200, ethnicity=["bare"] * 100 + ["masked"] * 100)
    check = artifact.Check(artifact.Config())
    check.fit(
        reference(
            Evidence(faces, features={"eye": odds(real), "label": {"features": np.eye(200)}}),
            again=Evidence(faces, features={"eye": odds(real - 0.5)}),
            accuracy=ACCURACY,
        )
    )
    return check


def judge(check: artifact.Check, value: float, group: str = "bare") -> Verdict:
    row = rows(1, gender=["unknown"], ethnicity=[group])
    return check.judge(Evidence(row, features={"eye": odds([value])}))[0]


def test_harmless_variation_is_no_fault(check: artifact.Check) -> None:
    verdict = judge(check, 1.55)
    assert verdict.passed
    # 2 % of a hundred faces varied harmlessly: the second lowest of 1.5 to 3.5.
    assert verdict.threshold == pytest.approx(1.5 + 2 / 99, abs=1e-4)


def test_a_fault_is_refused_in_words(check: artifact.Check) -> None:
    verdict = judge(check, 1.4)
    assert not verdict.passed
    assert verdict.reason == "faults of making: log-odds of 1.4 for being untouched"


def test_each_group_is_held_to_its_own_real_faces(check: artifact.Check) -> None:
    assert judge(check, 0.2, "masked").passed
    assert not judge(check, -0.6, "masked").passed


def test_of_two_judges_the_one_that_doubts_more_decides() -> None:
    faces = rows(100)
    both = {"one": odds(np.full(100, 2.0)), "two": odds(np.full(100, 3.0))}
    check = artifact.Check(artifact.Config())
    check.fit(reference(Evidence(faces, features=both)))
    found = {"one": odds([5.0]), "two": odds([-1.0])}
    verdict = check.judge(Evidence(rows(1), features=found))[0]
    assert verdict.score == -1
    assert not verdict.passed


def test_notes_say_what_the_judge_is_worth(check: artifact.Check) -> None:
    first, worth = check.notes()
    assert "from 200 real faces, each as it is and harmlessly varied" in first
    assert worth == "eye tells right on real held-out faces: blur 0.75 of 8"


def test_not_a_number_and_no_judge(check: artifact.Check) -> None:
    broken = judge(check, float("nan"))
    assert not broken.passed
    assert broken.score is None
    assert broken.reason == "the judge's answer is not a number"
    none = artifact.Check(artifact.Config())
    none.fit(reference(Evidence(rows(60), features={"label": {"features": np.eye(60)}})))
    assert none.judge(Evidence(rows(1)))[0] == Verdict(None, None, passed=True)
    assert none.notes() == ["no judge looks for faults of making: nothing is refused"]
