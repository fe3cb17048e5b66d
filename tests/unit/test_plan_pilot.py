"""The plan after a pilot: candidates follow the pass rates that it measured."""

import json
import math
from pathlib import Path

from tests.unit.test_plan import AGES, orders, people, planned


def pilot_of(folder: Path, **passed: int) -> None:
    """A pilot in which so many of 24 candidates passed, by generator, in each bin."""
    bins = [f"{age} · {gender}" for age in AGES for gender in ("female", "male")]
    rows = [
        {"generator": key, "bin": name, "candidates": 24, "made": 24, "passed": n,
         "refused": {"label": 24 - n}}
        for key, n in passed.items()
        for name in bins
    ]  # fmt: skip
    (folder / "pilot.json").write_text(json.dumps({"bins": rows}))


def test_candidates_follow_the_pass_rates_of_the_pilot(tmp_path: Path) -> None:
    pilot_of(tmp_path, age=6, copies=24)
    report = planned(tmp_path, people(), max_synthetic_share=1.0, max_children_per_parent=40)
    assert report["generators"][0]["pilot"] == {"candidates": 144, "passed": 36}
    # One in four of age's passed: the safe rate, a little lower, is rounded to a factor of 5.25.
    factors = {"age": 5.25, "copies": 1.25}
    for move in report["moves"]:
        assert move["candidates"] == math.ceil(move["faces"] * factors[move["generator"]])
    assert {move["generator"] for move in report["moves"]} == set(factors)
    for entry in report["generators"]:
        assert orders(tmp_path, entry["generator"]).num_rows == entry["candidates"]


def test_what_the_gate_refused_is_unfilled_with_the_reason(tmp_path: Path) -> None:
    pilot_of(tmp_path, age=0, copies=24)
    report = planned(tmp_path, people(), max_synthetic_share=1.0, max_children_per_parent=40)
    assert report["plan"]["ordered"] + report["plan"]["unfilled"] == report["plan"]["deficit"]
    assert {move["generator"] for move in report["moves"]} == {"copies"}
    reason = "age: the gate refused all 24 pilot candidates (label 24)"
    empty = [part for part in report["unfilled"] if part["bin"] == "0-19 · female"]
    assert empty == [{"bin": "0-19 · female", "n": 20, "reason": reason}]
