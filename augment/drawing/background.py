"""Out-of-focus surroundings."""

import cv2
import numpy as np

from augment.drawing.fields import Array, srgb

_CELLS = 48  # the scene is painted small and enlarged: it is out of focus at every size
_PALETTES = (
    ((196, 200, 204), (150, 160, 168), (226, 224, 218)),
    ((96, 124, 92), (150, 170, 120), (196, 208, 190)),
    ((88, 104, 132), (150, 172, 200), (208, 220, 230)),
    ((150, 122, 98), (188, 164, 138), (96, 78, 66)),
    ((70, 74, 82), (104, 108, 116), (46, 50, 58)),
    ((176, 142, 122), (210, 186, 168), (120, 92, 84)),
    ((60, 78, 84), (120, 140, 138), (180, 172, 150)),
)


def paint_background(seed: int, size: int) -> Array:
    """Linear RGB (3, size, size): a gradient with soft shapes, lights or a studio wall."""
    rng = np.random.default_rng([0xBAC, seed])
    colours = [np.array(srgb(*c), np.float32) for c in _PALETTES[int(rng.integers(len(_PALETTES)))]]
    n = _CELLS
    v, u = np.mgrid[0:n, 0:n].astype(np.float32) / n
    tilt = float(rng.uniform(-1.0, 1.0))
    t = np.clip(v + 0.5 * tilt * (u - 0.5), 0, 1)[..., None]
    scene = colours[0] * (1 - t) + colours[1] * t
    if rng.random() < 0.7:
        for _ in range(int(rng.integers(4, 14))):
            _shape(scene, rng, colours[int(rng.integers(3))], u, v)
        scene = cv2.GaussianBlur(scene, (0, 0), float(rng.uniform(1.2, 2.6)))
    else:  # a studio wall, brighter in the middle
        glow = np.exp(-4 * ((u - 0.5) ** 2 + (v - 0.45) ** 2))[..., None]
        scene = scene * (0.75 + 0.5 * glow)
    scene = scene.astype(np.float32) * np.float32(rng.uniform(0.55, 1.1))
    large = cv2.resize(scene, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(large.transpose(2, 0, 1))


def _shape(scene: Array, rng: np.random.Generator, colour: Array, u: Array, v: Array) -> None:
    x, y = float(rng.random()), float(rng.random())
    w, h = float(rng.uniform(0.04, 0.2)), float(rng.uniform(0.05, 0.45))
    if rng.random() < 0.5:
        inside = (np.abs(u - x) < w) & (np.abs(v - y) < h)
    else:
        inside = (u - x) ** 2 + (v - y) ** 2 < w * w
    gain = float(rng.uniform(0.6, 1.5))
    scene[inside] += (colour * gain - scene[inside]) * 0.7
