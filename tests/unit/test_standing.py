import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.planning.problem import Problem, room, supplier_room
from augment.planning.standing import accept
from tests.unit.test_programme import NO, problem, problems

COPY, MOVE = [[0, NO], [NO, NO]], [[NO, NO], [2, NO]]


def taken(case: Problem, passed: list[list[int]], planned: list[list[int]]) -> list[list[int]]:
    rows: list[list[int]] = accept(case, np.array(passed), np.array(planned)).tolist()
    return rows


def test_what_was_planned_comes_first() -> None:
    case = problem([10, 0], [5, 5], COPY, MOVE)
    assert taken(case, [[9, 0], [9, 0]], [[4, 0], [6, 0]]) == [[4, 0], [6, 0]]


def test_spare_faces_fill_in_those_that_change_least_first() -> None:
    case = problem([10, 0], [5, 5], MOVE, COPY)
    assert taken(case, [[9, 0], [5, 0]], [[3, 0], [4, 0]]) == [[5, 0], [5, 0]]


def test_no_more_than_the_synthetic_share_and_the_generators_share() -> None:
    case = problem([10, 0], [4, 5], COPY, MOVE, share=0.5)
    assert taken(case, [[9, 0], [9, 0]], [[0, 0], [1, 0]]) == [[3, 0], [1, 0]]
    case = problem([10, 0], [4, 5], COPY, MOVE, max_share=(0.3, 1.0))
    assert taken(case, [[9, 0], [5, 0]], [[0, 0], [5, 0]]) == [[3, 0], [5, 0]]


def test_without_generators() -> None:
    case = problem([10, 0], [4, 5])
    assert accept(case, case.filled, case.filled).shape == (0, 2)


@settings(max_examples=80, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_no_limit_is_overstepped_and_nothing_that_fits_is_left(
    case: Problem, random: object
) -> None:
    draw = np.random.default_rng(random.randrange(2**31))  # type: ignore[attr-defined]
    passed = draw.integers(0, 9, case.filled.shape)
    mine = [np.minimum(room(case), supplier_room(case, n)) for n in range(len(case.suppliers))]
    planned = np.zeros_like(passed)
    for number, most in enumerate(mine):  # as a plan would: within the room of the bin
        left = room(case) - planned.sum(axis=0)
        planned[number] = draw.integers(0, np.minimum(most, left) + 1)
    got = accept(case, passed, planned)
    assert (got <= passed).all()
    assert (got.sum(axis=0) <= room(case)).all()
    for number in range(len(case.suppliers)):
        assert (got[number] <= supplier_room(case, number)).all()
        more = np.minimum(passed[number], supplier_room(case, number)) - got[number]
        assert (np.minimum(more, room(case) - got.sum(axis=0)) == 0).all()
