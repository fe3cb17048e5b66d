"""Kept predictions -> rows of reports/fairface/fairness.json.

A row's ``data`` names the held-out faces, its ``arch`` the variant, its ``group`` the task:

- ``overall``, ``balanced_accuracy``, ``worst_group``, ``gap``, ``equalized_odds_difference``;
- ``accuracy``, group ``<task>, <group>``: of one group of faces; not of several strengths;
- ``<measure>_difference``, group ``<task>, against <baseline>``: paired, to the first baseline and
  to that of the best balanced accuracy; of a variant of a certain strength, to that without new
  faces;
- ``difference_to_best_baseline`` and ``worst_group_difference_to_best_baseline``: in balanced
  accuracy and in the worst group, against the baseline that is best at it;
- ``real_faces``, ``synthetic_faces``: how many a variant learned from;
- ``thinned_recall``, ``recall_regained``, ``real_faces_replaced``: see benchmarks/
  fairness_replaced.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

from fairness_replaced import replaced, rounded
from fairness_saved import Compared, Sitting, read
from fairness_shifted import is_moved, pairs

from augment.figures import Figure
from augment.metrics.fairness import LOWER_IS_BETTER, MEASURES, Scores
from augment.metrics.tasks import Task

SEED = 11  # of the bootstrap; trainings have the road's
AGAINST = ", against "
BEST = "difference_to_best_baseline"
#: By it the best baseline is told, where no measure is named.
_FIRST = "balanced_accuracy"
#: Measures that are compared with the baseline that is best at them, and what that is called.
_AGAINST_BEST = {_FIRST: BEST, "worst_group": f"worst_group_{BEST}"}


def rows_of_all(saved: Path) -> list[dict[str, Any]]:
    """Of every file of predictions in that folder; prints each one's tables.

    A row also holds commit and command that trained it, the bootstrap's seed, and, of a difference
    to the best baseline, which that is.
    """
    return [row for path in sorted(saved.glob("*.parquet")) for row in rows_of(read(path))]


def rows_of(sitting: Sitting) -> Iterator[dict[str, Any]]:
    """All rows of one set of held-out faces."""
    for name, task in views(sitting.tasks).items():
        compared = sitting.compared(task, SEED)
        print_scores(f"{sitting.name}, {name}", compared.scores)
        for figure, more in _of_task(sitting, name, task, compared):
            made = {key: sitting.made[figure.arch][key] for key in ("commit", "command")}
            yield asdict(replace(figure, data=sitting.name)) | more | made | {"seed": SEED}


def views(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks; and of one whose groups are intersections with its own label, how well groups
    without it are told: "gender by ethnicity"."""
    found = dict(tasks)
    for name, task in tasks.items():
        others = [column for column in task.groups if column != task.label]
        if 0 < len(others) < len(task.groups):
            by = f"{name} by {' and '.join(others)}"
            found[by] = Task(label=task.label, groups=others)
    return found


def _of_task(
    sitting: Sitting, name: str, task: Task, compared: Compared
) -> Iterator[tuple[Figure, dict[str, str]]]:
    """Figures, and what a row says besides; all but of which data."""
    for variant, scores in compared.scores.items():
        for figure in (*_scores(variant, name, scores), *_faces(sitting, variant, name, task)):
            yield figure, {}
    plain = [variant for variant in compared.scores if not is_moved(variant)]
    shown = dict.fromkeys([sitting.baselines[0], best_baseline(sitting, compared, _FIRST)])
    of_baselines = [(variant, baseline) for baseline in shown for variant in plain]
    for (variant, baseline), measure in product(
        [*of_baselines, *pairs(list(compared.scores))], MEASURES
    ):
        called, group = f"{measure}_difference", f"{name}{AGAINST}{baseline}"
        for figure in _difference(compared, variant, baseline, measure, called, group):
            yield figure, {}
    for measure, called in _AGAINST_BEST.items():
        best = best_baseline(sitting, compared, measure)
        for variant in plain if best else ():
            if variant not in sitting.baselines:
                for figure in _difference(compared, variant, best, measure, called, name):
                    yield figure, {"baseline": best}
    for figure in replaced(sitting, name, task, SEED):
        yield figure, {}


def _scores(variant: str, task: str, scores: Scores) -> Iterator[Figure]:
    for measure in MEASURES:
        value = getattr(scores, measure)
        if value is not None:
            yield Figure(
                measure, variant, "", round(value, 4), "ratio",
                "lower" if measure in LOWER_IS_BETTER else "higher", scores.n, "test", task,
                scores.seeds, rounded(scores.intervals[measure]),
            )  # fmt: skip
    for group in () if is_moved(variant) else scores.groups:
        yield Figure(
            "accuracy", variant, "", round(group.accuracy, 4), "ratio", "higher", group.n, "test",
            f"{task}, {group.name}", scores.seeds, rounded(group.interval),
        )  # fmt: skip


def _faces(sitting: Sitting, variant: str, name: str, task: Task) -> Iterator[Figure]:
    """How many faces of known label the variant learned from."""
    for kind, of_label in sitting.made[variant].get("learned", {}).items():
        count = sum(of_label[task.label].values())
        yield Figure(f"{kind}_faces", variant, "", count, "faces", "higher", count, "train", name)


def best_baseline(sitting: Sitting, compared: Compared, measure: str) -> str:
    """Of those that need no synthetic face; "" where none has the measure."""
    values = {name: getattr(compared.scores[name], measure) for name in sitting.baselines}
    known = {name: value for name, value in values.items() if value is not None}
    return max(known, key=lambda name: known[name], default="")


def _difference(
    compared: Compared, variant: str, baseline: str, measure: str, called: str, group: str
) -> Iterator[Figure]:
    """None for a variant against itself, or where there is no such measure."""
    found = compared.difference(measure, variant, baseline) if variant != baseline else None
    if found is not None:
        scores = compared.scores[variant]
        yield Figure(
            called, variant, "", round(found[0], 4), "difference",
            "lower" if measure in LOWER_IS_BETTER else "higher", scores.n, "test", group,
            scores.seeds, rounded(found[1]),
        )  # fmt: skip


def print_scores(data: str, scores: Mapping[str, Scores]) -> None:
    print(f"\n{data}\n  {'variant':28} overall  balanced  worst   gap")
    for variant, one in scores.items():
        numbers = (one.overall, one.balanced_accuracy, one.worst_group, one.gap)
        shown = "  ".join("    –" if value is None else f"{value:7.3f}" for value in numbers)
        print(f"  {variant:28} {shown}")
