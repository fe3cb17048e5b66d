"""What each arm of the downstream comparison draws."""

import numpy as np
import pytest

from augment.metrics.arms import make_arm

BINS = ["a", "a", "a", "a", "b", "", "b", "b"]
SYNTHETIC = np.array([False] * 6 + [True] * 2)


def drawn_per_bin(name: str) -> dict[str, float]:
    arm = make_arm(name, BINS, SYNTHETIC)
    weights = np.ones(len(arm.places)) if arm.weights is None else arm.weights
    found: dict[str, float] = {}
    for place, weight in zip(arm.places, weights, strict=True):
        found[BINS[place]] = found.get(BINS[place], 0.0) + float(weight)
    return found


def test_original_holds_each_real_face_once() -> None:
    assert drawn_per_bin("original") == {"a": 4, "b": 1, "": 1}


@pytest.mark.parametrize("name", ["resampled", "classical"])
def test_bins_are_drawn_equally_often(name: str) -> None:
    assert drawn_per_bin(name) == {"a": 4, "b": 4, "": 1}


def test_balanced_holds_everything_once() -> None:
    assert drawn_per_bin("balanced") == {"a": 4, "b": 3, "": 1}


def test_only_repeats_are_augmented() -> None:
    classical = make_arm("classical", BINS, SYNTHETIC)
    assert classical.augmented.tolist() == [0, 0, 0, 0, 0.75, 0]
    for name in ("original", "resampled", "balanced"):
        assert not make_arm(name, BINS, SYNTHETIC).augmented.any()


def test_faces_without_any_bin_are_left_as_they_are() -> None:
    arm = make_arm("resampled", ["", ""], np.array([False, False]))
    assert arm.weights is not None
    assert arm.weights.tolist() == [1, 1]


def test_unknown_arm() -> None:
    with pytest.raises(ValueError, match="no arm 'best'"):
        make_arm("best", BINS, SYNTHETIC)
