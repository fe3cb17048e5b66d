"""Masks from pictures, and their way onto a face: by landmarks, or by place on a worn mask."""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.generators.mask.layout import Template, View, read_templates, shrunk, turn_of
from augment.types import FloatArray, Image

__all__ = ["Template", "View", "face_anchors", "look_up", "paste", "read_templates"]

_SAMPLES = 3  # a side, of each pixel of a pasted template

Plane = npt.NDArray[np.floating[Any]]


@lru_cache(maxsize=256)
def _at_scale(view: View, width: int) -> View:
    """The view whose rim is about so many pixels wide: sampled without aliasing there."""
    across = float(np.linalg.norm(view.anchors[2] - view.anchors[0]))
    return view if width >= across else shrunk(view, width / across)


def look_up(view: View, u: FloatArray, v: FloatArray, reach: float, width: float) -> FloatArray:
    """The template's pixels at places of a worn mask.

    Between the rims through its key points a template is read as the picture of a mask on an
    upright cylinder seen from before.

    Args:
        view: the template seen from before.
        u: around the head, -1..1 from edge to edge, (h, w).
        v: down the mask, 0..1 from rim to rim, (h, w).
        reach: radians from the front to the edge.
        width: of the worn mask, pixels.

    Returns:
        float32 (h, w, 4): colour 0..255 weighed by alpha, and alpha 0..1.
    """
    view = _at_scale(view, max(8, 4 * round(width / 4)))
    turned = np.clip(u * reach, -0.5 * np.pi, 0.5 * np.pi)
    across = np.sin(turned) / np.sin(min(reach, 0.5 * np.pi))
    upper, lower = (_through(three, across) for three in (view.anchors[:3], view.anchors[3:]))
    place = upper + v[..., None] * (lower - upper)
    weighed = view.picture.astype(np.float32)
    weighed[..., 3] /= 255
    weighed[..., :3] *= weighed[..., 3:]
    found = cv2.remap(
        weighed,
        place.astype(np.float32),
        None,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0, 0),
    )
    return np.asarray(found, dtype=np.float32)


def _through(three: FloatArray, at: Plane) -> Plane:
    """The parabola through three points at -1, 0 and 1: (h, w) -> (h, w, 2)."""
    left, middle, right = three
    at = at[..., None]
    return np.asarray(middle + at * (right - left) / 2 + at * at * ((left + right) / 2 - middle))


def paste(face: Image, points: FloatArray, template: Template) -> tuple[Image, FloatArray]:
    """The template laid on a face by its landmarks, as MaskTheFace does.

    From 68 points: six anchors on the face (where the line across the middle of the nose and the
    one across the lower lip meet the jaw, the middle of the nose, the chin), the view nearest to
    the head's turn, a homography, brightness and saturation moved towards the face's. From five
    points the anchors are those of a usual jaw.

    Args:
        face: uint8 (h, w, 3).
        points: (68, 2) in iBUG order or (5, 2) eyes, nose tip, mouth corners; pixels.
        template: which mask.

    Returns:
        The picture, and where the mask is: float32 (h, w), 0..1. All zeros where the points allow
        no homography.

    Raises:
        ValueError: ``points`` has another shape.
    """
    anchors = face_anchors(points)
    view = template.view(turn_of(anchors))
    height, width = face.shape[:2]
    wide = float(np.linalg.norm(anchors[2] - anchors[0]))
    if not (np.isfinite(anchors).all() and wide >= 1):
        return face.copy(), np.zeros((height, width), np.float32)
    view = _at_scale(view, max(8, round(_SAMPLES * wide)))
    target = (anchors + 0.5) * _SAMPLES - 0.5
    matrix, _ = cv2.findHomography(view.anchors, target.astype(np.float32))
    if matrix is None:
        return face.copy(), np.zeros((height, width), np.float32)
    weighed = _toned(view.picture, face).astype(np.float32)
    weighed[..., :3] *= weighed[..., 3:] / 255
    dense = cv2.warpPerspective(weighed, matrix, (width * _SAMPLES, height * _SAMPLES))
    layer = cv2.resize(dense, (width, height), interpolation=cv2.INTER_AREA)
    alpha = np.asarray(layer[..., 3] / 255, dtype=np.float32)
    mixed = layer[..., :3] + (1 - alpha[..., None]) * face
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8), alpha


def _toned(picture: Image, face: Image) -> Image:
    """The template's brightness and saturation moved by as many levels as the face's differ from
    them, relative to 255 (MaskTheFace's rule)."""
    hsv = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_RGB2HSV).astype(np.float32)
    of_face = cv2.cvtColor(face, cv2.COLOR_RGB2HSV)
    worn = picture[..., 3] > 127
    for channel, sign in ((2, 1.0), (1, -1.0)):
        mean = float(hsv[..., channel][worn].mean()) if worn.any() else 0.0
        hsv[..., channel] *= 1 + sign * (float(of_face[..., channel].mean()) - mean) / 255
    rgb = cv2.cvtColor(np.clip(np.round(hsv), 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)
    return np.concatenate([rgb, picture[..., 3:]], axis=2)


def face_anchors(points: FloatArray) -> FloatArray:
    """Where a template's six key points belong on a face, (6, 2); see :func:`paste`."""
    places = np.asarray(points, np.float64)
    if places.shape == (68, 2):
        return _of_landmarks(places)
    if places.shape == (5, 2):
        return _of_five(places)
    raise ValueError(f"expected points of shape (68, 2) or (5, 2), got {places.shape}")


def _of_landmarks(points: npt.NDArray[np.float64]) -> FloatArray:
    jaw, nose, lip, chin = points[:17], points[27:31].mean(0), points[57], points[8]
    down = points[30] - points[27]
    down = down / max(float(np.hypot(*down)), 1e-6)
    right = np.array([down[1], -down[0]])
    upper, lower = _across(jaw, nose, right), _across(jaw, lip, right)
    return np.array([upper[0], nose, upper[1], lower[0], chin, lower[1]], np.float32)


def _across(
    jaw: npt.NDArray[np.float64], middle: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> list[npt.NDArray[np.float64]]:
    """Where the line through ``middle`` along ``right`` meets the jaw's two sides.

    A side that does not reach the line gives its nearest point.
    """
    down = np.array([-right[1], right[0]])
    found = []
    for side in (jaw[:9], jaw[:7:-1]):
        height = (side - middle) @ down
        order = np.argsort(height)
        along = np.interp(0.0, height[order], ((side - middle) @ right)[order])
        found.append(
            middle + float(along) * right + np.clip(0.0, height.min(), height.max()) * down
        )
    return found


#: Anchors of a level face, to the right of and down from the eyes' middle; unit: from there to the
#: mouth's. Where the painter's head has them.
_USUAL = np.array(
    [[-0.93, 0.25], [0.0, 0.25], [0.93, 0.25], [-0.83, 1.12], [0.0, 1.62], [0.83, 1.12]]
)
_TURN = 0.85 / 0.45  # the sine of a turn, a unit that the nose tip lies aside


def _of_five(points: npt.NDArray[np.float64]) -> FloatArray:
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    unit = max(float(np.hypot(*(mouth - eyes))), 1e-6)
    down = (mouth - eyes) / unit
    right = np.array([down[1], -down[0]])
    sine = float(np.clip(_TURN * ((points[2] - eyes) @ right) / unit, -0.7, 0.7))
    # What lies in front of the head's axis goes along with a turn; the silhouette stays.
    aside = np.array([-0.45, 0.35, -0.45, -0.45, 0.1, -0.45]) * sine
    offsets = (_USUAL[:, :1] + aside[:, None]) * right + _USUAL[:, 1:] * down
    return np.asarray(eyes + unit * offsets, dtype=np.float32)
