"""Where on a face an attribute is seen: from a parsing map, or from five landmarks.

A map's classes are CelebAMask-HQ's. Shapes by landmarks are measured in the distance from the eyes'
middle to the mouth's, to the right of and down from the eyes' middle; they follow a tilted head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.types import FloatArray, Image

Mask = npt.NDArray[np.bool_]
_Vector = npt.NDArray[np.float64]

#: Parts in the official order; a part's class number is its place, 0 is background.
PARTS = (
    "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth",
    "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
REACH = 0.35  # as far beyond its shape an edit may go
_LEAST_UNIT = 0.05  # of the side; below, landmarks say nothing


@dataclass(frozen=True)
class Region:
    """Where something is seen.

    Attributes:
        parts: classes of a parsing map.
        ellipse: centre x, y and half axes of the shape by landmarks.
        hole: an ellipse that is left out.
        above, below: the shape is cut here (y).
        fall: as far below it an edit may go, too: the chin falls with an opened mouth.
        joined: with a map, the shape counts as well: parts may be absent that an edit adds.
    """

    parts: tuple[str, ...]
    ellipse: tuple[float, float, float, float]
    hole: tuple[float, float, float, float] | None = None
    above: float = 9.0
    below: float = -9.0
    joined: bool = False
    fall: float = 0.0


_LIPS = ("u_lip", "mouth", "l_lip")
_EYES = ("l_eye", "r_eye", "l_brow", "r_brow", "eye_g")
#: Places measured on ArcFace's template, whose mouth lies 1 below the eyes.
REGIONS = {
    "mouth": Region(_LIPS, (0.0, 1.05, 0.5, 0.25)),
    "jaw": Region(_LIPS, (0.0, 1.05, 0.5, 0.25), fall=0.7),
    "eyes": Region(_EYES, (0.0, 0.0, 0.95, 0.38), joined=True),
    "nose": Region(("nose",), (0.0, 0.4, 0.3, 0.4)),
    "lower_face": Region(_LIPS, (0.0, 1.0, 0.85, 0.75), below=0.6, joined=True),
    "face": Region(("skin", "nose", *_LIPS, *_EYES), (0.0, 0.45, 0.95, 1.25)),
    "hair": Region(("hair",), (0.0, 0.2, 1.7, 1.9), hole=(0.0, 0.6, 0.85, 1.1)),
    "head_top": Region(("hat", "hair"), (0.0, -0.6, 1.5, 1.0), above=-0.35, joined=True),
}
#: Where an attribute is seen, unless params say otherwise.
USUAL_REGIONS: Mapping[str, str] = {
    "mouth_open": "jaw", "smiling": "mouth", "lipstick": "mouth",
    "beard": "lower_face", "mustache": "lower_face",
    "goatee": "lower_face", "five_o_clock_shadow": "lower_face",
    "glasses": "eyes", "narrow_eyes": "eyes", "bushy_eyebrows": "eyes", "arched_eyebrows": "eyes",
    "bags_under_eyes": "eyes", "big_nose": "nose", "pointy_nose": "nose",
    "black_hair": "hair", "blond_hair": "hair", "brown_hair": "hair", "gray_hair": "hair",
    "hat": "head_top", "bangs": "head_top",
    "makeup": "face", "pale_skin": "face", "rosy_cheeks": "face",
}  # fmt: skip
#: Parts that a face shows where it has the attribute, and only there.
SIGNS = {"glasses": "eye_g", "hat": "hat", "earrings": "ear_r", "necklace": "neck_l"}


def region_of(chosen: str | tuple[str, ...]) -> Region:
    """A named region, or one of the parts listed, whose shape is the whole face with its hair."""
    if isinstance(chosen, str):
        return REGIONS[chosen]
    return Region(tuple(chosen), (0.0, 0.3, 1.7, 2.0))


def problem_of(chosen: str | tuple[str, ...]) -> str:
    """Why this is no region, neither a name nor parts; "" if it is one."""
    known = REGIONS if isinstance(chosen, str) else PARTS
    wrong = [part for part in ([chosen] if isinstance(chosen, str) else chosen)
             if part not in known]  # fmt: skip
    if chosen and not wrong:
        return ""
    return f"{', '.join(wrong) or 'nothing'} is none of {', '.join(known)}"


def guide(region: Region, size: int, points: FloatArray, parsing: Image | None) -> Mask:
    """The guide mask, (size, size).

    Args:
        region: see there.
        size: pixels a side.
        points: (5, 2) in pixels of that size.
        parsing: uint8 (side, side), classes 0..18, of any side; None: there is no map.

    Returns:
        All False where there is neither a map nor a face between the points.
    """
    drawn = shape(region, size, points)
    if parsing is None:
        return drawn
    of_parts = _of_parts(region, parsing, size)
    if region.joined or not of_parts.any():
        return of_parts | drawn
    return of_parts


def _of_parts(region: Region, parsing: Image, size: int) -> Mask:
    classes = [PARTS.index(part) + 1 for part in region.parts]
    share = np.isin(parsing, classes).astype(np.float32)
    if len(share) != size:
        share = cv2.resize(share, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0.5 if len(parsing) <= size else share >= 0.5)


def shape(region: Region, size: int, points: FloatArray) -> Mask:
    """The region by landmarks alone, (size, size); all False where they show no face."""
    places = _units(size, points)
    if places is None:
        return np.zeros((size, size), dtype=bool)
    aside, along = places
    found = inside(region.ellipse, aside, along)
    found &= (along < region.above) & (along > region.below)
    if region.hole is not None:
        found &= ~inside(region.hole, aside, along)
    return found


def reach(region: Region, size: int, points: FloatArray) -> Mask:
    """Where an edit of the region may change anything, (size, size); all False where the points
    (5, 2; pixels of that size) show no face."""
    places = _units(size, points)
    return np.zeros((size, size), dtype=bool) if places is None else reached(region, *places)


def reached(region: Region, aside: npt.NDArray[Any], along: npt.NDArray[Any]) -> Mask:
    """The same, of places given in units to the right of and down from the eyes' middle."""
    x, y, across, tall = region.ellipse
    wide, high = across + REACH, tall + REACH
    found = inside((x, y, wide, high), aside, along)
    found |= (along > y) & inside((x, y, wide, max(high, tall + region.fall)), aside, along)
    found &= (along < region.above + REACH) & (along > region.below - REACH)
    if region.hole is not None:
        hole_x, hole_y, hole_across, hole_tall = region.hole
        found &= ~inside((hole_x, hole_y, hole_across - REACH, hole_tall - REACH), aside, along)
    return found


def _units(size: int, points: FloatArray) -> tuple[_Vector, _Vector] | None:
    """Of each pixel, how many units it lies to the right of and down from the eyes' middle, each
    (size, size); None where points show no face."""
    eyes, right, down = axes(points)
    unit = float(np.hypot(*down))
    if not np.isfinite(unit) or unit < _LEAST_UNIT * size:
        return None
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    x, y = (columns - eyes[0]) / unit**2, (rows - eyes[1]) / unit**2
    return x * right[0] + y * right[1], x * down[0] + y * down[1]


def axes(points: FloatArray) -> tuple[_Vector, _Vector, _Vector]:
    """The eyes' middle, and from there one unit to the right and one down to the mouth's middle,
    each (2,), pixels."""
    places = np.asarray(points, dtype=np.float64)
    eyes = places[:2].mean(0)
    down = places[3:].mean(0) - eyes
    return eyes, np.array([down[1], -down[0]]), down


def inside(
    ellipse: tuple[float, float, float, float], x: npt.NDArray[Any], y: npt.NDArray[Any]
) -> Mask:
    """Which places lie in an ellipse of this centre x, y and half axes."""
    middle_x, middle_y, across, tall = ellipse
    found: Mask = ((x - middle_x) / across) ** 2 + ((y - middle_y) / tall) ** 2 <= 1
    return found


def fallen(mask: Mask, pixels: int) -> Mask:
    """The mask and all that lies no farther than so many pixels straight below it."""
    column = np.zeros((2 * pixels + 1, 1), np.uint8)
    column[: pixels + 1] = 1
    return np.asarray(cv2.dilate(mask.astype(np.uint8), column, borderValue=0) > 0)


def widened(mask: Mask, pixels: int) -> Mask:
    """All that lies no farther than so many pixels from the mask."""
    if pixels < 1:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)
