"""The programme where generators and bins pass the gate at different rates."""

from dataclasses import replace

import numpy as np
import pytest

from augment.planning.problem import filled
from augment.planning.programme import solve
from augment.planning.shortfall import (
    CHILDREN,
    GENERATOR_SHARE,
    REFUSED,
    SYNTHETIC_SHARE,
    explain_unfilled,
    refused_suppliers,
)
from tests.unit.test_programme import NO, problem, reasons


@pytest.mark.parametrize(
    ("costs", "ordered"),
    [((1, 9), {0: (3, 12)}), ((9, 1), {0: (2, 8), 1: (4, 4)}), ((1, 1), {0: (2, 8), 1: (4, 4)})],
)
def test_each_target_has_its_own_spares(
    costs: tuple[int, int], ordered: dict[int, tuple[int, int]]
) -> None:
    """One in four passes for bin 0, all for bin 1, and both compete for 12 children. The cheaper
    one comes first, not the one that passes more easily."""
    case = problem(
        [9, 4, 0], [0, 0, 6], [[NO] * 3, [NO] * 3, [*costs, NO]], spare=[[[4.0, 1.0, 1.0]] * 3]
    )
    assert {m.target: (m.faces, m.candidates) for m in solve(case)} == ordered
    assert set(reasons(case)) <= {(0, CHILDREN), (1, CHILDREN)}


def test_a_bin_that_the_gate_refuses_more_is_not_left_out() -> None:
    """Masks pass half as often as copies; what changes a face least still comes first."""
    copies = [[10, NO], [NO, 10]]
    mask = [[NO, 1], [NO, NO]]
    case = problem(
        [40, 40], [10, 1], copies, mask, children=6, spare=[[[1.25] * 2] * 2, [[2.5] * 2] * 2]
    )
    moves = {(move.supplier, move.target): move.faces for move in solve(case)}
    assert moves == {(0, 1): 5, (1, 1): 24}


def test_at_equal_cost_the_generator_that_passes_more_often_comes_first() -> None:
    costs = [[NO, NO], [1, NO]]
    for first, second in ((3.0, 1.25), (1.25, 3.0)):
        spare = [[[first, 1.0]] * 2, [[second, 1.0]] * 2]
        case = problem([2, 0], [1, 9], costs, costs, spare=spare)
        assert [move.supplier for move in solve(case)] == [int(first > second)]


def test_cost_counts_more_than_passing() -> None:
    case = problem([2, 0], [1, 9], [[NO, NO], [1, NO]], [[NO, NO], [1.001, NO]],
                   spare=[[[6.0, 1.0]] * 2, [[1.0, 1.0]] * 2])  # fmt: skip
    assert [move.supplier for move in solve(case)] == [0]


def test_where_the_gate_refuses_all_nothing_is_ordered() -> None:
    costs = [[NO, NO], [1, NO]]
    case = problem([4, 0], [0, 9], costs, spare=[[[np.inf, 1.0]] * 2])
    assert solve(case) == []
    assert reasons(case) == {(0, REFUSED): 4}
    assert refused_suppliers(case, 0) == ["g0"]
    dear = [[NO, NO], [5, NO]]
    case = problem([4, 0], [0, 9], costs, dear, spare=[[[np.inf, 1.0]] * 2, [[2.0, 1.0]] * 2])
    assert [(move.supplier, move.faces) for move in solve(case)] == [(1, 4)]


def test_what_is_filled_already_counts() -> None:
    costs = [[NO, NO], [1, NO]]
    fresh = problem([10, 0], [10, 4], costs, children=9, share=0.4, max_share=(0.5,))
    assert filled(fresh, solve(fresh))[0] == 5
    later = replace(fresh, filled=np.array([[2, 0]]), places=np.array([0, 2, 0, 0]))
    assert filled(later, solve(later))[0] == 2
    parts = {part.reason: part.faces for part in explain_unfilled(later, solve(later))}
    # 8 are lacking; half of 10 by this generator are 5, of which it made 2 and now 2 more.
    assert parts == {CHILDREN: 1, GENERATOR_SHARE: 1, SYNTHETIC_SHARE: 4}
