"""How much of an edit a person can see: what a blur leaves of it, inside the face.

A network can be told "70+" by specks that nobody sees. They vanish in a blur; wrinkles, hair and
masks do not.
"""

import cv2
import numpy as np
import numpy.typing as npt

from augment.types import FloatArray, Image

#: Standard deviation of the blur, as a share of the picture's side: 2 pixels of 64.
BLUR = 2 / 64
#: Half axes of the face's ellipse, as multiples of the distance from eyes to mouth. On ArcFace's
#: template (40.7 of 112 pixels) it reaches from above the brows to the chin, and from ear to ear.
_ACROSS, _ALONG = 0.9, 1.15


def visible_change(image: Image, parent: Image, points: FloatArray | None = None) -> float:
    """Mean absolute change of the face's pixels after a blur, 0..1 of the range of levels.

    Args:
        image: uint8 (size, size, 3), RGB.
        parent: what it was made of; the same shape.
        points: (5, 2) eyes, nose tip, mouth corners of the parent, pixels; None: the face is where
            crops have it.

    Raises:
        ValueError: the shapes differ.
    """
    if image.shape != parent.shape:
        raise ValueError(f"a picture of shape {image.shape} and a parent of {parent.shape}")
    change = (image.astype(np.float32) - parent.astype(np.float32)) / 255
    # Blurring is linear: the blurred pictures differ by the blurred difference.
    blurred = cv2.GaussianBlur(change, (0, 0), BLUR * image.shape[0], borderType=cv2.BORDER_REFLECT)
    return float(np.abs(blurred[face_region(image.shape[0], points)]).mean())


def face_region(size: int, points: FloatArray | None) -> npt.NDArray[np.bool_]:
    """(size, size): which pixels belong to the face, an ellipse around eyes and mouth."""
    eyes, mouth = _eyes_and_mouth(size, points)
    along = mouth - eyes
    length = float(np.hypot(*along))
    if not np.isfinite(length) or length < 0.05 * size:  # unusable points: the usual place
        return face_region(size, None)
    along /= length
    rows, columns = np.mgrid[:size, :size]
    x, y = columns - (eyes[0] + mouth[0]) / 2, rows - (eyes[1] + mouth[1]) / 2
    down, aside = x * along[0] + y * along[1], y * along[0] - x * along[1]
    distance = (down / (_ALONG * length)) ** 2 + (aside / (_ACROSS * length)) ** 2
    region: npt.NDArray[np.bool_] = distance <= 1
    return region if region.any() else np.ones((size, size), dtype=bool)


def _eyes_and_mouth(
    size: int, points: FloatArray | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The middles of the eyes and of the mouth, x and y."""
    if points is None:
        return np.array([0.5, 0.46]) * size, np.array([0.5, 0.78]) * size
    places = np.asarray(points, dtype=np.float64)
    return (places[0] + places[1]) / 2, (places[3] + places[4]) / 2
