"""One thing in the picture: where it is, how much it covers, its colour and depth."""

from dataclasses import dataclass

from augment.drawing.fields import Array
from augment.drawing.geometry import Window


@dataclass
class Layer:
    """`window` is its place on the scene's grid; `alpha` and `z` (h, w), `colour` (3, h, w)."""

    window: Window
    alpha: Array
    colour: Array
    z: Array
