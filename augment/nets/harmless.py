"""Harmless variety of real faces: what a judge of workmanship must not take for a fault."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.images import decode, encode
from augment.types import FloatArray, Image

Random = np.random.Generator


def vary(face: Image, random: Random) -> Image:
    """What cameras, crops, copies, codecs and clothes do to a face that nobody touched.

    uint8 (size, size, 3) -> a new picture of that shape; edges repeat where a shift uncovers them.
    """
    size = face.shape[0]
    face = face[:, ::-1] if random.random() < 0.5 else face
    if random.random() < 0.6:
        face = _moved(face, random)
    levels: npt.NDArray[np.floating[Any]] = face.astype(np.float32)
    if random.random() < 0.25:
        levels = _worn(face, random)
    if random.random() < 0.7:
        contrast, light = random.uniform(0.85, 1.15), random.uniform(-18, 18)
        levels = (levels - 127.5) * contrast + 127.5 + light
        levels = levels * random.uniform(0.96, 1.04, 3)
    mild = random.random()
    if mild < 0.1:
        levels = cv2.GaussianBlur(levels, (0, 0), random.uniform(0.3, 0.8) * size / 64)
    elif mild < 0.2:
        levels = levels + random.normal(0, random.uniform(1, 5), levels.shape)
    face = np.clip(np.round(levels), 0, 255).astype(np.uint8)
    return compressed(face, int(random.integers(60, 96))) if 0.2 <= mild < 0.3 else face


def stored(face: Image) -> Image:
    """As every face is once it has been written: planted or not, all go through the one codec."""
    return decode(encode(np.ascontiguousarray(face)))


def compressed(face: Image, quality: int) -> Image:
    """As a JPEG file of this quality (1..100), of half the colour resolution, shows it."""
    _, content = cv2.imencode(
        ".jpg", np.ascontiguousarray(face[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def _worn(face: Image, random: Random) -> FloatArray:
    """Something plain with a smooth outline, as masks, scarves and headbands are: no fault.

    Without it everything over a face would be one. Shaded to its sides, at times with folds.
    """
    size = face.shape[0]
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
    high = random.uniform(0.62, 0.82) if random.random() < 0.75 else random.uniform(0.04, 0.22)
    lean, bow = random.uniform(-0.25, 0.25), random.uniform(-0.5, 0.9)
    across = columns - random.uniform(0.4, 0.6)
    down = rows - high - lean * across + bow * np.square(across)
    wide, tall = random.uniform(0.2, 0.42), random.uniform(0.07, 0.24)
    taper = 1 - random.uniform(0, 0.35) * np.clip(down / tall, -1, 1)
    power = random.uniform(2, 6)
    radius = (np.abs(across / (wide * taper)) ** power + np.abs(down / tall) ** power) ** (
        1 / power
    )
    cover = np.clip((1 - radius) * min(wide, tall) * size + 0.5, 0, 1)
    colour = random.uniform(20, 255, 3) if random.random() < 0.6 else random.uniform(170, 250, 3)
    shade = (
        1 - random.uniform(0, 0.45) * np.square(across / wide) + random.uniform(-0.4, 0.2) * down
    )
    if random.random() < 0.5:
        # Pleats lie across, seams run down the middle.
        along = down / tall if random.random() < 0.7 else across / wide
        folds = np.cos(2 * np.pi * along * random.uniform(0.5, 2.4) + random.uniform(0, 6))
        line = np.clip((folds - random.uniform(0.3, 0.9)) * random.uniform(2, 6), 0, 1)
        shade = shade * (1 - random.uniform(0.1, 0.6) * line)
    cloth = np.clip(colour * shade[..., None], 0, 255)
    return np.asarray(face + cover[..., None] * (cloth - face), dtype=np.float32)


def _moved(face: Image, random: Random) -> Image:
    size = face.shape[0]
    turn = cv2.getRotationMatrix2D(
        ((size - 1) / 2, (size - 1) / 2), random.uniform(-8, 8), random.uniform(0.94, 1.1)
    )
    turn[:, 2] += random.uniform(-0.04, 0.04, 2) * size
    flags = cv2.INTER_LANCZOS4 if random.random() < 0.7 else cv2.INTER_CUBIC
    moved = cv2.warpAffine(face, turn, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)
