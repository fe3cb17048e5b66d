"""How a photo's light falls on a mask: brightness and cast."""

import math

import numpy as np

from augment.types import FloatArray, Image

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_WHITE = 232.0  # luma of white cloth in the light that it is listed in
#: White cloth is so much brighter than a face, at least (light skin) and at most (dark skin), in
#: sRGB levels: cloth reflects 0.8 of the light, skin 0.05 to 0.5.
_OVER_SKIN = (1.22, 3.2)
_EXPOSURE = (0.10, 1.04)
#: Down to half of the usual brightness (a logarithm) a picture may as well show dark skin and dark
#: surroundings in good light: no more than so much of it is believed to be the light's.
_MAY_BE_DARK, _BELIEVED = 0.7, 0.4
_SKIN = np.log(np.array([1.16, 0.97, 0.87], np.float32))  # what of a cast is skin, in white light
_OF_SKIN = float(_SKIN @ _SKIN)
_SKINS = 1.25  # some skins have more of it
_CAST = 0.8  # of the light's cast: the eye, and a camera, take some of it away


def brightness(face: Image, x: FloatArray, y: FloatArray, cover: FloatArray) -> FloatArray:
    """How bright the light on a mask is, (h, w) around 1.

    The direction is the slope of the face's brightness under the mask, no more: what is uneven
    there beyond a slope is mouth, nose and beard, whose ghosts a mask must not show.

    Args:
        face: uint8 (h, w, 3).
        x, y: float32 (h, w), of each pixel from between the eyes, in units of the distance from
            the eyes to the mouth.
        cover: float32 (h, w), 0..1: where the mask lies.
    """
    pixels = face.astype(np.float32)
    luma = pixels @ _LUMA
    direction = np.clip(np.exp(_slope(np.log(luma + 8.0), x, y, cover)), 0.65, 1.35)
    upper = luma[(np.abs(x) < 0.6) & (y > -0.3) & (y < 0.7)]
    skin = float(np.percentile(upper if upper.size else luma, 75))
    scene = float(np.percentile(luma, 97))
    white = float(np.clip(scene, _OVER_SKIN[0] * skin, _OVER_SKIN[1] * skin))
    return (direction * _exposure(white / _WHITE)).astype(np.float32)


def _exposure(found: float) -> float:
    """What is believed of an exposure around 1, so that masks do not darken with skin."""
    dark = -math.log(min(max(found, _EXPOSURE[0]), _EXPOSURE[1]))
    doubted = min(max(dark, 0.0), _MAY_BE_DARK)
    return math.exp(-(dark - doubted + _BELIEVED * doubted))


def cast(face: Image) -> tuple[tuple[float, ...], float]:
    """The light's colour, three numbers around 1: that of the face's brighter parts, without what a
    skin's own colour explains of it (G. Finlayson and E. Trezzi 2004, "Shades of gray").

    Beside it how many levels lie between a pixel's channels, on average: few on a grey photo.

    Args:
        face: uint8 (h, w, 3); every third pixel around the middle is looked at.
    """
    height, width = face.shape[:2]
    part = face[height // 5 : height * 3 // 4 : 3, width // 6 : width * 5 // 6 : 3]
    levels = part.reshape(-1, 3).astype(np.float32)
    vivid = (levels.max(axis=1) - levels.min(axis=1)).sum() / len(levels)
    squares = np.square(levels / 255)
    found = np.log((squares * squares * squares).sum(axis=0) / len(levels) + 1e-12) / 6
    found -= found.sum() / 3
    of_skin = min(max(float(found @ _SKIN) / _OF_SKIN, 0.0), _SKINS)
    rest = (found - of_skin * _SKIN).tolist()
    return tuple(math.exp(_CAST * min(max(one, -0.5), 0.5)) for one in rest), float(vivid)


def _slope(values: FloatArray, x: FloatArray, y: FloatArray, cover: FloatArray) -> FloatArray:
    """The plane through ``values`` under the mask, softened, 0 in the mask's middle; (h, w).

    Downwards it counts half: a beard makes a face darker there in any light.
    """
    total = max(float(cover.sum()), 1e-3)
    x, y = (plane - float((plane * cover).sum()) / total for plane in (x, y))
    xx, xy, yy = (float((one * cover).sum()) / total for one in (x * x, x * y, y * y))
    xv, yv = (float((one * values * cover).sum()) / total for one in (x, y))
    across, down = np.linalg.solve([[xx + 1e-3, xy], [xy, yy + 1e-3]], [xv, yv])
    return np.asarray(0.6 * across * x + 0.3 * down * y, dtype=np.float32)
