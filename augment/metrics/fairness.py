"""How well each group is predicted, and whether one way of training does better than another.

Point figures are fairlearn's ``MetricFrame`` (Bird et al. 2020); intervals are 95 % bootstraps over
test faces (see :mod:`augment.metrics.resampling`), so that differences between arms are paired.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augment.metrics.gains import GroupChange, changes
from augment.metrics.proportion import wilson_interval
from augment.metrics.resampling import (
    Array,
    Design,
    Finding,
    HeldOutFaces,
    Interval,
    Said,
    Words,
    bootstrap,
    find,
    interval_of,
    is_counted,
)

RESAMPLES = 1000
MEASURES = (
    "overall", "balanced_accuracy", "worst_group", "gap", "ratio", "equalized_odds_difference",
)  # fmt: skip
LOWER_IS_BETTER = ("gap", "equalized_odds_difference")


@dataclass(frozen=True)
class GroupScore:
    """Accuracy (0..1) of one group, the mean over seeds. ``counted``: it may be the worst one."""

    name: str
    n: int
    accuracy: float
    interval: Interval
    counted: bool


@dataclass(frozen=True)
class Scores:
    """One arm's figures, means over seeds, 0..1. None: fewer groups than the figure needs.

    ``overall`` is accuracy; ``balanced_accuracy`` the mean recall of the label's classes;
    ``worst_group`` the lowest accuracy among counted groups, ``gap`` the highest less the lowest,
    ``ratio`` the lowest by the highest, ``equalized_odds_difference`` that of
    :class:`augment.metrics.odds.Odds`. ``intervals`` and ``seed_range`` (lowest and highest value
    of a single seed) are by measure.
    """

    n: int
    seeds: int
    overall: float
    balanced_accuracy: float
    worst_group: float | None
    worst_group_name: str | None
    gap: float | None
    ratio: float | None
    equalized_odds_difference: float | None
    groups: tuple[GroupScore, ...]
    intervals: Mapping[str, Interval]
    seed_range: Mapping[str, Interval]


@dataclass(frozen=True)
class Difference:
    """``arm`` less ``against`` on one measure, paired over the same resampled faces."""

    arm: str
    against: str
    measure: str
    value: float
    interval: Interval
    finding: Finding


@dataclass(frozen=True)
class Comparison:
    """All arms of one task. ``changes``: see :mod:`augment.metrics.gains`."""

    scores: Mapping[str, Scores]
    differences: tuple[Difference, ...]
    changes: tuple[GroupChange, ...]
    best_baseline: str | None


def compare(
    faces: HeldOutFaces,
    predictions: Mapping[str, Words],
    main: str,
    reference: str,
    seed: int = 0,
    resamples: int = RESAMPLES,
    rivals: Sequence[str] | None = None,
    also: Sequence[tuple[str, str]] = (),
) -> Comparison:
    """Score every arm, and say how each differs from ``reference``, and ``main`` from the best.

    Args:
        faces: the test faces.
        predictions: arm -> predicted words, shape (seeds, faces).
        main: the arm that has to beat the others.
        reference: the arm that the others are compared with.
        seed: of the bootstrap.
        resamples: how many.
        rivals: the arms of which the best is the best baseline; None: all but ``main``.
        also: further pairs of arms; the first less the second.
    """
    design = Design.of(faces)
    said = {arm: Said.of(design, faces.truth, words) for arm, words in predictions.items()}
    means = {arm: of_arm.mean() for arm, of_arm in said.items()}
    resampled = bootstrap(design, means, seed, resamples)
    once = np.ones((1, len(faces.truth)))
    by_seed = {arm: design.figures(once, of_arm) for arm, of_arm in said.items()}
    scores = {
        arm: _scores(faces, design, words, resampled[arm], by_seed[arm])
        for arm, words in predictions.items()
    }
    baseline = _best_baseline(
        {arm: one for arm, one in scores.items() if rivals is None or arm in (main, *rivals)}, main
    )
    pairs = [(arm, reference) for arm in scores if arm != reference]
    if baseline not in (None, reference):
        pairs.append((main, str(baseline)))
    pairs += [pair for pair in also if pair not in pairs]
    differences = tuple(
        _difference(pair, measure, scores, resampled, by_seed)
        for pair in pairs
        for measure in MEASURES
        if getattr(scores[pair[0]], measure) is not None
    )
    changed = tuple(
        change
        for arm, against in pairs
        for change in changes(
            arm, against, scores[arm].groups, scores[against].groups,
            resampled[arm]["groups"] - resampled[against]["groups"],
            by_seed[arm]["groups"] - by_seed[against]["groups"],
        )
    )  # fmt: skip
    return Comparison(scores, differences, changed, baseline)


def _frame(truth: Words, predicted: Words, group: Words) -> Any:
    # Both take a second to import, which `augment check` need not wait for.
    from fairlearn.metrics import MetricFrame, count
    from sklearn.metrics import accuracy_score, recall_score

    classes = np.unique(truth)

    def mean_recall(y_true: Words, y_pred: Words) -> float:
        return float(
            recall_score(y_true, y_pred, labels=classes, average="macro", zero_division=0.0)
        )

    # Seeds are laid end to end: every face comes once a seed, so each figure of the frame is the
    # mean over seeds.
    seeds = len(predicted)
    return MetricFrame(
        metrics={"accuracy": accuracy_score, "mean_recall": mean_recall, "n": count},
        y_true=np.tile(truth, seeds),
        y_pred=predicted.ravel(),
        sensitive_features={"group": np.tile(group, seeds)},
    )


def _scores(
    faces: HeldOutFaces,
    design: "Design",
    predicted: Words,
    resampled: Mapping[str, Array],
    by_seed: Mapping[str, Array],
) -> Scores:
    frame = _frame(faces.truth, predicted, faces.group)
    groups = tuple(
        GroupScore(
            name,
            design.sizes[name],
            float(frame.by_group["accuracy"][name]),
            _of_share(
                float(frame.by_group["accuracy"][name]),
                design.sizes[name],
                interval_of(resampled["groups"][:, place]),
            ),
            is_counted(name, design.sizes[name]),
        )
        for place, name in enumerate(design.groups)
    )
    counted = np.isin(faces.group, [group.name for group in groups if group.counted])
    shown = [measure for measure in MEASURES if not np.isnan(by_seed[measure]).any()]
    odds = design.odds
    worst = min((g for g in groups if g.counted), key=lambda g: g.accuracy, default=None)
    parts = None
    if "gap" in shown:
        parts = _frame(faces.truth[counted], predicted[:, counted], faces.group[counted])
    return Scores(
        n=len(faces.truth),
        seeds=len(predicted),
        overall=float(frame.overall["accuracy"]),
        balanced_accuracy=float(frame.overall["mean_recall"]),
        worst_group=worst.accuracy if worst else None,
        worst_group_name=worst.name if worst else None,
        gap=float(parts.difference()["accuracy"]) if parts else None,
        ratio=_finite(parts.ratio()["accuracy"]) if parts else None,
        equalized_odds_difference=odds.of_fairlearn(faces.truth, predicted) if odds else None,
        groups=groups,
        intervals=_intervals(
            resampled, shown, float(frame.overall["accuracy"]), worst, len(faces.truth)
        ),
        seed_range={
            measure: (float(by_seed[measure].min()), float(by_seed[measure].max()))
            for measure in shown
        },
    )


def _best_baseline(scores: Mapping[str, Scores], main: str) -> str | None:
    """The arm to beat: the highest worst group, else (no counted group) the highest overall."""
    others = {arm: score for arm, score in scores.items() if arm != main}
    if main not in scores or not others:
        return None

    def merit(arm: str) -> tuple[float, float]:
        worst = others[arm].worst_group
        return (worst if worst is not None else 0.0, others[arm].overall)

    return max(others, key=merit)


def _difference(
    pair: tuple[str, str],
    measure: str,
    scores: Mapping[str, Scores],
    resampled: Mapping[str, Mapping[str, Array]],
    by_seed: Mapping[str, Mapping[str, Array]],
) -> Difference:
    arm, against = pair
    value = getattr(scores[arm], measure) - getattr(scores[against], measure)
    interval = interval_of(resampled[arm][measure] - resampled[against][measure])
    return Difference(
        arm, against, measure, float(value), interval,
        find(interval, by_seed[arm][measure] - by_seed[against][measure],
             measure in LOWER_IS_BETTER),
    )  # fmt: skip


def _intervals(
    resampled: Mapping[str, Array],
    shown: list[str],
    overall: float,
    worst: GroupScore | None,
    n: int,
) -> dict[str, Interval]:
    intervals = {measure: interval_of(resampled[measure]) for measure in shown}
    intervals["overall"] = _of_share(overall, n, intervals["overall"])
    if worst:
        intervals["worst_group"] = _of_share(worst.accuracy, worst.n, intervals["worst_group"])
    return intervals


def _of_share(share: float, n: int, bootstrap: Interval) -> Interval:
    """Where all faces are right, or all wrong, every resample is alike and the bootstrap says
    nothing: Wilson's interval does."""
    return wilson_interval(round(share * n), n) if share in (0.0, 1.0) else bootstrap


def _finite(value: float) -> float:
    # fairlearn divides 0 by 0 where no group has a hit; all are then equal.
    return float(value) if np.isfinite(value) else 1.0
