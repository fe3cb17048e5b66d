"""The sentences a person reads say what the figures say, no more."""

import numpy as np
import pytest

from augment.metrics.fairness import Difference, compare
from augment.metrics.findings import conclude, points
from augment.metrics.resampling import HeldOutFaces, Words


def make_faces(size: int) -> HeldOutFaces:
    group = np.repeat(np.array(["0-2 · female", "70+ · male"]), size)
    truth = np.tile(np.array(["no", "yes"]), size)
    return HeldOutFaces(truth, group, np.full(2 * size, ""))


def predict(faces: HeldOutFaces, share: float) -> Words:
    """Right for the first group, right for a ``share`` of the second; three like seeds."""
    rank = np.arange(len(faces.truth)) % (len(faces.truth) // 2)
    wrong = (faces.group == "70+ · male") & (rank >= share * len(faces.truth) / 2)
    return np.tile(np.where(wrong, "neither", faces.truth), (3, 1))


@pytest.mark.parametrize(
    ("before", "after", "worst", "gap"),
    [
        (0.6, 0.8, "Better for the worst group", "worst group is smaller"),
        (0.8, 0.6, "Worse for the worst group", "worst group is larger"),
        (0.8, 0.8, "No difference shown for the worst group", "No difference shown in the gap"),
    ],
)
def test_each_outcome_has_its_words(before: float, after: float, worst: str, gap: str) -> None:
    faces = make_faces(200)
    arms = {"original": predict(faces, before), "balanced": predict(faces, after)}
    comparison = compare(faces, arms, "balanced", "original")
    text = " ".join(conclude("mask_worn", comparison, "balanced", "original"))
    assert text.startswith(worst)
    assert gap in text
    assert f"{100 * after:.1f} % of 70+ · male (n=200)" in text
    assert "mask worn as labelled" in text


def test_the_best_baseline_is_named() -> None:
    faces = make_faces(200)
    arms = {
        "original": predict(faces, 0.5),
        "classical": predict(faces, 0.7),
        "balanced": predict(faces, 0.7),
    }
    text = " ".join(
        conclude("gender", compare(faces, arms, "balanced", "original"), "balanced", "original")
    )
    assert "with classical augmentation: no difference shown in the worst group" in text


def test_groups_that_are_too_small_are_not_judged() -> None:
    faces = make_faces(5)
    arms = {"original": predict(faces, 0.2), "balanced": predict(faces, 1.0)}
    text = " ".join(
        conclude("gender", compare(faces, arms, "balanced", "original"), "balanced", "original")
    )
    assert text.startswith("No group has 20 labelled test faces")
    assert "over all 10 test faces" in text


def test_an_interval_that_seeds_speak_against_is_explained() -> None:
    apart = Difference(
        "balanced", "original", "gap", -0.083, (-0.113, -0.024), "no difference shown"
    )
    assert points(apart) == ("−8.3 points, 95 % interval −11.3 to −2.4, but the seeds do not agree")
