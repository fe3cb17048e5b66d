import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.metrics.balance import (
    bins_below,
    count_bins,
    deficits,
    evenness,
    imbalance_ratio,
)

counts_of_bins = st.lists(st.integers(0, 1000), min_size=2, max_size=20).filter(any)


def test_evenness_of_equal_bins_is_one() -> None:
    assert evenness(np.array([5, 5, 5])) == pytest.approx(1.0, abs=1e-12)


def test_evenness_of_one_full_bin_among_others_is_zero() -> None:
    assert evenness(np.array([0, 7, 0])) == 0.0


def test_evenness_known_value() -> None:
    # Shares 1/2, 1/4, 1/4: 1.5 bits of at most log2(3).
    assert evenness(np.array([2, 1, 1])) == pytest.approx(1.5 / math.log2(3), abs=1e-12)


def test_empty_bins_make_a_census_less_even() -> None:
    assert evenness(np.array([5, 5, 0])) == pytest.approx(1 / math.log2(3), abs=1e-12)


def test_a_single_bin_is_even() -> None:
    assert evenness(np.array([3])) == 1.0
    assert imbalance_ratio(np.array([3])) == 1.0


@given(counts_of_bins, st.integers(1, 50))
def test_evenness_is_a_share_that_neither_scale_nor_order_changes(
    counts: list[int], factor: int
) -> None:
    value = evenness(np.array(counts))
    assert 0 <= value <= 1
    assert evenness(np.array(counts[::-1]) * factor) == pytest.approx(value, abs=1e-9)


def test_imbalance_ratio() -> None:
    assert imbalance_ratio(np.array([10, 4, 2])) == 5.0
    assert imbalance_ratio(np.array([10, 0])) == math.inf


@pytest.mark.parametrize("measure", [evenness, imbalance_ratio])
@pytest.mark.parametrize("counts", [[], [0, 0]])
def test_no_faces_have_no_balance(measure: object, counts: list[int]) -> None:
    with pytest.raises(ValueError, match="not defined"):
        measure(np.array(counts, dtype=np.int64))  # type: ignore[operator]


def test_faces_in_no_bin_are_not_counted() -> None:
    assert count_bins(np.array([0, 2, -1, 2]), 4).tolist() == [1, 0, 2, 0]


def test_a_bin_above_its_target_lacks_nothing() -> None:
    have, want = np.array([3, 9, 0]), np.array([5, 5, 0])
    assert deficits(have, want).tolist() == [2, 0, 0]
    assert bins_below(have, want) == 1
