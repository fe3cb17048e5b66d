"""Counting what the gate let through, and what refused the rest."""

import pyarrow as pa

from augment.metrics.passes import Tally, failed_checks, tally
from augment.types import Axis, BinSpace

BINS = BinSpace((Axis("gender", ("female", "male")),))
VERDICTS = [
    {"id": "a", "check": "made", "passed": True},
    {"id": "a", "check": "label", "passed": False},
    {"id": "a", "check": "kept", "passed": False},
    {"id": "b", "check": "made", "passed": True},
    {"id": "b", "check": "label", "passed": True},
    {"id": "c", "check": "made", "passed": False},
]


def test_failed_checks_by_candidate() -> None:
    assert failed_checks(VERDICTS) == {"a": ["label", "kept"], "b": [], "c": ["made"]}


def test_tally_by_generator_and_group() -> None:
    rows = pa.table(
        {
            "id": ["a", "b", "c"],
            "generator": ["mask", "mask", "mask"],
            "gender": ["male", "female", "unknown"],
        }
    )
    found = tally(rows, failed_checks(VERDICTS), ["mask", "copies"], BINS)
    mask = found["generator"]["mask"].to_json()
    assert (mask["candidates"], mask["made"], mask["passed"]) == (3, 2, 1)
    assert mask["pass_rate"] == 0.5
    assert mask["refused"] == {"kept": 1, "label": 1, "made": 1}
    assert 0.09 < mask["interval"][0] < 0.1  # Wilson, 1 of 2
    assert found["generator"]["copies"].to_json()["pass_rate"] is None
    assert {name: part.passed for name, part in found["gender"].items()} == {"male": 0, "female": 1}


def test_words() -> None:
    assert Tally().in_words() == "no candidates"
    part = Tally()
    part.add(["label", "kept"])
    part.add(["label"])
    part.add(["made"])
    part.add([])
    assert part.in_words() == "1 of 4 (3 made) passed; refused by label 2, kept 1, made 1"
