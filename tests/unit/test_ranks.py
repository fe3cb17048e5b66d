"""Ranks among real faces, and the weakest of several words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.metrics.floors import floor_at
from augment.metrics.ranks import Ranks, weakest_word


def test_a_rank_is_the_share_of_real_faces_below() -> None:
    ranks = Ranks.fit(np.arange(100, dtype=np.float32))
    found = ranks.of(np.array([50.0, 99.0, 1000.0], np.float32))
    np.testing.assert_allclose(found, [0.5, 0.99, 1.0], atol=1e-6)


def test_below_all_real_faces_ranks_still_differ() -> None:
    """The lowest tenth of 0..99 lies 5 below its edge on average: an exponential of that scale."""
    ranks = Ranks.fit(np.arange(100, dtype=np.float32))
    assert ranks.edge == pytest.approx(9.9)
    near, far = ranks.of(np.array([-5.0, -50.0], np.float32))
    assert near == pytest.approx(0.1 * np.exp(-14.9 / ranks.scale), rel=1e-4)
    assert 0 < far < near < 0.01


def test_not_a_number_stays_so_and_nobody_to_compare_with_says_nothing() -> None:
    found = Ranks.fit(np.arange(20, dtype=np.float32)).of(np.array([np.nan, 5.0], np.float32))
    assert np.isnan(found[0])
    nobody = Ranks.fit(np.array([np.nan], np.float32))
    np.testing.assert_array_equal(nobody.of(np.array([np.nan, 5.0], np.float32)), [np.nan, 1.0])


def test_a_score_that_never_varies_has_the_least_scale() -> None:
    ranks = Ranks.fit(np.zeros(50, np.float32), least_scale=0.05)
    same, less = ranks.of(np.array([0.0, -0.2], np.float32))
    assert same == pytest.approx(0.16)  # 8 of 50 make up the tail
    assert less == pytest.approx(0.16 * np.exp(-4), rel=1e-4)


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60))
def test_higher_scores_never_rank_lower(values: list[float]) -> None:
    real = np.array(values, np.float32)
    grid = np.linspace(-120, 120, 200, dtype=np.float32)
    assert (np.diff(Ranks.fit(real).of(grid)) >= 0).all()


def test_more_judges_refuse_no_more_real_faces() -> None:
    """Each judge alone refuses 5 %; the smallest of five ranks does too, at its own threshold."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(5, 2000)).astype(np.float32)
    ranks = [Ranks.fit(own).of(own) for own in scores]
    joint = weakest_word(ranks, [1.0] * 5, 2000)
    refused_by_any_alone = np.any([rank < floor_at(rank, 0.05) for rank in ranks], axis=0)
    assert refused_by_any_alone.mean() > 0.2
    assert 0.045 < (joint < floor_at(joint, 0.05)).mean() <= 0.05


def test_a_weak_judge_hardly_costs_the_others_anything() -> None:
    random = np.random.default_rng(1)
    good, weak = random.normal(size=(2, 4000)).astype(np.float32)
    ranks = [Ranks.fit(good).of(good), Ranks.fit(weak).of(weak)]
    alone = floor_at(weakest_word(ranks[:1], [1.0], 4000), 0.05)
    equal = floor_at(weakest_word(ranks, [1.0, 1.0], 4000), 0.05)
    weighed = floor_at(weakest_word(ranks, [1.0, 0.1], 4000), 0.05)
    assert equal < 0.6 * alone
    assert weighed > 0.85 * alone


def test_without_judges_every_face_is_as_good_as_any() -> None:
    np.testing.assert_array_equal(weakest_word([], [], 3), [1.0, 1.0, 1.0])
