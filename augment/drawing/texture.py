"""Tileable noise textures in continuous coordinates, so a picture is the same at every size."""

from functools import lru_cache

import cv2
import numpy as np

from augment.drawing.fields import Array, Field

_SIZE = 256


@lru_cache(maxsize=64)
def _texture(kind: str, level: int) -> Array:
    """A zero-mean, unit-variance tile blurred for a footprint of 2**level texels."""
    rng = np.random.default_rng([0x7E7, len(kind)])
    tile = rng.standard_normal((_SIZE, _SIZE)).astype(np.float32)
    if kind == "fibre":  # streaks along v, fine across u
        tile = _wrap_blur(tile, 0.6, 14.0) * 6 + _wrap_blur(tile, 2.5, 24.0) * 18
    elif kind == "cloud":
        layers = [_wrap_blur(tile, sigma, sigma) * sigma**1.7 for sigma in (2.0, 5.0, 12.0)]
        tile = layers[0] + layers[1] + layers[2]
    elif kind == "grain":
        tile = _wrap_blur(tile, 0.8, 0.8)
    tile = (tile - tile.mean()) / tile.std()
    if level > 0:
        sigma = 0.45 * 2.0**level
        tile = _wrap_blur(tile, sigma, 0.3 if kind == "fibre" else sigma)
    return np.ascontiguousarray(tile, np.float32)


def _wrap_blur(tile: Array, sigma_u: float, sigma_v: float) -> Array:
    pad = int(3 * max(sigma_u, sigma_v)) + 1
    padded = np.pad(tile, pad, mode="wrap")
    blurred: Array = cv2.GaussianBlur(padded, (0, 0), sigmaX=sigma_u, sigmaY=sigma_v)
    return blurred[pad:-pad, pad:-pad]


def sample(kind: str, u: Field, v: Field, footprint: float) -> Array:
    """Noise of about unit variance at (u, v) texels (the tile repeats every 256).

    `kind` is "fibre" (streaks along v), "cloud" (soft blobs) or "grain" (fine speckle);
    `footprint` is how many texels one pixel spans, which chooses the pre-blurred level.
    """
    level = int(np.clip(round(np.log2(max(footprint, 1.0))), 0, 6))
    map_u, map_v = np.broadcast_arrays(np.asarray(u, np.float32), np.asarray(v, np.float32))
    noise: Array = cv2.remap(
        _texture(kind, level),
        np.ascontiguousarray(map_u),
        np.ascontiguousarray(map_v),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    return noise
