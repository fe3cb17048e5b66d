"""The ten lines that a run ends with: where the results are, and the numbers that matter."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from augment.errors import UserError
from augment.reporting.numbers import count, limit, share


def text(reports: Path, balanced: Path) -> str:
    """At most ten lines about a finished run.

    Args:
        reports: the folder ``reports``.
        balanced: the folder ``data/balanced``.

    Raises:
        UserError: the run is not finished.
    """
    metrics, evaluated, manifest = (
        _read(path)
        for path in (
            reports / "metrics.json", reports / "evaluate.json", balanced / "manifest.json",
        )
    )  # fmt: skip
    lines = [*_road(metrics, manifest), *_effect(evaluated["tasks"]), *_places(reports, balanced)]
    return "\n".join(lines)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path} is missing: run `dvc repro` first.")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _small(faces: int) -> str:
    return f", {count(faces)} too small" if faces else ""


def _road(metrics: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[str]:
    audit, plan, made = metrics["audit"], metrics["plan"], metrics["generate"]
    train = manifest["splits"]["train"]
    yield (
        f"Faces      {count(audit['faces'])} read, {count(audit['aligned'])} aligned, "
        f"{count(audit['failed'])} failed{_small(audit['small'])}"
    )
    yield (
        f"Plan       {count(plan['deficit'])} missing, {count(plan['ordered'])} ordered, "
        f"{count(plan['unfilled'])} cannot be made"
    )
    parts = [f"{key} {count(n['passed'])} of {count(n['made'])}" for key, n in made.items()]
    yield f"Passed     {', '.join(parts) or 'no generator is named'}"
    yield (
        f"Train set  {count(train['real'])} real and {count(train['synthetic'])} synthetic faces"
        f"{_missing(manifest['still_missing'])}"
    )
    yield (
        f"Evenness   {_even(audit['evenness_before'])} -> {_even(audit['evenness_after'])}; bins "
        f"below target {audit['bins_below_target_before']} -> "
        f"{audit['bins_below_target_after']} of {audit['bins']}"
    )


def _missing(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many faces are lacking still, and the reason of most of them."""
    if not rows:
        return ""
    reasons = Counter[str]()
    for row in rows:
        reasons[row["reason"]] += row["n"]
    (main, n), total = reasons.most_common(1)[0], reasons.total()
    most = "" if n == total else f"{count(n)} of them: "
    return f"; {count(total)} are still missing ({most}{limit(main)})"


def _effect(tasks: Mapping[str, Any]) -> Iterator[str]:
    """One line for each of the first three tasks."""
    for name, task in list(tasks.items())[:3]:
        before, after = task["arms"]["original"], task["arms"]["balanced"]
        measure = "overall" if after["worst_group"] is None else "worst_group"
        finding = next(
            row["finding"]
            for row in task["differences"]
            if (row["arm"], row["against"], row["measure"]) == ("balanced", "original", measure)
        )
        yield (
            f"Effect     {name}, {measure.replace('_', ' ')}: {finding} "
            f"({share(before[measure])} -> {share(after[measure])}, n={after['n']:,})"
        )


def _places(reports: Path, balanced: Path) -> Iterator[str]:
    yield f"Data set   {balanced}"
    yield f"Report     {reports / 'report.html'}"


def _even(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
