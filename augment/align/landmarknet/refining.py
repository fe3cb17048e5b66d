"""A second, closer look at each face: upright, at the size at which the network sees points best,
once as it is and once mirrored. Coarse first, then fine, as in cascades of networks (K. Zhang et
al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016),
but with one network.
"""

import cv2
import numpy as np
import numpy.typing as npt

from augment.align.views import Find
from augment.crop import transform
from augment.protocols import Detection
from augment.types import FloatArray, Image

_SIDE = 128  # of the look's canvas, pixels
#: The face's side there. Chosen on photos of several data sets from 56 to 110.
_FACE = 88.0
#: What the look finds is the face when its middle lies so near to the canvas's, in pixels.
_NEAR = 32.0
_MIRRORED = [1, 0, 2, 4, 3]  # the order of a mirrored face's points
_GREY = (128, 128, 128)


def refined(photo: Image, face: Detection, find: Find) -> Detection:
    """The face with the mean of the closer looks' points; as it was where neither shows it.

    Args:
        photo: uint8 (height, width, 3), RGB.
        face: in pixels of the photo.
        find: the faces on a canvas, in canvas pixels.
    """
    looks = [_look(photo, face, find, mirrored) for mirrored in (False, True)]
    seen = [points for points in looks if points is not None]
    if not seen:
        return face
    points = np.mean(seen, axis=0).astype(np.float32)
    return Detection(face.box, points, face.score)


def confirmed(photo: Image, face: Detection, find: Find) -> bool:
    """Whether a closer look shows the face, too. Arguments as of :func:`refined`."""
    return any(_look(photo, face, find, mirrored) is not None for mirrored in (False, True))


def _look(photo: Image, face: Detection, find: Find, mirrored: bool) -> FloatArray | None:
    way = _way(face, mirrored)
    scale = float(np.hypot(way[0, 0], way[0, 1]))
    corner = np.zeros(2)
    if scale < 0.7:
        photo, corner = _around(photo, face)
        # Smoothed first: bilinear sampling would skip pixels.
        photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), 0.35 / scale), dtype=np.uint8)
    moved = np.column_stack([way[:, :2], way[:, 2] + way[:, :2] @ corner])
    canvas = cv2.warpAffine(photo, moved, (_SIDE, _SIDE), borderValue=_GREY)
    middle = (_SIDE - 1) / 2
    near = [
        (float(np.linalg.norm(found.box[:2] + found.box[2:] / 2 - middle)), number, found)
        for number, found in enumerate(find(np.asarray(canvas, dtype=np.uint8)))
    ]
    if not near or min(near)[0] > _NEAR:
        return None
    points = min(near)[2].points
    return transform(points[_MIRRORED] if mirrored else points, cv2.invertAffineTransform(way))


def _way(face: Detection, mirrored: bool) -> npt.NDArray[np.float64]:
    """(2, 3): photo pixels -> canvas pixels; the eyes lie level, the box's middle in the middle."""
    eyes = face.points[1].astype(np.float64) - face.points[0]
    angle = -np.arctan2(eyes[1], eyes[0])
    scale = _FACE / max(1.0, float(np.sqrt(face.box[2] * face.box[3])))
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if mirrored:
        linear = np.diag([-1.0, 1.0]) @ linear
    centre = face.box[:2].astype(np.float64) + face.box[2:] / 2
    return np.column_stack([linear, (_SIDE - 1) / 2 - linear @ centre])


def _around(photo: Image, face: Detection) -> tuple[Image, npt.NDArray[np.float64]]:
    """The part of the photo that the canvas may show, and its corner: less to smooth."""
    centre = face.box[:2] + face.box[2:] / 2
    reach = float(np.sqrt(face.box[2] * face.box[3])) * _SIDE / _FACE
    limit = np.array(photo.shape[1::-1])
    low = np.clip(np.floor(centre - reach), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(centre + reach), low + 1, limit).astype(int)
    return photo[low[1] : high[1], low[0] : high[0]], low.astype(np.float64)
