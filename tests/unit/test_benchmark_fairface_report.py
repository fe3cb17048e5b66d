"""What is kept of a road of real photos, and that no face is."""

import subprocess
from pathlib import Path

import pytest

from augment.errors import UserError
from benchmarks.fairface_report import COPIED, keep, made_with


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    for name in COPIED:
        if "." in name:
            folder.mkdir(exist_ok=True)
            (folder / name).write_text("{}")
        else:
            (folder / name).mkdir(parents=True)
            (folder / name / "one.svg").write_text("<svg/>")
    (folder / "report.html").write_text('<img src="data:image/svg+xml;base64,AAAA">')
    return folder


def test_figures_plots_and_the_page_are_kept(reports: Path, tmp_path: Path) -> None:
    to = tmp_path / "kept"
    to.mkdir()
    (to / "fairness.json").write_text("{}")  # of another benchmark
    (to / "plots").mkdir()
    (to / "plots/old.svg").write_text("<svg/>")
    keep(reports, to)
    assert {path.name for path in to.iterdir()} == {*COPIED, "report.html", "fairness.json"}
    assert [path.name for path in (to / "plots").iterdir()] == ["one.svg"]


@pytest.mark.parametrize("shown", ["data:image/jpeg;base64,AA", "data:image/webp;base64,AA"])
def test_a_page_with_faces_is_refused(reports: Path, tmp_path: Path, shown: str) -> None:
    (reports / "report.html").write_text(f'<img src="{shown}">')
    with pytest.raises(UserError, match="shows faces"):
        keep(reports, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_commit_and_seed_are_those_of_the_road(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: 5\n")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", tmp_path, "add", "."], check=True)
    subprocess.run(["git", "-C", tmp_path, *who, "commit", "-qm", "one"], check=True)
    head = ["git", "-C", str(tmp_path), "rev-parse", "HEAD"]
    one = subprocess.run(head, capture_output=True, text=True, check=True).stdout[:12]
    assert made_with(tmp_path) == {"commit": one, "seed": 5}
    (tmp_path / "params.yaml").write_text("seed: 6\n")
    assert made_with(tmp_path) == {"commit": f"{one}+changes", "seed": 6}


def test_an_unfinished_road_is_refused(reports: Path, tmp_path: Path) -> None:
    (reports / "evaluate.json").unlink()
    with pytest.raises(UserError, match=r"evaluate\.json is missing"):
        keep(reports, tmp_path / "kept")
