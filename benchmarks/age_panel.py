"""The judges that benchmarks/age.py asks, and what they say of true pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from age_faces import YEARS, Held

from augment.figures import Figure
from augment.generators.age.ages import years_of
from augment.metrics.fidelity import FEWEST, frechet_distance
from augment.metrics.proportion import wilson_interval
from augment.nets.data import FaceSet
from augment.params import validate
from augment.plugins import load
from augment.protocols import Judge
from augment.types import FloatArray, Image
from augment.vocabulary import AGE_GROUPS

#: The paper's five groups: name -> numbers of age groups.
MERGED = {"0-9": (0, 1), "10-19": (2,), "20-39": (3, 4), "40-49": (5,), "50+": (6, 7, 8)}
#: Number of the merged group that each age group lies in.
OF_MERGED = np.array([[g in places for places in MERGED.values()].index(True)
                      for g in range(len(AGE_GROUPS))])  # fmt: skip
MOST_REAL = 100
_LABEL = "age_group"


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
        names = np.array([AGE_GROUPS.index(word) for word in judge.values()[_LABEL]])
        seen = judge.predict(images)[_LABEL].argmax(1)
        return np.asarray(names[seen], dtype=np.int64)

    def years(self, kind: str, images: Sequence[Image]) -> FloatArray:
        """The age that a judge expects, (images,)."""
        judge = self.judges[kind]
        middles = np.array([sum(years_of(word) or ()) / 2 for word in judge.values()[_LABEL]])
        return np.asarray(judge.predict(images)[_LABEL] @ middles, dtype=np.float32)

    @cache  # noqa: B019 (there is one panel)
    def real_features(self, kind: str, group: int) -> FloatArray:
        """Of the real faces of an age group."""
        return self.features(kind, self.real[group][:MOST_REAL])

    def features(self, kind: str, images: Sequence[Image]) -> FloatArray:
        (name,) = self.judges[kind].features()
        return self.judges[kind].predict(images)[name]


def ceilings(
    images: Sequence[Image], groups: Sequence[int], panel: Panel, data: str
) -> Iterator[Figure]:
    """How often each judge is right on true pictures of these age groups: no edit can be expected
    to do better."""
    wanted = OF_MERGED[np.asarray(groups)]
    for kind in panel.judges:
        right = OF_MERGED[panel.groups(kind, images)] == wanted
        shares = [float(right[wanted == g].mean()) for g in range(len(MERGED))]
        for group, value in {
            **dict(zip(MERGED, shares, strict=True)),
            "mean": float(np.mean(shares)),
        }.items():
            n = len(wanted) if group == "mean" else int((wanted == list(MERGED).index(group)).sum())
            yield Figure(
                "judge_ceiling", "truth", data, round(value, 4), "ratio", "higher", n,
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


def real_distances(panel: Panel, count: int, data: str) -> Iterator[Figure]:
    """The floor: real faces of an age group against others, as many as are compared elsewhere."""
    for kind in panel.judges:
        for group, real in panel.real.items():
            n = min(count, len(real), MOST_REAL)
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
