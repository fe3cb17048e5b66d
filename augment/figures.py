"""Figures that count: one long-form JSON file a system, with data, n, interval and commit."""

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from augment.shards import write_json

_FOLDERS = ("--data", "--work", "--out", "--to", "--saved")
#: There is no default to leave it to.
_NEEDED = ("--fairface", "--london", "--project", "--road", "--test", "--whole")


@dataclass(frozen=True)
class Figure:
    """One row. A baseline is a row of the same name with another ``arch``."""

    name: str
    arch: str
    data: str
    value: float
    unit: str
    better: Literal["higher", "lower"]
    n: int
    split: str = "all"
    group: str = "all"
    seeds: int = 1
    interval: tuple[float, float] | None = None  # 95 %
    paper: float | None = None  # what the paper reports, where it does


def write_figures(path: Path, system: str, seed: int, rows: Sequence[Figure]) -> None:
    """Write ``reports/systems/<system>.json``, replacing rows of the same name, arch, data, split
    and group in their place and keeping the others, so that several commands may share a file.

    Each row holds the commit, command and seed it was made with; those of the file are the latest.
    """
    old = json.loads(path.read_text())["rows"] if path.is_file() else []
    made_with = {
        "commit": commit(),
        "command": command(sys.argv),
        "seed": seed,
    }
    rows_by = {_identity(row): row for row in old}
    rows_by |= {_identity(asdict(row)): asdict(row) | made_with for row in rows}
    write_json(path, {"system": system, **made_with, "rows": list(rows_by.values())})


def command(words: Sequence[str]) -> str:
    """The command line without the folders of whoever ran it: --data, --work, --out, --to and
    --saved are left out, of those without a default DIR is told."""
    kept, rest = [Path(words[0]).as_posix()], iter(words[1:])
    for word in rest:
        if word in _FOLDERS:
            next(rest, None)
        elif word in _NEEDED:
            next(rest, None)
            kept += [word, "DIR"]
        elif not word.startswith(tuple(f"{name}=" for name in _FOLDERS)):
            kept.append(word)
    return shlex.join(["python", *kept])


def _identity(row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("name", "arch", "data", "split", "group"))


def commit(folder: Path = Path()) -> str:
    """The commit of the code in ``folder``, with "+changes" where the working tree differs;
    "unknown" outside git."""
    try:
        described = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty=+changes", "--abbrev=12"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()
