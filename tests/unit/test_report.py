"""The report: self-contained, complete, honest about small numbers, and discreet about people."""

import base64
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.errors import UserError
from augment.images import decode, encode
from augment.job import Job
from augment.reporting.balance import SHADES, axis_bars, heat_maps, shade
from augment.reporting.dots import Dot, chart
from augment.reporting.faces import SIDE, Album, Outline, Visibility, choose, data_uri
from augment.reporting.numbers import between, limit, points, share, share_of
from augment.reporting.summary import text
from augment.shards import read_table, write_bucketed
from augment.stages import report
from augment.types import Axis, BinSpace
from tests.unit.road_outputs import write_report, write_road

SPACE = BinSpace((Axis("age_group", ("young", "older")), Axis("gender", ("female", "male", "x"))))


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return write_road(tmp_path_factory.mktemp("road"))


@pytest.fixture(scope="module")
def page(road: Job) -> str:
    return write_report(road)


def with_report(job: Job, kind: str = "drawn", **settings: Any) -> str:
    params = dict(job.params) | {
        "report": settings,
        "ingest": {"sources": {"faces": {"kind": kind}}},
    }
    return write_report(replace(job, params=params))


def edited(job: Job, folder: Path, name: str, edit: Callable[[Any], Any]) -> Job:
    """The same road with one of its JSON files changed."""
    content = edit(json.loads(job.inputs[name].read_text()))
    (folder / name).write_text(json.dumps(content))
    return replace(
        job,
        inputs=dict(job.inputs) | {name: folder / name},
        outputs=dict(job.outputs) | {"report.html": folder / "report.html"},
    )


def test_the_gate_says_how_good_its_judges_are_and_whom_it_refuses(page: str, road: Job) -> None:
    summary = json.loads((road.inputs["topup"] / "verdicts" / "summary.json").read_text())
    assert "2.5 % (n=120)" in page  # of the real faces
    (weaker,) = {row["group"] for row in summary["judges"]["attributes"]["weaker"]}
    assert f"on gender {weaker}" in page
    for sentence in summary["findings"]:
        assert escape(sentence) in page
    mask = summary["refusals"]["mask"]["gender"]["male"]
    assert f"{100 * mask['share']:.1f} % (n={mask['candidates']})" in page


def test_fidelity_by_group_or_why_there_is_none(page: str, road: Job) -> None:
    found = json.loads(road.inputs["fidelity.json"].read_text())["generators"]["mask"]["all"]
    ratio = found["likeness"]["hand/features"]["fd_ratio"]
    assert f"{ratio['value']:.2f} ({ratio['interval'][0]:.2f} to".replace("-", "−") in page
    assert "too few (n=4)" in page
    assert "no candidate passed" in page
    assert "made up for a test" in page


def test_nothing_on_the_page_is_fetched(page: str) -> None:
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert not re.search(r"url\(|@import|https?://", page)
    assert "default-src 'none'" in page
    assert len(page) < 15_000_000


def test_same_inputs_same_page(road: Job, page: str) -> None:
    assert write_report(road) == page


def test_every_part_is_there(page: str) -> None:
    for part in ("glance", "balance", "failures", "plan", "generators", "downstream", "gallery",
                 "provenance"):  # fmt: skip
        assert f'<section id="{part}"' in page
        assert f'href="#{part}"' in page


def test_figures_are_those_of_the_metrics(road: Job, page: str) -> None:
    metrics = json.loads(road.inputs["metrics.json"].read_text())
    assert f"{metrics['audit']['aligned']} of {metrics['audit']['faces']} faces" in page
    assert f"{metrics['plan']['deficit']} faces were missing" in page
    balanced = metrics["evaluate"]["smile"]["balanced"]
    assert f"<b>{100 * balanced['overall']:.1f} %</b>" in page
    made, passed = (
        sum(n[name] for n in metrics["generate"].values()) for name in ("made", "passed")
    )
    assert f"{made} synthetic faces were\n    made, {passed} passed every check" in page


def test_drawn_faces_are_shown_with_words_for_those_who_do_not_see_them(page: str) -> None:
    pictures = re.findall(r"<img [^>]*>", page)
    assert len(pictures) > 200
    assert all(re.search(r'alt="[^"]+"', picture) for picture in pictures)
    content = base64.b64decode(re.findall(r"base64,([^\"]+)", page)[0])
    assert decode(content).shape == (64, 64, 3)


def test_real_people_are_not_shown_unless_params_say_so(road: Job) -> None:
    hidden = with_report(road, kind="folder")
    assert "data:image" not in hidden
    assert "not shown: made from photographs of real people" in hidden
    assert "report.show_real_faces" in hidden
    assert "data:image" in with_report(road, kind="folder", show_real_faces=True)
    assert "data:image" in with_report(road, kind="folder", show_sources=["faces"])
    assert "data:image" not in with_report(road, kind="folder", show_sources=["others"])


def test_gallery_and_strips_keep_to_their_limits(road: Job) -> None:
    page = with_report(road, gallery=10, strip=2)
    assert page.count('<figure class="card') == 10 + 2 * 2 * 2
    assert "There are no candidates to show." in with_report(road, gallery=0)


def test_reasons_stand_beside_refused_candidates(page: str) -> None:
    assert re.search(r"label: judged &#39;female&#39; \(\d+ %\)", page)
    assert "made: the parent shows no mouth" in page
    assert "the judge knows no &#39;smile&#39;" in page


def test_words_of_a_data_set_cannot_run_in_the_page(road: Job, tmp_path: Path) -> None:
    def poison(audit: Any) -> Any:
        audit["not_usable"][0]["reason"] = "<script>alert(1)</script>"
        return audit

    page = write_report(edited(road, tmp_path, "audit.json", poison))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_no_task_is_said_in_words(road: Job, tmp_path: Path) -> None:
    def without(content: Mapping[str, Any]) -> Any:
        return {**content, "tasks": {}}

    page = write_report(edited(road, tmp_path, "evaluate.json", without))
    assert "so no classifier was trained" in page


def test_a_share_of_few_is_no_percentage() -> None:
    assert share_of(3, 4) == "3 of 4"
    assert share_of(0, 0) == "n=0"
    assert share_of(15, 20) == "75.0 % (n=20)"
    assert share(None) == "–"
    assert between([0.78, 0.84]) == "78.0–84.0 %"
    assert points(0.031, [-0.004, 0.065]) == "+3.1 points (−0.4 to +6.5)"
    assert limit("synthetic share").endswith("(plan.max_synthetic_share)")
    assert limit("something new") == "something new"


def test_bars_sum_over_the_other_axes() -> None:
    before, added = np.array([5, 1, 0, 2, 2, 2]), np.array([0, 4, 5, 3, 3, 3])
    ages, genders = axis_bars(SPACE, before, added, np.full(6, 5))
    assert [(row.label, row.before, row.added, row.target) for row in ages.rows] == [
        ("young", 6, 9, 15),
        ("older", 6, 9, 15),
    ]
    assert [row.after for row in genders.rows] == [10, 10, 10]
    assert (ages.scale, genders.scale) == (15, 10)


def test_heat_maps_put_the_longer_axis_into_rows_and_name_every_bin() -> None:
    counts = np.arange(6)
    maps = heat_maps(SPACE, counts, counts + 10, np.full(6, 5))
    assert maps is not None
    assert (maps.row_axis, maps.column_axis) == ("gender", "age_group")
    before = maps.facets[0].before.cells
    assert [[cell.name for cell in row] for row in before][2] == ["young · x", "older · x"]
    assert [[cell.count for cell in row] for row in before] == [[0, 3], [1, 4], [2, 5]]
    assert heat_maps(BinSpace(SPACE.axes[:1]), counts[:2], counts[:2], None) is None


def test_further_axes_become_facets() -> None:
    space = BinSpace((*SPACE.axes, Axis("mask", ("no", "yes"))))
    maps = heat_maps(space, np.arange(12), np.arange(12), None)
    assert maps is not None
    assert [facet.title for facet in maps.facets] == ["mask no", "mask yes"]
    assert maps.facets[1].after.cells[0][0].name == "young · female · mask yes"


def test_shades_say_empty_and_full_exactly() -> None:
    assert [shade(n, 10) for n in (0, 1, 9, 10, 11)] == [0, 1, 5, SHADES, SHADES]
    assert shade(1, 1_000_000) == 1
    assert shade(5, 0) == SHADES


def test_a_chart_holds_its_whiskers_between_round_ends() -> None:
    dots = chart("worst_group", "x", [Dot("a", 0.72, (0.664, 0.781)), Dot("b", 0.8, (0.75, 0.85))])
    assert (dots.low, dots.high) == (0.65, 0.85)
    assert dots.ticks == (0.65, 0.7, 0.75, 0.8, 0.85)
    assert (dots.at(0.65), dots.at(0.75), dots.at(0.85)) == (0, 50, 100)
    flat = chart("worst_group", "x", [Dot("a", 1.0, (1.0, 1.0))])
    assert flat.high > flat.low


def test_choosing_shows_every_generator_verdict_and_bin_first() -> None:
    many = [Outline(f"m{n}", "mask", "common", passed=True) for n in range(500)]
    rare = [
        Outline("r1", "mask", "common", passed=False),
        Outline("r2", "mask", "rare", passed=True),
        Outline("r3", "copies", "common", passed=True),
    ]
    chosen = choose([*many, *rare], 6)
    assert {"r1", "r2", "r3"} <= set(chosen)
    assert len(chosen) == 6
    assert choose([*rare, *reversed(many)], 6) == chosen
    assert choose([], 5) == []


def test_a_face_is_hidden_where_any_of_its_parents_is() -> None:
    allowed = Visibility(everything=False, sources=frozenset({"drawn"}))
    assert allowed.allows(["drawn/1", "drawn/2"])
    assert not allowed.allows(["drawn/1", "mine/2"])
    assert not allowed.allows([])
    assert Visibility(everything=True, sources=frozenset()).allows(["mine/2"])


def test_pictures_are_made_small_and_stop_at_the_limit() -> None:
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    uri = data_uri(encode(image))
    assert decode(base64.b64decode(uri.split(",")[1])).shape == (SIDE, SIDE, 3)
    album = Album(Visibility(everything=True, sources=frozenset()), most_bytes=len(uri) + 10)
    assert album.real("a/1", encode(image), "a face").uri == uri
    assert "too large" in album.real("a/2", encode(image), "a face").absent
    assert album.real("a/3", None, "a face").absent == "no picture"


def test_summary_says_where_things_are_in_ten_lines(road: Job) -> None:
    folder = road.outputs["report.html"].parent
    lines = text(folder, folder / "balanced").splitlines()
    metrics = json.loads(road.inputs["metrics.json"].read_text())
    assert len(lines) <= 10
    assert lines[-2].endswith(str(folder / "balanced"))
    assert lines[-1].endswith(str(folder / "report.html"))
    assert f"{metrics['audit']['evenness_before']:.3f} -> " in "\n".join(lines)
    manifest = json.loads((folder / "balanced" / "manifest.json").read_text())
    lacking = sum(row["n"] for row in manifest["still_missing"])
    assert lacking > 0
    assert f"; {lacking} are still missing (" in "\n".join(lines)


def test_the_page_says_what_is_still_missing_and_why(road: Job) -> None:
    page = write_report(road)
    assert "Still missing after the gate and 0 further orders, and why" in page
    assert "no top-ups are allowed (topup.rounds: 0)" in page
    assert "What is still missing, bin by bin" in page
    rows = json.loads((road.inputs["topup"] / "topup.json").read_text())["still_missing"]
    for reason in {row["reason"] for row in rows}:
        lacking = [row["n"] for row in rows if row["reason"] == reason]
        assert f'<td class="num">{sum(lacking)}</td><td class="num">{len(lacking)}</td>' in page


def test_summary_of_an_unfinished_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run `dvc repro` first"):
        text(tmp_path, tmp_path / "balanced")


def test_a_road_that_has_not_run_is_one_sentence(road: Job, tmp_path: Path) -> None:
    nothing = replace(road, inputs={name: tmp_path / name for name in road.inputs})
    with pytest.raises(UserError, match=r"audit.json is missing: run the stage"):
        report.run(nothing)


def test_without_generators_the_page_says_so(road: Job, tmp_path: Path) -> None:
    params = dict(road.params) | {"generators": {}}
    outputs = dict(road.outputs) | {"report.html": tmp_path / "report.html"}
    leave = shutil.ignore_patterns("copies", "mask")
    shutil.copytree(road.inputs["topup"], tmp_path / "topup", ignore=leave)
    inputs = dict(road.inputs) | {name: tmp_path / name for name in ("candidates", "topup")}
    page = write_report(replace(road, params=params, inputs=inputs, outputs=outputs))
    assert "No generator is named in the parameters" in page
    assert "There are no candidates to show." in page


def test_all_candidates_refused_is_no_percentage_of_nothing(road: Job, tmp_path: Path) -> None:
    verdicts = read_table(road.inputs["verdicts"])
    refused = pa.array([False] * len(verdicts))
    place = verdicts.schema.get_field_index("passed")
    folder = tmp_path / "verdicts"
    write_bucketed(folder, verdicts.set_column(place, "passed", refused), 2)
    summary = (road.inputs["verdicts"] / "summary.json").read_text()
    (folder / "summary.json").write_text(summary)
    inputs = dict(road.inputs) | {"verdicts": folder}
    outputs = dict(road.outputs) | {"report.html": tmp_path / "report.html"}
    page = write_report(replace(road, inputs=inputs, outputs=outputs))
    assert page.count("No candidate of this generator passed.") == 2
    assert "n=0: too few for a share" in page
