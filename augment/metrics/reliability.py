"""What a judge's own errors mean for the figures that its verdicts lead to."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from augment.metrics.proportion import wilson_interval
from augment.types import BinSpace

Rows = Sequence[Mapping[str, Any]]  # of metrics.calibration.accuracy_rows


def judge_words(kind: str, rows: Rows) -> dict[str, Any]:
    """What is told of a judge wherever its verdicts are used.

    Args:
        kind: the plug-in's name.
        rows: its accuracy on real held-out faces, by label and group.

    Returns:
        ``kind``, ``accuracy`` (all of ``rows``), and ``weaker``: the rows of groups whose interval
        lies below the label's overall accuracy, with that as ``overall``.
    """
    overall = {row["label"]: row["accuracy"] for row in rows if row["by"] == "all"}
    weaker = [
        {**row, "overall": overall[row["label"]]}
        for row in rows
        if row["by"] != "all" and row["n"] and row["interval"][1] < overall.get(row["label"], 0.0)
    ]
    return {"kind": kind, "accuracy": [dict(row) for row in rows], "weaker": weaker}


def rows_of_group(
    accuracy: Mapping[str, Rows],
    labels: Iterable[str],
    grouping: str,
    group: str,
    bins: BinSpace,
) -> list[Mapping[str, Any]]:
    """How good each judge is about ``labels`` on one group of candidates.

    Of a bin these are its rows on each of the bin's values; where a judge was not measured on the
    group, its row on all faces.
    """
    words = list(_words(grouping, group, bins))
    found: list[Mapping[str, Any]] = []
    for rows in accuracy.values():
        for label in labels:
            own = [row for row in rows if row["label"] == label and row["n"]]
            here = [_joined([r for r in own if r["by"] == by and r["group"] in known])
                    for by, known in words]  # fmt: skip
            measured = [row for row in here if row is not None]
            found += measured or [row for row in own if row["by"] == "all"]
    return found


def _words(grouping: str, group: str, bins: BinSpace) -> Iterator[tuple[str, set[str]]]:
    """The label columns that a group is made of, and their words in it."""
    values = {grouping: group}
    if grouping == "bin":
        values = bins.values(bins.names.index(group)) if group in bins.names else {}
    axes = {axis.name: axis for axis in bins.axes}
    for name, value in values.items():
        merged = axes[name].merge if name in axes else {}
        yield name, {value} | {word for word, to in merged.items() if to == value}


def _joined(rows: Rows) -> Mapping[str, Any] | None:
    """One row of several groups' faces."""
    n = sum(row["n"] for row in rows)
    if not n:
        return None
    hits = sum(round(row["accuracy"] * row["n"]) for row in rows)
    return {"label": rows[0]["label"], "n": n, "accuracy": hits / n,
            "interval": wilson_interval(hits, n)}  # fmt: skip


def widened_interval(passed: int, made: int, rows: Rows) -> tuple[float, float]:
    """95 % interval of a pass rate whose counts come from judges that err.

    What passes is in proportion to how often the judges are right about the group, and that is
    itself known from few held-out faces. So the rate is taken times (true accuracy) / (measured
    accuracy), which is about 1, and the interval is that of this product: Wilson's of both factors,
    joined by the method of variance estimates recovery (G. Zou and A. Donner, Statistics in
    Medicine 27, 2008). Of several judges the least certain one counts. Without judges it is
    Wilson's.

    Args:
        passed: candidates that passed.
        made: of so many, 1 or more.
        rows: each judge's ``n``, ``accuracy`` and ``interval`` on the group.

    Raises:
        ValueError: ``made`` is not positive, or ``passed`` not within 0..made.
    """
    low, high = wilson_interval(passed, made)
    rate = passed / made
    down = max((1 - row["interval"][0] / row["accuracy"] if row["accuracy"] else 1.0
                for row in rows), default=0.0)  # fmt: skip
    up = max((row["interval"][1] / row["accuracy"] - 1 if row["accuracy"] else math.inf
              for row in rows), default=0.0)  # fmt: skip
    above = rate * up if rate else 0.0
    return (
        max(0.0, rate - math.hypot(rate - low, rate * down)),
        min(1.0, rate + math.hypot(high - rate, above)),
    )
