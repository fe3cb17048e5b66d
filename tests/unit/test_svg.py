"""The report's charts as files."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from augment.job import Job
from tests.unit.road_outputs import write_report, write_road

TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Job:
    job = write_road(tmp_path_factory.mktemp("road"))
    write_report(job)
    return job


def said(path: Path) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.parse(path).iter(TEXT)]


def test_every_chart_of_the_page_is_a_file(road: Job) -> None:
    names = {path.stem for path in road.outputs["figures"].glob("*.svg")}
    assert {"balance_age_group", "balance_gender", "bins_1", "effect_smile_worst_group"} <= names
    assert {"align_failures_gender", "passed_mask_gender", "passed_copies_age_group"} <= names


def test_charts_hold_the_numbers_as_text(road: Job) -> None:
    bins = said(road.outputs["figures"] / "bins_1.svg")
    assert "0" in bins  # the bin that nobody is in
    assert {"young", "adult", "older", "before", "after"} <= set(bins)
    few = said(road.outputs["figures"] / "passed_mask_gender.svg")
    assert any(text.startswith("female (n=") for text in few)


def test_the_same_numbers_give_the_same_bytes(road: Job) -> None:
    folder = road.outputs["figures"]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_report(road)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
