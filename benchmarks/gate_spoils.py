"""Faults of making for benchmarks/gate.py: a finished picture in, the same with a fault out."""

import cv2
import numpy as np

from augment.types import Image

Random = np.random.Generator


def blur(image: Image, random: Random) -> Image:
    sigma = random.uniform(0.022, 0.035) * image.shape[0]
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def noise(image: Image, random: Random) -> Image:
    noisy = image + random.normal(0, random.uniform(16, 26), image.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def paste(image: Image, random: Random) -> Image:
    """A cut-out polygon of the face laid down elsewhere, larger, turned and in another light."""
    size = image.shape[0]
    centre = random.uniform(0.3, 0.7, 2) * size
    angles = np.sort(random.uniform(0, 2 * np.pi, 6))
    reach = random.uniform(0.14, 0.24, 6)[:, None] * size
    outline = centre + reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    where = np.zeros((size, size), np.uint8)
    cv2.fillPoly(where, [np.round(outline).astype(np.int32)], 255)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), random.uniform(25, 155), 1.15)
    light = random.choice([-1, 1]) * random.uniform(14, 30)
    laid = cv2.warpAffine(image, turn, (size, size), borderMode=cv2.BORDER_REFLECT) + light
    return np.where(where[..., None] > 0, np.clip(laid, 0, 255), image).astype(np.uint8)


def cut(image: Image, random: Random) -> Image:
    """The face half out of the picture."""
    size = image.shape[0]
    away = random.uniform(0.42, 0.55) * size * random.choice([-1, 1])
    shift = (away, 0.0) if random.random() < 0.5 else (0.0, away)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    moved = cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, dtype=np.uint8)


def closed(image: Image, random: Random) -> Image:
    """Skin grown over the features: no eyes, no nose, no mouth."""
    size = image.shape[0]
    soft = cv2.GaussianBlur(image, (0, 0), 0.16 * size).astype(np.float32)
    grain = random.normal(0, 3, image.shape)
    mask = np.zeros((size, size), np.float32)
    axes = (round(0.34 * size), round(0.4 * size))
    cv2.ellipse(mask, (size // 2, round(0.52 * size)), axes, 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.04 * size)[..., None]
    grown = np.clip(mask * (soft + grain) + (1 - mask) * image, 0, 255)
    return np.asarray(grown, dtype=np.uint8)
