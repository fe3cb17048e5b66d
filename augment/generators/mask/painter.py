"""Paints a mask on a face from its five points: true pairs to learn from. Numpy and OpenCV only.

The head is an upright elliptic cylinder whose turn is read from where the nose tip lies between
eyes and mouth. A pixel is looked up on it backwards: ``u`` goes around the head (0 in front, +-1
where the mask ends), ``v`` down it (0 at the upper rim, 1 under the chin). All lengths are in
units of the distance from the eyes' middle to the mouth's, so the painter works at any size.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from augment.generators.mask.folds import FILTER, folds
from augment.generators.mask.light import brightness
from augment.generators.mask.style import Style
from augment.generators.mask.texture import pattern
from augment.types import FloatArray, Image

_NOSE_DEPTH = 0.45  # how far the nose tip stands out before the plane of eyes and mouth
_NOSE_HEIGHT = 0.50  # how far down from the eyes it lies on a level face
_RADIUS = 0.93  # half the head's width at the cheekbones
_CHIN = 1.62  # from the eyes down to the chin
_EYES_APART = 0.87  # in ArcFace's reference points
_WIDER, _LONGER = 1.0, 0.9  # how far half the width, and the chin, follow the breadth
#: From the front to a mask's edge around the head, radians.
REACH = {"surgical": 1.42, "n95": 1.28, "cloth": 1.26, "gas": 0.80}
#: Where the upper rim runs, how much it rises over the nose and falls to the sides, how far below
#: the chin the lower one runs and how much it rises to the sides; units.
_RIMS = {
    "surgical": (0.49, 0.19, 0.19, 0.15, 0.54),
    "n95": (0.50, 0.16, 0.26, 0.19, 0.53),
    "cloth": (0.46, 0.18, 0.20, 0.10, 0.62),
    "gas": (0.45, 0.20, 0.14, 0.04, 0.22),
}
EARS = (0.14, 0.62)  # where the cords reach them, units below the eyes
CORD = 0.024  # width of an ear loop, units
_SHADOW = np.array([26.0, 16.0, 14.0], np.float32)  # a shadow on skin is brownish, not grey


@dataclass(frozen=True)
class Draped:
    """Plain cloth on a face, as the network is to see it.

    Attributes:
        cover: float32 (h, w), 0..1: share of each pixel that the cloth hides.
        colour: float32 (h, w, 3), 0..255, without folds and pattern; meaningless off the cloth.
        place: float32 (2, h, w), ``u`` and ``v`` of each pixel, -1.5..1.5.
    """

    cover: FloatArray
    colour: FloatArray
    place: FloatArray


@dataclass(frozen=True)
class Painted:
    """A worn mask: ``image = round(alpha * colour + (1 - alpha) * face)``.

    Attributes:
        image: uint8 (h, w, 3), the face wearing it.
        alpha: float32 (h, w), 0..1: mask, ear loops and the shadow they throw.
        colour: float32 (h, w, 3), 0..255; meaningless where alpha is 0.
        cover: float32 (h, w), 0..1: the cloth alone, without loops and shadow.
    """

    image: Image
    alpha: FloatArray
    colour: FloatArray
    cover: FloatArray


@dataclass(frozen=True)
class _Frame:
    """The head's coordinates at every pixel."""

    x: FloatArray  # to the picture's right of the cylinder's axis, units
    y: FloatArray  # down from the eyes, units
    pixel: float  # one pixel, units
    sine: float  # of the turn; positive: to the picture's right
    nod: float  # sine of the nod; positive: looking down
    breadth: float  # of the face, relative to a usual one of the same length
    nose: tuple[float, float]  # where its tip is seen, units


def front_height(style: Style) -> float:
    """How high a mask is in front, from rim to rim, units."""
    upper, bridge, _, lower, _ = _RIMS[style.kind]
    return _CHIN + lower - upper + bridge + 0.09 * style.fit + 0.11 * style.top


def side_rims(style: Style) -> tuple[float, float]:
    """How far below the eyes a mask's corners lie, upper and lower, units."""
    upper, _, fall, lower, rise = _RIMS[style.kind]
    return upper + fall - 0.11 * style.top, _CHIN + lower - rise + 0.09 * style.fit


def reach_of(style: Style) -> float:
    """How far around the head a mask goes, radians from the front to its edge."""
    return REACH[style.kind] + 0.09 * style.fit


def drape(face: Image, points: FloatArray, style: Style) -> Draped:
    """Where a mask lies and how the light falls on it; arguments as of :func:`paint`."""
    frame = _frame(face.shape[:2], points)
    surface = _Surface(frame, style)
    cover = surface.cover()
    colour = np.clip(np.array(style.colour, np.float32) * _shade(face, surface, cover)[0], 0, 255)
    place = np.clip(np.stack([surface.u, surface.v]), -1.5, 1.5).astype(np.float32)
    return Draped(cover, colour.astype(np.float32), place)


def paint(face: Image, points: FloatArray, style: Style) -> Painted:
    """Put a mask on.

    Args:
        face: uint8 (h, w, 3).
        points: float32 (5, 2): both eyes, nose tip, mouth corners; pixels, left in the picture
            first.
        style: which mask.
    """
    frame = _frame(face.shape[:2], points)
    surface = _Surface(frame, style)
    cover = surface.cover()
    loops = surface.loops() * (1 - cover)
    solid = cover + loops
    shadow = (1 - solid) * surface.shadow(solid)
    alpha = solid + shadow
    shade, light = _shade(face, surface, cover)
    cloth = np.array(style.colour, np.float32) * shade
    u, v, pixel = surface.u, surface.v, frame.pixel / 1.25
    second = pattern(style.texture, u, v, pixel, style.scale)[..., None]
    cloth += second * (np.array(style.accent, np.float32) * shade - cloth)
    cloth *= (1 + folds(style.kind, u, v, pixel))[..., None]
    mixed = cover[..., None] * np.clip(cloth, 0, 255)
    mixed += loops[..., None] * np.clip(cord_colour(style) * light, 0, 255)
    mixed += shadow[..., None] * _SHADOW
    colour = np.asarray(mixed / np.maximum(alpha, 1e-6)[..., None], dtype=np.float32)
    image = alpha[..., None] * colour + (1 - alpha[..., None]) * face
    return Painted(np.round(image).astype(np.uint8), alpha, colour, cover)


def _shade(face: Image, surface: "_Surface", cover: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Brightness, (h, w, 1) around 1, of the round cloth and of the light alone."""
    frame = surface.frame
    light = brightness(face, frame.x, frame.y, cover)[..., None]
    return np.asarray(light * surface.shading()[..., None]), light


def _frame(shape: tuple[int, ...], points: FloatArray) -> _Frame:
    eyes, mouth, nose = points[:2].mean(0), points[3:].mean(0), points[2]
    down = mouth - eyes
    unit = max(float(np.hypot(*down)), 1.0)
    down = down / unit
    right = np.array([down[1], -down[0]])
    offset = (nose - eyes) / unit
    sine = float(np.clip(0.85 * (offset @ right) / _NOSE_DEPTH, -0.85, 0.85))
    nod = float(np.clip(0.6 * ((offset @ down) - _NOSE_HEIGHT) / _NOSE_DEPTH, -0.5, 0.5))
    # Eyes and mouth lie on the front of the cylinder: its axis is off their line on a turned head.
    axis = eyes - right * (sine * 0.62 * unit)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    dx, dy = (columns - axis[0]) / unit, (rows - axis[1]) / unit
    return _Frame(
        x=(dx * right[0] + dy * right[1]).astype(np.float32),
        y=(dx * down[0] + dy * down[1]).astype(np.float32),
        pixel=1.0 / unit,
        sine=sine,
        nod=nod,
        breadth=_breadth(points, unit, sine),
        nose=(float((nose - axis) @ right) / unit, float((nose - axis) @ down) / unit),
    )


def _breadth(points: FloatArray, unit: float, sine: float) -> float:
    """How much wider than usual the eyes lie apart, 0.85..1.45: a child's face is broad and short.

    In a turned face that cannot be told: the estimate goes to 1.
    """
    apart = float(np.hypot(*(points[1] - points[0]))) / unit
    cosine = float(np.sqrt(1 - sine * sine))
    known = 1 - min(1.0, abs(sine) / 0.7)
    return 1 + (float(np.clip(apart / (_EYES_APART * cosine), 0.85, 1.45)) - 1) * known


class _Surface:
    """The mask laid around the cylinder of one head."""

    def __init__(self, frame: _Frame, style: Style) -> None:
        self.frame, self.style = frame, style
        # The jaw narrows below the mouth.
        self.chin = _CHIN * (1 + _LONGER * (frame.breadth - 1))
        jaw = np.clip((frame.y - 0.55) / (self.chin - 0.55), 0, 1.25)
        self.radius = _RADIUS * (1 + _WIDER * (frame.breadth - 1)) * (1 - 0.36 * jaw * jaw)
        self.place = frame.x / self.radius  # -1..1 between the silhouettes
        around = np.arcsin(np.clip(self.place, -1, 1)) - np.arcsin(frame.sine)
        reach = reach_of(style)
        self.u = around / reach
        self.reach = reach
        front = np.cos(np.clip(around, -1.7, 1.7))
        # A ring around a nodding head is seen as a curve.
        bow = -0.5 * frame.nod * (front - 0.5)
        self.top, self.bottom = self._rims(bow)
        self.v = (frame.y - self.top) / np.maximum(self.bottom - self.top, 0.2)

    def _rims(self, bow: FloatArray) -> tuple[FloatArray, FloatArray]:
        upper, bridge, fall, lower, rise = _RIMS[self.style.kind]
        # Seen from aside, the nose stands out before the cylinder.
        ridge = self.frame.x - self.frame.nose[0]
        over_nose = np.exp(-np.minimum(np.square(self.u / 0.22), np.square(ridge / 0.20)))
        side = np.square(np.clip(self.u, -1.2, 1.2))
        top = upper - bridge * over_nose + fall * side - 0.11 * self.style.top + bow
        bottom = self.chin + lower - rise * side + 0.09 * self.style.fit + 0.6 * bow
        return top.astype(np.float32), bottom.astype(np.float32)

    def cover(self) -> FloatArray:
        """Share of each pixel that the cloth hides: distance to the outline, one pixel wide."""
        frame = self.frame
        edge = np.minimum(frame.y - self.top, self.bottom - frame.y)
        slope = np.maximum(np.sqrt(np.clip(1 - np.square(self.place), 0, 1)), 0.25)
        sideways = (1 - np.abs(self.u)) * self.reach * self.radius * slope
        edge = np.minimum(edge, sideways)
        if self.style.kind == "gas":
            edge = np.maximum(edge, self._filters())
        edge = np.minimum(edge, self._silhouette() - np.abs(frame.x))
        return np.asarray(np.clip(edge / frame.pixel + 0.5, 0, 1), dtype=np.float32)

    def _silhouette(self) -> FloatArray:
        """How far from the axis the head is seen, units: on a turned one also nose and lips."""
        frame = self.frame
        along, down = frame.nose
        profile = (abs(along) + 0.05) * np.exp(-np.square((frame.y - down - 0.08) / 0.42))
        round_ = 0.995 * self.radius
        seen = np.where(frame.x * along > 0, np.maximum(round_, profile), round_)
        return np.asarray(seen, np.float32)

    def _filters(self) -> FloatArray:
        """Distance inside the two round filters of a respirator, units."""
        height = np.maximum(self.bottom - self.top, 0.2)
        across = 0.55 * (np.abs(self.u) - FILTER[0])
        radius = 0.24 - np.hypot(across, self.v - FILTER[1])
        return np.asarray(radius * height, dtype=np.float32)

    def loops(self) -> FloatArray:
        """Cords from the mask's sides to the ears, as far as the head's turn shows them."""
        frame, result = self.frame, np.zeros_like(self.frame.x)
        ear_u = 1.62 / self.reach
        width = max(frame.pixel, CORD)  # thinner than a pixel: fainter instead
        above, below = side_rims(self.style)
        for sign in (-1.0, 1.0):
            along = (sign * self.u - 0.97) / (ear_u - 0.97)
            visible = (along > 0) & (along < 1) & (np.abs(self.place) < 0.97)
            for start, end in ((above, EARS[0]), (below, EARS[1])):
                line = start + (end - start) * along
                away = np.abs(frame.y - line) / _steepness(frame.y - line, frame.pixel)
                cord = np.clip(1 - away / width, 0, 1) * visible
                result = np.maximum(result, cord)
        return (min(1.0, CORD / width) * result).astype(np.float32)

    def shadow(self, solid: FloatArray) -> FloatArray:
        """The soft dark line that the mask throws on the skin around it, mostly below."""
        spread = max(0.05 / self.frame.pixel, 0.5)
        moved = cv2.warpAffine(
            np.clip(solid, 0, 1),
            np.array([[1, 0, 0], [0, 1, 0.6 * spread]], np.float32),
            solid.shape[::-1],
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        soft = cv2.GaussianBlur(moved, (0, 0), spread)
        return np.asarray(0.36 * soft * (soft > 0.02), dtype=np.float32)

    def shading(self) -> FloatArray:
        """Brightness of the cloth without its folds, around 1: how round it is."""
        u, v = self.u, np.clip(self.v, 0, 1)
        around = np.square(np.clip(np.abs(u), 0, 1.1))
        round_ = 1.05 - 0.24 * around - 0.20 * np.square(np.clip(v - 0.35, 0, 1))
        nose = 0.07 * np.exp(-np.square(u / 0.16) - np.square((v - 0.22) / 0.2))
        side = -0.10 * np.exp(-np.square((np.abs(u) - 0.30) / 0.12) - np.square((v - 0.15) / 0.2))
        return np.asarray(round_ + nose + side, np.float32)


def _steepness(height: FloatArray, pixel: float) -> FloatArray:
    """By how much ``height`` grows a unit of way, at least 1: a steep line is no wider for it."""
    rows, columns = np.gradient(height)
    return np.asarray(np.maximum(np.hypot(rows, columns) / pixel, 1.0), dtype=np.float32)


def cord_colour(style: Style) -> FloatArray:
    """Of ear loops in white light, (3,)."""
    dark = sum(style.colour) < 3 * 90
    return np.array([58, 58, 62] if dark else [222, 222, 220], np.float32)
