import json
import subprocess
from pathlib import Path

import pytest

from augment.figures import Figure, command, commit, write_figures


def figure(value: float, arch: str = "unet", group: str = "all") -> Figure:
    return Figure("iou", arch, "masked_pairs", value, "ratio", "higher", 54, group=group)


def rows(path: Path) -> list[dict[str, object]]:
    content = json.loads(path.read_text())
    assert list(content) == ["system", "commit", "command", "seed", "rows"]
    found: list[dict[str, object]] = content["rows"]
    return found


def test_long_form(tmp_path: Path) -> None:
    path = tmp_path / "systems" / "mask.json"
    write_figures(path, "mask", 7, [figure(0.87)])
    (row,) = rows(path)
    made_with = {name: row.pop(name) for name in ("commit", "command", "seed")}
    assert {**made_with, "system": "mask"}.items() <= json.loads(path.read_text()).items()
    assert [row] == [
        {
            "name": "iou", "arch": "unet", "data": "masked_pairs", "value": 0.87, "unit": "ratio",
            "better": "higher", "n": 54, "split": "all", "group": "all", "seeds": 1,
            "interval": None, "paper": None,
        }
    ]  # fmt: skip


def test_replaces_the_same_figure_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "mask.json"
    write_figures(path, "mask", 7, [figure(0.1), figure(0.2, arch="mean_mask")])
    write_figures(path, "mask", 8, [figure(0.3), figure(0.4, group="64px")])
    found = {(row["arch"], row["group"]): row["value"] for row in rows(path)}
    seeds = {(row["arch"], row["group"]): row["seed"] for row in rows(path)}
    assert seeds == {("unet", "all"): 8, ("mean_mask", "all"): 7, ("unet", "64px"): 8}
    assert found == {("unet", "all"): 0.3, ("mean_mask", "all"): 0.2, ("unet", "64px"): 0.4}
    assert [row["value"] for row in rows(path)] == [0.3, 0.2, 0.4]  # each in its place


def test_a_figure_that_is_no_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.json"
    with pytest.raises(ValueError, match="Out of range"):
        write_figures(path, "mask", 7, [figure(float("nan"))])
    assert not path.exists()


def test_the_command_names_no_folder_of_whoever_ran_it() -> None:
    words = ["benchmarks/mask.py", "--work", "/tmp/w", "--part", "pairs", "--data=/d", "--out", "o"]
    assert command(words) == "python benchmarks/mask.py --part pairs"
    assert command(["benchmarks/mask.py", "--photos", "9", "--work"]).endswith("--photos 9")
    assert (
        command(["ship.py", "mask", "--fairface", "/my/own"])
        == "python ship.py mask --fairface DIR"
    )
    assert command(["fairness.py", "--only", "a, b"]) == "python fairness.py --only 'a, b'"
    roads = ["fairness.py", "--project", "/a", "--test", "/b", "--test", "/c", "--seeds", "5"]
    assert command(roads) == "python fairness.py --project DIR --test DIR --test DIR --seeds 5"


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_commit_says_when_the_tree_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit() == "unknown"
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "a")
    assert commit() == git(tmp_path, "rev-parse", "--short=12", "HEAD")
    (tmp_path / "a").write_text("2")
    assert commit().endswith("+changes")
