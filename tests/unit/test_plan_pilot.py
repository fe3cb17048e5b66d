"""The plan after a pilot: candidates follow the pass rates that it measured."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

from tests.unit.test_plan import AGES, orders, people, planned


def pilot_of(folder: Path, near: int, far: int, copies: int) -> None:
    """A pilot in which so many of 12 candidates passed of each move of ``age``, to the next group
    or farther, and of 24 of each of ``copies``."""
    rows = []
    for gender in ("female", "male"):
        bins = [f"{age} · {gender}" for age in AGES]
        rows += [_row("copies", name, name, 24, copies) for name in bins]
        for (place, start), (other, end) in itertools.permutations(enumerate(bins), 2):
            rows.append(_row("age", start, end, 12, near if abs(place - other) == 1 else far))
    (folder / "pilot.json").write_text(json.dumps({"moves": rows}))


def _row(key: str, start: str, end: str, n: int, passed: int) -> dict[str, Any]:
    return {"generator": key, "from": start, "to": end, "candidates": n, "made": n,
            "passed": passed, "refused": {"label": n - passed}}  # fmt: skip


def test_candidates_follow_the_pass_rates_of_the_pilot(tmp_path: Path) -> None:
    pilot_of(tmp_path, near=6, far=6, copies=24)
    report = planned(tmp_path, people(), max_synthetic_share=1.0, max_children_per_parent=40)
    assert report["generators"][0]["pilot"] == {"candidates": 144, "passed": 72}
    # Half of age's passed: the safe rate, a little lower, is rounded to a factor of 2.5.
    factors = {"age": 2.5, "copies": 1.0}
    for move in report["moves"]:
        assert move["candidates"] == math.ceil(move["faces"] * factors[move["generator"]])
    assert {move["generator"] for move in report["moves"]} == set(factors)
    for entry in report["generators"]:
        assert orders(tmp_path, entry["generator"]).num_rows == entry["candidates"]


def test_what_the_gate_refused_is_unfilled_with_the_reason(tmp_path: Path) -> None:
    pilot_of(tmp_path, near=0, far=0, copies=24)
    report = planned(tmp_path, people(), max_synthetic_share=1.0, max_children_per_parent=40)
    assert report["plan"]["ordered"] + report["plan"]["unfilled"] == report["plan"]["deficit"]
    assert {move["generator"] for move in report["moves"]} == {"copies"}
    reason = "age: the gate refused all 24 pilot candidates (label 24)"
    empty = [part for part in report["unfilled"] if part["bin"] == "0-19 · female"]
    assert empty == [{"bin": "0-19 · female", "n": 20, "reason": reason}]


def test_donors_whose_faces_pass_come_before_nearer_ones_that_hardly_do(tmp_path: Path) -> None:
    """Neighbours would need more candidates a face than are made: they wait."""
    pilot_of(tmp_path, near=0, far=11, copies=24)
    limits = {"max_synthetic_share": 1.0, "max_children_per_parent": 40}
    report = planned(tmp_path, people(), **limits)
    moves = {(move["from"], move["to"]) for move in report["moves"] if move["generator"] == "age"}
    assert moves == {
        (f"{start} · {gender}", f"{end} · {gender}")
        for start, end, gender in (("40+", "0-19", "female"), ("0-19", "40+", "male"))
    }
    pilot_of(tmp_path, near=8, far=11, copies=24)
    report = planned(tmp_path, people(), **limits)
    moves = {(move["from"], move["to"]) for move in report["moves"] if move["generator"] == "age"}
    assert ("20-39 · female", "0-19 · female") in moves
