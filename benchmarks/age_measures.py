"""What benchmarks/age.py measures of one arch, and the judges that it asks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from age_faces import YEARS, Held
from scipy.stats import spearmanr

from augment.figures import Figure
from augment.generators.age.ages import years_of
from augment.metrics.fidelity import FEWEST, frechet_distance
from augment.metrics.proportion import wilson_interval
from augment.metrics.visible_change import face_region, visible_change
from augment.nets.data import FaceSet
from augment.params import validate
from augment.plugins import load
from augment.protocols import Judge
from augment.types import FloatArray, Image
from augment.vocabulary import AGE_GROUPS

#: (faces, their ages, the ages asked for, their five points) -> faces
Edit = Callable[
    [Sequence[Image], Sequence[float], Sequence[float], Sequence[FloatArray]], list[Image]
]
#: The paper's five groups: name -> numbers of age groups.
MERGED = {"0-9": (0, 1), "10-19": (2,), "20-39": (3, 4), "40-49": (5,), "50+": (6, 7, 8)}
PAPER = {"0-9": 57.3, "10-19": 57.5, "20-39": 63.1, "40-49": 64.2, "50+": 68.3, "mean": 62.1}
_LABEL = "age_group"
_MOST_REAL = 100
_FAR = 2  # groups: an edit by so many must be visible
_SLID = 30  # people
STEPS = np.linspace(1, 78, 16)  # years of the slider
_WHOLE = np.array([group for group, _ in enumerate(AGE_GROUPS)])
_OF_MERGED = np.array([[g in places for places in MERGED.values()].index(True) for g in _WHOLE])


@dataclass(frozen=True, eq=False)
class Panel:
    """Judges of different kinds, and the real faces that distances are taken to."""

    judges: Mapping[str, Judge]
    real: Mapping[int, list[Image]]  # by number of the age group

    @classmethod
    def of(
        cls,
        aligned: Path,
        folder: Path,
        embedder: Mapping[str, Any] | None,
        seed: int,
        real: FaceSet,
        labels: Sequence[str] = (_LABEL, "gender"),
        images: int = 12_000,
    ) -> "Panel":
        """Trained on half b of ``aligned``, or read where they were trained before; ``real`` are
        the faces that distances are taken to, ``images`` is what the network of them sees."""
        entries: dict[str, dict[str, Any]] = {
            "attributes": {"labels": labels, "train": {"images": images}},
            "handmade": {"labels": labels},
        }
        if embedder is not None:
            entries["embedding"] = {"labels": labels, **embedder}
        judges = {}
        for kind, settings in entries.items():
            module = load("judges", kind)
            config = validate(module.Config, settings, f"judges.{kind}")
            if not (folder / kind / "config.json").is_file():
                module.Judge(config).train(aligned, folder / kind, seed, folder / "work" / kind)
            judges[kind] = module.Judge(config)
            judges[kind].load(folder / kind)
        groups = np.array([AGE_GROUPS.index(word) for word in real.labels[_LABEL]])
        return cls(judges, {g: list(real.images[groups == g]) for g in range(len(AGE_GROUPS))})

    def groups(self, kind: str, images: Sequence[Image]) -> npt.NDArray[np.int64]:
        """Number of the age group that a judge sees, (images,)."""
        judge = self.judges[kind]
        names = [AGE_GROUPS.index(word) for word in judge.values()[_LABEL]]
        return np.array(names)[judge.predict(images)[_LABEL].argmax(1)]

    def years(self, kind: str, images: Sequence[Image]) -> FloatArray:
        """The age that a judge expects, (images,)."""
        judge = self.judges[kind]
        middles = np.array([sum(years_of(word) or ()) / 2 for word in judge.values()[_LABEL]])
        return np.asarray(judge.predict(images)[_LABEL] @ middles, dtype=np.float32)

    @cache  # noqa: B019 (there is one panel)
    def real_features(self, kind: str, group: int) -> FloatArray:
        """Of the real faces of an age group."""
        return self.features(kind, self.real[group][:_MOST_REAL])

    def features(self, kind: str, images: Sequence[Image]) -> FloatArray:
        (name,) = self.judges[kind].features()
        return self.judges[kind].predict(images)[name]


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
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def _seen(edited: Edited, panel: Panel, row: Row) -> Iterator[Figure]:
    """Is the age seen that was asked for? By every judge; the figure is the weakest one's."""
    moved = edited.gaps() > 0
    images = [edited.made[person][age] for person, age in np.argwhere(moved)]
    wanted = _OF_MERGED[np.nonzero(moved)[1]]
    means = {}
    for kind in panel.judges:
        right = _OF_MERGED[panel.groups(kind, images)] == wanted
        shares = [right[wanted == g].mean() for g in range(len(MERGED))]
        means[kind] = float(np.mean(shares))
        for (merged, _), g in zip(MERGED.items(), range(len(MERGED)), strict=True):
            hits, n = int(right[wanted == g].sum()), int((wanted == g).sum())
            yield row("target_accuracy", hits / n, n, group=f"{merged}, {kind}",
                      interval=wilson_interval(hits, n), paper=PAPER[merged] / 100)  # fmt: skip
        yield row("target_accuracy", means[kind], len(wanted), group=f"mean, {kind}")
    yield row("target_accuracy", min(means.values()), len(wanted), group="mean",
              paper=PAPER["mean"] / 100)  # fmt: skip


def ceilings(
    images: Sequence[Image], groups: Sequence[int], panel: Panel, data: str
) -> Iterator[Figure]:
    """How often each judge is right on true pictures of these age groups: no edit can be expected
    to do better."""
    wanted = _OF_MERGED[np.asarray(groups)]
    for kind in panel.judges:
        right = _OF_MERGED[panel.groups(kind, images)] == wanted
        shares = [float(right[wanted == g].mean()) for g in range(len(MERGED))]
        for group, value in {
            **dict(zip(MERGED, shares, strict=True)),
            "mean": np.mean(shares),
        }.items():
            n = len(wanted) if group == "mean" else int((wanted == list(MERGED).index(group)).sum())
            yield Figure(
                "judge_ceiling", "truth", data, round(float(value), 4), "ratio", "higher", n,
                "held_out_people", f"{group}, {kind}",
            )  # fmt: skip


def gender_of_truth(people: Sequence[Held], panel: Panel) -> Figure:
    """How often the judge sees the person's gender on the true pictures as on the given one."""
    judge = panel.judges["attributes"]
    seen = judge.predict([true for held in people for true in held.truth])["gender"].argmax(1)
    given = judge.predict([held.image for held in people])["gender"].argmax(1)
    hits, n = int((seen == np.repeat(given, len(YEARS))).sum()), len(seen)
    return Figure(
        "gender_kept", "truth", "drawn", round(hits / n, 4), "ratio", "higher", n,
        "held_out_people", interval=wilson_interval(hits, n),
    )  # fmt: skip


def gender_expected(people: Sequence[Held], panel: Panel, data: str) -> Figure:
    """How often two true pictures of one person, of different age groups, would be taken for the
    same gender, were the judge as often right on each as it is on other people of these groups."""
    judge = panel.judges["attributes"]
    names = judge.values()["gender"]
    seen = judge.predict([held.image for held in people])["gender"].argmax(1)
    right = np.array([names[place] == held.gender
                      for place, held in zip(seen, people, strict=True)])  # fmt: skip
    groups = np.array([held.group for held in people])
    hits = np.array([right[groups == group].mean() for group in np.unique(groups)])
    both = hits[:, None] * hits + (1 - hits[:, None]) * (1 - hits)
    value = float(both[~np.eye(len(hits), dtype=bool)].mean())
    return Figure(
        "gender_kept", "truth", data, round(value, 4), "ratio", "higher", len(people),
        "held_out_people",
    )  # fmt: skip


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
            n = min(len(parents), len(real), _MOST_REAL)
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


def real_distances(panel: Panel, count: int, data: str) -> Iterator[Figure]:
    """The floor: real faces of an age group against others, as many as are compared elsewhere."""
    for kind in panel.judges:
        for group, real in panel.real.items():
            n = min(count, len(real), _MOST_REAL)
            if kind == "attributes" or n < FEWEST or len(real) < 2 * n:
                continue
            found = panel.features(kind, real[: 2 * n])
            value = round(frechet_distance(found[n:], found[:n]), 4)
            yield Figure("frechet_distance", "truth", data, value, "squared features", "lower", n,
                         "held_out_people", f"{AGE_GROUPS[group]}, {kind}")  # fmt: skip


def kept_by_mirror(people: Sequence[Held], panel: Panel, data: str) -> Iterator[Figure]:
    """How steady the judge's own opinion is."""
    judge = panel.judges["attributes"]
    images = [held.image for held in people]
    turned = [np.ascontiguousarray(image[:, ::-1]) for image in images]
    before, after = judge.predict(images), judge.predict(turned)
    for label in (name for name in ("gender", "ethnicity") if name in judge.values()):
        hits = int((before[label].argmax(1) == after[label].argmax(1)).sum())
        yield Figure(
            f"{label}_kept", "mirrored", data, round(hits / len(images), 4), "ratio", "higher",
            len(images), "held_out_people", interval=wilson_interval(hits, len(images)),
        )  # fmt: skip
