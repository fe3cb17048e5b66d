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
        ("align.size", 3, ["align.size: must be", "or more"]),
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
        ("audit.axes", ["age_groop", "mask"], ["audit.axes names 'age_groop'", "'age_group'"]),
        ("audit.axes", ["mask", "mask"], ["audit.axes names mask more than once"]),
        ("plan.generators", {"masc": {}}, ["plan.generators names 'masc'", "mean 'mask'"]),
        ("gate.groups", ["etnicity"], ["gate.groups names 'etnicity'", "mean 'ethnicity'"]),
        ("evaluate.tasks.mask.label", "maks", ["evaluate.tasks.mask names 'maks'"]),
        ("evaluate.tasks.mask.groups", ["gendr"], ["evaluate.tasks.mask names 'gendr'"]),
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


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("align", None, "the section 'align' is missing; it must set detector."),
        ("seed", None, "the section 'seed' is missing; any whole number"),
        ("gate", None, "the section 'gate' is missing; with nothing to set it is `gate: {}`."),
        ("ingest", None, "the section 'ingest' is missing; it must set data and sources."),
        ("ingest.data", None, "ingest.data is missing"),
        ("align.detector", 5, "align.detector: must be named entries"),
        ("gate.checks.label", 5, "gate.checks.label: must be named entries"),
    ],
)
def test_each_mistake_is_told_once(project: Project, path: str, value: Any, says: str) -> None:
    project.edit(path, value)
    (problem,) = find_problems()
    assert problem.startswith(f"params.yaml: {says}")


def test_a_misspelt_section_is_told_once(project: Project) -> None:
    project.replace("params.yaml", "\nalign:\n", "\naling:\n")
    assert find_problems() == ["params.yaml: aling: unknown section; did you mean 'align'?"]


def of_photos(project: Project, folder: Path, content: bytes, **settings: Any) -> None:
    """The project reads one picture and a label table; nobody may open the picture."""
    (folder / "photos").mkdir()
    (folder / "photos/1.jpg").write_bytes(b"no picture at all")
    (folder / "photos/labels.csv").write_bytes(content)
    columns = {"file": "photo", "age": "years", "mask": "mask"}
    mine = {"kind": "folder", "root": "photos", "table": "labels.csv", "columns": columns}
    project.edit("ingest.data", ".")
    project.edit("ingest.sources", {"mine": {**mine, **settings}})


TABLE = b"photo,years,mask\n1.jpg,30,yes\n"


@pytest.mark.parametrize("kind", ["folder", "video"])
def test_a_label_table_that_fits_is_in_order(project: Project, tmp_path: Path, kind: str) -> None:
    of_photos(project, tmp_path, TABLE, kind=kind)
    assert find_problems() == []


@pytest.mark.parametrize("kind", ["folder", "video"])
@pytest.mark.parametrize(
    ("content", "settings", "says"),
    [
        (TABLE, {"table": "lables.csv"}, "photos/lables.csv is missing"),
        (b"", {}, "photos/labels.csv has no column 'photo', 'years', 'mask'"),
        (TABLE.decode().encode("utf-16"), {}, "photos/labels.csv is not UTF-8 text"),
        (TABLE + "é.jpg,30,yes".encode("latin-1"), {}, "photos/labels.csv is not UTF-8 text"),
        (
            TABLE,
            {"columns": {"file": "photo", "age": "yeers", "mask": "mask"}},
            "has no column 'yeers'; it has: photo, years, mask",
        ),
    ],
)
def test_a_label_table_that_cannot_be_used(
    project: Project, tmp_path: Path, kind: str, content: bytes, settings: dict[str, Any], says: str
) -> None:
    of_photos(project, tmp_path, content, **settings, kind=kind)
    (problem,) = find_problems()
    assert problem.startswith("params.yaml: ingest.sources.mine: ")
    assert says in problem


def test_a_folder_without_pictures(project: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    project.edit("ingest.data", ".")
    assume = {"mask": "no"}
    project.edit("ingest.sources", {"mine": {"kind": "folder", "root": "empty", "assume": assume}})
    (problem,) = find_problems()
    assert "ingest.sources.mine: it holds no picture" in problem


def test_labels_are_those_that_the_sources_have(project: Project, tmp_path: Path) -> None:
    """A column of one's own table may be an axis; an attribute of another set may not."""
    columns = {"file": "photo", "mask": "mask", "hat": "years"}
    of_photos(project, tmp_path, TABLE, columns=columns)
    project.edit("audit.axes", ["hat", "mask"])
    assert find_problems() == []
    project.edit("audit.axes", ["beard", "mask"])
    (problem,) = find_problems()
    assert problem.endswith("there are: age_group, gender, ethnicity, skin_tone, mask, hat.")


def test_a_generator_by_another_name_leaves_its_limits_behind(project: Project) -> None:
    project.edit("plan.generators", {"mask": {"max_share": 0.5}})
    assert find_problems() == []
    project.edit("generators.masks", {"kind": "mask"})
    project.edit("generators.mask", None)
    (problem,) = find_problems()
    assert "plan.generators names 'mask' (did you mean 'masks'?)" in problem


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
