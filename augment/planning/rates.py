"""From measured pass rates to candidates ordered for each face wanted.

A bin's own candidates are few, so its rate is shrunk towards its generator's: with a Beta prior of
:data:`PRIOR` candidates at the generator's overall rate, the rate of the bin has the posterior
Beta(PRIOR * overall + passed, PRIOR * (1 - overall) + refused) (Gelman et al., Bayesian Data
Analysis, section 2.4). Orders use its :data:`SAFE` quantile, so that three bins of four get enough.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import betaincinv

from augment.metrics.passes import Tally
from augment.metrics.proportion import wilson_interval

#: (generator key, bin name) -> what became of its candidates.
Cells = Mapping[tuple[str, str], Tally]

#: Candidates that the generator's overall rate counts for in each of its bins.
PRIOR = 10.0
#: Quantile of a rate's posterior that orders are made from.
SAFE = 0.25
#: Factors are multiples of this, rounded up: a few faces more or less change few orders.
STEP = 0.25
#: So many candidates, all refused, and nothing more is ordered.
TELLING = 8


def tally_cells(candidates: pa.Table, failed: Mapping[str, Sequence[str]]) -> dict[Any, Tally]:
    """Counts by (generator, bin) of candidates, by id and the checks that each failed."""
    cells: dict[tuple[str, str], Tally] = {}
    columns = [candidates.column(name).to_pylist() for name in ("id", "generator", "bin")]
    for row_id, generator, bin_name in zip(*columns, strict=True):
        cells.setdefault((generator, bin_name), Tally()).add(failed[row_id])
    return cells


def by_generator(cells: Cells) -> dict[str, Tally]:
    """The same candidates, counted by generator."""
    whole: dict[str, Tally] = {}
    for (key, _), part in cells.items():
        total = whole.setdefault(key, Tally())
        total.candidates += part.candidates
        total.made += part.made
        total.passed += part.passed
        total.refused.update(part.refused)
    return whole


def to_rows(cells: Cells) -> list[dict[str, Any]]:
    """Rows for JSON, one a cell; ``pass_rate`` is of all candidates, also of those not made."""
    return [{"generator": key, "bin": name, **_row(part)} for (key, name), part in cells.items()]


def generator_rows(cells: Cells) -> list[dict[str, Any]]:
    """The same by generator."""
    return [{"generator": key, **_row(part)} for key, part in by_generator(cells).items()]


def from_rows(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Tally]:
    """What :func:`to_rows` wrote."""
    cells = {}
    for row in rows:
        part = Tally(row["candidates"], row["made"], row["passed"])
        part.refused.update(row["refused"])
        cells[row["generator"], row["bin"]] = part
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
        most: candidates for each face, at most, whatever was measured.
        what: what was counted, for reasons: ``pilot candidates``.
    """

    cells: Cells = field(default_factory=dict)
    assumed: float = 1.0
    most: float = math.inf
    what: str = "pilot candidates"

    def spares(self, key: str, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """Of each bin, shape (bins,); inf where every candidate was refused."""
        whole = by_generator(self.cells).get(key, Tally())
        return np.array([self._spare(whole, self._own(key, name)) for name in names])

    def _own(self, key: str, name: str) -> Tally:
        return self.cells.get((key, name), Tally())

    def _spare(self, whole: Tally, own: Tally) -> float:
        if not whole.candidates:
            return self.assumed
        if _hopeless(own) or _hopeless(whole):
            return math.inf
        steps = math.ceil(1 / safe_rate(whole, own) / STEP - 1e-9)
        return min(steps * STEP, self.most)

    def refusals(self, name: str, keys: Iterable[str]) -> str:
        """Why some generators get no order for a bin: how many were refused, and by what."""
        whole = by_generator(self.cells)
        words = []
        for key in keys:
            own = self._own(key, name)
            part, where = (own, "") if _hopeless(own) else (whole[key], " of all bins")
            reasons = ", ".join(f"{check} {n}" for check, n in part.refused.most_common())
            words.append(
                f"{key}: the gate refused all {part.candidates} {self.what}{where} ({reasons})"
            )
        return "; ".join(words)


def safe_rate(whole: Tally, own: Tally) -> float:
    """The pass rate to count on in one bin, within 0..1; see the module's text.

    Args:
        whole: all candidates of the generator.
        own: those of the bin.
    """
    # Half a candidate each way keeps the prior proper where all passed, or none.
    overall = (whole.passed + 0.5) / (whole.candidates + 1)
    passed = PRIOR * overall + own.passed
    refused = PRIOR * (1 - overall) + own.candidates - own.passed
    return float(betaincinv(passed, refused, SAFE))


def _hopeless(part: Tally) -> bool:
    return part.candidates >= TELLING and not part.passed
