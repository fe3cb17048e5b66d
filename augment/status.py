"""What `augment status` tells: which stages are done, which would run, and why."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from augment.errors import UserError
from augment.road import Stage, is_code
from augment.shards import MARKER

State = Literal["done", "would run", "waits"]
_MOST_NAMES = 3


@dataclass(frozen=True)
class Line:
    """One stage's line: its state, rows in its outputs (None: no table), and the reason."""

    address: str
    state: State
    rows: int | None
    why: str


def read_status(road: Mapping[str, Stage], project: Path = Path()) -> list[Line]:
    """One line a stage, in the road's order.

    Raises:
        UserError: DVC itself cannot tell, for instance outside of a project.
    """
    changes = _dvc_status(project)
    locked = _locked(project)
    return describe(road, changes, locked, project)


def describe(
    road: Mapping[str, Stage],
    changes: Mapping[str, Sequence[Any]],
    locked: frozenset[str],
    project: Path,
) -> list[Line]:
    """Lines from what DVC says (`dvc status --json`) and what dvc.lock holds."""
    lines: list[Line] = []
    running: set[str] = set()
    for stage in road.values():
        parents = sorted(name for name in running if _feeds(road[name], stage))
        if stage.address not in changes and not parents:
            lines.append(Line(stage.address, "done", count_rows(stage, project), ""))
            continue
        running.add(stage.address)
        own = _reasons(changes.get(stage.address, ()), stage, road)
        if stage.address not in locked:
            own = ["has not run yet"]
        if not own and parents:
            why = f"after {_names(parents)}"
            lines.append(Line(stage.address, "waits", count_rows(stage, project), why))
        else:
            rows = count_rows(stage, project)
            lines.append(Line(stage.address, "would run", rows, "; ".join(own)))
    return lines


def count_rows(stage: Stage, project: Path) -> int | None:
    """Rows in the finished tables that a stage writes."""
    markers = [project / out / MARKER for out in stage.outs]
    counts = [
        sum(int(shard["rows"]) for shard in json.loads(path.read_text())["shards"])
        for path in markers
        if path.is_file()
    ]
    return sum(counts) if counts else None


def _feeds(parent: Stage, child: Stage) -> bool:
    return any(
        Path(dep) == Path(out) or Path(dep) in Path(out).parents or Path(out) in Path(dep).parents
        for out in parent.outs
        for dep in child.deps
    )


def _reasons(changes: Sequence[Any], stage: Stage, road: Mapping[str, Stage]) -> list[str]:
    """DVC's changes of one stage in words; changes that only come from an earlier stage are left
    out, since that stage says them."""
    made = {out for other in road.values() if other is not stage for out in other.outs}
    code: list[str] = []
    data: list[str] = []
    params: list[str] = []
    reasons: list[str] = []
    for change in changes:
        if not isinstance(change, Mapping):
            reasons.append(str(change))  # "changed command", "always changed"
            continue
        for name, kind in change.get("changed deps", {}).items():
            if isinstance(kind, Mapping):
                params += kind
            elif name == "params.yaml":
                params.append("a new section")
            elif is_code(name):
                code.append(name)
            elif name not in made:
                data.append(name)
        gone = list(change.get("changed outs", {}))
        if gone:
            reasons.append(f"missing or changed: {_names(gone)}")
    words = [("parameters", params), ("code", code), ("data", data)]
    return [f"new {word}: {_names(names)}" for word, names in words if names] + reasons


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _dvc_status(project: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        cwd=project, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        reason = said[0].removeprefix("ERROR: ") if said else "no reason given"
        raise UserError(f"`dvc status` failed: {reason}")
    content: dict[str, Any] = json.loads(done.stdout or "{}")
    return content


def _locked(project: Path) -> frozenset[str]:
    path = project / "dvc.lock"
    if not path.is_file():
        return frozenset()
    return frozenset((yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("stages", {}))
