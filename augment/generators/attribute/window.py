"""Windows: a region of a face cut out level and of one size, wherever and however large it lies."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from augment.regions import REACH, Region, axes, reached
from augment.types import FloatArray, Image

_Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """A square of a picture.

    Attributes:
        region: what is seen through it.
        middle: x and y, pixels of the picture.
        right: one unit (from the eyes' middle to the mouth's) to the right, pixels.
        half: units from its middle to its edge.
    """

    region: Region
    middle: tuple[float, float]
    right: tuple[float, float]
    half: float

    def matrix(self, side: int) -> _Matrix:
        """(2, 3): window pixels -> picture pixels, for a window of so many pixels a side."""
        step = 2 * self.half / side
        across, aside = self.right[0] * step, self.right[1] * step
        centre = (side - 1) / 2
        turn = np.array([[across, -aside], [aside, across]])
        return np.column_stack([turn, np.array(self.middle) - turn @ (centre, centre)])

    def area(self, side: int) -> npt.NDArray[np.bool_]:
        """(side, side): beyond it an edit changes nothing. It keeps off the window's edge."""
        rows, columns = (np.mgrid[:side, :side] - (side - 1) / 2) * (2 * self.half / side)
        x, y, _, _ = self.region.ellipse
        found = reached(self.region, columns + x, rows + y)
        edge = np.abs(np.mgrid[:side, :side] - (side - 1) / 2).max(0)
        return np.asarray(found & (edge < side / 2 - 1))

    def fall(self, side: int) -> int:
        """How far below the region an edit goes, window pixels."""
        return round(self.region.fall / (2 * self.half) * side)

    def askew(self, lean: float, aside: npt.NDArray[np.float64], zoom: float) -> "Window":
        """Turned by ``lean`` degrees, shifted by shares of the side, ``zoom`` times as large."""
        angle = np.deg2rad(lean)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        right = turn @ np.array(self.right)
        length = 2 * self.half * float(np.hypot(*self.right))
        x, y = (np.array(self.middle) + aside * length).tolist()
        return replace(self, middle=(x, y), right=tuple(right.tolist()), half=self.half * zoom)


def window_of(region: Region, points: FloatArray) -> Window:
    """The window of a region on a face with these points (5, 2), in its picture's pixels."""
    eyes, right, down = axes(points)
    x, y, across, tall = region.ellipse
    middle = eyes + x * right + y * down
    half = max(across, tall) + REACH + 0.1
    return Window(region, (float(middle[0]), float(middle[1])), (float(right[0]), float(right[1])),
                  half)  # fmt: skip


def cut(image: npt.NDArray[np.uint8], window: Window, side: int) -> Image:
    """What is seen through the window, uint8 (side, side, ...); edges of the picture repeat."""
    matrix = window.matrix(side)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shrunk = float(np.hypot(*matrix[:, 0]))
    if shrunk > 1.5:  # several pixels go into one
        image = cv2.GaussianBlur(image, (0, 0), 0.4 * shrunk)
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=flags,
                                     borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)  # fmt: skip


def put_back(planes: FloatArray, window: Window, size: int) -> FloatArray:
    """float32 (side, side, c) in the window -> (size, size, c) on the picture, 0 around it."""
    matrix = cv2.invertAffineTransform(window.matrix(len(planes)))
    larger = float(np.hypot(*matrix[:, 0])) < 1
    flags = (cv2.INTER_CUBIC if larger else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(
        planes, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(moved, dtype=np.float32).reshape(size, size, -1)
