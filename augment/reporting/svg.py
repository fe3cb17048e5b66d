"""The page's charts as SVG files for papers: the same numbers, drawn by matplotlib.

Colours are those of M. Okabe and K. Ito (2008), which people with colour-blindness tell apart.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from augment.reporting import numbers
from augment.reporting.balance import Bars, Facet, HeatMaps
from augment.reporting.dots import Dots
from augment.reporting.page import Page
from augment.reporting.rates import Rate
from augment.shards import AtomicFile

_REAL, _ADDED, _TARGET, _INK = "#0072B2", "#E69F00", "#D55E00", "#222222"
_STYLE = {
    "svg.hashsalt": "augment",  # the same numbers give the same bytes
    "svg.fonttype": "none",  # text stays text: searchable, and in the reader's font
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def write_charts(page: Page, folder: Path) -> None:
    """Write every chart of the page that has something to show; the folder holds nothing else."""
    with mpl.rc_context(_STYLE):
        drawn: dict[str, Figure] = {}
        for bars in page.bars:
            drawn[f"balance_{bars.axis}"] = _bars(bars)
        for place, facet in enumerate(page.heat.facets if page.heat else ()):
            drawn[f"bins_{place + 1}"] = _heat(facet, page.heat)
        for axis, rates in page.failures.items():
            drawn[f"align_failures_{axis}"] = _rates(rates, "Photos without an aligned face")
        for part in page.generators:
            for axis, rates in part.groups.items():
                title = f"Candidates of {part.key} that passed"
                drawn[f"passed_{part.key}_{axis}"] = _rates(rates, title)
        for task in page.tasks:
            for chart in task.charts:
                drawn[f"effect_{task.name}_{chart.measure}"] = _dots(chart)
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier run, should one be there
        for name, figure in drawn.items():
            if figure.axes:
                with AtomicFile(folder / f"{_file_name(name)}.svg") as temporary:
                    figure.savefig(temporary, format="svg", metadata={"Date": None})


def _file_name(name: str) -> str:
    """Keys come from params.yaml and may hold anything."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "figure"


def _new(title: str, rows: int) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.5, 0.9 + 0.26 * max(rows, 2)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    return figure, figure.add_subplot()


def _name_rows(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top
    axes.tick_params(axis="y", length=0)


def _bars(bars: Bars) -> Figure:
    figure, axes = _new(numbers.plain(bars.axis), len(bars.rows))
    places = range(len(bars.rows))
    before = [row.before for row in bars.rows]
    axes.barh(places, before, color=_REAL, label="real")
    axes.barh(places, [row.added for row in bars.rows], left=before, color=_ADDED, hatch="////",
              edgecolor="white", linewidth=0, label="synthetic")  # fmt: skip
    targets = [(place, row.target) for place, row in enumerate(bars.rows) if row.target]
    if targets:
        axes.scatter([t for _, t in targets], [p for p, _ in targets], marker="|", s=90,
                     color=_TARGET, label="target", zorder=3)  # fmt: skip
    _name_rows(axes, [row.label for row in bars.rows])
    axes.set_xlabel("train faces")
    axes.legend(
        frameon=False, fontsize=7, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0
    )
    return figure


def _heat(facet: Facet, maps: HeatMaps | None) -> Figure:
    figure = Figure(
        figsize=(1.6 + 1.1 * len(facet.columns), 1.2 + 0.2 * len(facet.rows)), layout="constrained"
    )
    most = max((cell.count for row in facet.after.cells for cell in row), default=1)
    for place, heat in enumerate((facet.before, facet.after)):
        axes = figure.add_subplot(1, 2, place + 1)
        counts = [[cell.count for cell in row] for row in heat.cells]
        axes.imshow(counts, cmap="cividis", vmin=0, vmax=max(most, 1), aspect="auto")
        for row, cells in enumerate(counts):
            for column, count in enumerate(cells):
                colour = "white" if count < most / 2 else "black"
                axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour)
        axes.set_xticks(range(len(facet.columns)), facet.columns, rotation=45, ha="right")
        axes.set_yticks(range(len(facet.rows)), facet.rows if not place else [""] * len(counts))
        axes.set_title(f"{facet.title} {heat.title}".strip(), loc="left")
        if maps and not place:
            axes.set_xlabel(numbers.plain(maps.column_axis))
            axes.set_ylabel(numbers.plain(maps.row_axis))
    return figure


def _rates(rates: Sequence[Rate], title: str) -> Figure:
    """Groups below :data:`numbers.FEW` are named with their n and get no dot."""
    if not any(rate.n >= numbers.FEW for rate in rates):
        return Figure()
    figure, axes = _new(title, len(rates))
    for place, rate in enumerate(rates):
        if rate.n >= numbers.FEW and rate.interval:
            _whisker(axes, place, rate.hits / rate.n, rate.interval, _REAL)
    _name_rows(axes, [f"{rate.group} (n={rate.n:,})" for rate in rates])
    axes.set_xlim(left=0)
    _in_per_cent(axes)
    return figure


def _dots(chart: Dots) -> Figure:
    figure, axes = _new(chart.title, len(chart.rows))
    for place, row in enumerate(chart.rows):
        _whisker(axes, place, row.value, row.interval, _TARGET if row.kind else _REAL)
    _name_rows(axes, [f"{row.label} ({row.note})" if row.note else row.label for row in chart.rows])
    axes.set_xlim(chart.low, chart.high)
    _in_per_cent(axes)
    return figure


def _whisker(
    axes: Any, place: int, value: float, interval: tuple[float, float], colour: str
) -> None:
    axes.plot(interval, [place, place], color=_INK, linewidth=1)
    axes.plot([value], [place], marker="o", markersize=4, color=colour)


def _in_per_cent(axes: Any) -> None:
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    axes.set_xlabel("95 % interval")
