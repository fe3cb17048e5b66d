"""The pilot's orders: from the nearest few bins, evenly."""

import numpy as np

from augment.planning.problem import Problem, Supplier
from augment.planning.trial import DONORS, pilot_moves

BINS = 7


def asked(faces: list[int], children: int = 2) -> Problem:
    """The last bin lacks a hundred faces; all others can give some, the near ones cheaply."""
    costs = np.full((BINS, BINS), np.nan)
    costs[:-1, -1] = range(BINS - 1, 0, -1)
    deficits = np.array([0] * (BINS - 1) + [100])
    supplier = Supplier("g", costs, np.ones((BINS, BINS)))
    return Problem.fresh(deficits, np.array(faces), [supplier], children, 1.0)


def spread(problem: Problem, per_bin: int = 24) -> dict[int, int]:
    return {move.donor: move.candidates for move in pilot_moves(problem, per_bin, 6.0)}


def test_the_nearest_bins_share_the_candidates_evenly() -> None:
    assert DONORS == 4
    assert spread(asked([50] * BINS)) == {5: 6, 4: 6, 3: 6, 2: 6}


def test_others_give_what_few_parents_cannot() -> None:
    assert spread(asked([50, 50, 50, 50, 1, 0, 9])) == {4: 2, 3: 8, 2: 7, 1: 7}
    assert spread(asked([0, 0, 0, 0, 0, 50, 9])) == {5: 24}
    assert spread(asked([3, 1, 1, 1, 1, 1, 9], children=1)) == {5: 1, 4: 1, 3: 1, 2: 1, 1: 1, 0: 3}


def test_candidates_are_spread_as_far_as_they_go() -> None:
    assert spread(asked([50] * BINS), per_bin=2) == {5: 1, 4: 1}
