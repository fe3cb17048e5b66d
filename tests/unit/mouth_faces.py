"""Aligned faces with open and shut mouths, and their parsing maps."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from augment.generators.attribute import Config
from augment.images import encode
from augment.params import validate
from augment.protocols import Face, Request
from augment.regions import PARTS
from augment.types import FloatArray, Image
from tests.unit.aligned_faces import face_picture, face_row
from tests.unit.aligned_rows import write_aligned

QUICK: dict[str, Any] = {
    "network": {
        "size": 32, "window": 16, "channels": [8, 16], "critic": [16, 32], "width": 4, "blocks": 1,
        "critic_width": 4,
    },
    "train": {"images": 480, "batch": 8, "learning_rate": 4e-3, "ema": 0.9},
    "smallest_class": 4,
}  # fmt: skip


def config(**more: Any) -> Config:
    return validate(Config, {**QUICK, **more}, "generators.x")


def mouth_row(number: int, **more: Any) -> dict[str, Any]:
    """A face whose mouth, if open, is a large dark red patch; its map shows the mouth."""
    row = face_row(number, mouth_open=("no", "yes")[number % 2])
    image, points = face_picture(number)
    parsing = np.ones(image.shape[:2], np.uint8)
    left, right = (tuple(int(value) for value in point) for point in points[3:])
    cv2.line(parsing, left, right, PARTS.index("u_lip") + 1, 3)
    if number % 2:
        image = opened(image, points)
        fill_mouth(parsing, points, PARTS.index("mouth") + 1)
        row["image"] = {
            **row["image"],
            "bytes": encode(image),
        }
    row["parsing"] = cv2.imencode(".png", parsing)[1].tobytes()
    return {**row, **more}


def fill_mouth(plane: Any, points: FloatArray, colour: int | tuple[int, int, int]) -> None:
    """Paints an open mouth."""
    x, y = (int(value) for value in points[3:].mean(0))
    shade = [colour] if isinstance(colour, int) else list(colour)
    cv2.ellipse(plane, (x, y + 3), (6, 4), 0, 0, 360, shade, -1)


def opened(image: Image, points: FloatArray) -> Image:
    result = image.copy()
    fill_mouth(result, points, (70, 0, 0))
    return result


def write_mouths(folder: Path, count: int = 48, **more: Any) -> Path:
    rows = [mouth_row(number, **more) for number in range(count)]
    return write_aligned(folder, rows, attributes=("mouth_open", "mask"), shards=2)


def ask(number: int, **more: str) -> Request:
    image, points = face_picture(number)
    labels = {"mouth_open": "no", "gender": "female", **more}
    face = Face(f"f{number}", image, points, labels)
    return Request(f"o{number}", (face,), {**labels, "mouth_open": "yes"}, ("mouth_open",), 1)
