"""Where a plan stands once candidates are gated: what is filled, by whom, what is still open."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from augment.metrics.balance import Counts
from augment.planning.orders import Earlier
from augment.planning.pose import Question
from augment.planning.problem import Move, Problem, filled, room, supplier_room
from augment.planning.programme import solve
from augment.planning.rates import Cells, Rates, tally_cells, together
from augment.planning.result import unfilled_rows
from augment.planning.shortfall import explain_unfilled


@dataclass(frozen=True)
class Standing:
    """A plan, and what became of all candidates so far.

    Attributes:
        asked: the plan's question.
        problem: what is still open: faces that passed are filled in, parents have fewer places.
        cells: what became of the candidates by generator, donor and bin.
        rates: the pass rates that further orders go by.
        moves: what could be ordered now.
    """

    asked: Question
    problem: Problem
    cells: Cells
    rates: Rates
    moves: list[Move]

    @property
    def missing(self) -> int:
        """Faces that the data set lacks."""
        return int((self.problem.deficits - self.problem.filled.sum(axis=0)).sum())

    def still_missing(self, rounds: int) -> list[dict[str, Any]]:
        """Bins that stay below their target, by how many faces and why, as rows for JSON.

        Args:
            rounds: of top-ups that were allowed.
        """
        names, problem = self.asked.space.names, self.problem
        parts = explain_unfilled(problem, self.moves)
        rows = unfilled_rows(parts, problem, self.rates, self.asked.space)
        ended = "the limit of top-ups was reached" if rounds else "no top-ups are allowed"
        open_ = filled(problem, self.moves)
        rows += [
            {
                "bin": names[target],
                "n": int(open_[target]),
                "reason": f"{ended} (topup.rounds: {rounds})",
            }
            for target in np.flatnonzero(open_)
        ]
        order = {name: place for place, name in enumerate(names)}
        return [
            row | self._tried(row["bin"]) for row in sorted(rows, key=lambda row: order[row["bin"]])
        ]

    def _tried(self, name: str) -> dict[str, int]:
        tried = together(part for cell, part in self.cells.items() if cell.target == name)
        return {"candidates": tried.candidates, "passed": tried.passed}

    def bins(self) -> list[dict[str, Any]]:
        """Every bin: what it lacked, and how many faces of which generator fill it; for JSON."""
        problem, keys = self.problem, [supplier.key for supplier in self.problem.suppliers]
        return [
            {
                "bin": name,
                "deficit": int(problem.deficits[code]),
                "filled": int(problem.filled[:, code].sum()),
                "orders": {
                    key: int(n) for key, n in zip(keys, problem.filled[:, code], strict=True) if n
                },
            }
            for code, name in enumerate(self.asked.space.names)
        ]


def stand(
    asked: Question,
    planned: Mapping[tuple[str, str], int],
    candidates: pa.Table,
    failed: Mapping[str, Sequence[str]],
    pilot: Rates,
    most_children: int,
) -> Standing:
    """Count what passed, and solve anew for what is open.

    Args:
        asked: the plan's question.
        planned: (generator, bin name) -> faces that the plan ordered.
        candidates: columns id, generator, bin, parents of all candidates so far.
        failed: candidate id -> checks it failed.
        pilot: what was measured before; it stands where a cell has no candidate yet.
        most_children: that one face may have.
    """
    space, problem = asked.space, asked.problem
    cells = tally_cells(candidates, asked.faces.donors_of(candidates, space), failed)
    rates = replace(pilot, cells={**pilot.cells, **cells}, what="candidates tried")
    by_bin: Counter[tuple[str, str]] = Counter()
    for cell, part in cells.items():
        by_bin[cell.generator, cell.target] += part.passed
    pairs = [[(supplier.key, name) for name in space.names] for supplier in problem.suppliers]
    shape = (len(problem.suppliers), len(space))
    passed, wanted = (
        np.array([[of.get(pair, 0) for pair in row] for row in pairs], np.int64).reshape(shape)
        for of in (by_bin, planned)
    )
    children = Earlier.of([candidates], "").children
    places, donors = asked.faces.places(most_children, children)
    suppliers = [
        replace(supplier, spares=rates.spares(supplier.key, space.names))
        for supplier in problem.suppliers
    ]
    open_ = replace(
        problem, suppliers=suppliers, places=places, donors=donors,
        filled=accept(problem, passed, wanted),
    )  # fmt: skip
    return Standing(asked, open_, cells, rates, solve(open_))


def accept(problem: Problem, passed: Counts, planned: Counts) -> Counts:
    """How many faces of each generator go into each bin: (suppliers, bins) -> the same shape.

    First what the plan ordered of it; where that is not enough, spare faces of any generator, those
    that change a face least first, as far as the bin's deficit and the generator's share allow.

    Args:
        problem: as the plan found it, nothing filled in.
        passed: faces that passed, by generator and bin.
        planned: faces that the plan ordered.
    """
    taken: Counts = np.minimum(passed, planned)
    left = room(problem) - taken.sum(axis=0)
    for target in np.flatnonzero(left > 0):
        costs = [_least(supplier.costs[:, target]) for supplier in problem.suppliers]
        for number in np.argsort(costs, kind="stable"):
            more = min(
                int(passed[number, target] - taken[number, target]),
                int(supplier_room(problem, number)[target] - taken[number, target]),
                int(left[target]),
            )
            taken[number, target] += max(0, more)
            left[target] -= max(0, more)
    return taken


def _least(costs: Any) -> float:
    return float(np.where(np.isnan(costs), np.inf, costs).min())
