"""The sentences a person reads say what the figures say, no more."""

import numpy as np
import pytest

from augment.metrics.arms import ARMS
from augment.metrics.fairness import Difference, compare
from augment.metrics.findings import ARM_WORDS, SAME_LOSS, conclude, of_changes, points
from augment.metrics.gains import GroupChange
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


def change(role: str, finding: str) -> GroupChange:
    value = {"better": 0.1, "worse": -0.1, "no difference shown": 0.0}[finding]
    return GroupChange(
        "balanced", "original", role, f"{role} one", 90, 0.5, 0.5 + value, value,  # type: ignore[arg-type]
        (value - 0.05, value + 0.05), finding,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gap", "worst", "best", "words"),
    [
        ("better", "better", "no difference shown", "shrank because the worst group rose, not"),
        ("better", "no difference shown", "worse", "shrank because the best group fell, not"),
        ("better", "better", "worse", "shrank because the worst group rose and the best fell"),
        ("better", "no difference shown", "no difference shown", "shrank but the two groups"),
        ("worse", "worse", "no difference shown", "grew because the worst group fell:"),
        ("worse", "better", "worse", "grew but the two groups"),
        ("no difference shown", "better", "better", "What lies behind the gap: worst one (n=90)"),
    ],
)
def test_a_sentence_says_where_a_gap_comes_from(
    gap: str, worst: str, best: str, words: str
) -> None:
    difference = Difference("balanced", "original", "gap", 0.0, (0.0, 0.0), gap)  # type: ignore[arg-type]
    sentence = of_changes(difference, change("worst", worst), change("best", best))
    assert words in sentence
    assert "points, 95 % interval" in sentence
    for group, finding in (("worst one", worst), ("best one", best)):
        verb = {"better": "rose", "worse": "fell"}.get(finding, "shows no change")
        assert f"{group} (n=90), the " in sentence
        assert f"{verb} (" in sentence


def test_levelling_down_is_called_by_its_name() -> None:
    faces = make_faces(200)
    first = faces.group == "0-2 · female"
    lowered = np.where(first & (np.arange(400) % 4 == 0), "neither", predict(faces, 0.7))
    arms = {"original": predict(faces, 0.7), "balanced": lowered}
    text = " ".join(
        conclude("gender", compare(faces, arms, "balanced", "original"), "balanced", "original")
    )
    assert "The gap shrank because the best group fell, not because the worst rose" in text
    assert "the best, fell (−25.0 points" in text


def test_every_arm_has_its_words() -> None:
    assert set(ARM_WORDS) == set(ARMS)


@pytest.mark.parametrize(("right", "finding"), [(0.9, "better"), (0.7, "no difference shown")])
def test_the_same_loss_with_and_without_the_balanced_set(right: float, finding: str) -> None:
    faces = make_faces(200)
    arms = {name: predict(faces, 0.7) for name in ("original", "logit-adjusted", "balanced")}
    arms["balanced, logit-adjusted"] = predict(faces, right)
    comparison = compare(
        faces, arms, "balanced", "original", rivals=["original", "logit-adjusted"],
        also=[SAME_LOSS],
    )  # fmt: skip
    assert comparison.best_baseline in ("original", "logit-adjusted")
    text = " ".join(conclude("gender", comparison, "balanced", "original"))
    assert f"the balanced set against the original faces: {finding} in the mean recall" in text


def test_odds_have_a_sentence_where_there_are_any() -> None:
    faces = make_faces(200)
    apart = HeldOutFaces(faces.truth, faces.group, faces.person, faces.group)
    arms = {"original": predict(apart, 0.5), "balanced": predict(apart, 0.9)}
    for which, count in ((faces, 0), (apart, 1)):
        comparison = compare(which, arms, "balanced", "original")
        sentences = conclude("gender", comparison, "balanced", "original")
        assert sum("Equalised odds difference" in line for line in sentences) == count
