"""Faults of making, put into real faces: what a judge of artifacts learns to see. numpy, OpenCV.

Pasted patches after C.-L. Li et al., "CutPaste", CVPR 2021; the others are what broken generators
leave behind. Each fault draws its own place and strength, and is strong enough that a person sees
it at the crop's own size: what nobody sees is no fault. Lengths grow with the crop.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from augment.images import resize
from augment.nets.harmless import compressed
from augment.types import FloatArray, Image

Random = np.random.Generator

#: A pixel counts as changed from so many levels on. A person sees a fault where the changes, spread
#: over the whole crop, come to so many levels a pixel: 2 % of it changed by 30, say.
_CHANGED, _SEEN = 10.0, 0.6
_TRIES = 6


@dataclass(frozen=True)
class Faulty:
    """A face with a fault.

    Attributes:
        image: uint8 (size, size, 3).
        where: the pixels that the fault changed, float32 (size, size), 0 or 1.
        kind: one of :data:`KINDS`.
    """

    image: Image
    where: FloatArray
    kind: str


def plant(face: Image, other: Image, random: Random, kind: str | None = None) -> Faulty:
    """Put one fault into a face.

    Args:
        face: uint8 (size, size, 3) RGB.
        other: another face of the same size, for what is pasted from elsewhere.
        random: draws kind, place and strength.
        kind: one of :data:`KINDS`; None: drawn.
    """
    chosen = kind or str(random.choice(KINDS, p=_SHARES))
    for _ in range(_TRIES):
        region = _region(face.shape[0], random)
        changed = np.clip(_FAULTS[chosen](face, other, region, random), 0, 255)
        difference = np.abs(changed - face.astype(np.float32)).max(axis=2)
        where = (difference >= _CHANGED).astype(np.float32)
        if (difference * where).mean() >= _SEEN:
            return Faulty(np.round(changed).astype(np.uint8), where, chosen)
    if chosen != "specks":
        # A plain face on a plain ground shows no blur and no seam; dots are seen on anything.
        return plant(face, other, random, "specks")
    return Faulty(np.round(changed).astype(np.uint8), where, chosen)


# --- where ---


def _region(size: int, random: Random) -> FloatArray:
    """A rectangle, a polygon or a smooth blob, (size, size), 0..1; edges are hard or soft."""
    shape = random.random()
    mask = np.zeros((size, size), np.float32)
    if shape < 0.3:
        high, wide = (random.uniform(0.14, 0.55, 2) * size).astype(int)
        top, left = random.integers(0, size - high), random.integers(0, size - wide)
        mask[top : top + high, left : left + wide] = 1
    elif shape < 0.65:
        corners = int(random.integers(3, 9))
        angles = np.sort(random.uniform(0, 2 * np.pi, corners))
        reach = random.uniform(0.08, 0.3, corners)[:, None]
        outline = random.uniform(0.2, 0.8, 2) + reach * np.stack(
            [np.cos(angles), np.sin(angles)], axis=1
        )
        cv2.fillPoly(mask, [np.round(outline * size).astype(np.int32)], 1.0)
    else:
        low, high_share = 0.08, 0.35
        coarse = random.normal(0, 1, (5, 5)).astype(np.float32)
        noise = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
        rows, columns = np.mgrid[0:size, 0:size] / size
        centre = random.uniform(0.2, 0.8, 2)
        away = np.hypot(rows - centre[0], columns - centre[1]).astype(np.float32)
        field = noise - 5 * away
        share = random.uniform(low, high_share)
        mask = (field > np.quantile(field, 1 - share)).astype(np.float32)
    if random.random() < 0.5:
        mask = cv2.GaussianBlur(mask, (0, 0), random.uniform(0.4, 1.2) * size / 64)
    return np.asarray(mask, dtype=np.float32)


def _mixed(face: Image, changed: FloatArray, region: FloatArray) -> FloatArray:
    weight = region[..., None]
    return np.asarray(weight * changed + (1 - weight) * face, dtype=np.float32)


def _everywhere(region: FloatArray, random: Random, share: float) -> FloatArray:
    return np.ones_like(region) if random.random() < share else region


# --- what ---


def _paste(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    """From another face or another place, at another scale, colour and sharpness."""
    size = face.shape[0]
    elsewhere = other if random.random() < 0.65 else face
    scale = random.uniform(0.6, 1.6)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), random.uniform(-180, 180), scale)
    reach = 0.45 if elsewhere is face else 0.3
    turn[:, 2] += random.uniform(0.12, reach, 2) * size * random.choice([-1, 1], 2)
    patch = cv2.warpAffine(
        elsewhere, turn, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    ).astype(np.float32)
    if random.random() < 0.5:
        patch = patch * random.uniform(0.75, 1.25) + random.normal(0, 14, 3)
    if random.random() < 0.3:
        patch = cv2.GaussianBlur(patch, (0, 0), random.uniform(0.8, 1.8) * size / 64)
    return _mixed(face, patch.astype(np.float32), region)


def _blur(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    size, levels = face.shape[0], face.astype(np.float32)
    region = _everywhere(region, random, 0.5)
    if random.random() < 0.6:
        soft = cv2.GaussianBlur(levels, (0, 0), random.uniform(1.2, 3.0) * size / 64)
    else:
        small = resize(face, max(8, int(size * random.uniform(0.2, 0.42))))
        soft = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return _mixed(face, soft, region)


def _ringing(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    """Halos: sharpened too much, or all frequencies above a limit cut off."""
    levels = face.astype(np.float32)
    region = _everywhere(region, random, 0.5)
    if random.random() < 0.5:
        soft = cv2.GaussianBlur(levels, (0, 0), random.uniform(0.8, 2.0) * face.shape[0] / 64)
        return _mixed(face, levels + random.uniform(1.2, 3.5) * (levels - soft), region)
    spectrum = np.fft.rfft2(levels, axes=(0, 1))
    rows = np.abs(np.fft.fftfreq(levels.shape[0]))[:, None]
    columns = np.fft.rfftfreq(levels.shape[1])[None]
    spectrum[np.maximum(rows, columns) > random.uniform(0.10, 0.24)] = 0
    cut = np.fft.irfft2(spectrum, levels.shape[:2], axes=(0, 1))
    return _mixed(face, cut.astype(np.float32), region)


def _checkerboard(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    """The regular pattern of transposed convolutions (A. Odena et al., Distill 2016)."""
    size = face.shape[0]
    rows, columns = np.mgrid[0:size, 0:size]
    period = int(random.choice([2, 2, 3, 4]))
    pattern = ((rows % period == 0) * 1.0 + (columns % period == 0) * 1.0) - 2 / period
    if random.random() < 0.3:
        pattern = (rows % period == 0) - 1 / period
    strength = random.uniform(9, 30) * random.choice([-1, 1]) * random.uniform(0.5, 1.2, 3)
    changed = face + pattern[..., None] * strength
    return _mixed(face, changed.astype(np.float32), _everywhere(region, random, 0.5))


def _blocking(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    """Squares: compressed to pieces, or averaged over blocks."""
    size = face.shape[0]
    region = _everywhere(region, random, 0.5)
    if random.random() < 0.5:
        return _mixed(
            face, compressed(face, int(random.integers(4, 16))).astype(np.float32), region
        )
    small = resize(face, max(8, size // int(random.integers(3, 7))))
    blocks = cv2.resize(small, (size, size), interpolation=cv2.INTER_NEAREST)
    return _mixed(face, blocks.astype(np.float32), region)


def _specks(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    """Coloured dots and strokes."""
    changed = np.ascontiguousarray(face).copy()
    size = face.shape[0]
    for _ in range(int(random.integers(3, 16))):
        colour = [int(value) for value in random.integers(0, 256, 3)]
        x, y = (int(value) for value in random.integers(0, size, 2))
        if random.random() < 0.8:
            cv2.circle(changed, (x, y), int(random.integers(0, 1 + size // 24)), colour, -1)
        else:
            end = (x + int(random.integers(-9, 10)), y + int(random.integers(-9, 10)))
            cv2.line(changed, (x, y), end, colour, max(1, size // 64))
    return changed.astype(np.float32)


def _ghost(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    """A second, shifted face shines through."""
    size = face.shape[0]
    second = other if random.random() < 0.4 else face
    angle, far = random.uniform(0, 2 * np.pi), random.uniform(0.05, 0.16) * size
    shift = np.array([[1, 0, far * np.cos(angle)], [0, 1, far * np.sin(angle)]], np.float32)
    shifted = cv2.warpAffine(second, shift, (size, size), borderMode=cv2.BORDER_REPLICATE)
    strength = random.uniform(0.3, 0.5)
    changed = (1 - strength) * face.astype(np.float32) + strength * shifted.astype(np.float32)
    return _mixed(face, changed.astype(np.float32), _everywhere(region, random, 0.6))


def _posterise(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    """Too few levels, or everything fine smoothed away."""
    region = _everywhere(region, random, 0.5)
    if random.random() < 0.5:
        step = 255 / int(random.integers(3, 7))
        return _mixed(face, (np.round(face / step) * step).astype(np.float32), region)
    side = 2 * round(random.uniform(2.0, 3.6) * face.shape[0] / 64) + 1
    smooth = cv2.medianBlur(np.ascontiguousarray(face), side)
    return _mixed(face, smooth.astype(np.float32), region)


def _seam(face: Image, other: Image, region: FloatArray, random: Random) -> FloatArray:
    """Two parts of one face that do not fit: shifted, scaled or lit otherwise along a line."""
    size = face.shape[0]
    rows, columns = np.mgrid[0:size, 0:size] / size - 0.5
    angle = random.uniform(0, 2 * np.pi)
    side = (np.cos(angle) * rows + np.sin(angle) * columns > random.uniform(-0.22, 0.22)) * 1.0
    part = face.astype(np.float32)
    if random.random() < 0.7:
        far = random.uniform(0.04, 0.14) * size * random.choice([-1, 1])
        along = angle if random.random() < 0.3 else angle + np.pi / 2
        shift = np.array([[1, 0, far * np.sin(along)], [0, 1, far * np.cos(along)]], np.float32)
        part = cv2.warpAffine(part, shift, (size, size), borderMode=cv2.BORDER_REFLECT_101)
    if random.random() < 0.6:
        part = part + random.choice([-1, 1]) * random.uniform(14, 45)
    return _mixed(face, np.asarray(part, dtype=np.float32), side.astype(np.float32))


_FAULTS: dict[str, Callable[[Image, Image, FloatArray, Random], FloatArray]] = {
    "paste": _paste,
    "blur": _blur,
    "ringing": _ringing,
    "checkerboard": _checkerboard,
    "blocking": _blocking,
    "specks": _specks,
    "ghost": _ghost,
    "posterise": _posterise,
    "seam": _seam,
}
KINDS = tuple(_FAULTS)
#: How often each is drawn: what is learned at once needs few examples.
_SHARES = (0.34, 0.10, 0.07, 0.04, 0.06, 0.04, 0.13, 0.08, 0.14)
