"""Lays what the network says of a mask on the face, at the face's own size.

The network is coarse; folds, patterns, templates and grain are computed from where on the mask it
says that each pixel lies. Outside of the mask the face stays what it was, bit for bit.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from augment.generators.mask import cords
from augment.generators.mask.folds import folds
from augment.generators.mask.grain import Roughness, roughness
from augment.generators.mask.layout import Template
from augment.generators.mask.painter import CORD, cord_colour, reach_of
from augment.generators.mask.style import Style
from augment.generators.mask.templates import look_up
from augment.generators.mask.texture import pattern
from augment.types import FloatArray, Image

COVER = (0.03, 0.65)  # share of the crop that a worn mask covers; outside, it found no face
_EDGE = 1.2  # width of the cloth's edge, pixels
_SHADOW = np.array([26.0, 16.0, 14.0], np.float32)
_SHARP_ENOUGH = 0.3  # pixels of blur that cannot be seen


@dataclass(frozen=True)
class Layers:
    """What the network gives for one face.

    Attributes:
        alpha: float32 (size, size), 0..1: whether cloth hides the face there.
        look: float32 (side, side, 5), of any side: the cloth's colour, 0..255, without folds and
            pattern; the place around (-1..1) and down (0..1) the mask.
    """

    alpha: FloatArray
    look: FloatArray


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
    relief = np.float32(style.relief) * folds(style.kind, window.u, window.v, window.pixel)
    photo = roughness(face)
    coloured = np.asarray(cloth * (1 + relief[..., None]), np.float32)
    made = _mixed(face, window, window.cloth, coloured, photo, random)
    _tie(made, face, window, style, photo.soft)
    return made


def _tie(made: Image, face: Image, window: _Window, style: Style, soft: float) -> None:
    """Draw the ear loops on ``made``."""
    inside = window.cloth > 0.6
    if cords.hidden(window.u[inside]):
        return
    rows, columns = np.nonzero(inside)
    at = np.stack([columns + window.columns.start, rows + window.rows.start], axis=1)
    u, v = window.u[rows, columns], window.v[rows, columns]
    found, unit = cords.lines(cords.Worn(at, u, v), style)
    if found:
        light = window.colour[rows, columns].mean(axis=0) / np.maximum(style.colour, 8)
        colour = np.clip(cord_colour(style) * light, 0, 255)
        cords.draw(made, face, found, colour, CORD * unit, soft)


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
    photo = roughness(face)
    return _mixed(face, window, alpha, np.asarray(colour, np.float32), photo, random)


def _window(
    shape: tuple[int, ...], layers: Layers, room: float = 0.05, blur: float = 0.025
) -> _Window:
    """Layers resized to the face and cut to the mask; ``room`` around it as a share of the side."""
    height, width = shape[:2]
    size = layers.alpha.shape[0]
    alpha = _largest(layers.alpha)
    there = alpha > 0.25
    if not there.any():
        there = np.ones_like(there)
    rows = _span(np.flatnonzero(there.any(axis=1)), size, height, room)
    columns = _span(np.flatnonzero(there.any(axis=0)), size, width, room)
    window = (rows, columns)
    outline = _resized(cv2.GaussianBlur(alpha, (0, 0), 0.01 * size), height, width)[window]
    look = _resized(_smooth(layers.look, alpha, blur), height, width)[window]
    cloth = _sharp(np.ascontiguousarray(outline))
    u, v = np.ascontiguousarray(look[..., 3]), np.ascontiguousarray(look[..., 4])
    inside = cloth[1:] > 0.5
    steps = float((np.abs(v[1:] - v[:-1]) * inside).sum())
    pixel = steps / int(inside.sum()) if inside.any() else 0.05
    return _Window(rows, columns, cloth, look[..., :3], u, v, pixel)


def _resized(values: FloatArray, height: int, width: int) -> FloatArray:
    if values.shape[:2] == (height, width):
        return values
    how = cv2.INTER_AREA if height < len(values) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (width, height), interpolation=how), np.float32)


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


def _smooth(look: FloatArray, alpha: FloatArray, blur: float) -> FloatArray:
    """Colour and place, (h, w, 5), without the network's grain, which would make folds ragged.

    Averaged over some pixels of the mask only: outside of it the network's word means nothing.
    """
    weight = np.clip((_resized(alpha, *look.shape[:2]) - 0.3) * 2.5, 1e-3, 1)[..., None]
    sigma = blur * len(look)
    side = 2 * round(2.5 * sigma) + 1
    total = cv2.GaussianBlur(np.concatenate([look * weight, weight], axis=2), (side, side), sigma)
    return np.asarray(total[..., :5] / total[..., 5:], dtype=np.float32)


def _mixed(
    face: Image,
    window: _Window,
    cloth: FloatArray,
    colour: FloatArray,
    photo: Roughness,
    random: np.random.Generator,
) -> Image:
    """Cloth as soft and as rough as the photo, and the shadow below it, over the face."""
    if photo.soft > _SHARP_ENOUGH:
        cloth = cv2.GaussianBlur(cloth, (0, 0), photo.soft)
        cloth = np.asarray(cloth * (cloth > 0.01))
        colour = cv2.GaussianBlur(colour, (0, 0), photo.soft)
    shadow = _shadow(cloth, face.shape[0]) * (1 - cloth)
    share = cloth + shadow
    part = face[window.rows, window.columns]
    rough = random.standard_normal((*share.shape, 1), np.float32)
    rough *= np.float32(photo.noise)
    mixed = np.clip(colour + rough, 0, 255)
    mixed *= cloth[..., None]
    mixed += part * (1 - share)[..., None]
    mixed += _SHADOW * shadow[..., None]
    result = face.copy()
    # Rounds and cuts off at 255; where no share is, the face's own levels come back as they were.
    result[window.rows, window.columns] = cv2.convertScaleAbs(mixed)
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
