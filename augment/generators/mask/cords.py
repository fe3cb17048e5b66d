"""Ear loops of a worn mask, drawn from where the network says that each of its pixels lies.

A cord is thinner than the network's pixels. What is known of the mask's places says where the
head's sides are: positions are fitted as those on an upright cylinder, and go on to the ears.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.generators.mask.painter import EARS, front_height, reach_of, side_rims
from augment.generators.mask.style import Style
from augment.types import FloatArray, Image

_EAR = 1.85  # radians from the front to where an ear begins
_STANDS_OUT = 0.05  # of the ear, units
_SHORTEST = 0.12  # units sideways; below, the head hides the ear
_FRONTAL = 0.42  # of a mask's pixels on the smaller side; above, a head looks ahead
_POINTS = 160  # of the mask that are fitted
_EDGE = 0.85  # of u: a side of the mask that shows such places is not turned away
_STEPS = 24  # of a cord, to look for hair
_FADES = 4  # steps in which a cord fades out
_OPAQUE = 225  # of 255
_BLURRED = 0.3  # pixels; less blur cannot be seen
_HAIR = 0.28  # of the skin's brightness: what differs more lies over the cord

_Point = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Worn:
    """Where a mask's pixels are: ``at`` float (n, 2) in the picture, x first; ``u``, ``v`` (n,)."""

    at: _Point
    u: _Point
    v: _Point


class _Head:
    """A cylinder's picture, fitted to a worn mask."""

    def __init__(self, worn: Worn, style: Style) -> None:
        self.reach = reach_of(style)
        every = max(1, len(worn.u) // _POINTS)
        at, u, v = worn.at[::every], worn.u[::every], worn.v[::every]
        # How a mask curves up or down at its sides is a matter of its cut, not of the head.
        fitted = _fit(np.concatenate([self._basis(u, v), (u * u)[:, None]], axis=1), at)
        front = fitted[3] + fitted[5]  # a step down along v, at u = 0
        length = max(float(np.hypot(*front)), 1e-6)
        self.unit = length / front_height(style)
        self.down = front / length
        self.right = np.array([self.down[1], -self.down[0]])
        self._across = _fit(self._basis(u, v), at @ self.right)
        self.edges = float(u.min()), float(u.max())

    def _basis(self, u: _Point, v: _Point) -> _Point:
        sine, cosine = np.sin(self.reach * u), np.cos(self.reach * u)
        return np.stack([np.ones_like(u), sine, cosine, v, v * sine, v * cosine], axis=-1)

    def across(self, angle: float) -> float:
        """Where an angle around the head is seen, in the mask's upper half; units."""
        u = np.array(angle / self.reach)
        return float(self._basis(u, np.array(0.3)) @ self._across) / self.unit


def _fit(basis: _Point, values: _Point) -> _Point:
    square = basis.T @ basis + 1e-6 * np.eye(basis.shape[1])
    return np.asarray(np.linalg.solve(square, basis.T @ values))


def hidden(u: _Point) -> bool:
    """Whether a head looks ahead, so that its ears lie behind the cheeks; ``u`` of any shape."""
    left = np.count_nonzero(u < 0) / max(1, u.size)
    return bool(min(left, 1 - left) > _FRONTAL)


def lines(worn: Worn, style: Style) -> tuple[list[tuple[_Point, _Point]], float]:
    """From where to where cords are seen, pixels; none where the head hides its ears.

    Beside them one unit (from the eyes to the mouth), pixels.
    """
    if len(worn.u) < _POINTS // 4 or style.kind == "gas" or hidden(worn.u):
        return [], 1.0
    head, found = _Head(worn, style), []
    for sign, edge in ((-1, head.edges[0]), (1, head.edges[1])):
        if sign * edge < _EDGE:  # turned away
            continue
        angle = 0.97 * sign * head.reach
        sideways = sign * (head.across(sign * _EAR) - head.across(angle)) + _STANDS_OUT
        if sideways < _SHORTEST:
            continue
        near = np.abs(worn.u - sign) < 1 - _EDGE
        for v, rim, ear in zip((0.0, 1.0), side_rims(style), EARS, strict=True):
            corner = int(np.argmin(np.abs(worn.v - v) + 4 * ~near))
            start = worn.at[corner]
            along = sign * sideways * head.right + (ear - rim) * head.down
            found.append((start, start + head.unit * along))
    return found, head.unit


def draw(
    made: Image,
    face: Image,
    cords: list[tuple[_Point, _Point]],
    colour: FloatArray,
    width: float,
    soft: float,
) -> None:
    """Draw cords on ``made`` in place, as far as no hair of ``face`` lies over them.

    Args:
        made: uint8 (h, w, 3), the face wearing the mask.
        face: uint8 (h, w, 3), before.
        cords: from :func:`lines`.
        colour: float32 (3,), as lit.
        width: pixels; thinner than one is fainter instead.
        soft: the photo's blur, sigma in pixels.
    """
    cover = np.zeros(face.shape[:2], np.uint8)
    for start, end in cords:
        end = start + _seen(face, start, end) * (end - start)
        steps = (16 * np.linspace(start, end, _FADES + 1)).astype(int)
        # From the far end, where it goes into hair or behind the ear, to the mask.
        for place in reversed(range(_FADES)):
            level = int(_OPAQUE * min(1.0, width) * min(1.0, 1.5 * (1 - place / _FADES)))
            one, other = steps[place].tolist(), steps[place + 1].tolist()
            cv2.line(cover, one, other, level, max(1, round(width)), cv2.LINE_AA, 4)
    if soft > _BLURRED:
        cover = cv2.GaussianBlur(cover, (0, 0), soft)
    there = cover > 0
    share = cover[there][:, None] / np.float32(255)
    made[there] = np.round(made[there] * (1 - share) + colour * share).astype(np.uint8)


def _seen(face: Image, start: _Point, end: _Point) -> float:
    """The share of a cord that is seen, from its start: what is no skin hides the rest."""
    places = np.linspace(start, end, _STEPS).round().astype(int)
    inside = ((places >= 0) & (places < face.shape[1::-1])).all(axis=1)
    colours = face[places[:, 1].clip(0, len(face) - 1), places[:, 0].clip(0, face.shape[1] - 1)]
    levels = colours @ np.array([0.299, 0.587, 0.114])
    skin = float(np.sort(levels[2:9])[3])
    differs = np.abs(levels - skin) > _HAIR * skin + 6
    differs[:3] = False  # the cloth's own edge and shadow
    behind = np.flatnonzero(differs | ~inside)
    return float(behind[0]) / _STEPS if len(behind) else 1.0
