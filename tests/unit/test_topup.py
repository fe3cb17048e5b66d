"""topup: what is missing after the gate is ordered again, within bounds, or reported with why."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from augment.generating.operation import MakeFaces
from augment.shards import read_table
from tests.unit.ordering_project import STILL, OrderingProject

ROAD = ("pilot", "plan", "generate", "gate", "topup")


def short(folder: Path, levels: float = 20.0, **plan: Any) -> OrderingProject:
    """No pilot, and one candidate a face: about half of the 18 men pass."""
    road = OrderingProject(folder, levels, pilot={"per_bin": 0})
    road.params["plan"] |= {"spare": 1.0, **plan}
    return road


def test_what_too_few_passed_of_is_ordered_again(tmp_path: Path) -> None:
    road = short(tmp_path).run(*ROAD)
    first = road.passed()
    assert 0 < len(first) < 18
    found = road.json("topup/topup.json")
    assert found["missing_before"] == 18 - len(first)
    assert found["missing"] == 0
    assert found["still_missing"] == []
    assert 1 <= len(found["rounds"]) <= 2
    assert found["cells"][1] == {
        "bin": "male", "deficit": 18, "filled": 18, "orders": {"copies": 18},
    }  # fmt: skip
    made = road.candidates("topup")
    assert sum(row["candidates"] for row in found["rounds"]) == len(made)
    assert sum(row["passed"] for row in found["rounds"]) == len(road.passed("topup"))
    assert len(first) + len(road.passed("topup")) >= 18
    road.run("assemble")
    manifest = road.json("balanced/manifest.json")
    assert manifest["splits"]["train"]["synthetic"] == 18
    assert manifest["still_missing"] == []


def test_further_candidates_are_new_faces(tmp_path: Path) -> None:
    road = short(tmp_path).run(*ROAD)
    first, more = road.candidates(), road.candidates("topup")
    assert more
    everyone = [*first, *more]
    for name in ("id", "seed", "face_hash"):
        assert len({row[name] for row in everyone}) == len(everyone), name
    # Of two equal candidates the check lets the first by id pass: that is the earlier one.
    assert max(row["id"] for row in first) < min(row["id"] for row in more)
    assert {row["id"].split("/")[2].split("-")[0] for row in more} <= {"topup1", "topup2"}


def test_all_rounds_together_keep_the_limit_of_children(tmp_path: Path) -> None:
    road = short(tmp_path, levels=25.0, max_children_per_parent=2).run(*ROAD)
    rows = [*road.candidates(), *road.candidates("topup")]
    children = Counter(parent for row in rows for parent in row["parents"])
    assert max(children.values()) == 2
    found = road.json("topup/topup.json")
    (left,) = found["still_missing"]
    assert left["reason"] == "k children per parent"
    assert left["n"] == found["missing"] > 0
    assert (left["candidates"], left["passed"]) == (24, 18 - found["missing"])


def test_rounds_are_bounded(tmp_path: Path) -> None:
    road = short(tmp_path, levels=28.0, most_spare=1.0)
    road.params["topup"]["rounds"] = 1
    road.run(*ROAD)
    found = road.json("topup/topup.json")
    assert [row["round"] for row in found["rounds"]] == [1]
    (left,) = found["still_missing"]
    assert (left["bin"], left["n"]) == ("male", found["missing"])
    assert left["reason"] == "the limit of top-ups was reached (topup.rounds: 1)"
    assert left["passed"] < left["candidates"]


def test_what_never_passes_ends_with_the_reason(tmp_path: Path) -> None:
    road = short(tmp_path, levels=255.0).run(*ROAD, "assemble")
    found = road.json("topup/topup.json")
    assert found["rounds"] == []  # 18 of 18 were refused: another 18 would be, too
    assert found["missing"] == 18
    assert found["still_missing"] == [
        {
            "bin": "male", "n": 18, "candidates": 18, "passed": 0,
            "reason": "copies: the gate refused all 18 candidates tried (novelty 18)",
        }
    ]  # fmt: skip
    assert road.json("balanced/manifest.json")["still_missing"] == found["still_missing"]


def test_another_generator_takes_over(tmp_path: Path) -> None:
    road = short(tmp_path, levels=8.0)
    road.params["generators"] = {"still": STILL, "lively": {"kind": "copies"}}
    road.params["plan"]["generators"] = {"lively": {"extra_cost": 5}}
    road.run(*ROAD, "assemble")
    assert road.json("plan.json")["cells"][1]["orders"] == {"still": 18}
    found = road.json("topup/topup.json")
    assert found["cells"][1]["orders"] == {"lively": 18}
    assert found["missing"] == 0
    assert road.json("balanced/manifest.json")["generators"] == {"still": 0, "lively": 18}


def test_a_generators_share_holds_over_all_rounds(tmp_path: Path) -> None:
    road = short(tmp_path, levels=2.0, generators={"copies": {"max_share": 0.5}}).run(*ROAD)
    found = road.json("topup/topup.json")
    assert found["cells"][1]["filled"] == 9
    (left,) = found["still_missing"]
    assert (left["n"], left["reason"]) == (9, "generator share")


def test_no_round_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    road = OrderingProject(tmp_path, levels=2.0).run(*ROAD[:-1])

    def refuse(*_: object) -> None:
        raise AssertionError("the gate was asked again")

    monkeypatch.setattr("augment.stages.topup.gate_candidates", refuse)
    road.run("topup", "assemble")
    found = road.json("topup/topup.json")
    assert (found["rounds"], found["missing"]) == ([], 0)
    assert road.candidates("topup") == []
    assert road.json("topup/verdicts/summary.json") == road.json("verdicts/summary.json")


def test_no_rounds_are_allowed(tmp_path: Path) -> None:
    road = short(tmp_path)
    road.params["topup"]["rounds"] = 0
    road.run(*ROAD, "assemble")
    found = road.json("topup/topup.json")
    passed = len(road.passed())
    assert found["missing"] == 18 - passed > 0
    assert found["still_missing"][0]["reason"] == "no top-ups are allowed (topup.rounds: 0)"
    assert road.json("balanced/manifest.json")["splits"]["train"]["synthetic"] == passed


def test_spare_candidates_fill_what_a_limit_left_open(tmp_path: Path) -> None:
    """Only 12 could be ordered, two candidates each; more than 12 of the 24 passed."""
    road = short(tmp_path, levels=2.0, spare=2.0, max_children_per_parent=2)
    road.run(*ROAD, "assemble")
    assert road.json("plan.json")["plan"]["ordered"] == 12
    found = road.json("topup/topup.json")
    assert found["cells"][1]["filled"] == min(18, len(road.passed())) > 12
    synthetic = road.json("balanced/manifest.json")["splits"]["train"]["synthetic"]
    assert synthetic == found["cells"][1]["filled"]


def test_the_summary_counts_both(tmp_path: Path) -> None:
    road = short(tmp_path).run(*ROAD)
    whole = road.json("topup/verdicts/summary.json")["passes"]["generator"]["copies"]
    assert whole["candidates"] == len(road.candidates()) + len(road.candidates("topup"))
    assert whole["passed"] == len(road.passed()) + len(road.passed("topup"))
    assert road.json("verdicts/summary.json")["passes"]["generator"]["copies"]["candidates"] == 18


def test_the_folder_is_finished_and_lists_its_rows(tmp_path: Path) -> None:
    road = short(tmp_path).run(*ROAD)
    ids = read_table(tmp_path / "topup", ["id"]).column("id").to_pylist()
    assert sorted(ids) == sorted(row["id"] for row in road.candidates("topup"))


def test_again_gives_the_same_bytes_and_makes_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = short(tmp_path).run(*ROAD)
    folder = tmp_path / "topup"

    def content() -> dict[str, bytes]:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    before = content()

    def refuse(self: MakeFaces, batch: object) -> None:
        raise AssertionError("a face was made again")

    monkeypatch.setattr(MakeFaces, "__call__", refuse)
    monkeypatch.setattr("augment.gating.operations.decode", refuse)
    road.run("topup")
    assert content() == before


def test_gating_with_other_thresholds_makes_no_face_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Top-ups hang on the verdicts, but whatever was made once is kept."""
    road = OrderingProject(tmp_path, levels=8.0).run(*ROAD)
    road.params["gate"]["checks"]["novelty"]["same_levels"] = 2.0

    def refuse(self: MakeFaces, batch: object) -> None:
        raise AssertionError("a face was made again")

    monkeypatch.setattr(MakeFaces, "__call__", refuse)
    road.run("gate", "topup", "assemble")
    assert road.json("topup/topup.json")["missing"] == 0


def test_without_any_generator(tmp_path: Path) -> None:
    road = OrderingProject(tmp_path)
    road.params["generators"] = {}
    road.run(*ROAD, "assemble")
    missing = [{"bin": "male", "n": 18, "reason": "no generator can make it",
                "candidates": 0, "passed": 0}]  # fmt: skip
    assert road.json("topup/topup.json")["still_missing"] == missing
    assert road.json("balanced/manifest.json")["splits"]["train"]["synthetic"] == 0
