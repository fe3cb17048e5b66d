"""A plan as tables for the terminal."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def render(report: Mapping[str, Any], width: int = 120) -> str:
    """What ``reports/plan.json`` holds, as plain text: totals, bins, moves, and what is lacking.

    Args:
        report: the content of reports/plan.json.
        width: of the text, in characters.
    """
    totals = report["plan"]
    text = io.StringIO()
    console = Console(file=text, width=width, force_terminal=False, color_system=None)
    console.print(
        f"{totals['deficit']:,} faces lacking in {totals['bins_below_target_before']} of "
        f"{totals['bins']} bins: {totals['ordered']:,} ordered ({totals['candidates']:,} "
        f"candidates, spares included), {totals['unfilled']:,} unfilled."
    )
    lacking = [cell for cell in report["cells"] if cell["deficit"]]
    if lacking:
        console.print(_bins(lacking, report["unfilled"], list(report["generators"])))
    if report["moves"]:
        console.print(_moves(report["moves"]))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _bins(
    cells: Sequence[Mapping[str, Any]],
    unfilled: Sequence[Mapping[str, Any]],
    generators: Sequence[Mapping[str, Any]],
) -> Table:
    keys = [entry["generator"] for entry in generators]
    table = _table(
        "bins that lack faces", ["bin"], ["have", "target", "lacking", *keys, "unfilled"]
    )
    table.add_column("limited by")
    for cell in cells:
        parts = [part for part in unfilled if part["bin"] == cell["bin"]]
        limits = ", ".join(
            part["reason"] if len(parts) == 1 else f"{part['reason']} ({part['n']:,})"
            for part in parts
        )
        numbers = [cell["have"], cell["target"], cell["deficit"]]
        numbers += [cell["orders"].get(key, 0) for key in keys]
        table.add_row(cell["bin"], *map(_number, [*numbers, cell["unfilled"]]), limits)
    return table


def _moves(moves: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("orders", ["generator", "from", "to"], ["faces", "candidates", "cost"])
    for move in moves:
        numbers = (_number(move["faces"]), _number(move["candidates"]), f"{move['cost']:.2f}")
        table.add_row(move["generator"], move["from"], move["to"], *numbers)
    return table


def _table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in words:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _number(n: int) -> str:
    return f"{n:,}" if n else "-"
