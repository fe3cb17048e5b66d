"""Aligned folders with pictures: egg-shaped faces whose points are known."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from augment.images import encode
from augment.protocols import Face, Request
from augment.types import FloatArray, Image
from tests.unit.aligned_rows import row, write_aligned

#: Eyes, nose tip and mouth corners of a level face, shares of the side.
_POINTS = np.array(
    [[0.36, 0.42], [0.64, 0.42], [0.50, 0.55], [0.40, 0.68], [0.60, 0.68]], np.float32
)


def face_picture(number: int, size: int = 64) -> tuple[Image, FloatArray]:
    """A face of its own skin, background and place, and its points (5, 2)."""
    random = np.random.default_rng([11, number])
    image = np.empty((size, size, 3), np.uint8)
    image[:] = random.integers(0, 256, size=3)
    points = _POINTS * size + random.uniform(-0.04, 0.04, size=2).astype(np.float32) * size
    skin = [int(value) for value in random.uniform(0.3, 1.0) * np.array([235, 190, 165])]
    centre = tuple(int(value) for value in points.mean(0))
    cv2.ellipse(image, centre, (int(0.30 * size), int(0.42 * size)), 0, 0, 360, skin, -1)
    for x, y in points[:2]:
        cv2.circle(image, (int(x), int(y)), max(1, size // 24), (30, 20, 20), -1)
    left, right = (tuple(int(value) for value in point) for point in points[3:])
    cv2.line(image, left, right, (150, 60, 60), max(1, size // 32))
    noise = random.normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), points


def face_row(number: int, size: int = 64, **values: Any) -> dict[str, Any]:
    """An aligned row of :func:`face_picture`, called ``f0001`` and so on."""
    image, points = face_picture(number, size)
    name = f"f{number:04d}"
    picture = {"bytes": encode(image), "path": f"{name}.jpg"}
    return row(name, image=picture, points=points.ravel().tolist(), **values)


def write_faces(folder: Path, count: int, size: int = 64, shards: int = 2, **values: Any) -> Path:
    """A finished ``data/aligned`` of so many train faces, none of which wears a mask."""
    content = [face_row(number, size, **{"mask": "no", **values}) for number in range(count)]
    return write_aligned(folder, content, attributes=("mask",), shards=shards)


def request(number: int, seed: int | None = None, size: int = 64, **labels: str) -> Request:
    """A request to change :func:`face_picture` ``number``."""
    image, points = face_picture(number, size)
    return request_of(image, points, f"f{number:04d}", number if seed is None else seed, **labels)


def request_of(
    image: Image, points: FloatArray, name: str = "f", seed: int = 1, **labels: str
) -> Request:
    """A request to make something of this picture."""
    face = Face(name, image, points, {"mask": "no", "gender": "female", **labels})
    return Request(f"order/{name}/{seed}", (face,), {"mask": "yes"}, ("mask",), seed)
