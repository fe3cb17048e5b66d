"""A face in numbers that nobody trained: edges, texture and colour by place.

A network's mistakes are not made here: what adversarial pixels do to a network leaves histograms of
gradients nearly as they were.

- Edges: histograms of oriented gradients (HOG; N. Dalal and B. Triggs, CVPR 2005), at two scales.
- Texture: uniform local binary patterns (LBP; T. Ojala et al., IEEE PAMI 2002) at radius 1 and 2,
  one histogram a cell.
- Colour: mean and spread of CIELAB's three coordinates in each cell.
"""

import cv2
import numpy as np
import numpy.typing as npt
from skimage.feature import local_binary_pattern

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
    patterns = local_binary_pattern(grey, _NEIGHBOURS, radius, method="uniform").astype(np.int64)
    place = np.arange(SIZE) * _CELLS // SIZE
    bins = (place[:, None] * _CELLS + place) * _PATTERNS + patterns
    counts = np.bincount(bins.ravel(), minlength=_CELLS**2 * _PATTERNS)
    return np.sqrt(counts / (SIZE // _CELLS) ** 2)


def _colour(face: Image) -> FloatArray:
    """Each cell's mean and standard deviation of L*, a* and b*."""
    lab = cv2.cvtColor(face.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    side = SIZE // _CELLS
    cells = lab.reshape(_CELLS, side, _CELLS, side, 3)
    return np.concatenate([cells.mean((1, 3)).ravel(), cells.std((1, 3)).ravel()])
