"""How many real faces does a synthetic one replace?

Of a set, rare classes were thinned (benchmarks/fairness_thin.py), then filled; ``whole`` is the set
before that. Recall here is the mean recall of the thinned classes. What filling regains of the
recall that thinning lost, and, by how many faces were left out and how many were made, what a
synthetic face is worth:

    regained = (filled - thinned) / (whole - thinned)
    replaced = regained * left out / made
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from fairness_saved import Sitting

from augment.figures import Figure
from augment.metrics.arms import LOGIT_ADJUSTED, MAIN, REFERENCE
from augment.metrics.fairness import RESAMPLES
from augment.metrics.resampling import Design, Said, bootstrap, interval_of
from augment.metrics.tasks import Task, held_out

WHOLE = "whole"
#: Thinned, filled, whole: with the plain loss, and with the one that makes up for rare labels.
_TRIPLES = (
    (REFERENCE, MAIN, WHOLE),
    (LOGIT_ADJUSTED, f"{MAIN}, {LOGIT_ADJUSTED}", f"{WHOLE}, {LOGIT_ADJUSTED}"),
)

Array = npt.NDArray[np.float64]


def replaced(sitting: Sitting, name: str, task: Task, seed: int) -> Iterator[Figure]:
    """``thinned_recall`` of each variant; ``recall_regained`` and ``real_faces_replaced`` where
    thinning cost recall beyond the interval: else there is nothing to regain.

    Args:
        sitting: with the variants above; without them there is no figure.
        name: of the task.
        task: whose label's classes were thinned; of other labels there is no figure.
        seed: of the bootstrap.
    """
    for thinned, filled, whole in _TRIPLES:
        if not {thinned, filled, whole} <= set(sitting.predicted):
            continue
        left_out = _fewer(sitting, task.label, thinned, whole)
        made = _count(sitting, filled, "synthetic", task.label, list(left_out))
        if not left_out or not made:
            continue
        recalls, n = _recalls(sitting, task, list(left_out), (thinned, filled, whole), seed)
        seeds = len(sitting.predicted[filled][task.label])
        for variant, (value, resampled) in recalls.items():
            yield Figure(
                "thinned_recall", variant, "", round(value, 4), "ratio", "higher", n, "test", name,
                seeds, rounded(interval_of(resampled)),
            )  # fmt: skip
        lost = recalls[whole][1] - recalls[thinned][1]
        if interval_of(lost)[0] <= 0:
            continue
        gained = recalls[filled][1] - recalls[thinned][1]
        value = (recalls[filled][0] - recalls[thinned][0]) / (
            recalls[whole][0] - recalls[thinned][0]
        )
        for called, factor in (
            ("recall_regained", 1.0),
            ("real_faces_replaced", sum(left_out.values()) / made),
        ):
            yield Figure(
                called, filled, "", round(value * factor, 4), "ratio", "higher", n, "test", name,
                seeds, rounded(interval_of(gained / lost * factor)),
            )  # fmt: skip


def _fewer(sitting: Sitting, label: str, thinned: str, whole: str) -> dict[str, int]:
    """Class -> how many of its real faces were left out; none where all classes have fewer, for
    then it was not by this label that the set was thinned."""
    before = sitting.made[whole]["learned"]["real"][label]
    after = sitting.made[thinned]["learned"]["real"][label]
    found = {word: n - after.get(word, 0) for word, n in before.items() if n > after.get(word, 0)}
    return found if len(found) < len(before) else {}


def _count(sitting: Sitting, variant: str, kind: str, label: str, classes: list[str]) -> int:
    found = sitting.made[variant]["learned"][kind][label]
    return sum(found.get(word, 0) for word in classes)


def _recalls(
    sitting: Sitting, task: Task, classes: list[str], variants: tuple[str, ...], seed: int
) -> tuple[dict[str, tuple[float, Array]], int]:
    """Variant -> mean recall of these classes, and so in each resample; how many faces they are."""
    faces, places = held_out(task, sitting.test)
    by_class = replace(faces, group=faces.truth, apart=None)
    design = Design.of(by_class)
    mine = np.isin(design.groups, classes)
    said = {
        name: Said.of(design, faces.truth, sitting.predicted[name][task.label][:, places]).mean()
        for name in variants
    }
    resampled = bootstrap(design, said, seed, RESAMPLES)
    once = np.ones((1, len(faces.truth)))
    found = {
        name: (
            float(design.figures(once, said[name])["groups"][0, mine].mean()),
            np.nanmean(resampled[name]["groups"][:, mine], axis=1),
        )
        for name in variants
    }
    return found, int(np.isin(faces.truth, classes).sum())


def rounded(interval: tuple[float, float]) -> tuple[float, float]:
    return round(interval[0], 4), round(interval[1], 4)
