"""Light: normals from depth, soft shadows, ambient occlusion, skin and hair reflectance."""

from dataclasses import dataclass

import cv2
import numpy as np

from augment.drawing.fields import Array, planes, ramp


@dataclass(frozen=True)
class Light:
    """A warm key light from `direction` (x right, y down, z near; unit length) over a cool fill."""

    direction: tuple[float, float, float]
    strength: float

    @staticmethod
    def from_angles(azimuth: float, elevation: float, strength: float) -> "Light":
        a, e = np.radians(azimuth), np.radians(elevation)
        direction = (float(np.sin(a) * np.cos(e)), float(-np.sin(e)), float(np.cos(a) * np.cos(e)))
        return Light(direction, strength)


SOFT_CELLS = 96  # shadows are soft, so they are computed on a small grid of fixed size
KEY = np.array([1.06, 1.0, 0.95], np.float32)
SKY = np.array([0.95, 1.0, 1.07], np.float32)
SHEEN = np.array([1.12, 0.8, 0.62], np.float32)
# Red light travels furthest under the skin, so the terminator is reddish (Jimenez et al., 2009).
WRAP = (0.42, 0.24, 0.18)


def normals(z: Array, px: float, steepest: float = 5.0) -> tuple[Array, Array, Array]:
    """Unit normals (x, y, z) of a depth map with pixel length `px`."""
    scale = 1.0 / (8.0 * px)
    gx = np.clip(cv2.Sobel(z, cv2.CV_32F, 1, 0, scale=scale), -steepest, steepest)
    gy = np.clip(cv2.Sobel(z, cv2.CV_32F, 0, 1, scale=scale), -steepest, steepest)
    inverse = 1.0 / np.sqrt(gx * gx + gy * gy + 1.0)
    return -gx * inverse, -gy * inverse, inverse


def lambert(n: tuple[Array, Array, Array], light: Light) -> Array:
    """Cosine between normal and light, negative on the far side."""
    lx, ly, lz = light.direction
    cosine: Array = n[0] * lx + n[1] * ly + n[2] * lz
    return cosine


def gloss(n: tuple[Array, Array, Array], light: Light, power: int) -> Array:
    """Blinn-Phong highlight for a viewer in front; `power` must be a power of two."""
    lx, ly, lz = light.direction
    norm = float(np.sqrt(lx * lx + ly * ly + (lz + 1.0) ** 2))
    cosine: Array = np.maximum(
        n[0] * (lx / norm) + n[1] * (ly / norm) + n[2] * ((lz + 1.0) / norm), 0
    )
    while power > 1:
        cosine *= cosine
        power //= 2
    return cosine


def cast_shadow(depth: Array, span: float, light: Light) -> Array:
    """How much of the key light reaches each point of a small depth map (`span` units wide), 0..1.

    Steps towards the light over the height field; the shadow softens with distance.
    """
    n = depth.shape[0]
    cell = span / n
    lx, ly, lz = light.direction
    reach = np.zeros_like(depth)
    pad = n // 3
    padded = cv2.copyMakeBorder(depth, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    for step in (0.05, 0.09, 0.14, 0.2, 0.28, 0.38, 0.5, 0.66):
        dx, dy = round(step * lx / cell), round(step * ly / cell)
        if abs(dx) > pad or abs(dy) > pad or (dx == 0 and dy == 0):
            continue
        ahead = padded[pad + dy : pad + dy + n, pad + dx : pad + dx + n]
        blocked = (ahead - depth - step * lz) * (1.0 / (0.04 + 0.35 * step))
        np.maximum(reach, blocked, out=reach)
    open_sky = 1.0 - np.minimum(reach, 1.0)
    soft: Array = cv2.GaussianBlur(open_sky, (0, 0), max(0.6, 0.022 / cell))
    return soft


def occlusion(depth: Array, span: float) -> Array:
    """Ambient light that reaches each point, about 0.4..1: hollows are darker than ridges."""
    cell = span / depth.shape[0]
    open_sky = np.ones_like(depth)
    for radius, gain in ((0.05, 1.6), (0.14, 0.9)):
        around = cv2.GaussianBlur(depth, (0, 0), max(0.5, radius / cell))
        open_sky -= np.clip((around - depth) * gain / (radius * 4), -0.08, 0.3)
    return np.clip(open_sky, 0.35, 1.06)


def shade_skin(
    albedo: Array,
    n: tuple[Array, Array, Array],
    sky: Array,
    sun: Array,
    sheen: Array,
    light: Light,
) -> Array:
    """Linear colour (3, h, w) of skin; `sky` and `sun` are ambient and key visibility."""
    cosine = lambert(n, light)
    fill = sky * (0.29 - 0.08 * n[1] + 0.04 * n[2])
    out = np.empty_like(albedo)
    for c in range(3):
        wrap = WRAP[c]
        lit = np.maximum(cosine + wrap, 0.0) * (1.0 / (1.0 + wrap))
        # Shadows on skin are filled with scattered red light as well.
        seen = sun + (1.0 - sun) * (0.5 * wrap)
        lit *= seen * (0.77 * light.strength * float(KEY[c]))
        out[c] = albedo[c] * (lit + fill * float(SKY[c]))
    visible = sheen * sun * light.strength
    out += gloss(n, light, 32) * (visible * 0.09)
    # The broad sheen has been through the upper skin and is warmer than the light.
    broad = (gloss(n, light, 8) * 0.17 + gloss(n, light, 4) * 0.15) * visible
    broad += (1.0 - n[2]) ** 3 * (0.05 * light.strength) * sky
    # What the surface reflects is missing below it: pale skin has little left to add.
    out += planes(SHEEN) * (broad * (1.0 - 0.9 * albedo[1]))
    return out


def shade_matte(
    albedo: Array,
    n: tuple[Array, Array, Array],
    sky: Array,
    sun: Array,
    light: Light,
) -> Array:
    """Linear colour of cloth, masks and other dull surfaces."""
    lit = np.maximum(lambert(n, light) + 0.15, 0.0) * sun * (0.85 * light.strength / 1.15)
    fill = sky * (0.32 - 0.1 * n[1])
    out: Array = albedo * (lit * planes(KEY) + fill * planes(SKY))
    return out


def contact(alpha: Array, px: float, radius: float, down: float) -> Array:
    """Soft darkening beside a thing with coverage `alpha` (n, n), shifted `down` units."""
    n = alpha.shape[0]
    cell = px * n / SOFT_CELLS
    small = cv2.resize(alpha, (SOFT_CELLS, SOFT_CELLS), interpolation=cv2.INTER_AREA)
    shift = np.array([[1, 0, 0], [0, 1, down / cell]], np.float32)
    moved = cv2.warpAffine(small, shift, (SOFT_CELLS, SOFT_CELLS))
    soft = cv2.GaussianBlur(moved, (0, 0), radius / cell)
    return ramp(cv2.resize(soft, (n, n), interpolation=cv2.INTER_LINEAR), 0.0, 1.0)
