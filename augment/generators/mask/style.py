"""What a drawn mask looks like, apart from the face that wears it."""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from augment.generators.mask.light import cast
from augment.types import FloatArray, Image

Kind = Literal["surgical", "n95", "cloth", "gas"]
Texture = Literal["plain", "striped", "checked", "dotted", "printed"]
TYPES: tuple[Kind, ...] = get_args(Kind)
TEXTURES: tuple[Texture, ...] = get_args(Texture)
#: Everyday colours of each type, sRGB; the first are worn most.
COLOURS = {
    "surgical": (
        (150, 196, 222), (226, 232, 236), (132, 182, 214), (46, 48, 54),
        (158, 208, 198), (232, 196, 208),
    ),
    "n95": ((234, 234, 230), (222, 226, 230), (52, 54, 58), (226, 218, 200)),
    "cloth": (
        (40, 42, 46), (44, 54, 92), (120, 120, 128), (214, 214, 210), (150, 54, 62),
        (198, 178, 150), (92, 120, 88), (116, 78, 128),
    ),
    "gas": ((62, 64, 68), (96, 104, 112), (84, 88, 72), (70, 96, 124)),
}  # fmt: skip
#: What patterns are drawn with: white, black, and colours that go with many.
ACCENTS = ((236, 234, 228), (34, 34, 40), (196, 60, 62), (226, 184, 72), (66, 104, 160))
CODE_SIZE = len(TYPES) + 5
_ACCENTS = np.array(ACCENTS, dtype=np.float64)
#: The first colour is worn twice as often as the second, three times as often as the third ...
_OFTEN = {
    kind: np.cumsum(1 / np.arange(1, len(colours) + 1)) / np.sum(1 / np.arange(1, len(colours) + 1))
    for kind, colours in COLOURS.items()
}
#: How often cloth is patterned; the other types are plain.
_PATTERNED = 0.5
_RELIEF = (0.7, 1.3)  # worn smooth .. fresh from the pack
_GREY = 3.0  # levels between a pixel's channels, on average: fewer make a grey photo


@dataclass(frozen=True)
class Style:
    """One mask: everything about its look that the face does not decide."""

    kind: Kind
    colour: tuple[int, int, int]  # sRGB, 0..255, in white light
    top: float = 0.0  # -1 worn low (nose tip just covered) .. 1 worn high (near the eyes)
    fit: float = 0.0  # -1 narrow and short .. 1 wide, under the chin
    texture: Texture = "plain"
    accent: tuple[int, int, int] = (236, 234, 228)  # the pattern's second colour, sRGB
    scale: float = 1.0  # of the pattern, 0.7 fine .. 1.4 coarse
    relief: float = 1.0  # how deep its folds are; 0: flat

    def code(self) -> FloatArray:
        """The style as the network reads it: float32 (CODE_SIZE,), each about -1..1.

        A pattern is finer than the network: it is drawn where the network says that its places
        are (texture.py), as folds are.
        """
        one_hot = [float(self.kind == name) for name in TYPES]
        colour = [value / 127.5 - 1 for value in self.colour]
        return np.array([*one_hot, *colour, self.top, self.fit], dtype=np.float32)

    def on(self, face: Image) -> "Style":
        """The mask's colours as a photo shows them: in its light's cast, or grey on a grey one."""
        light, vivid = cast(face)
        if vivid <= _GREY:
            return replace(self, colour=_luma(self.colour), accent=_luma(self.accent))
        return replace(self, colour=_lit(self.colour, light), accent=_lit(self.accent, light))

    def describe(self) -> str:
        words = f"{self.kind} mask {_hex(self.colour)}"
        return words if self.texture == "plain" else f"{words} {self.texture} {_hex(self.accent)}"


def _lit(colour: tuple[int, int, int], light: tuple[float, ...]) -> tuple[int, int, int]:
    levels = [level * share for level, share in zip(colour, light, strict=True)]
    cut = math.sqrt(min(1.0, 255 / max(*levels, 1.0)))  # between hue and brightness
    red, green, blue = (min(255, round(level * cut)) for level in levels)
    return red, green, blue


def _luma(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    level = round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2])
    return level, level, level


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{value:02x}" for value in colour)


def random_style(random: np.random.Generator, vary: float = 0.0) -> Style:
    """An everyday style; ``vary`` > 0 moves the colour by up to that many levels a channel."""
    kind = TYPES[int(random.integers(len(TYPES)))]
    place = int(np.searchsorted(_OFTEN[kind], random.random(), side="right"))
    base = np.array(COLOURS[kind][place], dtype=np.float64)
    moved = np.clip(base + random.uniform(-vary, vary, size=3), 0, 255)
    red, green, blue = (int(value) for value in moved)
    top, fit = (float(value) for value in random.uniform(-1, 1, size=2))
    texture, accent, scale = _pattern(random, kind, base)
    relief = float(random.uniform(*_RELIEF))
    return Style(kind, (red, green, blue), top, fit, texture, accent, scale, relief)


def _pattern(
    random: np.random.Generator, kind: Kind, base: npt.NDArray[np.float64]
) -> tuple[Texture, tuple[int, int, int], float]:
    patterned, which, scale = random.random(3)
    apart = np.flatnonzero(np.abs(_ACCENTS - base).mean(axis=1) > 50)
    accent = ACCENTS[apart[int(random.integers(len(apart)))]]
    if kind != "cloth" or patterned >= _PATTERNED:
        return "plain", accent, 1.0
    return TEXTURES[1 + int(which * (len(TEXTURES) - 1))], accent, 0.7 + 0.7 * float(scale)
