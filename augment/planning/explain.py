"""A plan as tables for the terminal."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def render(report: Mapping[str, Any]) -> str:
    """What ``reports/plan.json`` holds, as plain text: totals, bins, moves, and what is lacking.

    Args:
        report: the content of reports/plan.json.
    """
    totals = report["plan"]
    lacking = [cell for cell in report["cells"] if cell["deficit"]]
    tables = []
    if lacking:
        keys = [entry["generator"] for entry in report["generators"]]
        tables.append(_bins(lacking, report["unfilled"], keys))
    if report["moves"]:
        tables.append(_moves(report["moves"]))
    summary = (
        f"{totals['deficit']:,} faces lacking in {totals['bins_below_target_before']} of "
        f"{totals['bins']} bins: {totals['ordered']:,} ordered ({totals['candidates']:,} "
        f"candidates, spares included), {totals['unfilled']:,} unfilled."
    )
    return "\n".join(
        [summary, *_factors(report["generators"]), *(_text(table) for table in tables)]
    )


def _factors(generators: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether candidates for each face wanted are measured or assumed."""
    assumed = [row["generator"] for row in generators if not row["pilot"]["candidates"]]
    if not generators:
        return []
    if not assumed:
        return ["Candidates for each face wanted: from the pass rates of the pilot."]
    of = "" if len(assumed) == len(generators) else f" of {', '.join(assumed)}"
    return [f"Candidates for each face wanted{of}: assumed (plan.spare); no pilot measured them."]


def _bins(
    cells: Sequence[Mapping[str, Any]], unfilled: Sequence[Mapping[str, Any]], keys: Sequence[str]
) -> Table:
    rows = []
    for cell in cells:
        parts = [part for part in unfilled if part["bin"] == cell["bin"]]
        limits = ", ".join(
            part["reason"] if len(parts) == 1 else f"{part['reason']} ({part['n']:,})"
            for part in parts
        )
        numbers = [cell["have"], cell["target"], cell["deficit"]]
        numbers += [cell["orders"].get(key, 0) for key in keys]
        rows.append((cell["bin"], *map(_number, [*numbers, cell["unfilled"]]), limits))
    numbers_of = ("have", "target", "lacking", *keys, "unfilled")
    return _table("bins that lack faces", ("bin", *numbers_of, "limited by"), numbers_of, rows)


def _moves(moves: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (move["generator"], move["from"], move["to"], _number(move["faces"]),
         _number(move["candidates"]), f"{move['cost']:.2f}")
        for move in moves
    ]  # fmt: skip
    numbers = ("faces", "candidates", "cost")
    return _table("orders", ("generator", "from", "to", *numbers), numbers, rows)


def _table(
    title: str, columns: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]
) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, name in enumerate(columns):
        # A terminal that is too narrow breaks lines; a number cut short would mislead.
        whole = max(len(name), *(len(row[place]) for row in rows))
        table.add_column(name, justify="right" if name in numbers else "left", min_width=whole)
    for row in rows:
        table.add_row(*row)
    return table


def _text(table: Table) -> str:
    text = io.StringIO()
    Console(file=text, width=10_000, force_terminal=False, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _number(n: int) -> str:
    return f"{n:,}" if n else "-"
