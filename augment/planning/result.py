"""A finished plan, before anything is written, and its small report."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from augment.metrics.balance import Counts, bins_below
from augment.metrics.passes import Tally
from augment.planning.problem import Move, Problem, filled
from augment.planning.rates import Rates, by_generator
from augment.planning.shortfall import REFUSED, Unfilled, refused_suppliers
from augment.types import BinSpace


@dataclass(frozen=True)
class Plan:
    """What is ordered and what is left; the parts of a bin add up to its deficit.

    Attributes:
        space: the bins.
        targets: faces that each bin shall hold, shape (bins,).
        problem: what was lacking and allowed.
        rates: the pass rates that its spares come from.
        moves: what is ordered.
        unfilled: what is not, and why.
        orders: the order table of every generator, empty ones too.
    """

    space: BinSpace
    targets: Counts
    problem: Problem
    rates: Rates
    moves: list[Move]
    unfilled: list[Unfilled]
    orders: dict[str, pa.Table]

    def report(self) -> dict[str, Any]:
        """The content of ``reports/plan.json``."""
        names, keys = self.space.names, [supplier.key for supplier in self.problem.suppliers]
        ordered = filled(self.problem, self.moves)
        lacking = self.problem.deficits
        by_bin: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(keys, 0))
        for move in self.moves:
            by_bin[move.target][keys[move.supplier]] += move.faces
        return {
            "plan": {
                "deficit": int(lacking.sum()),
                "ordered": int(ordered.sum()),
                "unfilled": sum(part.faces for part in self.unfilled),
                "candidates": sum(move.candidates for move in self.moves),
                "bins": len(names),
                "bins_below_target_before": bins_below(self.problem.faces, self.targets),
            },
            "cells": [
                {
                    "bin": names[code],
                    "have": int(self.problem.faces[code]),
                    "target": int(self.targets[code]),
                    "deficit": int(lacking[code]),
                    "ordered": int(ordered[code]),
                    "unfilled": int(lacking[code] - ordered[code]),
                    "orders": {key: n for key, n in by_bin[code].items() if n},
                }
                for code in range(len(names))
            ],
            "unfilled": unfilled_rows(self.unfilled, self.problem, self.rates, self.space),
            "generators": [self._of_generator(number, key) for number, key in enumerate(keys)],
            "moves": [
                {
                    "generator": keys[move.supplier],
                    "from": names[move.donor % len(names)]
                    + " (too small)" * (move.donor >= len(names)),
                    "to": names[move.target],
                    "faces": move.faces,
                    "candidates": move.candidates,
                    "cost": round(move.cost, 6),
                }
                for move in self.moves
            ],
        }

    def _of_generator(self, number: int, key: str) -> dict[str, Any]:
        moves = [move for move in self.moves if move.supplier == number]
        parents = pc.list_flatten(self.orders[key].column("parents").combine_chunks())
        tried = by_generator(self.rates.cells).get(key, Tally())
        return {
            "generator": key,
            "faces": sum(move.faces for move in moves),
            "candidates": sum(move.candidates for move in moves),
            "parents": len(pc.unique(parents)),
            "pilot": {"candidates": tried.candidates, "passed": tried.passed},
        }


def unfilled_rows(
    parts: Sequence[Unfilled], problem: Problem, rates: Rates, space: BinSpace
) -> list[dict[str, Any]]:
    """What could not be ordered, as rows for JSON, with the gate's refusals spelled out."""
    return [
        {
            "bin": space.names[part.target],
            "n": part.faces,
            "reason": rates.refusals(
                space.names[part.target], refused_suppliers(problem, part.target)
            )
            if part.reason == REFUSED
            else part.reason,
        }
        for part in parts
    ]
