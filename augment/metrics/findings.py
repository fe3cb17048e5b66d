"""What a comparison of arms shows, in plain sentences that claim no more than the figures do."""

from collections.abc import Mapping

from augment.metrics.arms import LOGIT_ADJUSTED, MAIN_ADJUSTED
from augment.metrics.fairness import Comparison, Difference, Scores
from augment.metrics.gains import GroupChange
from augment.metrics.resampling import SMALL_GROUP

#: How the arms are called in sentences.
ARM_WORDS = {
    "original": "the original faces",
    "resampled": "the original faces, resampled",
    "classical": "the original faces with classical augmentation",
    "logit-adjusted": "the original faces with a logit-adjusted loss",
    "balanced": "the balanced set",
    "balanced, logit-adjusted": "the balanced set with a logit-adjusted loss",
}
#: With and without synthetic faces, both with the loss that makes up for rare labels.
SAME_LOSS = (MAIN_ADJUSTED, LOGIT_ADJUSTED)

_VERBS = {"better": "rose", "worse": "fell", "no difference shown": "shows no change"}
#: (worst group, best group) -> why the gap became smaller, or larger.
_SHRANK = {
    ("rose", "fell"): "because the worst group rose and the best fell",
    ("rose", "shows no change"): "because the worst group rose, not because the best fell",
    ("rose", "rose"): "because the worst group rose by more than the best",
    ("shows no change", "fell"): "because the best group fell, not because the worst rose",
    ("fell", "fell"): "because the best group fell by more than the worst",
}
_GREW = {
    ("fell", "rose"): "because the worst group fell and the best rose",
    ("fell", "shows no change"): "because the worst group fell",
    ("fell", "fell"): "because the worst group fell by more than the best",
    ("shows no change", "rose"): "because the best group rose and the worst did not",
    ("rose", "rose"): "because the best group rose by more than the worst",
}


def conclude(label: str, comparison: Comparison, main: str, reference: str) -> list[str]:
    """Sentences on one task: worst group, gap and where it comes from, best baseline, the rest.

    Args:
        label: the predicted column.
        comparison: the arms' figures.
        main: the arm that the sentences are about.
        reference: the arm it is compared with.
    """
    scores, found = comparison.scores, _by_pair(comparison)
    sentences = []
    worst = found.get((main, reference, "worst_group"))
    if worst is None:
        sentences.append(
            f"No group has {SMALL_GROUP} labelled test faces, so nothing can be said of groups."
        )
    else:
        sentences.append(_of_worst(label, worst, scores[main], scores[reference]))
    gap = found.get((main, reference, "gap"))
    if gap is not None:
        sentences.append(_of_gap(gap, scores[main], scores[reference]))
        pair = [c for c in comparison.changes if (c.arm, c.against) == (main, reference)]
        sentences.append(of_changes(gap, *pair))
    baseline = comparison.best_baseline
    rival = found.get((main, str(baseline), "worst_group"))
    if rival is not None and baseline != reference:
        sentences.append(
            f"Against the best baseline, {words(str(baseline))}: {rival.finding} in the worst "
            f"group ({points(rival)})."
        )
    adjusted = [found.get((*SAME_LOSS, name)) for name in ("balanced_accuracy", "overall")]
    if adjusted[0] is not None and adjusted[1] is not None:
        sentences.append(
            "Both with a loss that makes up for rare labels, the balanced set against the original "
            f"faces: {adjusted[0].finding} in the mean recall of all classes "
            f"({points(adjusted[0])}), "
            f"{adjusted[1].finding} in accuracy over all faces ({points(adjusted[1])})."
        )
    odds = found.get((main, reference, "equalized_odds_difference"))
    if odds is not None:
        sentences.append(
            f"Equalised odds difference (of true or false positive rates between groups): "
            f"{odds.finding} ({points(odds)})."
        )
    overall = found[main, reference, "overall"]
    sentences.append(
        f"Accuracy over all {scores[main].n} test faces: {overall.finding} ({points(overall)})."
    )
    return sentences


def _of_worst(label: str, worst: Difference, main: Scores, reference: Scores) -> str:
    opening = {
        "better": "Better for the worst group",
        "worse": "Worse for the worst group",
        "no difference shown": "No difference shown for the worst group",
    }[worst.finding]
    return (
        f"{opening}: {_label(label)} is right for {_worst(main)} when trained on "
        f"{words(worst.arm)}, for {_worst(reference)} on {words(worst.against)} ({points(worst)})."
    )


def _of_gap(gap: Difference, main: Scores, reference: Scores) -> str:
    groups = "between the best and the worst group"
    opening = {
        "better": f"The gap {groups} is smaller",
        "worse": f"The gap {groups} is larger",
        "no difference shown": f"No difference shown in the gap {groups}",
    }[gap.finding]
    return (
        f"{opening}: {100 * (main.gap or 0.0):.1f} against {100 * (reference.gap or 0.0):.1f} "
        f"points ({points(gap)})."
    )


def of_changes(gap: Difference, worst: GroupChange, best: GroupChange) -> str:
    """Whether the worst group moved or the best one: one sentence, whatever became of the gap."""
    verbs = _VERBS[worst.finding], _VERBS[best.finding]
    unclear = "but the two groups that were worst and best do not show why"
    opening = {
        "better": f"The gap shrank {_SHRANK.get(verbs, unclear)}",
        "worse": f"The gap grew {_GREW.get(verbs, unclear)}",
        "no difference shown": "What lies behind the gap",
    }[gap.finding]
    return (
        f"{opening}: {worst.group} (n={worst.n}), the worst on {words(gap.against)}, {verbs[0]} "
        f"({points(worst)}); {best.group} (n={best.n}), the best, {verbs[1]} ({points(best)})."
    )


def words(arm: str) -> str:
    return ARM_WORDS.get(arm, arm)


def points(difference: Difference | GroupChange) -> str:
    """``"+3.1 points, 95 % interval −0.4 to +6.5"``; says where seeds disagree."""
    low, high = difference.interval
    apart = difference.finding == "no difference shown" and (low > 0 or high < 0)
    return (
        f"{_signed(difference.value)} points, 95 % interval {_signed(low)} to {_signed(high)}"
        f"{', but the seeds do not agree' if apart else ''}"
    )


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def _worst(scores: Scores) -> str:
    n = next(group.n for group in scores.groups if group.name == scores.worst_group_name)
    return f"{100 * (scores.worst_group or 0.0):.1f} % of {scores.worst_group_name} (n={n})"


def _label(label: str) -> str:
    return label.replace("_", " ") + " as labelled"


def _by_pair(comparison: Comparison) -> Mapping[tuple[str, str, str], Difference]:
    return {(d.arm, d.against, d.measure): d for d in comparison.differences}
