"""Egg-shaped faces that show their age: the older, the brighter the hair above them."""

from pathlib import Path
from typing import Any

import numpy as np

from augment.images import encode
from augment.protocols import Face, Request
from augment.types import FloatArray, Image
from augment.vocabulary import AGE_GROUPS, parse_age_groups
from tests.unit.aligned_faces import face_picture
from tests.unit.aligned_rows import row, write_aligned

GROUPS = parse_age_groups(AGE_GROUPS)
HAIR = 10  # rows of 64


def ageing_face(number: int, years: float, size: int = 64) -> tuple[Image, FloatArray]:
    image, points = face_picture(number, size)
    level = 30 + 2.2 * years
    image[: HAIR * size // 64] = np.clip(
        np.random.default_rng([5, number]).normal(level, 6, (HAIR * size // 64, size, 1)), 0, 255
    )
    return image, points


def write_ageing(
    folder: Path,
    count: int,
    size: int = 64,
    groups: tuple[int, ...] = (0, 2, 3, 5, 8),
    **values: Any,
) -> Path:
    """A finished ``data/aligned`` of so many train faces, in turn of each of these groups."""
    content = []
    for number in range(count):
        group = GROUPS[groups[number % len(groups)]]
        years = group.low + 1.5
        image, points = ageing_face(number, years, size)
        picture = {"bytes": encode(image), "path": f"{number}.png"}
        content.append(
            row(
                f"f{number:04d}", image=picture, points=points.ravel().tolist(), mask="no",
                **{"age": years, "age_group": group.name, **values},
            )
        )  # fmt: skip
    return write_aligned(folder, content, attributes=("mask",), shards=2)


def request(
    number: int, start: str = "40-49", end: str = "70+", seed: int = 1, size: int = 64
) -> Request:
    """A face of one group that shall look as if of another."""
    years = next(group.low for group in GROUPS if group.name == start) + 1.5
    image, points = ageing_face(number, years, size)
    face = Face(f"f{number:04d}", image, points, {"age_group": start, "mask": "no"}, years)
    return Request(
        f"order/{number}", (face,), {"age_group": end, "mask": "no"}, ("age_group",), seed
    )
