"""Who is in the data set before and after: bars by axis value, and heat maps of intersections."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.types import BinSpace
from augment.vocabulary import spoken

Counts = npt.NDArray[np.int64]

#: Shades of a heat map: 0 (empty), 1 .. 6 by share of the target, 6 is "as many as wanted".
SHADES = 6
#: More intersections than this are read from the table instead.
MOST_FACETS = 12


@dataclass(frozen=True)
class Bar:
    """One value of an axis: faces before, faces that came on top, and what is wanted (or None)."""

    label: str
    before: int
    added: int
    target: int | None

    @property
    def after(self) -> int:
        return self.before + self.added


@dataclass(frozen=True)
class Bars:
    axis: str
    rows: tuple[Bar, ...]

    @property
    def scale(self) -> int:
        """The longest thing that is drawn."""
        return max([1, *(max(row.after, row.target or 0) for row in self.rows)])


@dataclass(frozen=True)
class Cell:
    """One bin of a heat map. ``shade`` is 0 .. :data:`SHADES`."""

    name: str
    count: int
    shade: int


@dataclass(frozen=True)
class Heat:
    """One heat map: ``cells[row][column]``."""

    title: str
    cells: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Facet:
    """Before and after side by side, for one combination of the remaining axes ("" for none)."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    before: Heat
    after: Heat


@dataclass(frozen=True)
class HeatMaps:
    row_axis: str
    column_axis: str
    facets: tuple[Facet, ...]
    left_out: int


def axis_bars(space: BinSpace, before: Counts, added: Counts, targets: Counts | None) -> list[Bars]:
    """One chart an axis, counts summed over the other axes; all arrays of shape (bins,)."""
    charts = []
    for place, axis in enumerate(space.axes):
        others = tuple(n for n in range(len(space.axes)) if n != place)
        sums = [cube.reshape(space.shape).sum(axis=others) for cube in (before, added)]
        wanted = targets.reshape(space.shape).sum(axis=others) if targets is not None else None
        rows = tuple(
            Bar(value, int(sums[0][n]), int(sums[1][n]), None if wanted is None else int(wanted[n]))
            for n, value in enumerate(axis.values)
        )
        charts.append(Bars(axis.name, rows))
    return charts


def heat_maps(
    space: BinSpace, before: Counts, after: Counts, targets: Counts | None
) -> HeatMaps | None:
    """Maps over the two axes with the most values, one pair for each combination of the others.

    None where there is only one axis.
    """
    if len(space.axes) < 2:
        return None
    order = sorted(range(len(space.axes)), key=lambda n: -space.shape[n])
    rows, columns, rest = order[0], order[1], sorted(order[2:])
    wanted = targets if targets is not None else np.full(len(space), max(1, int(after.max())))
    facets = []
    for values in itertools.product(*(range(space.shape[n]) for n in rest)):
        fixed = dict(zip(rest, values, strict=True))
        codes = _codes(space, rows, columns, fixed)
        title = " · ".join(
            spoken(space.axes[n].name, space.axes[n].values[value]) for n, value in fixed.items()
        )
        facets.append(
            Facet(
                title,
                space.axes[rows].values,
                space.axes[columns].values,
                _heat("before", space, codes, before, wanted),
                _heat("after", space, codes, after, wanted),
            )
        )
    shown = tuple(facets[:MOST_FACETS])
    return HeatMaps(
        space.axes[rows].name, space.axes[columns].name, shown, len(facets) - len(shown)
    )


def _codes(space: BinSpace, rows: int, columns: int, fixed: Mapping[int, int]) -> Counts:
    """Bin numbers, shape (values of the row axis, values of the column axis)."""
    codes = np.zeros((space.shape[rows], space.shape[columns]), dtype=np.int64)
    for row, column in np.ndindex(codes.shape):
        place = [
            row if n == rows else column if n == columns else fixed[n]
            for n in range(len(space.axes))
        ]
        codes[row, column] = np.ravel_multi_index(place, space.shape)
    return codes


def _heat(title: str, space: BinSpace, codes: Counts, counts: Counts, targets: Counts) -> Heat:
    return Heat(
        title,
        tuple(
            tuple(
                Cell(space.names[code], int(counts[code]), shade(counts[code], targets[code]))
                for code in row
            )
            for row in codes
        ),
    )


def shade(count: int, target: int) -> int:
    """0 only for an empty bin, the deepest only for one that has all it should have."""
    if count <= 0:
        return 0
    if count >= target:
        return SHADES
    return 1 + int((SHADES - 1) * count / target)
