"""Colour of a morph: which parent is seen where, with no seam between them. numpy and OpenCV.

Coarse colours of the face are averaged and detail comes from one parent a part: the two bands of
P. Burt & E. Adelson, "A multiresolution spline" (ACM TOG 1983). Averaging detail, too, would show
all parents through each other, and would be softer than any photo. Hair and background are one
parent's altogether: averaged, they would shine through each other.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from augment.generators.morph.warping import anchors
from augment.types import FloatArray, Image

#: Parts of a face that keep one parent's detail.
PARTS = ("eyes", "nose", "mouth", "jaw", "brows", "hair")
#: Parts that stay together, by how many parents there are. Dealt so, a third of LFW's morphs of
#: three were new people, dealt at random a fifth; and eyes stay under their own brows.
_TOGETHER: Mapping[int, tuple[str, ...]] = {
    2: ("eyes brows mouth jaw", "hair nose"),
    3: ("eyes brows", "hair", "nose mouth jaw"),
    4: ("eyes brows", "hair", "nose", "mouth jaw"),
    5: ("eyes brows", "hair", "nose", "mouth", "jaw"),
    6: PARTS,
}
#: Shares of the crop's side: how softly parts end, and what counts as coarse.
_SOFT, _COARSE = 0.08, 0.09
#: The face's oval: how far its middle lies below the eyes, its half width and half height, in
#: distances of the eyes.
_OVAL_DOWN, _OVAL_WIDE, _OVAL_HIGH = 0.35, 1.0, 1.4
_LEAST = 1e-6  # weight of every part everywhere, so that far from all of them the nearest has it


def deal(people: int, random: np.random.Generator) -> list[int]:
    """Which of 2 to 6 parents each of PARTS is of; each has some, and which is by chance."""
    groups = [group.split() for group in _TOGETHER[people]]
    owners = dict.fromkeys(PARTS, 0)
    for owner, group in zip(random.permutation(people), groups, strict=True):
        owners |= dict.fromkeys(group, int(owner))
    return [owners[part] for part in PARTS]


def part_weights(points: npt.NDArray[np.float64], size: int) -> FloatArray:
    """How much each pixel belongs to each of PARTS, float32 (6, size, size); sums to 1.

    Args:
        points: (5, 2), crop pixels.
        size: of the crop, pixels.
    """
    around = anchors(points)
    centres = {
        "eyes": [points[0], points[1], around[8]],
        "nose": [points[2]],
        "mouth": [points[3], points[4], around[10]],
        "jaw": [around[6], around[7], around[9]],
        "brows": [around[2], around[3]],
    }
    down, across = np.mgrid[:size, :size].astype(np.float32)
    found = []
    for part in PARTS:
        if part == "hair":
            nearest = np.square(_to_outside(points, across, down))
        else:
            squares = [(across - x) ** 2 + (down - y) ** 2 for x, y in centres[part]]
            nearest = np.min(squares, axis=0)
        found.append(np.exp(-nearest / (2 * (_SOFT * size) ** 2)) + _LEAST)
    weights = np.stack(found)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _to_outside(
    points: npt.NDArray[np.float64], across: FloatArray, down: FloatArray
) -> npt.NDArray[np.float64]:
    """How far places lie inside of the face's oval, pixels; 0 outside of it."""
    bridge, apart = points[:2].mean(axis=0), float(np.linalg.norm(points[1] - points[0]))
    step = (points[1] - points[0]) / max(apart, 1e-6)
    middle = bridge + _OVAL_DOWN * apart * np.array([-step[1], step[0]])
    x, y = across - middle[0], down - middle[1]
    along, upright = x * step[0] + y * step[1], y * step[0] - x * step[1]
    wide, high = _OVAL_WIDE * apart, _OVAL_HIGH * apart
    radius = np.hypot(along / wide, upright / high)
    return np.asarray(np.maximum(1 - radius, 0) * wide, dtype=np.float64)


def by_parts(
    images: Sequence[FloatArray], shares: Sequence[float], owners: Sequence[int], parts: FloatArray
) -> Image:
    """Coarse colours of all parents by ``shares``, detail of each part, and hair, from its owner.

    Args:
        images: k bent parents, float32 (size, size, 3), 0..255.
        shares: k weights that sum to 1.
        owners: which parent each of PARTS is of.
        parts: of :func:`part_weights`.

    Returns:
        uint8 (size, size, 3).
    """
    width = _COARSE * len(images[0])
    numbers = range(len(images))
    seen = np.stack([parts[np.equal(owners, number)].sum(axis=0) for number in numbers])
    # Where two parents meet their details, which have nothing to do with each other, would weaken
    # each other: they keep their strength.
    seen /= np.sqrt(np.square(seen).sum(axis=0))
    outside, whose = parts[PARTS.index("hair")], owners[PARTS.index("hair")]
    made = np.zeros_like(images[0])
    for number, (image, share, own) in enumerate(zip(images, shares, seen, strict=True)):
        coarse = cv2.GaussianBlur(image, (0, 0), width, borderType=cv2.BORDER_REFLECT_101)
        tinted = share * (1 - outside) + outside * (number == whose)
        made += tinted[..., None] * coarse + own[..., None] * (image - coarse)
    return _levels(made)


def whole(images: Sequence[FloatArray], shares: Sequence[float]) -> Image:
    """The classical blend: every pixel averaged; uint8 (size, size, 3)."""
    total = sum(share * image for share, image in zip(shares, images, strict=True))
    return _levels(np.asarray(total))


def _levels(pixels: FloatArray) -> Image:
    return np.ascontiguousarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))
