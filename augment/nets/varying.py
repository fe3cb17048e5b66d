"""Harmless variations of an aligned face: what another photo of the same moment might show."""

import cv2
import numpy as np

from augment.types import Image

HIDDEN = 128  # the level that hidden pixels get: the middle, 0 for a network


def vary(image: Image, random: np.random.Generator) -> Image:
    """Mirrored, cut a little otherwise, in another light; at times blurred, noisy or compressed.

    uint8 (size, size, 3) -> a new picture of that shape; edges repeat where a shift uncovers them.
    """
    found = _moved(image, random)
    if random.random() < 0.5:
        found = np.ascontiguousarray(found[:, ::-1])
    found = _lit(found, random)
    if random.random() < 0.2:
        found = cv2.GaussianBlur(found, (0, 0), float(random.uniform(0.3, 1.0)))
    if random.random() < 0.3:
        strength = float(random.uniform(2, 12))
        noise = strength * random.standard_normal(found.shape, dtype=np.float32)
        found = np.clip(found + noise, 0, 255).astype(np.uint8)
    if random.random() < 0.3:
        found = _compressed(found, int(random.integers(30, 91)))
    return np.asarray(found, dtype=np.uint8)


def _moved(image: Image, random: np.random.Generator) -> Image:
    """Turned by up to 8 degrees, scaled by up to 8 %, shifted by up to 4 % of the side."""
    size = image.shape[0]
    centre = (size / 2 - 0.5, size / 2 - 0.5)
    turn, scale = random.uniform(-8, 8), random.uniform(0.92, 1.08)
    matrix = cv2.getRotationMatrix2D(centre, float(turn), float(scale))
    matrix[:, 2] += random.uniform(-0.04, 0.04, 2) * size
    moved = cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)


def _lit(image: Image, random: np.random.Generator) -> Image:
    """Brightness by up to 20 %, gamma by up to 1.2, each colour by up to 5 %."""
    gain = random.uniform(0.8, 1.2) * random.uniform(0.95, 1.05, 3)
    gamma = np.exp(random.uniform(-0.18, 0.18))
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * gain * 255
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), dtype=np.uint8)


def _compressed(image: Image, quality: int) -> Image:
    content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), dtype=np.uint8)


def cover_below(image: Image, row: int, random: np.random.Generator) -> Image:
    """A plain patch of some colour over the middle of everything from ``row`` down, as masks,
    scarves and hands do."""
    size = image.shape[0]
    side = int(random.integers(0, size // 5 + 1))
    covered = image.copy()
    covered[max(row, 0) :, side : size - side] = random.integers(0, 256, 3)
    return covered


def hide_below(image: Image, row: int) -> Image:
    """Everything from ``row`` down hidden: all pixels at :data:`HIDDEN`."""
    hidden = image.copy()
    hidden[max(row, 0) :] = HIDDEN
    return hidden
