"""Candidates and verdicts of both places: those that the plan ordered, and those of the top-ups."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from augment.gating.faces import candidate_folders
from augment.shards import read_json, read_table

SUMMARY = "summary.json"


def all_candidate_folders(candidates: Path, topup: Path, keys: Sequence[str]) -> tuple[Path, ...]:
    """Folders of ``data/candidates`` and then of ``data/topup``, both in the order of ``keys``.

    Raises:
        UserError: there is a folder of a generator that params.yaml does not name (any more).
    """
    first = candidate_folders(candidates, keys)
    return (*first, *candidate_folders(topup / "candidates", keys))


def read_verdicts(verdicts: Path, topup: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Verdicts on all candidates, each once."""
    return pa.concat_tables(
        read_table(folder, columns) for folder in (verdicts, topup / "verdicts")
    )


def read_summary(topup: Path) -> dict[str, Any]:
    """The gate's summary.json, with the candidates of the top-ups counted in."""
    content: dict[str, Any] = read_json(topup / "verdicts" / SUMMARY)
    return content


def read_topup(topup: Path) -> dict[str, Any]:
    """topup.json: the rounds, what fills each bin, and what is still missing and why."""
    content: dict[str, Any] = read_json(topup / "topup.json")
    return content
