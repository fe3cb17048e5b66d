"""Drawn faces for benchmarks/age.py: people to learn from, and others at every age.

The code that draws a person can draw the very same picture at another age, so there is a true
answer to what an edit should show: the only place where the error of ageing can be measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.crop import cut, reference_points, similarity, transform
from augment.drawing import FaceSpec, draw, random_spec, sample_person
from augment.images import encode
from augment.measure import measure
from augment.schema import Labels, aligned_schema, table
from augment.seeds import row_generator
from augment.shards import MARKER, write_bucketed
from augment.types import FloatArray, Image
from augment.vocabulary import AGE_GROUPS, parse_age_groups

SIZE, MARGIN = 64, 0.1  # as in params.yaml
DRAWN_SIDE = 112  # pixels of the drawing that a crop is cut from
#: Year that stands for a group, one in its middle.
YEARS = (1.0, 6.0, 14.0, 25.0, 35.0, 45.0, 55.0, 65.0, 78.0)
#: How often a group is drawn among those to learn from: children and the old are what sets lack.
SHARES = (0.3, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.4, 0.15)
OLDEST = 88
_NO_BEARD_BELOW = 16


@dataclass(frozen=True)
class Held:
    """A held-out person, as drawn and at every age.

    Attributes:
        gender: as drawn.
        group: number of the own age group.
        age: years.
        image: uint8 (SIZE, SIZE, 3).
        points: (5, 2), crop pixels.
        truth: the same picture at each of :data:`YEARS`, aligned by its own points.
        own: the drawing's own points at those ages, (ages, 5, 2).
    """

    gender: str
    group: int
    age: float
    image: Image
    points: FloatArray
    truth: tuple[Image, ...]
    own: FloatArray


def learnt_faces(folder: Path, count: int, seed: int) -> Path:
    """A finished ``data/aligned``: ``count`` people a half, a tenth of that to validate on."""
    if not (folder / MARKER).is_file():
        rows = list(_rows(count, seed))
        write_bucketed(folder, table(rows, aligned_schema(Labels())), 4)
    return folder


def _rows(count: int, seed: int) -> Iterator[dict[str, Any]]:
    for split, half, many in (
        ("train", "a", count), ("train", "b", count), ("validation", None, max(90, count // 10)),
    ):  # fmt: skip
        for number in range(many):
            name = f"{split}-{half}-{number:06d}"
            spec, group = _spec(name, seed, SHARES)
            image, points = crop(spec)
            labels = {
                "age_group": AGE_GROUPS[group],
                "gender": spec.person.gender,
                "skin_tone": str(spec.person.monk),
            }
            yield {
                "id": name, "source": "drawn", "uri": name, "person": name, "status": "ok",
                "reason": "", "note": "", "split": split, "half": half, "licence": "CC0-1.0",
                "sha256": f"{number:064x}", "photo_hash": bytes(32), "age": spec.age,
                "padded_share": 0.0, "points": points.ravel().tolist(),
                **measure(image, points).columns(),
                "image": {"bytes": encode(image), "path": f"{name}.png"},
                "label_origin": dict.fromkeys(labels, "given"), **labels,
            }  # fmt: skip


def held_out(count: int, seed: int) -> list[Held]:
    """So many other people, evenly of all groups."""
    people = []
    for number in range(count):
        only = [float(place == number % len(AGE_GROUPS)) for place in range(len(AGE_GROUPS))]
        spec, group = _spec(f"held-out-{number:06d}", seed, only)
        image, points = crop(spec)
        older = [crop(aged(spec, years)) for years in YEARS]
        people.append(
            Held(
                spec.person.gender, group, spec.age, image, points,
                tuple(picture for picture, _ in older), np.stack([own for _, own in older]),
            )
        )  # fmt: skip
    return people


def _spec(name: str, seed: int, shares: Sequence[float]) -> tuple[FaceSpec, int]:
    random = row_generator(seed, "age benchmark", name)
    weights: npt.NDArray[np.float64] = np.asarray(shares) / np.sum(shares)
    place = int(random.choice(len(weights), p=weights))
    group = parse_age_groups(AGE_GROUPS)[place]
    years = random.uniform(group.low, min(group.high, OLDEST) + 0.99)
    person = sample_person(int(random.integers(1 << 31)))
    return random_spec(person, round(years, 2), int(random.integers(1 << 31))), place


def aged(spec: FaceSpec, years: float) -> FaceSpec:
    """The same picture of the same person at another age; children have no beard."""
    return replace(spec, age=years, beard=0.0 if years < _NO_BEARD_BELOW else spec.beard)


def crop(spec: FaceSpec) -> tuple[Image, FloatArray]:
    """The drawing, aligned by its own points as the pipeline does with found ones."""
    drawing = draw(spec, DRAWN_SIDE)
    matrix = similarity(drawing.landmarks5, reference_points(SIZE, MARGIN))
    return cut(drawing.image, matrix, SIZE), transform(drawing.landmarks5, matrix)
