"""From measured pass rates to candidates ordered for each face wanted.

A pass rate belongs to a move, from one bin to another by one generator: an old face made of a
middle-aged one passes the gate less or more often than one made of a young one. Its own candidates
are few, so a move's rate is shrunk towards that of the other moves into its bin, and theirs towards
the generator's. With the expected rate of the others

    expected = (PRIOR * overall + passed of others) / (PRIOR + candidates of others)

a move has the posterior Beta(PRIOR * expected + passed, PRIOR * (1 - expected) + refused) (Gelman
et al., Bayesian Data Analysis, section 2.4). Orders use its :data:`SAFE` quantile, so that three
moves of four get enough.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import betaincinv

from augment.metrics.passes import Tally
from augment.metrics.proportion import wilson_interval


class Cell(NamedTuple):
    """One kind of candidate: made by ``generator`` from a face of bin ``donor`` for ``target``."""

    generator: str
    donor: str
    target: str


#: What became of the candidates of each kind.
Cells = Mapping[Cell, Tally]

#: Candidates that what is expected counts for: few, since moves differ much.
PRIOR = 4.0
#: Quantile of a rate's posterior that orders are made from.
SAFE = 0.25
#: Factors are multiples of this, rounded up: a few faces more or less change few orders.
STEP = 0.25
#: So many candidates, all refused, and nothing more is ordered.
TELLING = 8


def tally_cells(
    candidates: pa.Table, donors: Sequence[str], failed: Mapping[str, Sequence[str]]
) -> dict[Cell, Tally]:
    """Counts by kind of candidate.

    Args:
        candidates: columns id, generator, bin.
        donors: names of the bins that their parents are in.
        failed: candidate id -> checks that it failed.
    """
    cells: dict[Cell, Tally] = {}
    ids, generators, bins = (
        candidates.column(name).to_pylist() for name in ("id", "generator", "bin")
    )
    for row_id, *cell in zip(ids, generators, donors, bins, strict=True):
        cells.setdefault(Cell(*cell), Tally()).add(failed[row_id])
    return cells


def by_generator(cells: Cells) -> dict[str, Tally]:
    """The same candidates, counted by generator."""
    return {
        key: together(part for cell, part in cells.items() if cell.generator == key)
        for key in dict.fromkeys(cell.generator for cell in cells)
    }


def together(parts: Iterable[Tally]) -> Tally:
    """The sum of counts."""
    total = Tally()
    for part in parts:
        total.candidates += part.candidates
        total.made += part.made
        total.passed += part.passed
        total.refused.update(part.refused)
    return total


def to_rows(cells: Cells) -> list[dict[str, Any]]:
    """Rows for JSON, one a cell; ``pass_rate`` is of all candidates, also of those not made."""
    return [
        {"generator": cell.generator, "from": cell.donor, "to": cell.target, **_row(part)}
        for cell, part in sorted(cells.items())
    ]


def generator_rows(cells: Cells) -> list[dict[str, Any]]:
    """The same by generator."""
    return [{"generator": key, **_row(part)} for key, part in by_generator(cells).items()]


def from_rows(rows: Iterable[Mapping[str, Any]]) -> dict[Cell, Tally]:
    """What :func:`to_rows` wrote."""
    cells = {}
    for row in rows:
        part = Tally(row["candidates"], row["made"], row["passed"])
        part.refused.update(row["refused"])
        cells[Cell(row["generator"], row["from"], row["to"])] = part
    return cells


def _row(part: Tally) -> dict[str, Any]:
    n = part.candidates
    return {
        "candidates": n,
        "made": part.made,
        "passed": part.passed,
        "pass_rate": round(part.passed / n, 6) if n else None,
        "interval": [round(end, 6) for end in wilson_interval(part.passed, n)] if n else None,
        "refused": dict(part.refused.most_common()),
    }


@dataclass(frozen=True)
class Rates:
    """Candidates for each face wanted, and where none is expected to pass.

    Attributes:
        cells: what was measured.
        assumed: candidates for each face of a generator that nothing was measured of.
        what: what was counted, for reasons: ``pilot candidates``.
    """

    cells: Cells = field(default_factory=dict)
    assumed: float = 1.0
    what: str = "pilot candidates"

    def spares(self, key: str, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """Candidates for each face, (bins, bins), row donor and column target; inf where every
        candidate was refused."""
        whole = together(part for cell, part in self.cells.items() if cell.generator == key)
        spares = np.full((len(names), len(names)), self.assumed)
        if not whole.candidates:
            return spares
        places = {name: place for place, name in enumerate(names)}
        for column, name in enumerate(names):
            own = self._into(key, name)
            everyone = together(own.values())
            if _hopeless(whole) or _hopeless(everyone):
                spares[:, column] = math.inf
                continue
            spares[:, column] = _spare(whole, everyone, Tally())
            for donor, part in own.items():
                others = together(of for other, of in own.items() if other != donor)
                if donor in places:
                    spares[places[donor], column] = _spare(whole, others, part)
        return spares

    def _into(self, key: str, name: str) -> dict[str, Tally]:
        """By donor, what one generator made for one bin."""
        return {
            cell.donor: part
            for cell, part in self.cells.items()
            if (cell.generator, cell.target) == (key, name)
        }

    def refusals(self, name: str, keys: Iterable[str]) -> str:
        """Why some generators get no order for a bin: how many were refused, and by what."""
        whole = by_generator(self.cells)
        words = []
        for key in keys:
            own = self._into(key, name)
            part, where = together(own.values()), ""
            if not _hopeless(part) and _hopeless(whole[key]):
                part, where = whole[key], " of all bins"
            elif not _hopeless(part):
                part = together(of for of in own.values() if _hopeless(of))
                where = " of faces that could be parents"
            reasons = ", ".join(f"{check} {n}" for check, n in part.refused.most_common())
            words.append(
                f"{key}: the gate refused all {part.candidates} {self.what}{where} ({reasons})"
            )
        return "; ".join(words)


def safe_rate(whole: Tally, others: Tally, own: Tally) -> float:
    """The pass rate to count on in one move, within 0..1; see the module's text.

    Args:
        whole: all candidates of the generator.
        others: those of other moves into the bin.
        own: those of the move.
    """
    # Half a candidate each way keeps the prior proper where all passed, or none.
    overall = (whole.passed + 0.5) / (whole.candidates + 1)
    expected = (PRIOR * overall + others.passed) / (PRIOR + others.candidates)
    passed = PRIOR * expected + own.passed
    refused = PRIOR * (1 - expected) + own.candidates - own.passed
    return float(betaincinv(passed, refused, SAFE))


def _spare(whole: Tally, others: Tally, own: Tally) -> float:
    if _hopeless(own):
        return math.inf
    return math.ceil(1 / safe_rate(whole, others, own) / STEP - 1e-9) * STEP


def _hopeless(part: Tally) -> bool:
    return part.candidates >= TELLING and not part.passed
