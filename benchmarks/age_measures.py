"""What benchmarks/age.py measures of one arch, and the judges that it asks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from age_faces import YEARS, Held
from age_panel import MERGED, MOST_REAL, OF_MERGED, Panel
from scipy.stats import spearmanr

from augment.figures import Figure
from augment.metrics.fidelity import FEWEST, frechet_distance
from augment.metrics.proportion import wilson_interval
from augment.metrics.visible_change import face_region, visible_change
from augment.types import FloatArray, Image
from augment.vocabulary import AGE_GROUPS

#: (faces, their ages, the ages asked for, their five points) -> faces
Edit = Callable[
    [Sequence[Image], Sequence[float], Sequence[float], Sequence[FloatArray]], list[Image]
]
PAPER = {"0-9": 57.3, "10-19": 57.5, "20-39": 63.1, "40-49": 64.2, "50+": 68.3, "mean": 62.1}
_FAR = 2  # groups: an edit by so many must be visible
_SLID = 30  # people
STEPS = np.linspace(1, 78, 16)  # years of the slider


def means(runs: Sequence[Sequence[Figure]]) -> Iterator[Figure]:
    """Of trainings that differ by their seed; rows of several have no interval."""
    found: dict[tuple[str, ...], list[Figure]] = {}
    for row in (row for run in runs for row in run):
        found.setdefault((row.name, row.arch, row.split, row.group), []).append(row)
    for rows in found.values():
        value = round(float(np.mean([row.value for row in rows])), 4)
        yield (
            rows[0]
            if len(rows) == 1
            else replace(rows[0], value=value, seeds=len(rows), interval=None)
        )


def whole(edit: Edit, held: Held, years: Sequence[float]) -> list[Image]:
    """One person at many ages."""
    count = len(years)
    return edit([held.image] * count, [held.age] * count, years, [held.points] * count)


@dataclass(frozen=True)
class Edited:
    """All held-out people at all of :data:`YEARS`: ``made[person][age]``."""

    people: Sequence[Held]
    made: Sequence[Sequence[Image]]

    @classmethod
    def by(cls, edit: Edit, people: Sequence[Held]) -> "Edited":
        return cls(people, [whole(edit, held, YEARS) for held in people])

    def gaps(self) -> npt.NDArray[np.int64]:
        """(people, ages): how many groups lie between a person's own and the one asked for."""
        own = np.array([held.group for held in self.people])
        return np.abs(own[:, None] - np.arange(len(YEARS)))


def figures_of_edits(
    arch: str, edit: Edit, people: Sequence[Held], panel: Panel, data: str = "drawn"
) -> Iterator[Figure]:
    """All that can be said of edits, one arch at a time."""

    def row(name: str, value: float, n: int, better: str = "higher", **more: Any) -> Figure:
        settings: dict[str, Any] = {"unit": "ratio", "split": "held_out_people", **more}
        return Figure(name, arch, data, round(float(value), 4), n=n, better=better, **settings)  # type: ignore[arg-type]

    edited = Edited.by(edit, people)
    gaps = edited.gaps()
    if people[0].truth:
        yield from _errors(edited, gaps, row)
    yield from _own_and_back(edit, people, panel, row)
    yield from _seen(edited, panel, row)
    yield from _kept(edited, gaps, panel, row)
    yield from _distances(edited, panel, row)
    strips = [whole(edit, held, list(STEPS)) for held in people[:_SLID]]
    for kind in panel.judges:
        judged = [panel.years(kind, strip) for strip in strips]
        value = float(np.mean([spearmanr(STEPS, years).statistic if np.ptp(years) else 0.0
                               for years in judged]))  # fmt: skip
        yield row("slider_rank_correlation", value, len(strips), group=kind)


Row = Callable[..., Figure]


def _errors(edited: Edited, gaps: npt.NDArray[np.int64], row: Row) -> Iterator[Figure]:
    """Against the true pictures at those ages."""
    error = np.array(
        [
            [_error(made, true, h.points) for made, true in zip(line, h.truth, strict=True)]
            for line, h in zip(edited.made, edited.people, strict=True)
        ]
    )
    for name, low, high in (
        ("all", 1, 8), ("1-2 groups", 1, 2), ("3-5 groups", 3, 5), ("6-8 groups", 6, 8),
    ):  # fmt: skip
        part = (gaps >= low) & (gaps <= high)
        yield row(
            "error_to_true", error[part].mean(), int(part.sum()), "lower", group=name,
            unit="levels 0..1",
        )  # fmt: skip


def _error(made: Image, true: Image, points: FloatArray) -> float:
    """Mean absolute difference inside the face, 0..1."""
    inside = face_region(made.shape[0], points)
    return float(np.abs(made.astype(np.float32) - true)[inside].mean() / 255)


def _own_and_back(edit: Edit, people: Sequence[Held], panel: Panel, row: Row) -> Iterator[Figure]:
    """Paper's tables 1 and 2; levels 0..1 (times two: -1..1)."""
    images, ages = [held.image for held in people], [held.age for held in people]
    others = [YEARS[(5 * n + 2) % len(YEARS)] for n in range(len(people))]
    points = [held.points for held in people]
    own = edit(images, ages, ages, points)
    back = edit(edit(images, ages, others, points), others, ages, points)
    for name, made in (("own_age", own), ("cycle", back)):
        l1 = np.abs(np.subtract(made, images, dtype=np.float32)).mean() / 255
        yield row(f"{name}_l1", l1, len(images), "lower", unit="levels 0..1",
                  paper=0.028 if name == "own_age" else 0.040)  # fmt: skip
        start, end = (_unit(panel.features("attributes", side)) for side in (images, made))
        far = 1 - (start * end).sum(1).mean()
        yield row(f"{name}_perceptual", far, len(images), "lower", unit="1 - cosine of features")


def _unit(features: FloatArray) -> FloatArray:
    unit: FloatArray = features / np.linalg.norm(features, axis=1, keepdims=True)
    return unit


def _seen(edited: Edited, panel: Panel, row: Row) -> Iterator[Figure]:
    """Is the age seen that was asked for? By every judge; the figure is the weakest one's."""
    moved = edited.gaps() > 0
    images = [edited.made[person][age] for person, age in np.argwhere(moved)]
    wanted = OF_MERGED[np.nonzero(moved)[1]]
    means = {}
    for kind in panel.judges:
        right = OF_MERGED[panel.groups(kind, images)] == wanted
        shares = [right[wanted == g].mean() for g in range(len(MERGED))]
        means[kind] = float(np.mean(shares))
        for (merged, _), g in zip(MERGED.items(), range(len(MERGED)), strict=True):
            hits, n = int(right[wanted == g].sum()), int((wanted == g).sum())
            yield row("target_accuracy", hits / n, n, group=f"{merged}, {kind}",
                      interval=wilson_interval(hits, n), paper=PAPER[merged] / 100)  # fmt: skip
        yield row("target_accuracy", means[kind], len(wanted), group=f"mean, {kind}")
    yield row("target_accuracy", min(means.values()), len(wanted), group="mean",
              paper=PAPER["mean"] / 100)  # fmt: skip


def _kept(edited: Edited, gaps: npt.NDArray[np.int64], panel: Panel, row: Row) -> Iterator[Figure]:
    """What shall stay, and how much is to be seen of the edit."""
    people = edited.people
    seen = np.array(
        [
            [visible_change(made, held.image, held.points) for made in line]
            for line, held in zip(edited.made, people, strict=True)
        ]
    )
    far = gaps >= _FAR
    yield row("visible_change", seen[far].mean(), int(far.sum()), unit="levels 0..1")
    judge = panel.judges["attributes"]
    moved = gaps > 0
    opinions = judge.predict([held.image for held in people])
    of_edits = [judge.predict(line) for line in edited.made]
    for label in (name for name in ("gender", "ethnicity") if name in judge.values()):
        same = np.array([line[label].argmax(1) for line in of_edits])
        same = same == opinions[label].argmax(1)[:, None]
        hits, n = int(same[moved].sum()), int(moved.sum())
        yield row(f"{label}_kept", hits / n, n, interval=wilson_interval(hits, n))
    if "embedding" in panel.judges:
        parents = _unit(panel.features("embedding", [held.image for held in people]))
        likeness = parents @ parents.T
        strangers = np.quantile(likeness[~np.eye(len(people), dtype=bool)], 0.95)
        near = moved & (gaps <= _FAR)
        own = np.array(
            [_unit(panel.features("embedding", line)) @ one
             for line, one in zip(edited.made, parents, strict=True)]
        )  # fmt: skip
        for name, part in (("within 2 groups", near), ("all", moved)):
            hits, n = int((own[part] > strangers).sum()), int(part.sum())
            yield row("identity_kept", hits / n, n, group=name, interval=wilson_interval(hits, n))


def _distances(edited: Edited, panel: Panel, row: Row) -> Iterator[Figure]:
    """1 - distance(edited, real of the group) / distance(as they were, real of the group)."""
    parents = [held.image for held in edited.people]
    for kind in panel.judges:
        if kind == "attributes":
            continue
        start, found = panel.features(kind, parents), []
        for group, real in panel.real.items():
            n = min(len(parents), len(real), MOST_REAL)
            if n < FEWEST:
                continue
            goal = panel.real_features(kind, group)[:n]
            made = panel.features(kind, [line[group] for line in edited.made])
            before, after = frechet_distance(start[:n], goal), frechet_distance(made[:n], goal)
            found.append(1 - after / before)
            name = f"{AGE_GROUPS[group]}, {kind}"
            yield row("frechet_distance", after, n, "lower", group=name, unit="squared features")
        if found:
            yield row("distance_closed", float(np.mean(found)), len(parents), group=kind)
