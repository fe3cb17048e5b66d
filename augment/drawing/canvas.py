"""The head layer while it is being painted: positions on the skin and what is there."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from augment.drawing.anatomy import Anatomy
from augment.drawing.fields import Array, Colour, Field, mix
from augment.drawing.geometry import View
from augment.drawing.palette import Palette
from augment.drawing.spec import FaceSpec

Labels = npt.NDArray[np.uint8]
Window = tuple[slice, slice]

BACKGROUND, SKIN, NOSE, EYE_G, L_EYE, R_EYE, L_BROW, R_BROW, L_EAR, R_EAR = range(10)
MOUTH, U_LIP, L_LIP, HAIR, HAT, EAR_R, NECK_L, NECK, CLOTH = range(10, 19)


@dataclass
class Canvas:
    """Paint on the head's surface.

    `x`, `y`, `z` are head-frame coordinates of every pixel, `side` is |x|; `relief` is added to the
    depth before normals are taken; `albedo` linear RGB (3, h, w); `sheen` scales highlights; `glow`
    is light added after shading; `labels` CelebAMask-HQ classes: l_ and r_ are the person's own.
    """

    spec: FaceSpec
    anatomy: Anatomy
    palette: Palette
    view: View
    depth: Array
    x: Array
    y: Array
    z: Array
    albedo: Array
    labels: Labels
    side: Array = field(init=False)
    relief: Array = field(init=False)
    sheen: Array = field(init=False)
    glow: Array = field(init=False)

    def __post_init__(self) -> None:
        self.side = np.abs(self.x)
        self.relief = np.zeros_like(self.x)
        self.sheen = np.ones_like(self.x)
        self.glow = np.zeros_like(self.x)

    @property
    def px(self) -> float:
        return self.view.px

    def window(self, x0: float, x1: float, y0: float, y1: float, pad: float = 0.03) -> Window:
        """The grid slices that hold the frontal box [x0, x1] x [y0, y1] of the face."""
        corners = [(x, y, z) for x in (x0, x1) for y in (y0, y1) for z in (0.35, 1.1)]
        seen = self.view.to_view(corners)
        grid_x, grid_y = self.view.x[0], self.view.y[:, 0]
        left, right = np.searchsorted(grid_x, [seen[:, 0].min() - pad, seen[:, 0].max() + pad])
        top, bottom = np.searchsorted(grid_y, [seen[:, 1].min() - pad, seen[:, 1].max() + pad])
        return slice(int(top), int(bottom)), slice(int(left), int(right))

    def tint(self, window: Window, colour: Colour | Field, alpha: Field) -> None:
        """Lay paint on the skin."""
        mix(self.albedo[:, *window], colour, alpha)

    def darken(self, window: Window, amount: Field) -> None:
        """Multiply the albedo by 1 - amount, less in red: shadows in skin are warm."""
        part = self.albedo[:, *window]
        keep = 1.0 - amount
        part[0] *= 0.2 + 0.8 * keep
        part[1:] *= keep

    def label(self, window: Window, inside: npt.NDArray[np.bool_], label: int) -> None:
        self.labels[window][inside] = label
