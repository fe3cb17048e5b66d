"""Every check keeps the promises of ``protocols.Check``."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from augment.images import decode
from augment.plugins import load, names
from augment.protocols import Check, Evidence, Reference
from augment.schema import aligned_schema, candidate_schema, table
from augment.seeds import row_generator
from tests.unit.gate_rows import BINS, LABELS, face, masked, picture

VALUES = {"judge": {"gender": ("female", "male"), "mask": ("no", "yes")}}


def opinions(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A judge that is right, with the confidence that a hash of the row's name gives."""
    found = {}
    for label, values in VALUES["judge"].items():
        sure = [0.7 + 0.3 * (len(row["id"]) * 37 % 100) / 100 for row in rows]
        of_second = [s if row[label] == values[1] else 1 - s
                     for s, row in zip(sure, rows, strict=True)]  # fmt: skip
        second = np.array(of_second, np.float32)
        found[label] = np.stack([1 - second, second], axis=1)
    return {"judge": found}


def features(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A judge that knows everybody again (numbers of length 1, a candidate's like its parent's),
    and one that sees no fault in anybody."""
    people = [row.get("parents", [row["id"]])[0] for row in rows]
    drawn = [row_generator(7, "person", person).normal(size=8) for person in people]
    numbers = np.array(drawn, np.float32).reshape(len(rows), 8)
    known = numbers / np.linalg.norm(numbers, axis=1, keepdims=True)
    untouched = np.array([[len(row["id"]) % 5 + 1] for row in rows], np.float32).reshape(-1, 1)
    return {"judge": {"identity": known, "artifact": untouched}}


def evidence(rows: list[dict[str, Any]], schema: Any, check: Check) -> Evidence:
    measured: dict[str, Any] = {name: [] for name in check.measures}
    for row in rows:
        found = check.measure(decode(row["image"]["bytes"]))
        for name in check.measures:
            measured[name].append(found[name])
    shaped = {
        name: np.array(values, np.float32).reshape(len(rows), check.measures[name])
        for name, values in measured.items()
    }
    faces = table(rows, schema).drop_columns(["image"])
    return Evidence(faces, opinions(rows), shaped, features(rows))


REAL = [
    face(f"s/{n:03d}", gender="male" if n % 2 else "female", mask="yes" if n % 3 == 0 else "no")
    for n in range(90)
]
BARE = [row for row in REAL if row["mask"] == "no"]


@pytest.fixture(params=names("checks"))
def check(request: pytest.FixtureRequest) -> Check:
    module = load("checks", request.param)
    made: Check = module.Check(module.Config())
    return made


@pytest.fixture
def fitted(check: Check) -> Check:
    real = evidence(REAL, aligned_schema(LABELS), check)
    check.fit(
        Reference(
            bins=BINS, groups=("ethnicity",), values=VALUES, unseen=real, again=real, parents=real,
            hashes=real.rows.select(["id", "split", "face_hash"]), false_rejection=0.02,
            smallest_group=20,
        )
    )  # fmt: skip
    return check


def candidates(check: Check, rows: list[dict[str, Any]]) -> Evidence:
    return evidence(rows, candidate_schema(LABELS), check)


def test_measures_are_what_it_says_and_depend_on_the_picture_alone(check: Check) -> None:
    image = picture("someone", REAL[0])
    found = check.measure(image)
    assert set(found) == set(check.measures)
    for name, count in check.measures.items():
        assert found[name].shape == (count,)
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], check.measure(image.copy())[name])


def test_one_verdict_a_candidate_that_makes_sense(fitted: Check) -> None:
    rows = [masked(parent) for parent in BARE[:8]]
    verdicts = fitted.judge(candidates(fitted, rows))
    assert len(verdicts) == 8
    for verdict in verdicts:
        assert bool(verdict.reason) is not verdict.passed
        if verdict.score is not None and verdict.threshold is not None:
            assert np.isfinite(verdict.score)
            assert verdict.passed is (verdict.score >= verdict.threshold)


def test_verdicts_follow_their_candidates(fitted: Check) -> None:
    rows = [masked(parent) for parent in BARE[:6]]
    there = fitted.judge(candidates(fitted, rows))
    back = fitted.judge(candidates(fitted, rows[::-1]))
    assert there == back[::-1]


def test_what_is_not_a_number_is_refused_in_words_or_not_looked_at(fitted: Check) -> None:
    good = candidates(fitted, [masked(BARE[0])])
    broken = Evidence(
        good.rows,
        {"judge": {name: np.full_like(v, np.nan) for name, v in good.opinions["judge"].items()}},
        {name: np.full_like(values, np.nan) for name, values in good.measures.items()},
        {"judge": {n: np.full_like(v, np.nan) for n, v in good.features["judge"].items()}},
    )
    verdict = fitted.judge(broken)[0]
    assert not verdict.passed
    assert verdict.reason
    assert verdict.score is None


def test_no_candidates_no_verdicts(fitted: Check) -> None:
    assert fitted.judge(candidates(fitted, [])) == []


def test_without_real_faces_and_judges_nothing_breaks(check: Check) -> None:
    none = Evidence(
        table([], aligned_schema(LABELS)),
        measures={name: np.zeros((0, n), np.float32) for name, n in check.measures.items()},
    )
    parents = evidence(REAL, aligned_schema(LABELS), check)
    check.fit(
        Reference(
            bins=BINS, groups=(), values={}, unseen=none, again=none, parents=parents,
            hashes=parents.rows.select(["id", "split", "face_hash"]).slice(0, 0),
            false_rejection=0.02, smallest_group=20,
        )
    )  # fmt: skip
    assert len(check.judge(candidates(check, [masked(BARE[0])]))) == 1
    assert all(isinstance(note, str) for note in check.notes())


def test_checks_do_not_import_torch() -> None:
    modules = ", ".join(f"augment.checks.{name}" for name in names("checks"))
    script = f"import {modules}, augment.stages.gate, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
