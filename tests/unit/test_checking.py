import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from augment.checking import find_problems
from tests.unit.toy_project import ROOT, Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def test_the_project_as_shipped_is_in_order(project: Project) -> None:
    assert find_problems() == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("seed", -1, ["seed must be a whole number"]),
        ("aling", {}, ["aling: unknown section", "did you mean 'align'"]),
        ("gate", None, ["section 'gate' is missing"]),
        ("align.sise", 64, ["align.sise", "did you mean 'size'"]),
        ("align.size", 3, ["align.size", "greater than or equal"]),
        ("align.detector", {"kind": "hair"}, ["'hair'", "haar", "yunet"]),
        ("align.detector", {"size": 3}, ["align.detector needs a 'kind'"]),
        ("align.detector", {"kind": "yunet", "path": "no.onnx"}, ["no.onnx", "missing"]),
        ("ingest.sources", {}, ["at least one source"]),
        ("ingest.sources.drawn.faecs", 3, ["ingest.sources.drawn.faecs", "'faces'"]),
        ("ingest.data", "../nowhere", ["../nowhere", "does not exist"]),
        ("generators.mask.trian", {}, ["generators.mask.trian", "'train'"]),
        ("generators.old", {"kind": "old"}, ["'old'", "copies"]),
        ("generators.a/b", {"kind": "copies"}, ["generators.a/b", "letters"]),
        ("generators.attributes", {"kind": "copies"}, ["is a generator and a judge"]),
        ("train.extra", {"kind": "copies"}, ["train must hold the entries of generators and"]),
        ("generators.restore", {"kind": "superres"}, ["generators.restore", "align.smallest is 0"]),
        ("judges.attributes.nois", 1, ["judges.attributes.nois", "'noise'"]),
        ("gate.checks.label.x", 1, ["gate.checks.label", "x"]),
        ("report.galery", 1, ["report.galery", "'gallery'"]),
    ],
)
def test_each_mistake_is_named(project: Project, path: str, value: Any, words: list[str]) -> None:
    project.edit(path, value)
    found = " | ".join(find_problems())
    for word in words:
        assert word in found


def test_all_mistakes_come_at_once(project: Project) -> None:
    project.edit("align.sise", 64)
    project.edit("generators.mask.trian", {})
    project.edit("report.galery", 1)
    assert len(find_problems()) >= 3


def test_a_file_of_another_digest_is_named(project: Project, tmp_path: Path) -> None:
    (tmp_path / "face.onnx").write_bytes(b"other")
    project.edit("align.detector", {"kind": "yunet", "path": "face.onnx"})
    (problem,) = find_problems()
    assert hashlib.sha256(b"other").hexdigest() in problem


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cmd: python -m augment gate", "cmd: python gate.py", "must be `python -m augment gate`"),
        ("- data/verdicts", "- data/verdict", "depends on data/verdict"),
        ("- augment/stages/gate.py", "- augment/stages/gates.py", "augment/stages/gates.py"),
        ("  audit:\n", "  adit:\n", "stage 'adit' has no augment/stages/adit.py"),
        ("params: [seed, evaluate", "params: [seed, evaluat", "no section 'evaluat'"),
    ],
)
def test_a_dvc_yaml_that_does_not_fit(project: Project, old: str, new: str, words: str) -> None:
    project.replace("dvc.yaml", old, new)
    assert words in " | ".join(find_problems())


def test_neither_torch_nor_pixels_are_needed(project: Project, tmp_path: Path) -> None:
    code = (
        "import sys; from augment.checking import find_problems; assert find_problems() == []; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.strip() == "False", done.stderr
