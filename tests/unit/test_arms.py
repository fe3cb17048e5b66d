"""What each arm of the downstream comparison draws."""

import numpy as np
import pytest

from augment.metrics.arms import ARMS, BASELINES, log_shares, make_arm

BINS = ["a", "a", "a", "a", "b", "", "b", "b"]
SYNTHETIC = np.array([False] * 6 + [True] * 2)


def drawn_per_bin(name: str) -> dict[str, float]:
    arm = make_arm(name, BINS, SYNTHETIC)
    weights = np.ones(len(arm.places)) if arm.weights is None else arm.weights
    found: dict[str, float] = {}
    for place, weight in zip(arm.places, weights, strict=True):
        found[BINS[place]] = found.get(BINS[place], 0.0) + float(weight)
    return found


@pytest.mark.parametrize("name", ["original", "logit-adjusted"])
def test_arms_of_original_faces_hold_each_real_one_once(name: str) -> None:
    assert drawn_per_bin(name) == {"a": 4, "b": 1, "": 1}


def test_two_arms_have_another_loss() -> None:
    adjusted = [name for name in ARMS if make_arm(name, BINS, SYNTHETIC).adjusted]
    assert adjusted == ["logit-adjusted", "balanced, logit-adjusted"]


def test_shares_are_of_faces_whose_class_is_known() -> None:
    codes = np.array([0, 0, 0, 1, -1, -1])
    np.testing.assert_allclose(np.exp(log_shares(codes, 2)), [0.75, 0.25], atol=1e-6)
    # A class without a face: half a face, of four and a half.
    np.testing.assert_allclose(
        np.exp(log_shares(codes, 3)), [3 / 4.5, 1 / 4.5, 0.5 / 4.5], atol=1e-6
    )


@pytest.mark.parametrize("name", ["resampled", "classical"])
def test_bins_are_drawn_equally_often(name: str) -> None:
    assert drawn_per_bin(name) == {"a": 4, "b": 4, "": 1}


@pytest.mark.parametrize("name", ["balanced", "balanced, logit-adjusted"])
def test_balanced_holds_everything_once(name: str) -> None:
    assert drawn_per_bin(name) == {"a": 4, "b": 3, "": 1}


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_see_no_synthetic_face(name: str) -> None:
    assert not SYNTHETIC[make_arm(name, BINS, SYNTHETIC).places].any()


def test_only_repeats_are_augmented() -> None:
    classical = make_arm("classical", BINS, SYNTHETIC)
    assert classical.augmented.tolist() == [0, 0, 0, 0, 0.75, 0]
    for name in ("original", "resampled", "logit-adjusted", "balanced"):
        assert not make_arm(name, BINS, SYNTHETIC).augmented.any()


def test_faces_without_any_bin_are_left_as_they_are() -> None:
    arm = make_arm("resampled", ["", ""], np.array([False, False]))
    assert arm.weights is not None
    assert arm.weights.tolist() == [1, 1]


def test_unknown_arm() -> None:
    with pytest.raises(ValueError, match="no arm 'best'"):
        make_arm("best", BINS, SYNTHETIC)
