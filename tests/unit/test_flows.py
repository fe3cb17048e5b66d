import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.filterwarnings("ignore")  # Prefect's own warnings are not ours to mend

import prefect  # noqa: E402
from prefect.artifacts import Artifact  # noqa: E402
from prefect.testing.utilities import prefect_test_harness  # noqa: E402

from flows import pipeline  # noqa: E402

ROOT = Path(__file__).parents[2]
TOY = """
stages:
  first:
    cmd: python make.py first.txt
    deps: [make.py]
    outs: [first.txt]
  second:
    cmd: python make.py second.txt
    deps: [make.py, first.txt]
    outs: [second.txt]
"""
MAKE = """
import pathlib, sys
pathlib.Path("runs.log").open("a").write(sys.argv[1] + "\\n")
if sys.argv[1].startswith("second") and pathlib.Path("refuse").exists():
    print("augment: params.yaml: plan.target is missing.", file=sys.stderr)
    raise SystemExit(2)
pathlib.Path(sys.argv[1]).write_text("made")
"""


def test_the_graph_is_read_parents_first() -> None:
    text = 'strict digraph {\n"c";\n"a@x";\n"b" -> "c";\n"a@x" -> "b";\n"a@x" -> "c";\n}\n'
    graph = pipeline.parse_dot(text)
    assert list(graph) == ["a@x", "b", "c"]
    assert graph["c"] == ["b", "a@x"]


def test_progress_bars_are_thinned_out_and_nothing_else() -> None:
    lines = [("start", False), ("1 %", True), ("2 %", True), ("note", False), ("done", False)]
    assert list(pipeline.thin_out(lines, every=1000)) == ["start", "1 %", "note", "done"]


def test_lines_of_a_bar_are_told_apart() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdout.write('a\\rb\\rc\\nd')"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        found = list(pipeline.read_lines(process.stdout))
    assert found == [("a", True), ("b", True), ("c", False), ("d", False)]


def test_every_figure_of_the_audit_is_a_row() -> None:
    rows = pipeline.audit_table({"audit": {"faces": 3, "by": {"0-2": 0.5}, "list": [1], "n": None}})
    assert rows == [{"figure": "audit.faces", "value": 3}, {"figure": "audit.by.0-2", "value": 0.5}]


def test_flows_import_nothing_of_the_package() -> None:
    code = (
        "import sys, flows.pipeline, flows.deploy\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'augment'])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_flow_names_no_stage() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    text = (ROOT / "flows/pipeline.py").read_text()
    # "audit" and "report" are artifacts' files; no stage stands there as a quoted name of a node.
    assert [name for name in set(stages) - {"audit", "report"} if f'"{name}"' in text] == []
    assert pipeline.AUDIT.as_posix() in str(stages["audit"])
    assert pipeline.REPORT.as_posix() in str(stages["report"])


def test_the_deployment_points_at_the_flow() -> None:
    (deployment,) = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    path, name = deployment["entrypoint"].split(":")
    assert isinstance(getattr(pipeline, name), prefect.Flow)
    assert (ROOT / path).samefile(pipeline.__file__)
    assert set(deployment["parameters"]) == {"project"}
    assert deployment["schedules"][0]["cron"]


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=60):
        yield
    # Prefect leaves sockets to the garbage collector: here, not amid somebody else's test, where
    # the warning would be an error.
    gc.collect()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dvc.yaml").write_text(TOY)
    (tmp_path / "make.py").write_text(MAKE)
    command = [sys.executable, "-m", "dvc"]
    subprocess.run([*command, "init", "--no-scm", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*command, "config", "core.analytics", "false"], cwd=tmp_path, check=True)
    return tmp_path


def runs(project: Path) -> list[str]:
    return (project / "runs.log").read_text().split()


@pytest.mark.slow
def test_runs_each_stage_once_and_shows_audit_and_report(server: None, project: Path) -> None:
    (project / "reports").mkdir()
    (project / pipeline.AUDIT).write_text(json.dumps({"audit": {"faces": 12}}))
    (project / pipeline.REPORT).write_text("<p>hello")
    pipeline.balance(str(project))
    assert runs(project) == ["first.txt", "second.txt"]
    pipeline.balance(str(project))  # caching is DVC's: nothing runs again
    assert runs(project) == ["first.txt", "second.txt"]
    table, link = Artifact.get("audit"), Artifact.get("report")
    assert table is not None
    assert link is not None
    assert json.loads(str(table.data)) == [{"figure": "audit.faces", "value": 12}]
    assert (project / pipeline.REPORT).as_uri() in str(link.data)


@pytest.mark.slow
def test_a_refusal_is_not_retried_and_says_why(server: None, project: Path) -> None:
    (project / "refuse").touch()
    with pytest.raises(pipeline.StageFailed, match=r"'second' failed: .*plan\.target is missing"):
        pipeline.balance(str(project))
    assert runs(project) == ["first.txt", "second.txt"]
    assert (project / "first.txt").exists()
