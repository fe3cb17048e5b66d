"""Honest probabilities from logits."""

import numpy as np
import pytest

from augment.metrics.calibration import (
    NOT_KNOWN,
    accuracy_rows,
    codes_of,
    in_order,
    softmax,
    temperature,
)


def test_softmax_rows() -> None:
    found = softmax(np.array([[0.0, np.log(3.0)], [1000.0, 0.0]], np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.25, 0.75], [1.0, 0.0]], atol=1e-6)
    assert softmax(np.zeros((0, 3), np.float32)).shape == (0, 3)


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_temperature_undoes_overconfidence(scale: float) -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 1.5, (6000, 2)).astype(np.float32)
    chance = softmax(logits)[:, 1]
    codes = (random.random(6000) < chance).astype(np.int64)
    assert temperature(logits * np.float32(scale), codes) == pytest.approx(scale, rel=0.08)


def test_few_faces_keep_temperature_one() -> None:
    assert temperature(np.ones((10, 2), np.float32), np.zeros(10, np.int64)) == 1.0


def test_codes() -> None:
    labels = {"gender": ("male", "unknown", "female"), "mask": ("no", "no", "no")}
    codes = codes_of(labels, {"gender": ("female", "male")})
    assert list(codes) == ["gender"]
    assert codes["gender"].tolist() == [1, NOT_KNOWN, 0]


def test_order_of_words() -> None:
    assert in_order("gender", ["male", "female"]) == ["female", "male"]
    assert in_order("age_group", {"10-17", "0-2", "3-9", "80+"}) == ["0-2", "3-9", "10-17", "80+"]
    assert in_order("age_group", ["40+", "0-39"], ("0-39", "40+")) == ["0-39", "40+"]


def test_accuracy_says_n_and_interval() -> None:
    right = np.array([True, True, False, True])
    rows = accuracy_rows("mask", right, {"gender": np.array(["male", "male", "male", "female"])})
    assert [(row["group"], row["n"], row["accuracy"]) for row in rows] == [
        ("all", 4, 0.75),
        ("female", 1, 1.0),
        ("male", 3, pytest.approx(2 / 3, abs=1e-6)),
    ]
    low, high = rows[1]["interval"]
    assert low == pytest.approx(0.2065, abs=1e-3)  # Wilson, 1 of 1
    assert high == 1.0
    assert accuracy_rows("mask", np.zeros(0, bool), {})[0]["accuracy"] is None
