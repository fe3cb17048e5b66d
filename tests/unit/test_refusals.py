"""Whom the gate refuses more, in figures and sentences."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.metrics.proportion import difference_interval, wilson_interval
from augment.metrics.refusals import Refusals
from augment.types import Axis, BinSpace

BINS = BinSpace((Axis("gender", ("female", "male")),))


def refusals(groups: dict[tuple[str, str, str], tuple[int, int]], **changed: Any) -> Refusals:
    """(generator, gender, tone) -> (refused, candidates); all refused by the check "kept"."""
    rows, failed = [], {}
    for (generator, gender, tone), (refused, n) in groups.items():
        for number in range(n):
            name = f"{generator}/{gender}/{tone}/{number}"
            rows.append({"id": name, "generator": generator, "gender": gender, "skin_tone": tone})
            failed[name] = ["kept"] if number < refused else []
    schema = pa.schema([(n, pa.string()) for n in ("id", "generator", "gender", "skin_tone")])
    keys = changed.get("keys", sorted({key for key, _, _ in groups}))
    return Refusals.of(pa.Table.from_pylist(rows, schema), failed, keys,
                       ["made", "label", "kept"], BINS, ["skin_tone"])  # fmt: skip


def test_shares_by_generator_group_and_check() -> None:
    found = refusals({("mask", "female", "1"): (5, 20), ("mask", "male", "9"): (0, 30)}).to_json()
    part = found["mask"]["gender"]["female"]
    assert (part["candidates"], part["refused"], part["share"]) == (20, 5, 0.25)
    assert part["checks"]["label"]["share"] == 0.0
    assert part["checks"]["kept"]["interval"] == pytest.approx(
        list(wilson_interval(5, 20)), abs=1e-6
    )
    assert set(part["checks"]) == {"label", "kept"}
    assert found["mask"]["all"]["all"]["candidates"] == 50
    assert set(found["mask"]) == {"all", "bin", "gender", "skin_tone"}


def test_a_group_that_is_refused_more_is_named_with_its_check() -> None:
    findings = refusals(
        {("mask", "female", "1"): (10, 200), ("mask", "male", "1"): (60, 200)}
    ).findings()
    low, high = difference_interval((60, 200), (10, 200))
    assert findings[0] == (
        "mask: 30.0 % of gender male are refused (n=200), 5.0 % of the others (n=200): 25.0 points "
        f"more, 95 % interval {100 * low:.1f} to {100 * high:.1f}, most of it by kept (+25.0). "
        "More than chance also with 1 comparisons made at once (Bonferroni)."
    )
    assert findings[1] == "mask: fewer than two groups of skin tone have 20 candidates to compare."


def test_groups_are_compared_within_a_generator_only() -> None:
    """Women come from a generator that is refused often: no difference between the genders."""
    findings = refusals(
        {
            ("age", "female", "1"): (90, 180), ("age", "male", "1"): (10, 20),
            ("mask", "female", "1"): (1, 20), ("mask", "male", "1"): (9, 180),
        }
    ).findings()  # fmt: skip
    assert [f for f in findings if "gender" in f] == [
        "age: no difference shown between 2 groups of gender (20 to 180 candidates each).",
        "mask: no difference shown between 2 groups of gender (20 to 180 candidates each).",
    ]


def test_many_comparisons_ask_for_more_than_one_does() -> None:
    """9 % against 4 % would be a finding alone; one of twenty such groups is not."""
    alone = {("mask", "female", "1"): (9, 100), ("mask", "female", "2"): (76, 1900)}
    assert "points more" in refusals(alone).findings()[1]
    many = {("mask", "female", "0"): (9, 100)} | {
        ("mask", "female", str(tone)): (4, 100) for tone in range(1, 20)
    }
    assert refusals(many).findings()[1].startswith("mask: no difference shown between 20 groups")


def test_chance_alone_is_seldom_called_a_difference() -> None:
    random = np.random.default_rng(3)
    named = 0
    for _ in range(100):
        counts = random.binomial(60, 0.2, 10)
        groups = {("m", "female", str(k)): (int(c), 60) for k, c in enumerate(counts)}
        named += any("points more" in sentence for sentence in refusals(groups).findings())
    assert named <= 8


def test_never_a_percentage_of_nothing() -> None:
    found = refusals({("mask", "female", "1"): (30, 30)}, keys=["mask", "copies"])
    assert found.to_json()["copies"]["all"]["all"] == {
        "candidates": 0, "refused": 0, "share": None, "interval": None,
        "checks": {name: {"refused": 0, "share": None, "interval": None}
                   for name in ("label", "kept")},
    }  # fmt: skip
    assert found.findings() == [
        "mask: every one of its 30 candidates was refused, in any group.",
        "copies: it has no candidate with a picture: nothing to compare.",
    ]
    assert refusals({}, keys=["mask"]).findings() == [
        "mask: it has no candidate with a picture: nothing to compare."
    ]
    assert "none of its 25" in refusals({("mask", "female", "1"): (0, 25)}).findings()[0]


def test_difference_of_two_shares() -> None:
    """Newcombe 1998, table II, 56/70 against 48/80, method 10."""
    assert difference_interval((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    low, high = difference_interval((0, 10), (0, 20))
    assert low < 0 < high
