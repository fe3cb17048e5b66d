"""What a comparison of arms shows, in plain sentences that claim no more than the figures do."""

from collections.abc import Mapping

from augment.metrics.fairness import Comparison, Difference, Scores
from augment.metrics.resampling import SMALL_GROUP

#: How the arms are called in sentences.
ARM_WORDS = {
    "original": "the original faces",
    "resampled": "the original faces, resampled",
    "classical": "the original faces with classical augmentation",
    "balanced": "the balanced set",
}


def conclude(label: str, comparison: Comparison, main: str, reference: str) -> list[str]:
    """Sentences on one task: worst group first, then the gap, the best baseline, and all.

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
    baseline = comparison.best_baseline
    rival = found.get((main, str(baseline), "worst_group"))
    if rival is not None and baseline != reference:
        sentences.append(
            f"Against the best baseline, {words(str(baseline))}: {rival.finding} in the worst "
            f"group ({points(rival)})."
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


def words(arm: str) -> str:
    return ARM_WORDS.get(arm, arm)


def points(difference: Difference) -> str:
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
