"""What metrics.json and evaluate.json hold, as plain JSON values without NaN."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from augment.metrics.fairness import Comparison, Difference, Scores
from augment.metrics.gains import GroupChange
from augment.metrics.passes import MADE, failed_checks

_DIGITS = 4


def headline(scores: Scores) -> dict[str, Any]:
    """One arm in metrics.json. ``interval`` (95 %) belongs to ``overall``; n is test faces.

    A figure that needs more counted groups than there are is null.
    """
    return {
        "overall": _round(scores.overall),
        "balanced_accuracy": _round(scores.balanced_accuracy),
        "worst_group": _round(scores.worst_group),
        "worst_group_name": scores.worst_group_name,
        "gap": _round(scores.gap),
        "ratio": _round(scores.ratio),
        "equalized_odds_difference": _round(scores.equalized_odds_difference),
        "n": scores.n,
        "seeds": scores.seeds,
        "interval": _pair(scores.intervals["overall"]),
        **{
            f"{name}_interval": _pair(interval)
            for name, interval in scores.intervals.items()
            if name != "overall"
        },
    }


def detail(comparison: Comparison) -> dict[str, Any]:
    """All of a comparison: every arm with its groups and seeds, every difference, and how the
    groups that were worst and best fare in other arms."""
    return {
        "best_baseline": comparison.best_baseline,
        "arms": {
            arm: {
                **headline(scores),
                "seed_range": {name: _pair(ends) for name, ends in scores.seed_range.items()},
                "groups": [
                    {
                        "name": group.name,
                        "n": group.n,
                        "accuracy": _round(group.accuracy),
                        "interval": _pair(group.interval),
                        "counted": group.counted,
                    }
                    for group in scores.groups
                ],
            }
            for arm, scores in comparison.scores.items()
        },
        "differences": [_difference(difference) for difference in comparison.differences],
        "changes": [_change(change) for change in comparison.changes],
    }


def plot_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row an arm and group (and "all"), for ``dvc plots``: ``bar`` names the bar."""
    rows = []
    for arm, scores in comparison.scores.items():
        rows.append(_plot_row(arm, "all", scores.n, scores.overall, scores.intervals["overall"]))
        rows += [
            _plot_row(arm, group.name, group.n, group.accuracy, group.interval)
            for group in scores.groups
            if group.counted
        ]
    return rows


def _plot_row(
    arm: str, group: str, n: int, accuracy: float, interval: tuple[float, float]
) -> dict[str, Any]:
    low, high = _pair(interval)
    return {
        "arm": arm, "group": group, "bar": f"{group} | {arm} (n={n})", "n": n,
        "accuracy": _round(accuracy), "low": low, "high": high,
    }  # fmt: skip


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "arm": difference.arm,
        "against": difference.against,
        "measure": difference.measure,
        "value": _round(difference.value),
        "interval": _pair(difference.interval),
        "finding": difference.finding,
    }


def _change(change: GroupChange) -> dict[str, Any]:
    return {
        "arm": change.arm,
        "against": change.against,
        "role": change.role,
        "group": change.group,
        "n": change.n,
        "before": _round(change.before),
        "after": _round(change.after),
        "value": _round(change.value),
        "interval": _pair(change.interval),
        "finding": change.finding,
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _pair(interval: tuple[float, float]) -> list[float]:
    return [round(edge, _DIGITS) for edge in interval]


def road_figures(
    audit: Mapping[str, Any],
    plan: Mapping[str, Any],
    balanced: Mapping[str, Any],
    verdicts: Iterable[Mapping[str, Any]],
    generators: Sequence[str],
) -> dict[str, Any]:
    """The parts of metrics.json that come before the downstream comparison.

    Args:
        audit: reports/audit.json.
        plan: reports/plan.json.
        balanced: data/balanced/manifest.json.
        verdicts: rows of data/verdicts: columns id, generator, check, passed.
        generators: keys of params; one without candidates has made none.
    """
    made, passed = Counter[str](), Counter[str]()
    generator_of = {}
    rows = list(verdicts)
    for row in rows:
        generator_of[row["id"]] = row["generator"]
    for candidate, failed in failed_checks(rows).items():
        made[generator_of[candidate]] += MADE not in failed
        passed[generator_of[candidate]] += not failed
    return {
        "audit": {
            **audit["audit"],
            "evenness_after": _round(balanced["evenness"]["after"]),
            "bins_below_target_before": balanced["bins_below_target"]["before"],
            "bins_below_target_after": balanced["bins_below_target"]["after"],
        },
        "plan": dict(plan["plan"]),
        "generate": {key: {"made": made[key], "passed": passed[key]} for key in generators},
    }
