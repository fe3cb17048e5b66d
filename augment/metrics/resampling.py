"""The bootstrap over test faces: every measure in every resample, paired between arms.

Percentile intervals (Efron & Tibshirani 1993, chapter 13). All photos of one person are drawn
together: they are not independent witnesses.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from augment.metrics.odds import Odds
from augment.vocabulary import UNKNOWN

Words = npt.NDArray[np.str_]
Array = npt.NDArray[np.float64]
Interval = tuple[float, float]
Finding = Literal["better", "worse", "no difference shown"]

#: Groups with fewer test faces are shown with their n, but are never called best or worst: one
#: face more or less would move them by more than five points.
SMALL_GROUP = 20
SEPARATOR = " · "

_RESAMPLES_AT_ONCE = 50  # bounds memory: 100,000 faces take 40 MB


@dataclass(frozen=True)
class HeldOutFaces:
    """The held-out faces of one task; arrays of shape (faces,).

    ``person`` holds "" where it is not known; such a face counts as a person of its own.
    ``apart`` is the group without the predicted label among its columns, which equalised odds
    compare; None where no other column is left.
    """

    truth: Words
    group: Words
    person: Words
    apart: Words | None = None


def is_counted(name: str, n: int) -> bool:
    """Whether a group is large enough, and known well enough, to be called best or worst."""
    return n >= SMALL_GROUP and UNKNOWN not in name.split(SEPARATOR)


@dataclass(frozen=True)
class Design:
    """Who belongs to which group, class and person: sparse (members, faces) matrices of ones."""

    groups: tuple[str, ...]
    sizes: Mapping[str, int]
    counted: npt.NDArray[np.bool_]
    of_group: Any
    of_class: Any
    person: npt.NDArray[np.int64]
    persons: int
    odds: Odds | None

    @classmethod
    def of(cls, faces: HeldOutFaces) -> "Design":
        groups, group, sizes = np.unique(faces.group, return_inverse=True, return_counts=True)
        _, label = np.unique(faces.truth, return_inverse=True)
        own = np.array([f"\x1f{place}" for place in range(len(faces.person))], dtype=str)
        persons, person = np.unique(
            np.where(faces.person == "", own, faces.person), return_inverse=True
        )
        names = tuple(str(name) for name in groups)
        return cls(
            names,
            dict(zip(names, (int(size) for size in sizes), strict=True)),
            np.array([is_counted(name, int(n)) for name, n in zip(names, sizes, strict=True)]),
            _membership(group),
            _membership(label),
            person.astype(np.int64),
            len(persons),
            Odds.of(faces.truth, faces.apart, SEPARATOR),
        )

    def figures(self, weights: Array, said: "Said") -> dict[str, Array]:
        """Each measure for every row of ``weights`` (or, with one row, of what was said).

        Both have 1 or k rows; results are of shape (k,), "groups" of (k, groups). NaN: no counted
        group, or (in a resample) no face of the group.
        """
        correct = said.correct
        hits = weights * correct
        with np.errstate(invalid="ignore"):
            groups = (self.of_group @ hits.T / (self.of_group @ weights.T)).T
            recalls = (self.of_class @ hits.T / (self.of_class @ weights.T)).T
        counted = groups[:, self.counted]
        nothing = np.full(len(hits), np.nan)
        # fmin and fmax pass over groups that a resample has no face of.
        worst = np.fmin.reduce(counted, axis=1) if counted.shape[1] else nothing
        best = np.fmax.reduce(counted, axis=1) if counted.shape[1] > 1 else nothing
        return {
            "overall": hits.sum(1) / weights.sum(1),
            "balanced_accuracy": np.nanmean(recalls, axis=1),
            "worst_group": worst,
            "gap": best - worst,
            "ratio": np.where(best == 0, 1.0, worst / np.where(best == 0, 1.0, best)),
            "equalized_odds_difference": nothing
            if self.odds is None or said.chosen is None
            else self.odds.differences(weights, said.chosen),
            "groups": groups,
        }


@dataclass(frozen=True)
class Said:
    """One arm's predictions as numbers.

    Attributes:
        correct: whether (or in which share of seeds) a face is right, shape (1 or seeds, faces).
        chosen: the same of each class that :class:`Odds` asks for, shape (asked, 1 or seeds,
            faces); None where it asks for none.
    """

    correct: npt.NDArray[Any]
    chosen: npt.NDArray[Any] | None

    @classmethod
    def of(cls, design: Design, truth: Words, predicted: Words) -> "Said":
        """Seed by seed; ``predicted`` of shape (seeds, faces)."""
        return cls(predicted == truth, design.odds.chosen(predicted) if design.odds else None)

    def mean(self) -> "Said":
        """The mean over seeds, with one row."""
        chosen = None if self.chosen is None else self.chosen.mean(1, keepdims=True)
        return Said(self.correct.mean(0, keepdims=True), chosen)


def _membership(codes: npt.NDArray[np.int64]) -> Any:
    faces = np.arange(len(codes))
    return sparse.csr_matrix((np.ones(len(codes)), (codes, faces)))


def bootstrap(
    design: Design, said: Mapping[str, Said], seed: int, resamples: int
) -> dict[str, dict[str, Array]]:
    """Arm -> measure -> its value in every resample; resample i is the same for all arms.

    ``said`` has one row an arm: the mean over seeds.
    """
    pieces: dict[str, list[dict[str, Array]]] = {arm: [] for arm in said}
    for weights in _resample(design, seed, resamples):
        for arm, of_arm in said.items():
            pieces[arm].append(design.figures(weights, of_arm))
    return {
        arm: {name: np.concatenate([piece[name] for piece in parts]) for name in parts[0]}
        for arm, parts in pieces.items()
    }


def _resample(design: Design, seed: int, resamples: int) -> Iterator[Array]:
    """How often each face is drawn, shape (at most 50, faces): persons with replacement."""
    random = np.random.default_rng(seed)
    for start in range(0, resamples, _RESAMPLES_AT_ONCE):
        rows = min(_RESAMPLES_AT_ONCE, resamples - start)
        drawn = random.integers(design.persons, size=(rows, design.persons))
        drawn += np.arange(rows)[:, None] * design.persons
        times = np.bincount(drawn.ravel(), minlength=rows * design.persons)
        yield times.reshape(rows, design.persons)[:, design.person].astype(np.float64)


def interval_of(values: Array) -> Interval:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def find(interval: Interval, of_seeds: Array, lower_is_better: bool) -> Finding:
    """A difference is called one only if its interval leaves out zero *and* every seed agrees.

    The interval speaks for the choice of test faces, the seeds for the luck of training.
    """
    low, high = (-interval[1], -interval[0]) if lower_is_better else interval
    signs = -of_seeds if lower_is_better else of_seeds
    if low > 0 and (signs > 0).all():
        return "better"
    if high < 0 and (signs < 0).all():
        return "worse"
    return "no difference shown"
