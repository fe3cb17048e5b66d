"""The page: what it is told, and how it is put together into one file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2

from augment.reporting import numbers
from augment.reporting.balance import Bars, HeatMaps
from augment.reporting.dots import Dots
from augment.reporting.faces import Shot
from augment.reporting.fidelity import FidelityPart
from augment.reporting.gate import GatePart, RefusedTable
from augment.reporting.rates import Rate, scale_of


@dataclass(frozen=True)
class Card:
    """One candidate as shown: its picture, its parents', and what became of it."""

    id: str
    generator: str
    bin: str
    passed: bool
    shot: Shot
    parents: tuple[Shot, ...]
    steps: tuple[str, ...]
    reasons: tuple[str, ...]
    scores: Mapping[str, float]  # check -> its score less its threshold; below 0 it refused


@dataclass(frozen=True)
class GeneratorPart:
    key: str
    kind: str
    candidates: int
    made: int
    passed: int
    interval: tuple[float, float] | None  # of passed among made
    refused: tuple[tuple[str, int], ...]  # check, candidates it refused
    groups: Mapping[str, tuple[Rate, ...]]  # axis -> pass rates
    refusals: tuple[RefusedTable, ...]
    fidelity: FidelityPart | None
    kept: tuple[Card, ...]
    rejected: tuple[Card, ...]
    weights: tuple[str, ...]


@dataclass(frozen=True)
class TaskPart:
    """One downstream task: its sentences, charts by measure, and the arms' groups."""

    name: str
    label: str
    groups: tuple[str, ...]
    findings: tuple[str, ...]
    remarks: tuple[str, ...]
    charts: tuple[Dots, ...]
    arms: Mapping[str, Mapping[str, Any]]
    differences: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Page:
    """Everything the page says. Tables are rows of plain values, as in the files under reports/."""

    metrics: Mapping[str, Any]
    audit: Mapping[str, Any]
    bars: Sequence[Bars]
    heat: HeatMaps | None
    bins: Sequence[Mapping[str, Any]]
    failures: Mapping[str, tuple[Rate, ...]]
    plan: Mapping[str, Any]
    topup: Mapping[str, Any]
    generators: Sequence[GeneratorPart]
    gate: GatePart
    fidelity_notes: Sequence[str]
    tasks: Sequence[TaskPart]
    training: Mapping[str, Any]
    gallery: Sequence[Card]
    candidates: int
    licences: Sequence[Mapping[str, Any]]
    sources: Sequence[Mapping[str, Any]]
    made_by: Mapping[str, str]
    hidden: bool  # some pictures are not shown because they show real people

    @property
    def before(self) -> int:
        return sum(row["before"] for row in self.bins)

    @property
    def added(self) -> int:
        return sum(row["after"] - row["before"] for row in self.bins)

    @property
    def failure_scale(self) -> float:
        """Where the scale of the failure charts ends: failures are rare, 0 to 100 % shows none."""
        return scale_of(rate for rates in self.failures.values() for rate in rates)

    @property
    def filters(self) -> list[tuple[str, str, list[str]]]:
        """The gallery's selects: data attribute, title, values."""
        return [
            ("bin", "Bin", list(dict.fromkeys(self._bins_shown))),
            (
                "generator",
                "Generator",
                list(dict.fromkeys(card.generator for card in self.gallery)),
            ),
            ("verdict", "Verdict", ["passed", "refused"]),
        ]

    @property
    def checks_shown(self) -> list[str]:
        """Checks that scored a card of the gallery: what it can be ordered by."""
        return list(dict.fromkeys(check for card in self.gallery for check in card.scores))

    @property
    def _bins_shown(self) -> list[str]:
        shown = {card.bin for card in self.gallery}
        return [row["bin"] for row in self.bins if row["bin"] in shown]


def render(page: Page) -> str:
    """The page as one self-contained HTML text: no address in it is ever fetched."""
    return _environment().get_template("report.html.j2").render(page=page)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("augment.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    for name in ("count", "share", "share_of", "between", "points", "plain", "limit"):
        environment.filters[name] = getattr(numbers, name)
    environment.globals["FEW"] = numbers.FEW
    return environment
