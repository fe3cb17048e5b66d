"""The road of dvc.yaml under Prefect: one task a stage, in the order that DVC knows.

No stage is named here: the graph is what `dvc dag` prints. Caching stays DVC's (a task of a stage
that is up to date takes a second); Prefect adds retries, schedules, artifacts and a page to watch.

    python flows/pipeline.py [--project FOLDER] [--side-by-side 2]
"""

import argparse
import graphlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

# Before Prefect is imported: nothing is reported to anybody.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.task_runners import ThreadPoolTaskRunner

AUDIT = Path("reports/audit.json")
REPORT = Path("reports/report.html")
#: Seconds between two lines of one progress bar in Prefect's log.
_PROGRESS_EVERY = 10.0
_TAIL = 25


class StageFailed(RuntimeError):
    """A stage's command ended with an error; trying again may help."""


class StageRefused(StageFailed):
    """A stage said in one sentence what a person has to mend; trying again cannot help."""


def read_graph(project: Path) -> dict[str, list[str]]:
    """Every node of the DAG with its parents, parents first."""
    done = subprocess.run(
        [*_dvc(), "dag", "--dot"], cwd=project, env=_environment(), capture_output=True, text=True
    )
    if done.returncode != 0:
        raise StageRefused(f"`dvc dag` failed in {project}: {_reason(done.stderr.splitlines())}")
    return parse_dot(done.stdout)


def parse_dot(text: str) -> dict[str, list[str]]:
    """``"a" -> "b";`` lines to ``{"a": [], "b": ["a"]}``, parents first."""
    parents: dict[str, list[str]] = {}
    for line in text.splitlines():
        match re.findall(r'"([^"]+)"', line):
            case [node]:
                parents.setdefault(node, [])
            case [parent, node]:
                parents.setdefault(parent, [])
                parents.setdefault(node, []).append(parent)
    return {node: parents[node] for node in graphlib.TopologicalSorter(parents).static_order()}


def _worth_a_retry(_task: Any, _run: Any, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return not isinstance(error, StageRefused)


@task(
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_condition_fn=_worth_a_retry,
)
def reproduce(stage: str, project: Path) -> None:
    """Bring one stage up to date.

    Raises:
        StageRefused: params.yaml or the data need a person.
        StageFailed: the command failed in another way.
    """
    logger = get_run_logger()
    command = [*_dvc(), "--wait-for-lock", "repro", "--single-item", stage]
    tail: deque[str] = deque(maxlen=_TAIL)
    with subprocess.Popen(
        command,
        cwd=project,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # to end the stage's own processes with it
    ) as process:
        try:
            assert process.stdout is not None
            for line in thin_out(read_lines(process.stdout)):
                logger.info(line)
                tail.append(line)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)  # a cancelled run leaves no stage behind
            raise
    if process.returncode != 0:
        # DVC repeats the exit code of the stage's command; 2 is "said in one sentence".
        refused = any("exited with 2" in line for line in tail)
        kind = StageRefused if refused else StageFailed
        raise kind(f"stage '{stage}' failed: {_reason(tail)}")


def read_lines(stream: IO[str]) -> Iterator[tuple[str, bool]]:
    """Lines, and whether each is a progress bar's, which another is going to overwrite."""
    assert hasattr(stream, "reconfigure")
    stream.reconfigure(newline="")  # keep "\\r" apart from "\\n"
    for line in stream:
        if line.strip():
            yield line.strip(), line.endswith("\r")


def thin_out(lines: Iterable[tuple[str, bool]], every: float = _PROGRESS_EVERY) -> Iterator[str]:
    """All lines, but of progress bars only one every so many seconds."""
    last = -every
    for line, passing in lines:
        now = time.monotonic()
        if not passing or now - last >= every:
            last = now if passing else last
            yield line


def _reason(lines: Iterable[str]) -> str:
    """The sentence that says most: the program's own, else DVC's, else the last line."""
    said = [line for line in lines if line.strip()]
    for prefix in ("augment:", "ERROR:"):
        for line in reversed(said):
            if line.startswith(prefix):
                return line.removeprefix(prefix).strip()
    return said[-1] if said else "it printed nothing"


def _dvc() -> list[str]:
    return [sys.executable, "-m", "dvc"]


def _environment() -> dict[str, str]:
    """Stages call `python`: it must be the one that runs this."""
    here = str(Path(sys.executable).parent)
    return os.environ | {"PATH": here + os.pathsep + os.environ.get("PATH", os.defpath)}


def side_by_side(stages: int) -> Any:
    """A runner of so many stages at a time; its own types do not fit what flow() declares."""
    return ThreadPoolTaskRunner[Any](max_workers=stages)


@flow(name="balance-faces", task_runner=side_by_side(2))
def balance(project: str = ".") -> None:
    """Bring every stage of the road up to date, then show the audit and the report.

    Args:
        project: the folder that holds dvc.yaml and params.yaml.
    """
    root = Path(project).resolve()
    runs: dict[str, PrefectFuture[None]] = {}
    for stage, parents in read_graph(root).items():
        runs[stage] = reproduce.with_options(name=stage, task_run_name=stage).submit(
            stage, root, return_state=False, wait_for=[runs[parent] for parent in parents]
        )
    wait(list(runs.values()))
    show_audit(root)
    show_report(root)
    failed = {stage: run.state for stage, run in runs.items() if not run.state.is_completed()}
    if failed:
        raise StageFailed(explain(failed))


def explain(failed: dict[str, State[Any]]) -> str:
    """What failed, why, and what did not run because of it."""
    reasons = [
        str(state.result(raise_on_failure=False)) for state in failed.values() if state.is_final()
    ]
    skipped = [stage for stage, state in failed.items() if not state.is_final()]
    not_run = f" Not run because of that: {', '.join(skipped)}." if skipped else ""
    return "; ".join(reasons) + "." + not_run


def show_audit(root: Path) -> None:
    """The audit's figures as a table artifact, where there is an audit."""
    path = root / AUDIT
    if path.is_file():
        create_table_artifact(
            table=audit_table(json.loads(path.read_text(encoding="utf-8"))),
            key="audit",
            description=f"Who is in the data set ({path})",
        )


def audit_table(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Every single figure of the file, one row each, by its dotted name."""

    def walk(value: Any, name: str) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            for key, part in value.items():
                yield from walk(part, f"{name}.{key}" if name else str(key))
        elif isinstance(value, int | float | str) and not isinstance(value, bool):
            yield {"figure": name, "value": value}

    return list(walk(content, ""))


def show_report(root: Path) -> None:
    """A link to the report, where there is one."""
    path = root / REPORT
    if path.is_file():
        create_link_artifact(
            link=path.as_uri(), link_text=path.name, key="report", description="The report to read"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the road of dvc.yaml under Prefect.")
    parser.add_argument("--project", default=".", help="folder of dvc.yaml (default: here)")
    parser.add_argument(
        "--side-by-side", type=int, default=2, help="stages at the same time (default: 2)"
    )
    options = parser.parse_args()
    flow_here = balance.with_options(task_runner=side_by_side(options.side_by_side))
    flow_here(project=options.project)


if __name__ == "__main__":
    main()
