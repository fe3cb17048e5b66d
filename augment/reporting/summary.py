"""The ten lines that a run ends with: where the results are, and the numbers that matter."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from augment.errors import UserError
from augment.reporting.numbers import count, share


def text(reports: Path, balanced: Path) -> str:
    """At most ten lines about a finished run.

    Args:
        reports: the folder ``reports``.
        balanced: the folder ``data/balanced``.

    Raises:
        UserError: the run is not finished.
    """
    metrics = reports / "metrics.json"
    if not metrics.is_file() or not (balanced / "manifest.json").is_file():
        raise UserError(
            f"{metrics} or {balanced / 'manifest.json'} is missing: run `dvc repro` first."
        )
    content = json.loads(metrics.read_text(encoding="utf-8"))
    manifest = json.loads((balanced / "manifest.json").read_text(encoding="utf-8"))
    return "\n".join([*_road(content, manifest), *_effect(content), *_places(reports, balanced)])


def _road(metrics: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[str]:
    audit, plan, made = metrics["audit"], metrics["plan"], metrics["generate"]
    train = manifest["splits"]["train"]
    yield (
        f"Faces      {count(audit['faces'])} read, {count(audit['aligned'])} aligned, "
        f"{count(audit['failed'])} failed"
    )
    yield (
        f"Plan       {count(plan['deficit'])} missing, {count(plan['ordered'])} ordered, "
        f"{count(plan['unfilled'])} cannot be made"
    )
    parts = [f"{key} {count(n['passed'])} of {count(n['made'])}" for key, n in made.items()]
    yield f"Passed     {', '.join(parts) or 'no generator is named'}"
    yield f"Train set  {count(train['real'])} real and {count(train['synthetic'])} synthetic faces"
    yield (
        f"Evenness   {_even(audit['evenness_before'])} -> {_even(audit['evenness_after'])}; bins "
        f"below target {audit['bins_below_target_before']} -> "
        f"{audit['bins_below_target_after']} of {audit['bins']}"
    )


def _effect(metrics: Mapping[str, Any]) -> Iterator[str]:
    """One line for each of the first three tasks."""
    for name, arms in list(metrics["evaluate"].items())[:3]:
        before, after = arms["original"], arms["balanced"]
        worst = (
            f"worst group {share(before['worst_group'])} -> {share(after['worst_group'])}, "
            if after["worst_group"] is not None
            else ""
        )
        yield (
            f"Effect     {name}: {worst}overall {share(before['overall'])} -> "
            f"{share(after['overall'])} (n={after['n']:,}; is it more than chance? see the report)"
        )


def _places(reports: Path, balanced: Path) -> Iterator[str]:
    yield f"Data set   {balanced}"
    yield f"Report     {reports / 'report.html'}"


def _even(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
