"""The pairs that the mask benchmark measures on: faces without and with a true mask.

Drawn ones are drawn twice. Real ones are photos with a picture of a mask laid on by somebody else:
where it is, is read from the difference, and points are found in the crop, as a method that needs
them would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from mask_faces import (
    DRAWN_MARGIN,
    REAL_MARGIN,
    SIZE,
    Landmarker,
    aligned,
    embedder,
    yunet_detector,
)
from mask_measures import CHANGED, changed_region

from augment.crop import cut, reference_points, similarity, transform
from augment.drawing import FaceSpec, draw, random_spec, sample_person
from augment.drawing.spec import MASK_COLOURS
from augment.images import decode
from augment.metrics.pairs import likeness
from augment.seeds import row_generator, row_seed, row_share
from augment.types import FloatArray

TRAIN, PICTURES, PEOPLE = "train", "held_out_pictures", "held_out_people"
#: The one mask of the drawn pairs that methods learn from: the paper's pairs show one kind, too.
DRAWN_KIND, DRAWN_COLOUR = "surgical", (124, 178, 205)
_SAME_PERSON = 0.5  # cosine of two photos that stay on one side of the split
_OUTSIDE = 0.02  # alpha up to which a pixel is outside of a mask, its loops and its shadow


@dataclass(frozen=True)
class Pairs:
    """Faces without and with a mask, n of each; ``part``, ``kind``, ``person`` and ``photo`` (the
    file of a real pair) are one word a pair.

    Attributes:
        faces, targets: uint8 (n, 64, 64, 3).
        inside, outside: bool (n, 64, 64); what is in neither is rim, loop or shadow.
        points: float32 (n, 5, 2); landmarks: (n, 68, 2), nan where none were found.
    """

    name: str
    faces: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.uint8]
    inside: npt.NDArray[np.bool_]
    outside: npt.NDArray[np.bool_]
    points: FloatArray
    landmarks: FloatArray
    person: npt.NDArray[np.str_]
    part: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    photo: npt.NDArray[np.str_]

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Pairs":
        rows = {name: value[chosen] for name, value in vars(self).items() if name != "name"}
        return Pairs(self.name, **rows)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> "Pairs":
        with np.load(path) as stored:
            return cls(str(stored["name"]), **{key: stored[key] for key in stored if key != "name"})


def drawn_pairs(people: int, others: int, seed: int) -> Pairs:
    """Three pictures to learn from and two to measure on of each person; two of others, and two of
    others again with each further type of mask, in that type's colours."""
    rows: list[dict[str, Any]] = []
    for number in range(people):
        for place in range(5):
            part = TRAIN if place < 3 else PICTURES
            rows.append(_drawn(seed, f"known {number}", place, part, DRAWN_KIND))
    for kind in MASK_COLOURS:
        for number in range(others):
            for place in range(2):
                rows.append(_drawn(seed, f"other {number}", place, PEOPLE, kind))
    return _stacked("drawn", rows)


def _drawn(seed: int, person: str, place: int, part: str, kind: str) -> dict[str, Any]:
    bare = _bare(seed, person, place)
    random = row_generator(seed, "mask benchmark", f"{person} {place} {kind}")
    colours = MASK_COLOURS[kind]
    colour = DRAWN_COLOUR if kind == DRAWN_KIND else colours[int(random.integers(len(colours)))]
    worn = FaceSpec(**{**vars(bare), "mask": kind, "mask_colour": colour})
    one, other = draw(bare, 2 * SIZE), draw(worn, 2 * SIZE)
    matrix = similarity(one.landmarks5, reference_points(SIZE, DRAWN_MARGIN))
    levels = np.repeat(np.round(other.mask_alpha * 255).astype(np.uint8)[..., None], 3, axis=2)
    alpha = cut(levels, matrix, SIZE)[..., 0] / 255
    return {
        "faces": cut(one.image, matrix, SIZE),
        "targets": cut(other.image, matrix, SIZE),
        "inside": alpha > 0.5,
        "outside": alpha < _OUTSIDE,
        "points": transform(one.landmarks5, matrix),
        "landmarks": transform(one.landmarks68, matrix),
        "person": person,
        "part": part,
        "kind": kind,
        "photo": "",
    }


def _bare(seed: int, person: str, place: int) -> FaceSpec:
    """A picture of a person who looks the same in each; ages, genders, tones evenly."""
    random = row_generator(seed, "mask benchmark", person)
    gender, tone = ("female", "male")[int(random.integers(2))], 1 + int(random.integers(10))
    age = float(random.uniform(4, 85))
    who = sample_person(row_seed(seed, "mask benchmark", person) >> 31, gender, tone)
    return random_spec(who, age, place)


def real_pairs(data: Path, share: float) -> Pairs:
    """The overlay pairs; people that look alike (by the face embedder) stay on one side."""
    detector = yunet_detector(data)
    landmarker, rows = Landmarker(data, detector), []
    folder = data / "masked/pairs"
    for path in sorted((folder / "unmasked").iterdir()):
        photo, masked = (
            decode(path.read_bytes()),
            decode((folder / "masked" / path.name).read_bytes()),
        )
        placed = aligned(photo, detector, SIZE, REAL_MARGIN)
        if placed is None:
            continue
        face, matrix, points = placed
        target = cut(masked, matrix, SIZE)
        inside = changed_region(target, face, CHANGED)
        near = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        rows.append(
            {
                "faces": face,
                "targets": target,
                "inside": inside,
                "outside": ~near,
                "points": points,
                "landmarks": _or_nan(landmarker(face)),
                "kind": "surgical",
                "photo": path.name,
            }
        )
    people = _people(embedder(data).describe([row["faces"] for row in rows], 1.0))
    for row, person in zip(rows, people, strict=True):
        row["person"] = person
        row["part"] = TRAIN if row_share(0, "mask pairs", person) < share else PEOPLE
    return _stacked("masked_pairs", rows)


def _people(described: FloatArray) -> list[str]:
    """Who belongs together: the connected groups of look-alikes."""
    group = list(range(len(described)))
    for place in range(len(described)):
        alike = likeness(np.repeat(described[[place]], place, axis=0), described[:place])
        for other in np.flatnonzero(alike > _SAME_PERSON):
            old, new = group[int(other)], group[place]
            group = [new if name == old else name for name in group]
    return [f"look {name}" for name in group]


def _or_nan(points: FloatArray | None) -> FloatArray:
    return np.full((68, 2), np.nan, np.float32) if points is None else points


def known_points(landmarks: FloatArray) -> list[FloatArray | None]:
    return [None if np.isnan(points).any() else points for points in landmarks]


def _stacked(name: str, rows: Sequence[dict[str, Any]]) -> Pairs:
    return Pairs(name, **{key: np.stack([row[key] for row in rows]) for key in rows[0]})
