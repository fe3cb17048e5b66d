"""A face in numbers that nobody trained: edges, texture and colour by place.

A network's mistakes are not made here: what adversarial pixels do to a network leaves histograms of
gradients nearly as they were.

- Edges: histograms of oriented gradients (HOG; N. Dalal and B. Triggs, CVPR 2005), at two scales.
- Texture: uniform local binary patterns (LBP; T. Ojala et al., IEEE PAMI 2002) at radius 1 and 2,
  one histogram a cell.
- Colour: mean and spread of CIELAB's three coordinates in each cell.
"""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from augment.images import resize
from augment.types import FloatArray, Image

SIZE = 64  # pixels; larger and smaller faces are resized
_CELLS = 8  # a side, for texture and colour
_NEIGHBOURS = 8
_PATTERNS = _NEIGHBOURS + 2  # uniform ones by their number of set bits, and all others

_HOGS = (
    # window, block, step, cell (pixels), directions
    cv2.HOGDescriptor((SIZE, SIZE), (16, 16), (8, 8), (8, 8), 9),
    cv2.HOGDescriptor((SIZE, SIZE), (32, 32), (16, 16), (16, 16), 9),
)
_RADII = (1, 2)
#: How many numbers a face has: 3752.
LENGTH = (
    sum(hog.getDescriptorSize() for hog in _HOGS)
    + len(_RADII) * _CELLS**2 * _PATTERNS
    + 6 * _CELLS**2
)


def describe(image: Image) -> FloatArray:
    """uint8 (h, w, 3) RGB -> float32 (:data:`LENGTH`,): edges, texture, colour."""
    face = image if image.shape[0] == SIZE else resize(image, SIZE)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    parts = [np.ravel(hog.compute(face)) for hog in _HOGS]
    parts += [_texture(grey, radius) for radius in _RADII]
    return np.concatenate([*parts, _colour(face)]).astype(np.float32)


def _texture(grey: npt.NDArray[np.uint8], radius: int) -> FloatArray:
    """Square roots of each cell's shares of patterns: Euclidean distances then compare
    histograms as Hellinger's does, and rare patterns count."""
    patterns = uniform_patterns(grey, radius)
    place = np.arange(SIZE) * _CELLS // SIZE
    bins = (place[:, None] * _CELLS + place) * _PATTERNS + patterns
    counts = np.bincount(bins.ravel(), minlength=_CELLS**2 * _PATTERNS)
    return np.sqrt(counts / (SIZE // _CELLS) ** 2)


def uniform_patterns(grey: npt.NDArray[np.uint8], radius: int) -> npt.NDArray[np.uint8]:
    """Each pixel's pattern, (h, w): set bits of a uniform one, 9 for all others.

    Equal to scikit-image's ``local_binary_pattern(grey, 8, radius, "uniform")``, in a third of the
    time: the neighbours between pixels are interpolated for all pixels at once, by the same sums.
    Outside of the picture all is black.
    """
    height, width = grey.shape
    levels = np.pad(grey.astype(np.float64), radius)
    bits = np.empty((_NEIGHBOURS, height, width), bool)
    for number, (down, right) in enumerate(_neighbours(height, width, radius)):
        low, high, share = right
        across = levels[:, low : low + width]
        if high != low:  # across first, then down: the order of the sums decides ties
            across = (1 - share) * across + share * levels[:, high : high + width]
        low, high, share = down
        found = across[low : low + height]
        if high != low:
            found = (1 - share)[:, None] * found + share[:, None] * across[high : high + height]
        np.greater_equal(found, grey, out=bits[number])
    patterns: npt.NDArray[np.uint8] = _PATTERN_OF[np.packbits(bits, axis=0)[0]]
    return patterns


def _pattern_of_codes() -> npt.NDArray[np.uint8]:
    """8 bits -> how many are set where they change at most twice around, else 9; (256,)."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), _NEIGHBOURS + 1).astype(np.uint8)


_PATTERN_OF = _pattern_of_codes()
_Steps = tuple[int, int, npt.NDArray[np.float64]]


@cache
def _neighbours(height: int, width: int, radius: int) -> list[tuple[_Steps, _Steps]]:
    """Of each neighbour, down and across: where in the padded picture the first pixel's lies
    before, and after, it, and how much the second one counts for every pixel."""
    angles = 2 * np.pi * np.arange(_NEIGHBOURS) / _NEIGHBOURS
    down, right = np.round(-radius * np.sin(angles), 5), np.round(radius * np.cos(angles), 5)

    def steps(length: int, away: float) -> _Steps:
        place = np.arange(length) + away
        return (
            int(np.floor(away)) + radius,
            int(np.ceil(away)) + radius,
            place - np.floor(place),
        )

    return [(steps(height, d), steps(width, r)) for d, r in zip(down, right, strict=True)]


def _colour(face: Image) -> FloatArray:
    """Each cell's mean and standard deviation of L*, a* and b*."""
    lab = cv2.cvtColor(face.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    side = SIZE // _CELLS
    cells = lab.reshape(_CELLS, side, _CELLS, side, 3)
    return np.concatenate([cells.mean((1, 3)).ravel(), cells.std((1, 3)).ravel()])
