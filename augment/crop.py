"""From five points to the aligned crop: one similarity transform, one warp, no aliasing.

Template: the five reference points of ArcFace (J. Deng et al., "ArcFace", CVPR 2019), published
for 112 x 112 pixels. Transform: the least-squares similarity of S. Umeyama, "Least-squares
estimation of transformation parameters between two point patterns", IEEE PAMI 1991, section III.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment import images
from augment.errors import RowError
from augment.protocols import Detection
from augment.types import FloatArray, Image

Matrix = npt.NDArray[np.float64]  # (2, 3): photo pixels -> crop pixels
Points = npt.NDArray[np.floating[Any]]  # (n, 2)

TEMPLATE_SIZE = 112
TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)

#: More samples a crop pixel and side than this are taken from a photo shrunk beforehand.
_MAX_SAMPLES = 12
#: Points that lie nearer together than this (root mean square distance from their centre, photo
#: pixels) show no face. Not the distance between the eyes: in profile they fall on one place.
_MIN_SPREAD = 3.0


def native_side(matrix: Matrix, size: int) -> float:
    """How many photo pixels lie along the side of a crop of ``size`` pixels."""
    return float(size / np.hypot(matrix[0, 0], matrix[1, 0]))


def reference_points(size: int, margin: float) -> FloatArray:
    """Where the five points lie in a crop, shape (5, 2), pixels.

    Args:
        size: side of the crop, pixels.
        margin: what is shown beyond ArcFace's square on each side, as a share of its side; less
            than 0 shows less, for photos that are tight themselves.
    """
    scale = size / (TEMPLATE_SIZE * (1.0 + 2.0 * margin))
    # Pixel centres: position p of the template is p + 0.5 from its edge.
    points = (TEMPLATE + 0.5 + margin * TEMPLATE_SIZE) * scale - 0.5
    return points.astype(np.float32)


def choose(faces: Sequence[Detection], shape: tuple[int, ...]) -> Detection:
    """The largest face near the centre: area minus twice the squared distance from the centre.

    The rule of InsightFace's detectors, so that their users get the same face.

    Args:
        faces: at least one.
        shape: the photo's, (height, width, ...).
    """
    centre = np.array([shape[1], shape[0]]) / 2

    def rank(face: Detection) -> float:
        offset = face.box[:2] + face.box[2:] / 2 - centre
        return float(face.box[2] * face.box[3] - 2.0 * (offset @ offset))

    return max(faces, key=rank)


def similarity(points: Points, target: Points) -> Matrix:
    """The rotation, scale and shift that bring ``points`` nearest to ``target``, shape (2, 3).

    In the plane Umeyama's solution without reflection has this closed form in complex numbers.

    Args:
        points: (n, 2), pixels of the photo.
        target: (n, 2), pixels of the crop.

    Raises:
        RowError: the points lie within some pixels of each other.
    """
    start = points[:, 0].astype(np.float64) + 1j * points[:, 1]
    end = target[:, 0].astype(np.float64) + 1j * target[:, 1]
    centred = start - start.mean()
    if not float(np.mean(np.abs(centred) ** 2)) >= _MIN_SPREAD**2:
        raise RowError("the face is too small")
    factor = (centred.conj() @ (end - end.mean())) / (centred.conj() @ centred).real
    shift = end.mean() - factor * start.mean()
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )


def transform(points: Points, matrix: Matrix) -> FloatArray:
    """Points (n, 2) of the photo as points of the crop."""
    moved = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved.astype(np.float32)


def cut(photo: Image, matrix: Matrix, size: int) -> Image:
    """The crop, uint8 (size, size, 3). Beyond the photo's edge the photo is mirrored.

    Shrinking takes several samples a crop pixel and averages them: sampling the photo once
    a pixel, as a plain ``warpAffine`` does, aliases, and that changes every later metric.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    samples = int(np.ceil(1.0 / scale - 1e-6))
    if samples > _MAX_SAMPLES:
        photo, matrix = _shrink(photo, matrix, -(-samples // _MAX_SAMPLES))
        samples = _MAX_SAMPLES
    samples = max(samples, 1)
    photo, matrix = _window(photo, matrix, size)
    dense = cv2.warpAffine(
        photo,
        _finer(matrix, samples),
        (size * samples, size * samples),
        # Several samples smooth by themselves; a single one would look soft without cubic weights.
        flags=cv2.INTER_LINEAR if samples > 1 else cv2.INTER_CUBIC,
    )
    return images.resize(dense, size) if samples > 1 else np.asarray(dense, dtype=np.uint8)


def cut_map(parsing: Image, shape: tuple[int, ...], matrix: Matrix, size: int) -> Image:
    """A class map in crop geometry, uint8 (size, size): nearest class, mirrored as in :func:`cut`.

    Args:
        parsing: uint8 (height, width), over the whole photo, maybe at another resolution.
        shape: the photo's, (height, width, ...).
        matrix: photo pixels -> crop pixels.
        size: side of the crop, pixels.
    """
    ratio = np.array([parsing.shape[1] / shape[1], parsing.shape[0] / shape[0]])
    moved = cv2.warpAffine(
        parsing,
        _rescaled(matrix, ratio),
        (size, size),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(moved, dtype=np.uint8)


def outside_share(shape: tuple[int, ...], matrix: Matrix, size: int) -> float:
    """The share of the crop's area that lies outside of the photo, 0..1."""
    bottom, right = shape[0] - 0.5, shape[1] - 0.5
    frame = np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]], np.float32)
    corners = _corners(matrix, size).astype(np.float32)
    covered, _ = cv2.intersectConvexConvex(corners, frame)
    whole = size * size / abs(np.linalg.det(matrix[:, :2]))
    # Rounded: "0.0000001 outside" is rounding itself.
    return round(float(np.clip(1.0 - covered / whole, 0.0, 1.0)), 6)


def _corners(matrix: Matrix, size: int) -> Matrix:
    """The crop's four corners in the photo, (4, 2), in order around it."""
    low, high = -0.5, size - 0.5
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    in_photo: Matrix = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    return in_photo


def _window(photo: Image, matrix: Matrix, size: int) -> tuple[Image, Matrix]:
    """The part of the photo that the crop touches, mirrored where it leaves the photo.

    Mirroring first and warping without a border mode is twice as fast as ``BORDER_REFLECT_101``.
    """
    corners = _corners(matrix, size)
    reach = 3  # pixels beyond, for the interpolation's neighbours
    limit = np.array([photo.shape[1], photo.shape[0]])
    # At least one pixel of the photo, also where the crop misses it altogether.
    low = np.minimum(np.floor(corners.min(axis=0)).astype(int) - reach, limit - 1)
    high = np.maximum(np.ceil(corners.max(axis=0)).astype(int) + reach + 1, 1)
    first, last = np.clip(low, 0, limit - 1), np.clip(high, 1, limit)
    (left, top), (right, bottom) = first - low, high - last
    part = photo[first[1] : last[1], first[0] : last[0]]
    if max(left, top, right, bottom) > 0:
        part = cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REFLECT_101)
    moved = np.column_stack([matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ low])
    return part, moved


def _finer(matrix: Matrix, samples: int) -> Matrix:
    """The transform to a crop with ``samples`` times as many pixels a side."""
    finer = matrix * samples
    finer[:, 2] += (samples - 1) / 2
    return finer


def _shrink(photo: Image, matrix: Matrix, factor: int) -> tuple[Image, Matrix]:
    width, height = max(1, photo.shape[1] // factor), max(1, photo.shape[0] // factor)
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    ratio = np.array([width / photo.shape[1], height / photo.shape[0]])
    return np.asarray(small, dtype=np.uint8), _rescaled(matrix, ratio)


def _rescaled(matrix: Matrix, ratio: npt.NDArray[np.float64]) -> Matrix:
    """The transform from a photo resized by ``ratio`` (x, y) to the same crop."""
    linear = matrix[:, :2] / ratio
    # photo = (resized + 0.5) / ratio - 0.5, in pixel centres.
    return np.column_stack([linear, matrix[:, 2] + linear @ (0.5 - 0.5 * ratio)])
