"""Lays what the network says of a mask on the face, at the face's own size.

The network is coarse; folds, patterns, templates and grain are computed from where on the mask it
says that each pixel lies. Outside of the mask the face stays what it was, bit for bit.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from augment.generators.mask.folds import folds
from augment.generators.mask.layout import Template
from augment.generators.mask.painter import reach_of
from augment.generators.mask.style import Style
from augment.generators.mask.templates import look_up
from augment.generators.mask.texture import pattern
from augment.types import FloatArray, Image

COVER = (0.03, 0.65)  # share of the crop that a worn mask covers; outside, it found no face
_EDGE = 1.2  # width of the cloth's edge, pixels
_SHADOW = np.array([26.0, 16.0, 14.0], np.float32)
_MOST_GRAIN = 6.0  # grey levels
_GRAIN_SHARE = 0.6  # of the measured roughness of a photo: the rest is skin and hair


@dataclass(frozen=True)
class Layers:
    """What the network gives for one face, (size, size) each.

    Attributes:
        alpha: float32, 0..1: whether cloth hides the face there.
        colour: float32 (size, size, 3), 0..255, of the cloth without folds and pattern.
        place: float32 (size, size, 2): around (-1..1) and down (0..1) the mask.
    """

    alpha: FloatArray
    colour: FloatArray
    place: FloatArray


@dataclass(frozen=True)
class _Window:
    """The layers at the face's size, cut to where the mask is."""

    rows: slice
    columns: slice
    cloth: FloatArray  # share of each pixel that cloth hides, 0..1; its edge is a pixel wide
    colour: FloatArray
    u: FloatArray
    v: FloatArray
    pixel: float  # by how much v grows a pixel


def cover(layers: Layers) -> float:
    """Share of the crop that the mask hides, 0..1."""
    return float((layers.alpha > 0.5).mean())


def lay(face: Image, style: Style, layers: Layers, random: np.random.Generator) -> Image:
    """The face wearing the mask, uint8 like ``face``.

    Args:
        face: uint8 (h, w, 3), of any size.
        style: which mask.
        layers: what the network gave for this face and style.
        random: of the cloth's grain.
    """
    window = _window(face.shape[:2], layers)
    cloth = window.colour
    if style.texture != "plain":
        second = pattern(style.texture, window.u, window.v, 1.25 * window.pixel, style.scale)
        base = np.maximum(np.array(style.colour, np.float32), 8.0)
        ratio = np.array(style.accent, np.float32) / base
        cloth = np.asarray(cloth * (1 + second[..., None] * (ratio - 1)), np.float32)
    relief = folds(style.kind, window.u, window.v, window.pixel)
    return _mixed(face, window, window.cloth, cloth * (1 + relief[..., None]), random)


def lay_template(
    face: Image, style: Style, template: Template, layers: Layers, random: np.random.Generator
) -> Image:
    """The face wearing a user's template where the network's mask of ``style`` lies.

    The template's own outline counts; how the light falls is the network's.
    """
    # A rim drawn by place alone needs a smoother one than folds do.
    window = _window(face.shape[:2], layers, room=0.08, blur=0.05)
    reach = reach_of(style)
    inside = window.cloth[:, 1:] > 0.5
    steps = np.abs(np.diff(window.u, axis=1))[inside]
    # Pixels of the whole mask, as if it were seen from before; u goes from -1 to 1.
    width = 2 / max(float(np.median(steps)) if steps.size else 1.0, 1e-3)
    found = look_up(template.views[0], window.u, window.v, reach, min(width, 4.0 * face.shape[1]))
    # What the network says of places far from its mask means nothing.
    near = max(1, round(0.03 * int(face.shape[0])))
    reached = cv2.dilate(window.cloth, np.ones((3, 3), np.uint8), iterations=near)
    found *= np.clip((reached - 0.3) * 4, 0, 1)[..., None]
    alpha = found[..., 3]
    shade = window.colour / np.maximum(np.array(style.colour, np.float32), 8.0)
    colour = found[..., :3] / np.maximum(alpha, 1e-3)[..., None] * shade
    return _mixed(face, window, alpha, np.asarray(colour, np.float32), random)


def _window(
    shape: tuple[int, ...], layers: Layers, room: float = 0.05, blur: float = 0.025
) -> _Window:
    """Layers resized to the face and cut to the mask; ``room`` around it as a share of the side."""
    height, width = shape[:2]
    size = layers.alpha.shape[0]
    alpha = _largest(layers.alpha)
    smooth = _smooth(np.concatenate([layers.colour, layers.place], axis=2), alpha, blur)
    stack = np.concatenate(
        [cv2.GaussianBlur(alpha, (0, 0), 0.01 * size)[..., None], smooth], axis=2
    )
    there = alpha > 0.25
    if not there.any():
        there = np.ones_like(there)
    rows = _span(np.flatnonzero(there.any(axis=1)), size, height, room)
    columns = _span(np.flatnonzero(there.any(axis=0)), size, width, room)
    if (height, width) != (size, size):
        shrink = height < size
        stack = cv2.resize(
            stack, (width, height), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
        )
    part = np.ascontiguousarray(stack[rows, columns])
    cloth = _sharp(np.ascontiguousarray(part[..., 0]))
    u, v = np.ascontiguousarray(part[..., 4]), np.ascontiguousarray(part[..., 5])
    steps = np.abs(np.diff(v, axis=0))[cloth[1:] > 0.5]
    pixel = float(np.median(steps)) if steps.size else 0.05
    return _Window(rows, columns, cloth, part[..., 1:4], u, v, pixel)


def _largest(alpha: FloatArray) -> FloatArray:
    """Without patches apart from the mask."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8))
    if count <= 2:
        return alpha
    main = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    others = ((labels > 0) & (labels != main)).astype(np.uint8)
    return np.where(cv2.dilate(others, np.ones((3, 3), np.uint8)) > 0, 0, alpha)


def _sharp(alpha: FloatArray) -> FloatArray:
    """The outline of ``alpha`` = 0.5 with an edge one pixel wide, as a camera shows it.

    A network that is not quite sure where the edge runs gives a ramp: the distance to its middle
    is its height over its slope.
    """
    across = cv2.Sobel(alpha, cv2.CV_32F, 1, 0, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(alpha, cv2.CV_32F, 0, 1, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
    slope = np.maximum(cv2.magnitude(across, down), 1e-4)
    return np.asarray(np.clip((alpha - 0.5) / (_EDGE * slope) + 0.5, 0, 1), dtype=np.float32)


def _span(places: npt.NDArray[np.intp], small: int, size: int, room: float) -> slice:
    """From the first to the last place, at another size, with a margin."""
    start = int((places[0] - 1) * size / small - room * size)
    end = int(np.ceil((places[-1] + 2) * size / small + room * size))
    return slice(max(0, start), min(size, end))


def _smooth(values: FloatArray, alpha: FloatArray, blur: float) -> FloatArray:
    """Colour and place, (h, w, n), without the network's grain, which would make folds ragged.

    Averaged over some pixels of the mask only: outside of it the network's word means nothing.
    """
    weight = np.clip((alpha - 0.3) * 2.5, 1e-3, 1)[..., None]
    sigma = blur * len(alpha)
    side = 2 * round(2.5 * sigma) + 1
    total = cv2.GaussianBlur(values * weight, (side, side), sigma)
    shares = cv2.GaussianBlur(weight, (side, side), sigma)[..., None]
    return np.asarray(total / shares, dtype=np.float32)


def _mixed(
    face: Image,
    window: _Window,
    cloth: FloatArray,
    colour: FloatArray,
    random: np.random.Generator,
) -> Image:
    """Cloth with the photo's grain, and the soft shadow below it, over the face."""
    shadow = _shadow(cloth, face.shape[0]) * (1 - cloth)
    share = cloth + shadow
    grain = np.float32(_grain(face)) * random.standard_normal((*share.shape, 1), np.float32)
    part = face[window.rows, window.columns]
    mixed = part * (1 - share)[..., None] + _SHADOW * shadow[..., None]
    mixed += np.clip(colour + grain, 0, 255) * cloth[..., None]
    changed = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
    result = face.copy()
    result[window.rows, window.columns] = np.where(share[..., None] > 0, changed, part)
    return result


def _shadow(cloth: FloatArray, size: int) -> FloatArray:
    """Shadow on the skin around the cloth, mostly below: 0..0.36, exactly 0 farther away."""
    spread = max(0.013 * size, 0.5)
    moved = cv2.warpAffine(
        cloth,
        np.array([[1, 0, 0], [0, 1, 0.6 * spread]], np.float32),
        cloth.shape[::-1],
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    soft = cv2.GaussianBlur(moved, (0, 0), spread)
    return np.asarray(0.36 * soft * (soft > 0.02), dtype=np.float32)


def _grain(face: Image) -> float:
    """The photo's noise, grey levels: a mask without any would look pasted.

    From the median of the Laplacian's size, which edges hardly move (J. Immerkaer 1996).
    """
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel)[::2, ::2]).ravel()
    middle = float(np.partition(response, response.size // 2)[response.size // 2])
    return _GRAIN_SHARE * min(middle / (0.6745 * 6), _MOST_GRAIN)
