"""What the gate says of itself: its judges, the real faces it would refuse, whom it refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augment.metrics.refusals import is_quiet
from augment.reporting.numbers import plain
from augment.reporting.rates import Rate, scale_of
from augment.types import BinSpace


@dataclass(frozen=True)
class JudgePart:
    """One judge: how often it is right on real held-out faces, and where it is weaker."""

    key: str
    kind: str
    accuracy: tuple[Rate, ...]  # a row a label
    weaker: tuple[str, ...]


@dataclass(frozen=True)
class RefusedRow:
    """One group of a generator's candidates."""

    group: str
    candidates: int
    any_check: Rate
    checks: tuple[int, ...]  # refused by each check, in the order of RefusedTable.checks


@dataclass(frozen=True)
class RefusedTable:
    grouping: str
    checks: tuple[str, ...]
    rows: tuple[RefusedRow, ...]


@dataclass(frozen=True)
class GatePart:
    """See ``data/verdicts/summary.json``.

    Attributes:
        allowed: share of the real faces of each group that the gate may refuse, 0..1.
        each: the share that each check may refuse for that, 0..1; None: nothing was examined.
        faces: real faces that posed as candidates.
        real: grouping -> share of them refused, a row a group.
        judges: all judges of the gate.
        findings: whom it refuses more, in sentences.
        quiet: sentences on groups without a difference, or with too few candidates.
        tables: generator -> refusals by group and check.
        notes: check -> what it says of itself.
    """

    allowed: float
    each: float | None
    faces: int
    real: Mapping[str, tuple[Rate, ...]]
    judges: tuple[JudgePart, ...]
    findings: tuple[str, ...]
    quiet: tuple[str, ...]
    tables: Mapping[str, tuple[RefusedTable, ...]]
    notes: Mapping[str, Sequence[str]]

    @property
    def over(self) -> list[Rate]:
        """Groups of real faces of which more than meant is refused, beyond chance."""
        return [
            rate
            for rates in self.real.values()
            for rate in rates
            if rate.interval and rate.interval[0] > self.allowed
        ]

    @property
    def scale(self) -> float:
        """Where the scale of the charts of refused real faces ends."""
        return scale_of(rate for rates in self.real.values() for rate in rates)


def gate_part(summary: Mapping[str, Any], space: BinSpace) -> GatePart:
    """From ``data/verdicts/summary.json``.

    Args:
        summary: its content.
        space: the bins, whose axes are shown.
    """
    orders = {"all": ("all",), **{axis.name: axis.values for axis in space.axes}}
    real = summary["real_faces"]
    refused = real["refused"] if real else {}
    return GatePart(
        allowed=summary["false_rejection"],
        each=real["rate_of_each_check"] if real else None,
        faces=real["faces"] if real else 0,
        real={
            name: _rates(_sorted(refused[name], order))
            for name, order in orders.items()
            if refused.get(name)
        },
        judges=tuple(_judge(key, told) for key, told in summary["judges"].items()),
        findings=tuple(told for told in summary["findings"] if not is_quiet(told)),
        quiet=tuple(told for told in summary["findings"] if is_quiet(told)),
        tables={
            key: tuple(
                _table(name, _sorted(parts[name], order))
                for name, order in orders.items()
                if name != "all" and parts.get(name)
            )
            for key, parts in summary["refusals"].items()
        },
        notes={name: notes for name, notes in summary["checks"].items() if notes},
    )


def _sorted(groups: Mapping[str, Any], order: Sequence[str]) -> dict[str, Any]:
    return {name: groups[name] for name in order if name in groups}


def _rates(groups: Mapping[str, Mapping[str, Any]]) -> tuple[Rate, ...]:
    return tuple(
        Rate(name, part["refused"], part["faces"], tuple(part["interval"]))
        for name, part in groups.items()
    )


def _judge(key: str, told: Mapping[str, Any]) -> JudgePart:
    rows = [row for row in told["accuracy"] if row["by"] == "all"]
    accuracy = tuple(
        Rate(plain(row["label"]), round((row["accuracy"] or 0) * row["n"]), row["n"],
             tuple(row["interval"]) if row["interval"] else None)
        for row in rows
    )  # fmt: skip
    weaker = tuple(
        f"{row['label']}: {100 * row['accuracy']:.1f} % on {row['by']} {row['group']} "
        f"(n={row['n']:,}), {100 * row['overall']:.1f} % overall".replace("_", " ")
        for row in told["weaker"]
    )
    return JudgePart(key, told["kind"], accuracy, weaker)


def _table(grouping: str, groups: Mapping[str, Mapping[str, Any]]) -> RefusedTable:
    checks = tuple(next(iter(groups.values()))["checks"])
    rows = tuple(
        RefusedRow(
            group=name,
            candidates=part["candidates"],
            any_check=Rate(name, part["refused"], part["candidates"], part["interval"]),
            checks=tuple(part["checks"][check]["refused"] for check in checks),
        )
        for name, part in groups.items()
    )
    return RefusedTable(grouping, checks, rows)
