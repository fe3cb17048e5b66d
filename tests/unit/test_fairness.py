"""Figures agree with fairlearn and with sums done by hand; findings say no more than shown."""

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, equalized_odds_difference
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from augment.metrics.fairness import compare
from augment.metrics.resampling import (
    SMALL_GROUP,
    Design,
    HeldOutFaces,
    Said,
    Words,
    find,
    is_counted,
)
from augment.metrics.tasks import group_names

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


def by_column(faces: HeldOutFaces) -> HeldOutFaces:
    """The same faces, whose groups are also those that equalised odds compare."""
    return HeldOutFaces(faces.truth, faces.group, faces.person, faces.group)


@pytest.mark.parametrize("trial", range(5))
def test_bootstrap_figures_agree_with_fairlearn(trial: int) -> None:
    """What intervals are made of is computed here, for fairlearn would take minutes: with every
    face drawn once it must say what fairlearn says."""
    faces = by_column(make_faces((200, 150, 120), seed=trial))
    words = predict(faces, dict(zip(GROUPS, (0.9, 0.8, 0.6), strict=True)), 1, 50 + trial)
    design = Design.of(faces)
    ours = design.figures(np.ones((1, len(faces.truth))), Said.of(design, faces.truth, words))
    frame = MetricFrame(
        metrics=accuracy_score,
        y_true=faces.truth,
        y_pred=words[0],
        sensitive_features=faces.group,
    )
    odds = equalized_odds_difference(
        faces.truth == "yes", words[0] == "yes", sensitive_features=faces.group
    )
    assert ours["overall"][0] == pytest.approx(frame.overall, abs=1e-12)
    assert dict(zip(design.groups, ours["groups"][0], strict=True)) == pytest.approx(
        dict(frame.by_group), abs=1e-12
    )
    assert ours["worst_group"][0] == pytest.approx(frame.group_min(), abs=1e-12)
    assert ours["gap"][0] == pytest.approx(frame.difference(), abs=1e-12)
    assert ours["ratio"][0] == pytest.approx(frame.ratio(), abs=1e-12)
    assert ours["equalized_odds_difference"][0] == pytest.approx(odds, abs=1e-12)
    scores = compare(faces, {"m": words}, "m", "m", resamples=20).scores["m"]
    assert scores.equalized_odds_difference == pytest.approx(odds, abs=1e-12)


def many_classes(seed: int = 4) -> tuple[HeldOutFaces, Words]:
    """Three classes in two groups; "b" is told apart worse."""
    random = np.random.default_rng(seed)
    truth = random.choice(["old", "young", "middle"], size=600)
    group = random.choice(["a", "b"], size=600)
    hit = random.random((2, 600)) < np.where(group == "a", 0.9, 0.5)
    words = np.where(hit, truth, random.choice(["old", "young"], size=(2, 600)))
    return HeldOutFaces(truth, group, np.full(600, ""), group), words


def test_odds_of_many_classes_are_the_largest_of_one_against_the_rest() -> None:
    faces, words = many_classes()
    expected = max(
        equalized_odds_difference(
            np.tile(faces.truth == name, 2),
            words.ravel() == name,
            sensitive_features=np.tile(faces.group, 2),
        )
        for name in ("old", "young", "middle")
    )
    scores = compare(faces, {"m": words}, "m", "m", resamples=50).scores["m"]
    assert scores.equalized_odds_difference == pytest.approx(expected, abs=1e-12)
    low, high = scores.intervals["equalized_odds_difference"]
    assert low < expected < high


def test_odds_need_faces_enough_of_both_sides_in_two_groups() -> None:
    faces = make_faces((100, 100, 100))
    rare = np.where(faces.group == "b · x", "no", faces.truth)  # no "yes" at all in this group
    words = np.where(faces.group == "a · x", rare, "no")[None]
    of_two = compare(
        HeldOutFaces(rare, faces.group, faces.person, faces.group), {"m": words}, "m", "m",
        resamples=20,
    ).scores["m"]  # fmt: skip
    assert of_two.equalized_odds_difference == 1.0  # of "a · y" no "yes" is found, of "a · x" all
    for apart in (None, rare, np.full(300, "unknown")):
        none = HeldOutFaces(rare, faces.group, faces.person, apart)
        scores = compare(none, {"m": words}, "m", "m", resamples=20).scores["m"]
        assert scores.equalized_odds_difference is None
        assert "equalized_odds_difference" not in scores.intervals


def test_smaller_odds_are_better() -> None:
    faces, words = many_classes()
    arms = {"original": words, "balanced": np.tile(faces.truth, (2, 1))}
    found = {
        (d.arm, d.measure): d for d in compare(faces, arms, "balanced", "original").differences
    }
    odds = found["balanced", "equalized_odds_difference"]
    assert odds.value < 0
    assert odds.finding == "better"


def test_changes_follow_the_groups_that_were_worst_and_best() -> None:
    faces = make_faces((400, 400, 400))
    original = predict(faces, {"a · x": 0.95, "a · y": 0.8, "b · x": 0.6})
    # Another group is the best now, and another the worst: the changes speak of the old ones.
    balanced = predict(faces, {"a · x": 0.7, "a · y": 0.9, "b · x": 0.85}, seed=9)
    arms = {"original": original, "balanced": balanced}
    comparison = compare(faces, arms, "balanced", "original", resamples=200)
    worst, best = comparison.changes
    assert (worst.role, worst.group, worst.n, worst.finding) == ("worst", "b · x", 400, "better")
    assert (best.role, best.group, best.finding) == ("best", "a · x", "worse")
    for change in comparison.changes:
        hits = [
            (words == faces.truth)[:, faces.group == change.group].mean()
            for words in (original, balanced)
        ]
        assert (change.before, change.after) == pytest.approx(tuple(hits), abs=1e-12)
        assert change.value == pytest.approx(hits[1] - hits[0], abs=1e-12)
        assert change.interval[0] < change.value < change.interval[1]


def test_equal_groups_still_give_two_that_change() -> None:
    faces = make_faces((50, 50))
    arms = {"original": faces.truth[None], "balanced": faces.truth[None]}
    changes = compare(faces, arms, "balanced", "original", resamples=20).changes
    assert [change.group for change in changes] == ["a · x", "a · y"]
    assert {change.finding for change in changes} == {"no difference shown"}


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
    assert nothing.changes == ()
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
