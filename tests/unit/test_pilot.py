"""pilot: a few candidates of every kind, made and gated, so that the plan orders enough."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from augment.errors import UserError
from augment.generating.operation import MakeFaces
from augment.stages import plan
from tests.unit.ordering_project import STILL, OrderingProject

TWO = {"still": STILL, "lively": {"kind": "copies"}}


def refuse(self: MakeFaces, batch: object) -> None:
    raise AssertionError("a face was made")


def test_pass_rates_by_generator_and_bin_with_what_refused(tmp_path: Path) -> None:
    road = OrderingProject(tmp_path, levels=8, generators=TWO).run("pilot")
    found = road.json("pilot.json")
    assert (found["per_bin"], found["candidates"]) == (12, 24)
    cells = {(row["generator"], row["from"], row["to"]): row for row in found["moves"]}
    made = {("still", "male", "male"), ("lively", "male", "male")}  # no woman is lacking
    assert set(cells) == made
    still, lively = cells["still", "male", "male"], cells["lively", "male", "male"]
    assert (still["candidates"], still["made"], still["passed"]) == (12, 12, 0)
    assert still["refused"] == {"novelty": 12}
    assert still["interval"][0] == 0 < still["interval"][1] < 0.3
    assert 0 < lively["passed"] < 12
    assert lively["pass_rate"] == pytest.approx(lively["passed"] / 12, abs=1e-6)
    assert lively["interval"][0] < lively["pass_rate"] < lively["interval"][1]
    assert [row["generator"] for row in found["generators"]] == ["still", "lively"]


def test_a_low_pass_rate_raises_the_orders(tmp_path: Path) -> None:
    orders = {}
    for name, levels in (("high", 2.0), ("low", 20.0)):
        road = OrderingProject(tmp_path / name, levels).run("pilot", "plan")
        rate = road.json("pilot.json")["moves"][0]["pass_rate"]
        totals = road.json("plan.json")["plan"]
        assert totals["ordered"] == 18
        assert totals["candidates"] >= 18 / rate  # a bin in four may fall short by chance
        orders[name] = totals["candidates"]
    assert orders["high"] < orders["low"] <= 6 * 18


def test_what_never_passes_is_not_ordered_and_the_reason_says_so(tmp_path: Path) -> None:
    road = OrderingProject(tmp_path, levels=255).run("pilot", "plan")
    report = road.json("plan.json")
    assert report["plan"] | {"ordered": 0, "unfilled": 18, "candidates": 0} == report["plan"]
    reason = "copies: the gate refused all 12 pilot candidates (novelty 12)"
    assert report["unfilled"] == [{"bin": "male", "n": 18, "reason": reason}]
    assert road.orders().num_rows == 0


def test_another_generator_is_ordered_from_instead(tmp_path: Path) -> None:
    road = OrderingProject(tmp_path, levels=8, generators=TWO).run("pilot", "plan")
    report = road.json("plan.json")
    assert report["cells"][1]["orders"] == {"lively": 18}
    assert report["unfilled"] == []


def test_no_pilot_and_the_factor_is_assumed(tmp_path: Path) -> None:
    road = OrderingProject(tmp_path, pilot={"per_bin": 0})
    road.params["plan"]["spare"] = 1.5
    road.run("pilot", "plan")
    assert road.json("pilot.json") == {"per_bin": 0, "candidates": 0, "generators": [], "moves": []}
    assert road.json("plan.json")["plan"]["candidates"] == math.ceil(18 * 1.5)
    assert not (tmp_path / ".augment").exists()


def test_explain_works_before_the_pilot_and_tells_what_it_assumes(tmp_path: Path) -> None:
    road = OrderingProject(tmp_path)
    assert "assumed (plan.spare); no pilot measured them" in plan.explain(road.job("plan"))
    road.run("pilot")
    assert "from the pass rates of the pilot" in plan.explain(road.job("plan"))


def test_what_the_pilot_made_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = OrderingProject(tmp_path, levels=8).run("pilot")
    before = (tmp_path / "pilot.json").read_bytes()
    road.run("plan", "generate")
    made = road.orders().num_rows
    assert made > 12
    assert road.cached("generate copies") == made  # the pilot's twelve are among them
    (tmp_path / "pilot.json").unlink()
    monkeypatch.setattr(MakeFaces, "__call__", refuse)
    road.run("pilot")
    assert (tmp_path / "pilot.json").read_bytes() == before


def test_nothing_of_it_enters_the_data_set(tmp_path: Path) -> None:
    OrderingProject(tmp_path).run("pilot")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".augment", "aligned", "audit.json", "pilot.json",
    ]  # fmt: skip
    assert not (tmp_path / ".augment" / "pilot").exists()


def test_no_more_candidates_than_a_plan_would_make(tmp_path: Path) -> None:
    road = OrderingProject(tmp_path)
    road.params["plan"] |= {"target": {"kind": "floor", "n": 13}, "most_spare": 3.0}
    road.run("pilot")
    assert road.json("pilot.json")["candidates"] == 3  # one face is lacking


def test_nothing_lacking(tmp_path: Path) -> None:
    road = OrderingProject(tmp_path)
    road.params["plan"]["target"] = {"kind": "floor", "n": 1}
    road.run("pilot", "plan")
    assert road.json("pilot.json")["moves"] == []
    assert road.json("plan.json")["plan"]["deficit"] == 0


def test_the_engine_changes_nothing(tmp_path: Path) -> None:
    found = [
        OrderingProject(tmp_path / engine, levels=8, engine=engine).run("pilot").json("pilot.json")
        for engine in ("inline", "pool")
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        ("pilot", {"per_bin": -1}, "per_bin"),
        ("pilot", {"bins": 3}, "unknown key"),
        ("plan", {"spare": 3.0, "most_spare": 2.0}, "'spare' must not be above 'most_spare'"),
        ("plan", {"generators": {"mask": {}}}, "names 'mask'"),
        ("generators", {"copies": {"kind": "copied"}}, "copied"),
    ],
)
def test_wrong_params_say_so(
    tmp_path: Path, section: str, settings: dict[str, Any], message: str
) -> None:
    road = OrderingProject(tmp_path, **{section: settings})
    with pytest.raises(UserError, match=message):
        road.run("pilot")
    assert not (tmp_path / "pilot.json").exists()


def test_the_report_is_plain_json(tmp_path: Path) -> None:
    OrderingProject(tmp_path).run("pilot")
    text = (tmp_path / "pilot.json").read_text()
    assert json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n" == text
