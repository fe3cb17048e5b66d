"""How soft and rough a photo is: a mask that is sharper or smoother than it would look pasted."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from augment.types import FloatArray, Image

_MOST_GRAIN = 6.0  # grey levels
_GRAIN_SHARE = 0.6  # of the measured roughness of a photo: the rest is skin and hair
_AGAIN = 1.0  # pixels, sigma of the second blur that the first is measured against
_EDGES = 0.04  # share of the pixels that count as edges
_FAINT = 4.0  # grey levels: of two pixels apart, on an edge
_SHARP = 0.66  # pixels: what sharp photos, made smaller, measure
_SOFTEST = 0.03  # of the picture's side: more is no lens any more


class Roughness(NamedTuple):
    """Of a photo: its noise, grey levels, and its blur beyond a sharp one's, sigma in pixels."""

    noise: float
    soft: float


def roughness(face: Image) -> Roughness:
    """How rough and how soft a photo is around eyes and nose.

    The noise is the median of the Laplacian's size, which edges hardly move (J. Immerkaer 1996).
    An edge blurred with sigma s gets flatter by sqrt(1 + 1/s^2) where it is blurred once more with
    1 (S. Zhuo and T. Sim, "Defocus map estimation from a single image", 2011); measured on the
    strongest edges, which noise moves least.

    Args:
        face: uint8 (h, w, 3).
    """
    height, width = face.shape[:2]
    part = face[height // 5 : height * 3 // 4, width // 6 : width * 5 // 6]
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return Roughness(_grain(grey), min(_softness(grey), _SOFTEST * height))


def _grain(grey: FloatArray) -> float:
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel)[::2, ::2]).ravel()
    middle = float(np.partition(response, response.size // 2)[response.size // 2])
    return _GRAIN_SHARE * min(middle / (0.6745 * 6), _MOST_GRAIN)


def _softness(grey: FloatArray) -> float:
    once, twice = _steepness(grey), _steepness(cv2.GaussianBlur(grey, (7, 7), _AGAIN))
    count = max(8, int(_EDGES * once.size))
    edges = np.argpartition(once, once.size - count)[-count:]
    steep = float(once[edges].mean())
    if steep < _FAINT**2:  # a picture without edges tells nothing
        return 0.0
    ratio = steep / max(float(twice[edges].mean()), 1e-3)
    squared = _AGAIN**2 / max(ratio - 1, 1e-3) - _SHARP**2
    return math.sqrt(max(squared, 0.0))


def _steepness(grey: FloatArray) -> FloatArray:
    """Squared gradient of each pixel but those at the border, (n,)."""
    across = grey[1:-1, 2:] - grey[1:-1, :-2]
    down = grey[2:, 1:-1] - grey[:-2, 1:-1]
    return np.asarray(across * across + down * down).ravel()
