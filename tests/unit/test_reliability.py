"""Judges' own errors, told and passed on."""

from typing import Any

import pytest

from augment.metrics.proportion import wilson_interval
from augment.metrics.reliability import (
    judge_words,
    rows_of_group,
    widened_interval,
)
from augment.types import Axis, BinSpace

BINS = BinSpace(
    (Axis("age_group", ("young", "old"), {"0-9": "young", "10-19": "young"}),
     Axis("mask", ("no", "yes")))
)  # fmt: skip


def row(by: str, group: str, hits: int, n: int, label: str = "age_group") -> dict[str, Any]:
    return {"label": label, "by": by, "group": group, "n": n,
            "accuracy": hits / n if n else None,
            "interval": list(wilson_interval(hits, n)) if n else None}  # fmt: skip


ROWS = [row("all", "all", 160, 200), row("age_group", "0-9", 90, 100),
        row("age_group", "10-19", 9, 10), row("age_group", "old", 10, 40),
        row("skin_tone", "9", 0, 0)]  # fmt: skip


def test_a_judge_says_where_it_is_weaker() -> None:
    told = judge_words("attributes", ROWS)
    assert told["kind"] == "attributes"
    assert told["accuracy"] == ROWS
    assert [(r["group"], r["overall"]) for r in told["weaker"]] == [("old", 0.8)]


def test_rows_of_a_group_join_merged_words_and_bins() -> None:
    (young,) = rows_of_group({"j": ROWS}, ["age_group"], "age_group", "young", BINS)
    assert (young["n"], young["accuracy"]) == (110, pytest.approx(0.9))
    (bin_row,) = rows_of_group({"j": ROWS}, ["age_group"], "bin", "old · mask yes", BINS)
    assert bin_row["n"] == 40
    # Not measured on the group: what is known of all.
    (unknown,) = rows_of_group({"j": ROWS}, ["age_group"], "skin_tone", "9", BINS)
    assert unknown["n"] == 200
    assert rows_of_group({"j": ROWS}, ["gender"], "skin_tone", "9", BINS) == []


def test_without_judges_the_interval_is_wilsons() -> None:
    assert widened_interval(30, 40, []) == pytest.approx(wilson_interval(30, 40))


def test_a_weaker_judge_makes_it_wider() -> None:
    low, high = wilson_interval(30, 40)
    sure = widened_interval(30, 40, [row("all", "all", 950, 1000)])
    unsure = widened_interval(30, 40, [row("all", "all", 10, 40)])
    assert unsure[0] < sure[0] < low
    assert high < sure[1] < unsure[1]
    # By hand: 0.75 - sqrt((0.75 - low)^2 + (0.75 * (1 - 0.14187 / 0.25))^2).
    assert wilson_interval(10, 40)[0] == pytest.approx(0.14187, abs=1e-5)
    expected = 0.75 - ((0.75 - low) ** 2 + (0.75 * (1 - 0.14187 / 0.25)) ** 2) ** 0.5
    assert unsure[0] == pytest.approx(expected, abs=1e-4)


def test_the_least_certain_judge_counts_and_ends_stay_shares() -> None:
    both = widened_interval(39, 40, [row("all", "all", 950, 1000), row("all", "all", 1, 40)])
    assert both == widened_interval(39, 40, [row("all", "all", 1, 40)])
    assert widened_interval(40, 40, [row("all", "all", 0, 10)]) == (0.0, 1.0)
    assert widened_interval(0, 40, [row("all", "all", 0, 10)])[0] == 0.0
