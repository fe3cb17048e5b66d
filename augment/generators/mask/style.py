"""What a drawn mask looks like, apart from the face that wears it."""

from dataclasses import dataclass

import numpy as np

from augment.types import FloatArray

TYPES = ("surgical", "n95", "cloth")
#: Everyday colours of each type, sRGB.
COLOURS = {
    "surgical": (
        (150, 196, 222), (132, 182, 214), (158, 208, 198), (226, 232, 236),
        (232, 196, 208), (46, 48, 54),
    ),
    "n95": ((234, 234, 230), (222, 226, 230), (226, 218, 200), (52, 54, 58)),
    "cloth": (
        (44, 54, 92), (150, 54, 62), (40, 42, 46), (198, 178, 150), (92, 120, 88),
        (120, 120, 128), (214, 214, 210), (116, 78, 128),
    ),
}  # fmt: skip
CODE_SIZE = len(TYPES) + 5


@dataclass(frozen=True)
class Style:
    """One mask: everything about its look that the face does not decide."""

    kind: str  # one of TYPES
    colour: tuple[int, int, int]  # sRGB, 0..255, in white light
    top: float = 0.0  # -1 worn low (nose tip just covered) .. 1 worn high (near the eyes)
    fit: float = 0.0  # -1 narrow and short .. 1 wide, under the chin

    def code(self) -> FloatArray:
        """The style as the network reads it: float32 (CODE_SIZE,), each about -1..1."""
        one_hot = [float(self.kind == name) for name in TYPES]
        colour = [value / 127.5 - 1 for value in self.colour]
        return np.array([*one_hot, *colour, self.top, self.fit], dtype=np.float32)

    def describe(self) -> str:
        colour = "#" + "".join(f"{value:02x}" for value in self.colour)
        return f"{self.kind} mask {colour}"


def random_style(random: np.random.Generator, vary: float = 0.0) -> Style:
    """An everyday style; ``vary`` > 0 moves the colour by up to that many levels a channel."""
    kind = TYPES[int(random.integers(len(TYPES)))]
    colours = COLOURS[kind]
    base = np.array(colours[int(random.integers(len(colours)))], dtype=np.float64)
    moved = np.clip(base + random.uniform(-vary, vary, size=3), 0, 255)
    red, green, blue = (int(value) for value in moved)
    top, fit = (float(value) for value in random.uniform(-1, 1, size=2))
    return Style(kind, (red, green, blue), top, fit)
