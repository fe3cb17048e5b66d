"""Drawn faces for benchmarks/attribute.py: people to learn from, and others with and without.

The code that draws a face with its mouth shut can draw the very same picture with the mouth open,
so there is a true answer to what an edit should show.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.crop import cut, cut_map, reference_points, similarity, transform
from augment.drawing import FaceSpec, draw, random_spec, sample_person
from augment.images import encode
from augment.measure import measure
from augment.schema import Labels, aligned_schema, table
from augment.seeds import row_generator
from augment.shards import MARKER, write_bucketed
from augment.sources.drawn import BEARD_FROM
from augment.types import FloatArray, Image
from augment.vocabulary import AGE_GROUPS, NO, YES, group_of_years, parse_age_groups

SIZE, MARGIN = 64, 0.1  # as in params.yaml
DRAWN_SIDE = 112  # pixels of the drawing that a crop is cut from
ATTRIBUTES = ("mouth_open", "smiling", "glasses", "beard")
_SHARE = {"mouth_open": 0.5, "smiling": 0.5, "glasses": 0.35}
_OTHER = {NO: YES, YES: NO}


@dataclass(frozen=True)
class Held:
    """A held-out person.

    Attributes:
        labels: attribute -> no or yes; gender, too.
        image: uint8 (SIZE, SIZE, 3).
        points: (5, 2), crop pixels.
        parsing: uint8 (SIZE, SIZE); None: there is no map.
        truth: attribute -> the same picture with its other value, cut from the same place.
    """

    labels: Mapping[str, str]
    image: Image
    points: FloatArray
    parsing: Image | None
    truth: Mapping[str, Image]


def other(value: str) -> str:
    """yes for no and no for yes."""
    return _OTHER[value]


def learnt_faces(folder: Path, count: int, seed: int) -> Path:
    """A finished ``data/aligned``: ``count`` people a half, an eighth of that to validate on."""
    if not (folder / MARKER).is_file():
        rows = list(_rows(count, seed))
        write_bucketed(folder, table(rows, aligned_schema(Labels(ATTRIBUTES))), 4)
    return folder


def held_out(count: int, attributes: Sequence[str], seed: int) -> list[Held]:
    """So many other people, and how these attributes' other values look on them."""
    return [_held(f"held-out-{number:06d}", attributes, seed) for number in range(count)]


def _rows(count: int, seed: int) -> Iterator[dict[str, Any]]:
    for split, half, many in (
        ("train", "a", count), ("train", "b", count), ("validation", None, count // 8),
    ):  # fmt: skip
        for number in range(many):
            name = f"{split}-{half}-{number:06d}"
            spec = _spec(name, seed)
            image, points, parsing, _ = _crop(spec)
            shown = _labels(spec)
            yield {
                "id": name, "source": "drawn", "uri": name, "person": name, "status": "ok",
                "reason": "", "note": "", "split": split, "half": half, "licence": "CC0-1.0",
                "sha256": f"{number:064x}", "photo_hash": bytes(32), "age": spec.age,
                "padded_share": 0.0, "points": points.ravel().tolist(),
                **measure(image, points).columns(),
                "image": {"bytes": encode(image), "path": f"{name}.png"},
                "parsing": cv2.imencode(".png", parsing)[1].tobytes(),
                "label_origin": dict.fromkeys(shown, "given"), **shown,
            }  # fmt: skip


def _held(name: str, attributes: Sequence[str], seed: int) -> Held:
    spec = _spec(name, seed)
    image, points, parsing, matrix = _crop(spec)
    labels = _labels(spec)
    strength = float(row_generator(seed, "attribute strength", name).random())
    truth = {}
    for attribute in attributes:
        changed = replace(spec, **_settings(attribute, labels[attribute] == NO, strength))
        truth[attribute] = cut(draw(changed, DRAWN_SIDE).image, matrix, SIZE)
    return Held(labels, image, points, parsing, truth)


def _spec(name: str, seed: int) -> FaceSpec:
    random = row_generator(seed, "attribute benchmark", name)
    settings: dict[str, Any] = {}
    for attribute, share in _SHARE.items():
        has, strength = bool(random.random() < share), float(random.random())
        settings |= _settings(attribute, has, strength)
    person = sample_person(int(random.integers(1 << 31)))
    return random_spec(person, round(random.uniform(8, 80), 2), int(random.integers(1 << 31)),
                       **settings)  # fmt: skip


def _settings(name: str, has: bool, strength: float) -> dict[str, Any]:
    """What draws an attribute, or its absence; as the data set ``drawn`` does."""
    if name == "glasses":
        return {"glasses": has}
    if name == "smiling":
        return {"smile": 0.65 + 0.35 * strength if has else 0.35 * strength}
    if name == "beard":
        return {"beard": 0.5 + 0.5 * strength if has else 0.1 * strength}
    return {"mouth_open": 0.4 + 0.5 * strength if has else 0.1 * strength}


def _labels(spec: FaceSpec) -> dict[str, str]:
    shown = {
        "mouth_open": spec.mouth_open >= 0.25, "smiling": spec.smile >= 0.5,
        "glasses": spec.glasses, "beard": spec.beard >= BEARD_FROM,
    }  # fmt: skip
    return {
        "age_group": group_of_years(spec.age, parse_age_groups(AGE_GROUPS)),
        "gender": spec.person.gender,
        "skin_tone": str(spec.person.monk),
        **{name: YES if has else NO for name, has in shown.items()},
    }


def _crop(spec: FaceSpec) -> tuple[Image, FloatArray, Image, npt.NDArray[np.float64]]:
    """The drawing, aligned by its own points as the pipeline does with found ones."""
    drawing = draw(spec, DRAWN_SIDE)
    matrix = similarity(drawing.landmarks5, reference_points(SIZE, MARGIN))
    parsing = cut_map(drawing.parsing, drawing.image.shape, matrix, SIZE)
    image = cut(drawing.image, matrix, SIZE)
    return image, transform(drawing.landmarks5, matrix), parsing, matrix
