"""What is measured on every aligned crop, real or synthetic, by the same code.

Skin tone is *apparent*: camera, light and make-up move it. Audits must say "uncalibrated light".
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment import images
from augment.types import FloatArray, Image
from augment.vocabulary import SKIN_TONES, UNKNOWN

#: The ten published colours of the Monk skin tone scale (E. Monk, 2019), light to dark, sRGB.
MONK_SRGB = (
    "f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96",
    "a07e56", "825c43", "604134", "3a312a", "292420",
)  # fmt: skip

_SKIN, _NOSE = 1, 2  # classes of the parsing map that show skin
_MAX_SIDE = 128  # a median colour needs no more pixels
_LEVELS = np.arange(256) / 255
#: sRGB level -> linear light (IEC 61966-2-1).
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
#: Linear RGB (row) -> X, Y, Z as shares of the D65 white.
_TO_XYZ = (
    np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    / (0.95047, 1.0, 1.08883)
).astype(np.float32)
#: Skin lies between magenta-red and yellow; beyond are masks, paint and coloured light. Degrees.
_HUES = (-5.0, 105.0)
#: Less chroma than this is a grey picture: it shows no skin colour. CIELAB units.
_MIN_CHROMA = 1.5
_MIN_PIXELS = 12
#: Around the median colour, what is farther (highlights, hair, shadow) is left out. CIELAB units.
_NEAR = 15.0


@dataclass(frozen=True)
class Measured:
    """One crop's measures; ``ita`` is None and ``skin_tone`` "unknown" where no skin is seen."""

    face_hash: bytes  # 256-bit difference hash
    ita: float | None  # individual typology angle, degrees: above 55 very light, below -30 dark
    skin_tone: str  # nearest Monk step "1".."10"
    sharpness: float  # variance of the Laplacian over the face's centre, grey levels squared
    brightness: float  # mean luma of the face's centre, 0..255

    def columns(self) -> dict[str, Any]:
        """The values of :func:`augment.schema.measured_columns`."""
        return {
            "face_hash": self.face_hash,
            "ita": self.ita,
            "sharpness": self.sharpness,
            "brightness": self.brightness,
        }


def measure(
    image: Image, points: FloatArray | None = None, parsing: Image | None = None
) -> Measured:
    """Measure one crop.

    Args:
        image: uint8 (size, size, 3), RGB.
        points: (5, 2) eyes, nose tip, mouth corners in crop pixels; None: the face fills the
            middle half.
        parsing: uint8 (size, size), CelebAMask-HQ classes; where given, only its skin is skin.
    """
    centre = _centre(image, points)
    grey = cv2.cvtColor(np.ascontiguousarray(image[centre]), cv2.COLOR_RGB2GRAY)
    colour = skin_colour(image, points, parsing)
    return Measured(
        face_hash=images.difference_hash(image),
        ita=None if colour is None else typology_angle(colour),
        skin_tone=UNKNOWN if colour is None else monk_step(colour),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F).var()),
        brightness=float(grey.mean()),
    )


def typology_angle(colour: npt.ArrayLike) -> float:
    """ITA in degrees, -90..90: the angle of (b*, L* - 50), from dark (low) to light (high).

    A. Chardon, I. Cretois and C. Hourseau, "Skin colour typology and suntanning pathways",
    International Journal of Cosmetic Science 1991.

    Args:
        colour: CIELAB L* 0..100, a*, b* (D65).
    """
    light, _, yellow = np.asarray(colour, dtype=np.float64)
    # Skin without any yellow is outside of the definition: the angle ends at +-90.
    return float(np.degrees(np.arctan2(light - 50.0, max(yellow, 0.0))))


def monk_step(colour: npt.ArrayLike) -> str:
    """The Monk step, "1".."10", whose colour is nearest in CIELAB (Euclidean distance).

    Args:
        colour: CIELAB L* 0..100, a*, b* (D65).
    """
    distance = np.linalg.norm(_MONK_LAB - np.asarray(colour, dtype=np.float64), axis=1)
    return SKIN_TONES[int(distance.argmin())]


def skin_colour(
    image: Image, points: FloatArray | None = None, parsing: Image | None = None
) -> FloatArray | None:
    """Median CIELAB colour (3,) of the face's skin, or None where too little of it is seen.

    Skin: the cheeks, the bridge of the nose and the lower forehead, found from ``points`` (or the
    skin classes of ``parsing``); of these, the pixels with a hue that skin has, near their median.
    Arguments as in :func:`measure`.
    """
    size = image.shape[0]
    if size > _MAX_SIDE:
        ratio = _MAX_SIDE / size
        image = images.resize(image, _MAX_SIDE)
        points = None if points is None else (points + 0.5) * ratio - 0.5
        if parsing is not None:
            parsing = cv2.resize(parsing, (_MAX_SIDE,) * 2, interpolation=cv2.INTER_NEAREST)
    mask = _skin_places(image.shape[0], points)
    if parsing is not None:
        mask &= np.isin(parsing, (_SKIN, _NOSE))
    lab = _to_lab(image[mask])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    skin = lab[(hue >= _HUES[0]) & (hue <= _HUES[1]) & (chroma >= _MIN_CHROMA)]
    # Under a mask or on a grey photo only stray pixels are left: no colour rather than theirs.
    if len(skin) < max(_MIN_PIXELS, 0.2 * len(lab)):
        return None
    middle = np.median(skin, axis=0)
    near = skin[np.linalg.norm(skin - middle, axis=1) <= _NEAR]
    return np.asarray(np.median(near if len(near) else skin, axis=0), dtype=np.float32)


def _to_lab(pixels: Image) -> FloatArray:
    """sRGB uint8 (n, 3) to CIELAB (n, 3), D65 (OpenCV's own is off by up to a unit of a*)."""
    ratio = _LINEAR[pixels] @ _TO_XYZ
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * ((29 / 6) ** 2 / 3) + 4 / 29)
    x, y, z = root.T
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    return lab.astype(np.float32)


def _skin_places(size: int, points: FloatArray | None) -> npt.NDArray[np.bool_]:
    """Where a bare face shows skin, (size, size)."""
    mask = np.zeros((size, size), np.uint8)
    if points is None:
        centre, axes = (size / 2, size / 2), (size / 5, size / 4)
        _ellipse(mask, np.array(centre), axes, 0.0)
        return mask > 0
    left, right = points[0], points[1]
    across = right - left
    eyes = (left + right) / 2
    down = (points[3] + points[4]) / 2 - eyes
    wide, high = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    for cheek in (left - 0.05 * across, right + 0.05 * across):
        _ellipse(mask, cheek + 0.62 * down, (0.2 * wide, 0.22 * high), angle)
    _ellipse(mask, eyes + 0.35 * down, (0.1 * wide, 0.25 * high), angle)
    _ellipse(mask, eyes - 0.5 * down, (0.4 * wide, 0.14 * high), angle)
    return mask > 0


def _ellipse(
    mask: Image, centre: npt.NDArray[Any], axes: tuple[float, float], degrees: float
) -> None:
    box = ((float(centre[0]), float(centre[1])), (2 * axes[0], 2 * axes[1]), degrees)
    cv2.ellipse(mask, box, 255, cv2.FILLED)


def _centre(image: Image, points: FloatArray | None) -> tuple[slice, slice]:
    """Rows and columns from brow to chin and cheek to cheek, cut at the crop's edge."""
    height, width = image.shape[:2]
    if points is None:
        return slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)
    # The five points span half of the face; as much again lies around them.
    low, high = points.min(axis=0), points.max(axis=0)
    reach = 0.5 * float((high - low).max())
    x0, y0 = np.clip(np.floor(low - reach), 0, (width - 2, height - 2)).astype(int)
    x1, y1 = np.clip(np.ceil(high + reach), (x0 + 2, y0 + 2), (width, height)).astype(int)
    return slice(y0, y1), slice(x0, x1)


_MONK_LAB = _to_lab(
    np.array([list(bytes.fromhex(code)) for code in MONK_SRGB], dtype=np.uint8)
).astype(np.float64)
