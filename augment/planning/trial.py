"""The pilot's orders: a few candidates of every generator for every bin that it might fill."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from augment.planning.pose import Question
from augment.planning.problem import Move, Problem, room

#: From so many donor bins, the cheapest, each bin's candidates are made.
DONORS = 4


def pilot_moves(problem: Problem, per_bin: int, most_spare: float) -> Iterator[Move]:
    """For each generator and bin that lacks faces, its cheapest moves, a few candidates in all.

    They are spread evenly over the first :data:`DONORS` moves: faces of the next group need the
    least change, but a judge may not see so little.

    Args:
        problem: what is lacking.
        per_bin: candidates of one generator for one bin, at most.
        most_spare: candidates that a plan would make for each face: more are not tried either.
    """
    lacking = room(problem)
    for number, supplier in enumerate(problem.suppliers):
        first, donors = problem.first_donor(supplier), problem.donors_of(supplier)
        for target in np.flatnonzero(lacking):
            costs = supplier.costs[:, target]
            able = np.flatnonzero(np.isfinite(costs) & (donors >= max(1, supplier.parents)))
            wanted = min(per_bin, math.ceil(lacking[target] * most_spare))
            for place, donor in enumerate(able[np.argsort(costs[able], kind="stable")]):
                fair = math.ceil(wanted / max(1, min(DONORS, len(able)) - place))
                n = min(fair, int(problem.places[first + donor]) // supplier.parents)
                wanted -= n
                if n:
                    cost = float(costs[donor])
                    yield Move(number, first + int(donor), int(target), n, n, cost)


def pilot_orders(
    asked: Question, per_bin: int, most_spare: float, most_children: int, seed: int
) -> Mapping[str, pa.Table]:
    """The order table of every generator.

    Each move chooses its donors as if it were the only one, so that it names the faces that the
    plan's order begins with: what is made for the pilot need not be made again.
    """
    problem = asked.problem
    parts = [
        asked.faces.orders(asked.space, problem.suppliers, [move], most_children, seed)
        for move in pilot_moves(problem, per_bin, most_spare)
    ]
    none = asked.faces.orders(asked.space, problem.suppliers, [], most_children, seed)
    return {
        key: pa.concat_tables([empty, *(part[key] for part in parts)]).sort_by("id")
        for key, empty in none.items()
    }
