"""Photos with and without faces, and where their points lie, for benchmarks/detector.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from augment.crop import choose
from augment.drawing import draw, random_spec, sample_person
from augment.errors import RowError
from augment.images import decode
from augment.intake import Intake, open_sources
from augment.nets.landmarknet.photos import held_out
from augment.nets.landmarknet.surroundings import Surroundings
from augment.nets.landmarknet.teacher import look_often
from augment.params import validate
from augment.protocols import Detection, Detector
from augment.seeds import row_generator
from augment.types import FloatArray, Image
from augment.vocabulary import AGE_GROUPS

SEED = 11


@dataclass(frozen=True)
class Photo:
    """A photo, its labels, and the points that count as true; None where nobody says."""

    image: Image
    labels: Mapping[str, str] = field(default_factory=dict)
    points: FloatArray | None = None


def photos_of(data: Path, name: str, most: int) -> list[Photo]:
    params = {
        "data": str(data),
        "sources": {name: {"kind": name, "root": name}},
        "age_groups": list(AGE_GROUPS),
    }
    source: Any = open_sources(validate(Intake, params, "ingest"), SEED)[name]
    records = [record for record in source.records() if not record.reason]
    if name == "fairface":
        images = np.stack([decode(source.read(record.uri)) for record in records])
        own = held_out([f"train/{Path(record.uri).name}" for record in records], images)
        records = [record for record, out in zip(records, own, strict=True) if out]
    order = np.random.default_rng(SEED).permutation(len(records))[:most]
    photos = []
    for place in sorted(order):
        try:
            image = decode(source.read(records[place].uri))
        except RowError:
            continue
        photos.append(Photo(image, records[place].labels))
    return photos


def with_points(photo: Photo, teacher: Detector, number: int) -> Photo:
    seen = look_often(photo.image, teacher, row_generator(SEED, "looks", str(number)))
    sure = [face for face in seen if face.sure]
    if not sure:
        return photo
    main = choose(
        [Detection(face.box, face.points, face.score) for face in sure], photo.image.shape
    )
    return Photo(photo.image, photo.labels, main.points)


def drawn_photos(count: int) -> list[Photo]:
    """Drawn faces of all ages and skin tones, one in four masked, with exact points."""
    photos = []
    for number in range(count):
        person = sample_person(SEED * 100_000 + number, monk=1 + number % 10)
        mask = "surgical" if number % 4 == 0 else None
        drawing = draw(random_spec(person, number * 7.3 % 90, number, mask=mask), 160)
        photos.append(Photo(drawing.image, points=drawing.landmarks5))
    return photos


def masked_pairs(root: Path, teacher: Detector) -> list[Photo]:
    """Photos with a mask painted on; the points are those of the photo without."""
    photos = []
    for number, path in enumerate(sorted((root / "pairs/masked").glob("*.jpg"))):
        twin = root / "pairs/unmasked" / path.name
        if not twin.is_file():
            continue
        masked, plain = decode(path.read_bytes()), decode(twin.read_bytes())
        judged = with_points(Photo(plain), teacher, number)
        if judged.points is not None and masked.shape == plain.shape:
            photos.append(Photo(masked, points=judged.points))
    return photos


def corners_of(photos: Sequence[Photo], watchful: Detector) -> list[Image]:
    """Corners (80 px) of photos in which a watchful detector sees no face reach into them."""
    corners = []
    for photo in photos:
        boxes = [face.box for face in watchful.detect(photo.image)]
        height, width = photo.image.shape[:2]
        for left, top in ((0, 0), (width - 80, 0), (0, height - 80), (width - 80, height - 80)):
            clear = all(
                box[0] - 5 > left + 80 or box[0] + box[2] + 5 < left
                or box[1] - 5 > top + 80 or box[1] + box[3] + 5 < top
                for box in boxes
            )  # fmt: skip
            if boxes and clear:
                corner = photo.image[top : top + 80, left : left + 80]
                corners.append(np.ascontiguousarray(corner))
    return corners[:600]


def made_without_face(photos: Sequence[Photo], count: int) -> list[Image]:
    images = np.stack([photo.image for photo in photos])
    sides = np.full(len(images), 0.85 * images.shape[1], np.float32)
    around = Surroundings.of(images, sides, SEED * 1000, 160)
    return [
        around.faceless(160, row_generator(SEED, "faceless", str(number)))
        for number in range(count)
    ]
