import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from augment import cli
from augment.errors import UserError
from augment.job import Job
from tests.unit.toy_project import ROOT, Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUGMENT_ENGINE", raising=False)
    return Project(tmp_path)


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of ``augment words…`` in this process."""
    monkeypatch.setattr(sys, "argv", ["augment", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """All stages are this module, whose run() notes the job."""
    module = ModuleType("stage")
    module.jobs = []  # type: ignore[attr-defined]
    module.run = module.jobs.append  # type: ignore[attr-defined]
    module.explain = lambda job: "a table"  # type: ignore[attr-defined]
    for name in cli.STAGES:
        monkeypatch.setitem(sys.modules, f"augment.stages.{name}", module)
    return module


def test_commands_are_the_stages_of_dvc_yaml() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert sorted(cli.STAGES) == sorted(stages)
    assert sorted(cli.KEYED) == sorted(name for name in stages if "foreach" in stages[name])


@pytest.mark.parametrize("words", [("train@mask",), ("train", "mask")])
def test_a_stage_runs_with_its_job(
    project: Project, stage: ModuleType, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    assert call(monkeypatch, *words, "--engine", "inline", "--workers", "3") == 0
    (job,) = stage.jobs
    assert isinstance(job, Job)
    assert (job.stage, job.key, job.seed) == ("train", "mask", 7)
    assert (job.engine.name, job.engine.workers) == ("inline", 3)


def test_the_engine_can_come_from_the_environment(
    project: Project, stage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUGMENT_ENGINE", "ray")
    assert call(monkeypatch, "align") == 0
    assert stage.jobs[0].engine.name == "ray"
    monkeypatch.setenv("AUGMENT_ENGINE", "spark")
    assert call(monkeypatch, "align") == 2


def test_plan_explains_and_writes_nothing(
    project: Project,
    stage: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, "plan", "--explain") == 0
    assert capsys.readouterr().out == "a table\n"
    assert stage.jobs == []


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("the folder is empty."), 2, "augment: the folder is empty.\n"),
        (KeyboardInterrupt(), 130, "augment: stopped; the same command goes on from here.\n"),
        (OSError(errno.ENOSPC, "x"), 2, "augment: No space left on device: free some space"),
    ],
)
def test_what_a_person_can_mend_is_one_line(
    project: Project,
    stage: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    words: str,
) -> None:
    def fail(job: Job) -> None:
        raise error

    stage.run = fail  # type: ignore[attr-defined]
    assert call(monkeypatch, "align") == code
    said = capsys.readouterr().err
    assert said.startswith(words)
    assert said.count("\n") == 1


@pytest.mark.parametrize("error", [ValueError("a bug"), PermissionError(errno.EACCES, "x")])
def test_a_bug_keeps_its_traceback(
    project: Project, stage: ModuleType, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(job: Job) -> None:
        raise error

    stage.run = fail  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "argv", ["augment", "align"])
    with pytest.raises(type(error)):
        cli.main()


def test_an_unknown_key_lists_what_there_is(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "train@nobody") == 2
    assert "train@artifacts, " in (told := capsys.readouterr().err)
    assert "train@copies, train@mask, train@age." in told


def test_outside_of_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("align", "check", "status", "summary"):
        assert call(monkeypatch, command) == 2
        said = capsys.readouterr().err
        assert said.startswith("augment: ")
        assert said.count("\n") == 1


def test_check_says_every_problem(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "check") == 0
    assert "in order" in capsys.readouterr().out
    project.edit("align.sise", 1)
    project.edit("report.galery", 1)
    assert call(monkeypatch, "check") == 2
    assert capsys.readouterr().err.count("augment: params.yaml:") == 2


def test_status_is_a_table_of_all_stages(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], check=True)
    monkeypatch.setenv("COLUMNS", "200")
    assert call(monkeypatch, "status") == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split() == ["stage", "state", "rows", "why"]
    for name in ("ingest", "train@mask", "generate@copies", "report"):
        assert name in shown
    assert shown.count("has not run yet") == len(shown.splitlines()) - 1


@pytest.mark.parametrize("command", [[], *([name] for name in cli.STAGES), ["check"], ["status"]])
def test_help_teaches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert call(monkeypatch, *command, "--help") == 0
    shown = capsys.readouterr().out
    assert f"augment {command[0]}" in shown if command else "augment check" in shown
    assert "Traceback" not in shown


def test_help_starts_without_heavy_libraries() -> None:
    code = (
        "import sys; sys.argv = ['augment', '--help']\n"
        "import augment.cli\n"
        "try:\n    augment.cli.main()\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'numpy', 'pyarrow', 'cv2', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


SLEEPER = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
import augment.cli as cli
from types import ModuleType
stage = ModuleType("stage")
def run(job):
    print("ready", flush=True)
    time.sleep(60)
stage.run = run
sys.modules["augment.stages.align"] = stage
sys.argv = ["augment", "align"]
cli.main()
"""


def test_ctrl_c_is_one_line_and_130(project: Project, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "augment: stopped; the same command goes on from here.\n"
