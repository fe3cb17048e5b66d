"""Where faces of the average shape have skin and heads, and which of a face's pixels are skin."""

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from augment.generators.age.registration import SIDE
from augment.generators.age.texture import blurred, brightness
from augment.types import FloatArray

_FACE = (0.62, 0.288, 0.368)  # height of the face's middle, its half axes: shares of the side
#: Half axes of a head, in distances between the eyes: to the sides, up with the hair, down; and the
#: radii from which and up to which it ends.
_HEAD, _HEAD_EDGE = (1.15, 2.2, 1.3), (0.85, 1.05)
#: By how much (logarithm) pixels may be darker than the skin around them and still be skin: at
#: first, when one colour is taken for the whole face, and then.
_UNLIKE = (0.8, 0.4)
_SHINE = 0.3  # how much brighter counts beside darker: skin shines, hair is dark
_HUE = 2.0  # how much another hue counts beside darker
_BLACK = 1.1  # is added to levels -1 to 1 before logarithms
_AROUND = 10.0  # pixels of SIDE over which the colour of skin is taken to be one
_LEAST = 0.02  # weight of the whole face's colour where no skin is near


def skin_likeness(faces: Tensor, skin: Tensor) -> Tensor:
    """How much each pixel looks like the face's own skin, as lit there, 0 to 1; hair, brows, lips,
    hats and what lies behind do not.

    Args:
        faces: (n, 3, SIDE, SIDE) in [-1, 1], in the average shape.
        skin: (SIDE, SIDE), where faces have skin, 0 to 1.

    Returns:
        (n, 1, SIDE, SIDE)
    """
    tone = (faces * skin).sum((2, 3), keepdim=True) / skin.sum()
    likeness = _like(faces, tone, _UNLIKE[0]) * skin
    tone = (faces * likeness).sum((2, 3), keepdim=True) / likeness.sum((2, 3), keepdim=True)
    likeness = _like(faces, tone, _UNLIKE[0]) * skin
    near = blurred(faces * likeness, _AROUND) + _LEAST * tone
    return _like(faces, near / (blurred(likeness, _AROUND) + _LEAST), _UNLIKE[1])


def _like(faces: Tensor, tone: Tensor, unlike: float) -> Tensor:
    ratio = torch.log((faces + _BLACK).clamp_min(0.05) / (tone + _BLACK).clamp_min(0.05))
    light = brightness(ratio)
    darker = torch.where(light < 0, light, _SHINE * light)
    hue = (ratio - light).square().mean(1, keepdim=True)
    return torch.exp(-0.5 * (darker.square() + _HUE**2 * hue) / unlike**2)


def toneless(colours: Tensor, skin: Tensor) -> Tensor:
    """(n, 3, SIDE, SIDE) without what the face's skin as a whole gets lighter or redder by."""
    tone = (colours * skin).sum((2, 3), keepdim=True) / skin.square().sum()
    return colours - tone * skin


def soft_skin() -> FloatArray:
    """:func:`skin_region` with a soft edge, (SIDE, SIDE), 0 to 1."""
    inside = skin_region().astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), SIDE / 12), dtype=np.float32)


def head_region(template: FloatArray) -> FloatArray:
    """(SIDE, SIDE), soft at its edge: a half ellipse above the middle of the points (5, 2) and a
    shorter one below, as wide as :data:`_HEAD` says in distances between the eyes."""
    across, above, below = _HEAD
    apart = float(np.linalg.norm(template[1] - template[0]))
    middle = template[[0, 1, 3, 4]].mean(axis=0)
    places = (np.arange(SIDE, dtype=np.float32) + 0.5) * 2 / SIDE - 1
    x, y = np.meshgrid((places - middle[0]) / apart, (places - middle[1]) / apart)
    radius = np.hypot(x / across, y / np.where(y < 0, above, below))
    inside = np.clip((_HEAD_EDGE[1] - radius) / (_HEAD_EDGE[1] - _HEAD_EDGE[0]), 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside), dtype=np.float32)


def skin_region() -> npt.NDArray[np.bool_]:
    """(SIDE, SIDE): the ellipse where crops have the face."""
    height, across, along = _FACE
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    inside: npt.NDArray[np.bool_] = (
        np.square((columns - 0.5) / across) + np.square((rows - height) / along) <= 1
    )
    return inside
