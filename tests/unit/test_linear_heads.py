"""Linear heads: the right minimum, every value alike, each face by itself."""

from typing import Any

import numpy as np
import pytest

from augment.metrics.calibration import NOT_KNOWN
from augment.nets.linear_heads import LinearHeads, fit_heads, principal_axes, products

VALUES = {"age_group": ("0-2", "3-9", "10-19"), "gender": ("female", "male")}


def faces(count: int = 300, numbers: int = 6) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(5)
    ages, genders = random.integers(0, 3, count), random.integers(0, 2, count)
    described = random.normal(10, 3, (count, numbers)).astype(np.float32)
    described[:, 0] += 3 * ages
    described[:, 1] += 4 * genders
    return described, {"age_group": ages, "gender": genders}


def slope(heads: LinearHeads, described: np.ndarray, codes: np.ndarray, penalty: float) -> Any:
    """Of what is minimised, at the weights of ``age_group``; (values, numbers)."""
    logits = heads.logits(described)["age_group"].astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    weight = (len(codes) / (3 * np.bincount(codes)))[codes]
    wrong = (shares - np.eye(3)[codes]) * weight[:, None]
    held_down = penalty * heads.weights["age_group"]
    return wrong.T @ heads.standardised(described) / len(codes) + held_down


def test_three_values_reach_the_minimum_that_is_described() -> None:
    described, codes = faces()
    codes["age_group"][:60] = 0  # no longer as many of each value
    heads = fit_heads(described, codes, VALUES, 0.2)
    np.testing.assert_allclose(slope(heads, described, codes["age_group"], 0.2), 0, atol=2e-3)
    assert np.abs(heads.weights["age_group"]).max() > 0.2


def test_faces_of_unknown_value_do_not_count() -> None:
    described, codes = faces()
    codes["age_group"][200:] = NOT_KNOWN
    heads = fit_heads(described, codes, VALUES, 0.2)
    known = slope(heads, described[:200], codes["age_group"][:200], 0.2)
    np.testing.assert_allclose(known, 0, atol=2e-3)


def test_a_rare_value_is_not_judged_down() -> None:
    random = np.random.default_rng(1)
    codes = np.repeat([0, 1], [950, 50])
    described = (random.normal(0, 1, (1000, 1)) + 2 * codes[:, None]).astype(np.float32)
    heads = fit_heads(described, {"gender": codes}, {"gender": VALUES["gender"]}, 0.01)
    line = np.linspace(-1, 3, 401, dtype=np.float32)[:, None]
    likelier = heads.logits(line)["gender"].argmax(axis=1)
    assert line[int(np.argmax(likelier)), 0] == pytest.approx(1.0, abs=0.2)


def test_a_stronger_penalty_makes_smaller_weights() -> None:
    described, codes = faces()
    sizes = [np.square(fit_heads(described, codes, VALUES, penalty).weights["gender"]).sum()
             for penalty in (0.01, 0.1, 1.0)]  # fmt: skip
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_numbers_that_never_move_and_those_that_jump_are_harmless() -> None:
    described, codes = faces()
    described[:, 3] = 7.0
    heads = fit_heads(described, codes, VALUES, 0.1)
    assert heads.scale[3] == 1
    jump = described[:1].copy()
    jump[0, 0] = 1e6
    assert heads.standardised(jump).max() == pytest.approx(6.0)


def test_each_face_by_itself_to_the_last_bit() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 3001)).astype(np.float32)
    matrix = random.normal(size=(9, 3001)).astype(np.float32)
    found = products(rows, matrix)
    np.testing.assert_allclose(found, rows @ matrix.T, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(products(rows[::-1], matrix)[::-1], found)
    np.testing.assert_array_equal(products(rows[7:8], matrix), found[7:8])
    assert products(rows[:0], matrix).shape == (0, 9)


def test_arrays_and_back() -> None:
    described, codes = faces()
    heads = fit_heads(described, codes, VALUES, 0.1)
    again = LinearHeads.of(heads.arrays(), VALUES)
    for label, found in heads.logits(described).items():
        assert found.dtype == np.float32
        np.testing.assert_array_equal(again.logits(described)[label], found)


def test_axes_point_where_faces_differ_most() -> None:
    random = np.random.default_rng(2)
    direction = np.array([3.0, 4.0, 0, 0, 0]) / 5
    steps = random.normal(0, 0.1, (200, 5)) + random.normal(0, 2, (200, 1)) * direction
    axes = principal_axes(steps.astype(np.float32), 2)
    assert axes.shape == (2, 5)
    assert abs(axes[0] @ direction) == pytest.approx(1, abs=0.01)
    assert principal_axes(steps[:3].astype(np.float32), 64).shape == (2, 5)
