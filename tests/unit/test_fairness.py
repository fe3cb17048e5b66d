"""Figures agree with fairlearn and with sums done by hand; findings say no more than shown."""

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from augment.metrics.fairness import compare, find, group_names
from augment.metrics.resampling import SMALL_GROUP, HeldOutFaces, Words, is_counted

GROUPS = ("a · x", "a · y", "b · x")


def make_faces(sizes: tuple[int, ...] = (200, 150, 60), seed: int = 1) -> HeldOutFaces:
    random = np.random.default_rng(seed)
    group = np.repeat(np.array(GROUPS[: len(sizes)]), sizes)
    return HeldOutFaces(
        truth=random.choice(["no", "yes"], size=len(group)),
        group=group,
        person=np.full(len(group), ""),
    )


def predict(faces: HeldOutFaces, right: dict[str, float], seeds: int = 3, seed: int = 2) -> Words:
    """Predictions of shape (seeds, faces) that are right with a given chance by group."""
    random = np.random.default_rng(seed)
    chance = np.array([right[name] for name in faces.group])
    hit = random.random((seeds, len(faces.group))) < chance
    other = np.where(faces.truth == "yes", "no", "yes")
    return np.where(hit, faces.truth, other)


def test_point_figures_are_the_mean_over_seeds_of_fairlearns() -> None:
    faces = make_faces()
    words = predict(faces, dict(zip(GROUPS, (0.9, 0.8, 0.6), strict=True)))
    scores = compare(faces, {"main": words}, "main", "main", resamples=20).scores["main"]
    frames = [
        MetricFrame(
            metrics=accuracy_score,
            y_true=faces.truth,
            y_pred=of_seed,
            sensitive_features=faces.group,
        )
        for of_seed in words
    ]
    by_group = sum(frame.by_group for frame in frames) / 3
    assert scores.overall == pytest.approx(np.mean([frame.overall for frame in frames]), abs=1e-12)
    assert scores.worst_group == pytest.approx(by_group.min(), abs=1e-12)
    assert scores.worst_group_name == by_group.idxmin()
    assert scores.gap == pytest.approx(by_group.max() - by_group.min(), abs=1e-12)
    assert scores.ratio == pytest.approx(by_group.min() / by_group.max(), abs=1e-12)
    assert scores.balanced_accuracy == pytest.approx(
        np.mean([balanced_accuracy_score(faces.truth, of_seed) for of_seed in words]), abs=1e-12
    )
    assert {group.name: group.accuracy for group in scores.groups} == pytest.approx(dict(by_group))
    assert (scores.n, scores.seeds) == (410, 3)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    for trial in range(40):
        faces = make_faces((300, 300), seed=trial)
        words = predict(faces, {"a · x": 0.8, "a · y": 0.8}, seeds=1, seed=1000 + trial)
        interval = compare(faces, {"m": words}, "m", "m", trial, 200).scores["m"].intervals
        low, high = interval["overall"]
        covered += low <= 0.8 <= high
    # 95 % of 40 is 38; fewer than 33 has a chance below one in a hundred.
    assert covered >= 33


def test_no_mistake_still_leaves_doubt() -> None:
    faces = make_faces((40, 40))
    scores = compare(faces, {"m": faces.truth[None]}, "m", "m", resamples=20).scores["m"]
    assert (scores.overall, scores.worst_group) == (1.0, 1.0)
    assert scores.intervals["overall"] == pytest.approx((0.9542, 1.0), abs=1e-3)
    assert scores.intervals["worst_group"][0] == pytest.approx(0.9124, abs=1e-3)


def test_photos_of_one_person_widen_the_interval() -> None:
    faces = make_faces((200, 200))
    people = np.repeat([f"p{n}" for n in range(20)], 20)
    hit = np.repeat(np.arange(20) % 2 == 0, 20)
    words = np.where(hit, faces.truth, "neither")[None]
    grouped = HeldOutFaces(faces.truth, faces.group, people)

    def width(which: HeldOutFaces) -> float:
        low, high = compare(which, {"m": words}, "m", "m").scores["m"].intervals["overall"]
        return high - low

    # 20 independent people instead of 400 faces: about sqrt(20) times wider.
    assert width(grouped) > 3 * width(faces)


def test_small_and_unknown_groups_are_shown_but_never_the_worst() -> None:
    faces = make_faces((100, 100, SMALL_GROUP - 1))
    words = predict(faces, {"a · x": 1.0, "a · y": 0.9, "b · x": 0.0})
    scores = compare(faces, {"m": words}, "m", "m", resamples=20).scores["m"]
    small = scores.groups[2]
    assert (small.name, small.n, small.counted) == ("b · x", SMALL_GROUP - 1, False)
    assert scores.worst_group_name == "a · y"
    assert is_counted("a · x", SMALL_GROUP)
    assert not is_counted("unknown · x", 1000)


def test_too_few_groups_leave_figures_out_instead_of_dividing_by_nothing() -> None:
    faces = make_faces((50,))
    alone = compare(faces, {"m": predict(faces, {"a · x": 0.9})}, "m", "m", resamples=20)
    assert alone.scores["m"].gap is None
    assert alone.scores["m"].ratio is None
    assert alone.scores["m"].worst_group is not None
    assert alone.best_baseline is None
    few = make_faces((3, 4))
    words = predict(few, {"a · x": 1.0, "a · y": 1.0})
    nothing = compare(few, {"m": words, "o": words}, "m", "o", resamples=20)
    assert nothing.scores["m"].worst_group is None
    assert {difference.measure for difference in nothing.differences} == {
        "overall",
        "balanced_accuracy",
    }


def test_groups_without_a_hit_are_equal() -> None:
    faces = make_faces((30, 30))
    words = np.full((2, 60), "neither")
    scores = compare(faces, {"m": words}, "m", "m", resamples=20).scores["m"]
    assert (scores.worst_group, scores.gap, scores.ratio) == (0.0, 0.0, 1.0)


def test_a_clear_gain_is_found_and_is_paired() -> None:
    faces = make_faces((400, 400, 400))
    original = predict(faces, {"a · x": 0.9, "a · y": 0.9, "b · x": 0.6})
    resampled = predict(faces, {"a · x": 0.9, "a · y": 0.9, "b · x": 0.7}, seed=8)
    balanced = predict(faces, {"a · x": 0.9, "a · y": 0.9, "b · x": 0.85}, seed=9)
    arms = {"original": original, "resampled": resampled, "balanced": balanced}
    comparison = compare(faces, arms, "balanced", "original")
    assert comparison.best_baseline == "resampled"
    found = {(d.arm, d.against, d.measure): d for d in comparison.differences}
    gain = found["balanced", "original", "worst_group"]
    assert gain.finding == "better"
    assert gain.interval[0] < gain.value < gain.interval[1]
    gap = found["balanced", "original", "gap"]
    assert gap.finding == "better"
    assert gap.value < 0
    assert ("balanced", "resampled", "overall") in found


def test_an_arm_compared_with_its_twin_shows_no_difference() -> None:
    faces = make_faces()
    words = predict(faces, dict.fromkeys(GROUPS, 0.8))
    comparison = compare(faces, {"original": words, "balanced": words}, "balanced", "original")
    assert {d.finding for d in comparison.differences} == {"no difference shown"}
    assert all(d.value == 0 and d.interval == (0, 0) for d in comparison.differences)


@pytest.mark.parametrize(
    ("interval", "of_seeds", "lower_is_better", "finding"),
    [
        ((0.01, 0.05), [0.02, 0.03], False, "better"),
        ((0.01, 0.05), [0.02, -0.01], False, "no difference shown"),  # one seed disagrees
        ((-0.01, 0.05), [0.02, 0.03], False, "no difference shown"),
        ((-0.05, -0.01), [-0.02, -0.03], False, "worse"),
        ((-0.05, -0.01), [-0.02, -0.03], True, "better"),
        ((0.01, 0.05), [0.02, 0.03], True, "worse"),
    ],
)
def test_a_finding_needs_the_interval_and_every_seed(
    interval: tuple[float, float], of_seeds: list[float], lower_is_better: bool, finding: str
) -> None:
    assert find(interval, np.array(of_seeds), lower_is_better) == finding


def test_same_seed_same_intervals() -> None:
    faces = make_faces()
    words = predict(faces, dict.fromkeys(GROUPS, 0.8))
    one, two = (compare(faces, {"m": words}, "m", "m", 5, 60).scores["m"] for _ in range(2))
    assert one.intervals == two.intervals


def test_group_names_are_intersections_in_the_order_named() -> None:
    columns = {"age_group": np.array(["0-2", "70+"]), "gender": np.array(["female", "male"])}
    assert group_names(columns).tolist() == ["0-2 · female", "70+ · male"]
