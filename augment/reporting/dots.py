"""Dot-and-whisker charts: values with intervals on one scale, as positions in per cent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_MOST_TICKS = 6


@dataclass(frozen=True)
class Dot:
    """One row. Values are shares 0..1; ``kind`` picks the mark."""

    label: str
    value: float
    interval: tuple[float, float]
    note: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Dots:
    """A chart: its rows, and where its scale begins and ends."""

    measure: str
    title: str
    rows: tuple[Dot, ...]
    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Position from the left, per cent of the width, inside 0..100."""
        place = 100 * (value - self.low) / (self.high - self.low)
        return round(min(100.0, max(0.0, place)), 2)


def chart(measure: str, title: str, rows: Sequence[Dot]) -> Dots:
    """A chart whose scale holds all whiskers and ends on round numbers."""
    lowest = min([row.interval[0] for row in rows] + [row.value for row in rows])
    highest = max([row.interval[1] for row in rows] + [row.value for row in rows])
    step = next((s for s in _STEPS if (highest - lowest) / s <= _MOST_TICKS - 1), _STEPS[-1])
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(round(n * step, 6) for n in range(first, last + 1))
    return Dots(measure, title, tuple(rows), ticks[0], ticks[-1], ticks)
