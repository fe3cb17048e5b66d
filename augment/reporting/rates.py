"""Shares of groups, as counted."""

from collections.abc import Iterable
from dataclasses import dataclass

from augment.reporting.numbers import FEW


@dataclass(frozen=True)
class Rate:
    """A share of a group: ``hits`` of ``n``, with its 95 % interval (None for n = 0)."""

    group: str
    hits: int
    n: int
    interval: tuple[float, float] | None


def scale_of(rates: Iterable[Rate]) -> float:
    """Where a chart's scale should end, 0..1, for the longest whisker of large enough groups."""
    ends = [rate.interval[1] for rate in rates if rate.interval and rate.n >= FEW]
    highest = max(ends, default=1.0)
    return next(end for end in (0.02, 0.05, 0.1, 0.25, 0.5, 1.0) if highest <= end)
