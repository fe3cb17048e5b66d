"""What benchmarks/attribute.py measures of edits, and the judges that it asks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from attribute_faces import SIZE, Held, other
from skimage.metrics import structural_similarity

from augment.generators.attribute import Generator
from augment.generators.attribute.collapse import verdict
from augment.metrics.fidelity import FEWEST, frechet_distance
from augment.metrics.visible_change import face_region, visible_change
from augment.nets.data import load_faces
from augment.params import validate
from augment.plugins import load
from augment.protocols import Judge
from augment.regions import guide, region_of, widened
from augment.types import FloatArray, Image
from augment.vocabulary import NO, YES

#: Judges learn on people that no generator learns on: half b.
_JUDGES = ("attributes", "handmade")
_MOST_REAL = 100
#: The region that "inside" and "outside" speak of: the guide mask and so many pixels around it.
NEAR = SIZE // 16
Measured = dict[str, tuple[float, int]]  # name, or (name, group) joined by "@" -> value, n


@dataclass(frozen=True, eq=False)
class Panel:
    """Judges of different kinds, and the real faces that distances are taken to."""

    judges: Mapping[str, Judge]
    real: Mapping[tuple[str, str], list[Image]]  # attribute, value

    @classmethod
    def of(
        cls, aligned: Path, folder: Path, attributes: Sequence[str],
        embedder: Mapping[str, Any] | None, images: int, seed: int,
    ) -> "Panel":  # fmt: skip
        """Trained, the network on so many images, or read where they were trained before."""
        entries: dict[str, Mapping[str, Any]] = {kind: {} for kind in _JUDGES}
        entries["attributes"] = {"train": {"images": images}}
        if embedder is not None:
            entries["embedding"] = embedder
        judges = {}
        for kind, settings in entries.items():
            module = load("judges", kind)
            config = validate(
                module.Config, {"labels": tuple(attributes), **settings}, f"judges.{kind}"
            )
            if not (folder / kind / "config.json").is_file():
                module.Judge(config).train(aligned, folder / kind, seed, folder / "work" / kind)
            judges[kind] = module.Judge(config)
            judges[kind].load(folder / kind)
        unseen = load_faces(aligned, ("train",), ("b",))
        real = {
            (name, value): [unseen.images[n] for n, word in enumerate(unseen.labels[name])
                            if word == value]
            for name in attributes for value in (NO, YES)
        }  # fmt: skip
        return cls(judges, real)

    def words(self, kind: str, attribute: str, images: Sequence[Image]) -> npt.NDArray[np.str_]:
        """What a judge sees, (images,)."""
        judge = self.judges[kind]
        values = np.array(judge.values()[attribute])
        return np.asarray(values[judge.predict(images)[attribute].argmax(1)])

    def features(self, kind: str, images: Sequence[Image]) -> FloatArray:
        (name,) = self.judges[kind].features()
        return self.judges[kind].predict(images)[name]


@dataclass(frozen=True, eq=False)
class Edits:
    """Held-out people, each with the other value of one attribute."""

    attribute: str
    people: Sequence[Held]
    made: Sequence[Image]
    attention: Sequence[FloatArray] | None = None  # None: there is none
    region: str | tuple[str, ...] = "mouth"

    @classmethod
    def by(cls, generator: Generator, attribute: str, people: Sequence[Held]) -> "Edits":
        asked = (
            [held.image for held in people], [held.points for held in people],
            [held.labels for held in people],
            [{attribute: other(held.labels[attribute])} for held in people],
        )  # fmt: skip
        made, attention = generator.edit(*asked), generator.attention(*asked)
        return cls(attribute, people, made, attention, generator.config.region(attribute))

    @cached_property
    def targets(self) -> npt.NDArray[np.str_]:
        return np.array([other(held.labels[self.attribute]) for held in self.people])

    @cached_property
    def guides(self) -> list[npt.NDArray[np.bool_]]:
        """By the given face's parsing map."""
        region = region_of(self.region)
        return [guide(region, SIZE, held.points, held.parsing) for held in self.people]


def within(people: Sequence[Held], attribute: str, region: str | tuple[str, ...], pixels: int
           ) -> list[Image]:  # fmt: skip
    """The true pictures up to so many pixels around the guide mask, the given ones beyond."""
    made = []
    for held in people:
        mask = widened(guide(region_of(region), SIZE, held.points, held.parsing), pixels)
        alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1)[..., None]
        mixed = held.image + alpha * (held.truth[attribute].astype(np.float32) - held.image)
        made.append(np.rint(mixed).astype(np.uint8))
    return made


def measured(edits: Edits, panel: Panel) -> Measured:
    """All that can be said of one attribute's edits."""
    found: Measured = {}
    n = len(edits.people)
    for kind in panel.judges:
        hits = panel.words(kind, edits.attribute, edits.made) == edits.targets
        found[f"edit_accuracy@{kind}"] = float(hits.mean()), n
    found["edit_accuracy"] = min(value for value, _ in found.values()), n
    found |= _pixels(edits)
    found |= _attention(edits)
    found |= _kept(edits, panel)
    found |= _distances(edits, panel)
    return found


def _pixels(edits: Edits) -> Measured:
    rows = []
    for held, made, mask in zip(edits.people, edits.made, edits.guides, strict=True):
        _, likeness = structural_similarity(
            made, held.image, channel_axis=2, data_range=255, full=True
        )
        near = widened(mask, NEAR)
        row = {
            "ssim_whole": likeness.mean(),
            "ssim_inside": likeness[near].mean(),
            "ssim_outside": likeness[~near].mean(),
            "visible_change": visible_change(made, held.image, held.points),
        }
        if held.truth:
            face = face_region(SIZE, held.points)
            off = np.abs(made.astype(np.float32) - held.truth[edits.attribute]) / 255
            row["error_to_true"] = off[face].mean()
        rows.append(row)
    return {name: (float(np.mean([row[name] for row in rows])), len(rows)) for name in rows[0]}


def _attention(edits: Edits) -> Measured:
    """How the attention lies on the guide; and whether anything is edited at all."""
    if edits.attention is None:
        return {}
    rows = []
    for held, made, shown, mask in zip(
        edits.people, edits.made, edits.attention, edits.guides, strict=True
    ):
        on = shown > 0.5
        rows.append(
            {
                "attention_iou": (on & mask).sum() / max(1, (on | mask).sum()),
                "area_outside": shown[~widened(mask, NEAR)].mean(),
                "inside": shown[mask].mean() if mask.any() else 0.0,
                "change": np.abs(made.astype(np.float32) - held.image).mean(),
            }
        )
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {name: (value, len(rows)) for name, value in means.items()}


def collapsed(found: Measured, rule: Any) -> str:
    """Why an edit of nothing is one; "" if it is none."""
    return verdict(rule, found["inside"][0], found["change"][0])


def _kept(edits: Edits, panel: Panel) -> Measured:
    """Share of faces on which each other attribute is judged as on the given face."""
    judge, found = panel.judges["attributes"], {}
    before, after = (judge.predict(images) for images in
                     ([held.image for held in edits.people], edits.made))  # fmt: skip
    for name in judge.values():
        if name != edits.attribute:
            same = before[name].argmax(1) == after[name].argmax(1)
            found[f"kept@{name}"] = float(same.mean()), len(same)
    if found:
        found["kept"] = float(np.mean([value for value, _ in found.values()])), len(edits.people)
    return found


def _distances(edits: Edits, panel: Panel) -> Measured:
    """1 - distance(edited, real of the value) / distance(as they were, real of the value)."""
    found: Measured = {}
    for kind in panel.judges:
        if kind == "attributes":
            continue
        closed = []
        for value in (NO, YES):
            places = np.flatnonzero(edits.targets == value)
            real = panel.real[edits.attribute, value]
            n = min(len(places), len(real), _MOST_REAL)
            if n < FEWEST:
                continue
            given = [edits.people[place].image for place in places[:n]]
            made = [edits.made[place] for place in places[:n]]
            goal, start, end = (panel.features(kind, side) for side in (real[:n], given, made))
            closed.append(1 - frechet_distance(end, goal) / frechet_distance(start, goal))
        if closed:
            found[f"distance_closed@{kind}"] = float(np.mean(closed)), len(edits.people)
    return found


def judge_accuracies(
    people: Mapping[str, Sequence[Held]], panel: Panel
) -> Iterator[tuple[str, str, float, int]]:
    """(attribute, judge, share right, n) on the faces as they were; ``people`` by attribute."""
    for attribute, asked in people.items():
        right = np.array([held.labels[attribute] for held in asked])
        for kind in panel.judges:
            seen = panel.words(kind, attribute, [held.image for held in asked])
            yield attribute, kind, float((seen == right).mean()), len(right)
