"""The summary of a run of the gate: judges, pass rates and refusals side by side."""

import json
from typing import Any

import pytest

from augment.gating.examine import Examined
from augment.gating.faces import FacesOf, GateFaces
from augment.gating.verdicts import Config, Gated, summarise
from augment.metrics.proportion import wilson_interval
from augment.metrics.reliability import judge_words
from augment.protocols import Verdict
from augment.schema import candidate_schema, table
from tests.unit.gate_rows import BINS, LABELS, face, masked

CHECKS = {"label": {"kind": "label"}}


def accuracy(by: str, group: str, hits: int, n: int) -> dict[str, Any]:
    return {"label": "mask", "by": by, "group": group, "n": n, "accuracy": hits / n,
            "interval": list(wilson_interval(hits, n))}  # fmt: skip


ROWS = [accuracy("all", "all", 190, 200), accuracy("gender", "female", 99, 100),
        accuracy("gender", "male", 12, 20)]  # fmt: skip


@pytest.fixture
def gated() -> Gated:
    """30 women and 30 men; 3 and 20 of them are refused."""
    rows = [masked(face(f"s/{n}", gender="male" if n % 2 else "female")) for n in range(60)]
    failing = {rows[n]["id"] for n in range(0, 6, 2)} | {rows[n]["id"] for n in range(1, 41, 2)}
    faces = table(rows, candidate_schema(LABELS)).drop_columns(["image", "points"])
    nobody = FacesOf((), faces.slice(0, 0))
    verdicts = [Verdict(0.5, 0.4, row["id"] not in failing, "") for row in rows]
    told = {"attributes": judge_words("attributes", ROWS)}
    found = [{"id": row["id"], "generator": "mask", "check": "label",
              "passed": row["id"] not in failing, "reason": ""} for row in rows]  # fmt: skip
    return Gated(
        GateFaces(FacesOf((), faces), faces.slice(0, 0), nobody, nobody, faces.slice(0, 0)),
        Examined({"label": verdicts}, {"label": ["a note"]}, None, told),
        found,
    )


def test_judges_stand_beside_their_verdicts(
    gated: Gated, capsys: pytest.CaptureFixture[str]
) -> None:
    found = summarise(gated, gated.rows, ["mask"], BINS, Config(checks=CHECKS))
    judge = found["judges"]["attributes"]
    assert judge["kind"] == "attributes"
    assert judge["accuracy"] == ROWS
    assert [(row["by"], row["group"]) for row in judge["weaker"]] == [("gender", "male")]
    json.dumps(found, allow_nan=False)
    errors = capsys.readouterr().err
    assert "gate: mask: 66.7 % of gender male are refused" in errors
    assert found["checks"]["label"] == ["a note"]


def test_where_the_judge_is_weaker_the_interval_is_wider(gated: Gated) -> None:
    parts = summarise(gated, gated.rows, ["mask"], BINS, Config(checks=CHECKS))["passes"]["gender"]
    for name, passed in (("female", 27), ("male", 10)):
        plain, wide = parts[name]["interval"], parts[name]["interval_with_judges"]
        assert parts[name]["passed"] == passed
        assert plain == pytest.approx(list(wilson_interval(passed, 30)), abs=1e-6)
        assert wide[0] <= plain[0] < plain[1] <= wide[1]

    def growth(name: str) -> float:
        wide, plain = parts[name]["interval_with_judges"], parts[name]["interval"]
        return float((wide[1] - wide[0]) / (plain[1] - plain[0]))

    assert growth("male") > 1.1 > growth("female")


def test_who_is_refused_more_is_said(gated: Gated) -> None:
    found = summarise(gated, gated.rows, ["mask", "copies"], BINS, Config(checks=CHECKS))
    assert found["findings"][0].startswith("mask: 66.7 % of gender male are refused (n=30), 10.0 %")
    assert "copies: it has no candidate with a picture: nothing to compare." in found["findings"]
    assert found["refusals"]["mask"]["gender"]["male"]["checks"]["label"]["refused"] == 20
    assert found["passes"]["generator"]["copies"]["interval_with_judges"] is None
