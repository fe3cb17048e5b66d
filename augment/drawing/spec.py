"""What is drawn: one picture's settings, and the drawing with its true answers."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from augment.drawing.fields import Array
from augment.drawing.person import Person

MASKS = ("surgical", "cloth", "n95")
HAIR_STYLES = ("bald", "buzz", "short", "side", "fringe", "curly", "bob", "long", "bun")
MASK_COLOURS = {
    "surgical": ((124, 178, 205), (150, 200, 190), (228, 232, 235), (40, 42, 48), (230, 196, 206)),
    "cloth": ((52, 60, 92), (150, 58, 66), (44, 46, 50), (196, 178, 150), (92, 118, 86),
              (122, 122, 128), (212, 210, 206), (118, 82, 128)),
    "n95": ((232, 231, 226), (225, 228, 232), (60, 62, 66), (224, 216, 198)),
}  # fmt: skip


@dataclass(frozen=True)
class FaceSpec:
    """One picture of a person; the same spec always gives the same bytes.

    Angles are in degrees (`yaw` > 0 turns the face to the viewer's right, `pitch` > 0 looks down,
    `roll` > 0 turns the picture clockwise). `smile`, `mouth_open`, `eyes_open`, `beard` and
    `hair_length` are 0..1. `centre`, `scale` (face width) and `blur` (sigma) are shares of the
    picture's side; `noise` is a sigma in 8-bit values; `light_strength` is 1 for normal exposure.
    """

    person: Person
    age: float
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    smile: float = 0.2
    mouth_open: float = 0.0
    eyes_open: float = 1.0
    glasses: bool = False
    beard: float = 0.0
    hair_style: str = "short"
    hair_length: float = 0.5
    mask: str | None = None
    mask_colour: tuple[int, int, int] = (124, 178, 205)
    light_azimuth: float = -30.0
    light_elevation: float = 22.0
    light_strength: float = 1.0
    background_seed: int = 0
    blur: float = 0.0
    noise: float = 0.0
    centre: tuple[float, float] = (0.5, 0.52)
    scale: float = 0.46
    seed: int = 0

    def __post_init__(self) -> None:
        if self.mask is not None and self.mask not in MASKS:
            raise ValueError(f"mask must be None or one of {MASKS}, not {self.mask!r}")
        if self.hair_style not in HAIR_STYLES:
            raise ValueError(f"hair_style must be one of {HAIR_STYLES}, not {self.hair_style!r}")
        if not 0.0 <= self.age <= 120.0:
            raise ValueError(f"age must be 0..120 years, not {self.age}")


@dataclass(frozen=True)
class Drawing:
    """A picture and its true answers.

    `image` uint8 (size, size, 3) RGB. `landmarks5` float32 (5, 2) pixel (x, y): eye, eye, nose tip,
    mouth corner, mouth corner, the viewer's left first (InsightFace order). `landmarks68` float32
    (68, 2) in iBUG order. `parsing` uint8 (size, size), the 19 CelebAMask-HQ classes of the face
    itself: a worn mask does not hide what is under it. `mask_alpha` float32 (size, size) in [0, 1]:
    the exact coverage of the worn mask, its ear loops and contact shadow; zeros without one.
    Pixel (x, y) = (0, 0) is the centre of the top left pixel.
    """

    image: np.ndarray[Any, np.dtype[np.uint8]]
    landmarks5: Array
    landmarks68: Array
    parsing: np.ndarray[Any, np.dtype[np.uint8]]
    mask_alpha: Array


def random_spec(
    person: Person, age: float, seed: int, *, frontal: bool = False, **overrides: Any
) -> FaceSpec:
    """A plausible everyday picture of `person` at `age` (years).

    `frontal` keeps the pose within a few degrees, the eyes open and the light in front. `overrides`
    are FaceSpec fields that win over the drawn ones; they do not change the other drawn values.
    """
    rng = np.random.default_rng([0x5BEC, person.seed, seed])
    normal = [float(v) for v in np.clip(rng.standard_normal(10), -2.2, 2.2)]
    u = [float(v) for v in rng.random(16)]
    turn = 0.3 if frontal else 1.0
    style, length = _hair(person, age, u[0], u[1])
    masks = MASK_COLOURS[overrides.get("mask") or "surgical"]
    spec = FaceSpec(
        person=person,
        age=float(age),
        yaw=normal[0] * 14.0 * turn,
        pitch=normal[1] * 6.0 * turn,
        roll=normal[2] * 5.0 * turn,
        smile=float(np.clip(u[2] * 1.3 - 0.2, 0, 1)),
        mouth_open=max(0.0, u[3] - 0.8) * 3.0 * turn,
        eyes_open=1.0 if frontal else float(np.clip(1.1 - 0.5 * u[4] ** 3, 0, 1)),
        glasses=u[5] < _glasses_share(age),
        beard=_beard(person, age, u[6]),
        hair_style=style,
        hair_length=length,
        mask_colour=masks[int(u[7] * len(masks))],
        light_azimuth=normal[3] * 32.0 * (0.6 if frontal else 1.0),
        light_elevation=20.0 + normal[4] * (7.0 if frontal else 11.0),
        light_strength=1.0 + 0.1 * normal[5],
        background_seed=int(rng.integers(1 << 31)),
        blur=0.004 * u[8] ** 3,
        noise=1.0 + 4.0 * u[9] ** 2,
        centre=(0.5 + 0.02 * normal[6], 0.52 + 0.015 * normal[7]),
        scale=0.44 + 0.025 * normal[8],
        seed=seed,
    )
    return replace(spec, **overrides)


def _glasses_share(age: float) -> float:
    return float(np.interp(age, [2, 8, 20, 40, 55, 80], [0.0, 0.08, 0.16, 0.22, 0.38, 0.45]))


def _beard(person: Person, age: float, u: float) -> float:
    if person.gender == "female" or age < 16:
        return 0.0
    grown = float(np.interp(age, [16, 24], [0.15, 1.0]))
    return grown * float(np.interp(u, [0, 0.45, 0.7, 1.0], [0.0, 0.12, 0.35, 1.0]))


def _hair(person: Person, age: float, u: float, length: float) -> tuple[str, float]:
    """Hair style and length; long styles are commoner for women, but nobody is excluded."""
    if age < 1.5:
        return ("buzz" if u < 0.6 else "short"), 0.3 * length
    if person.gender == "male":
        styles, shares = (
            ("short", "side", "fringe", "curly", "buzz", "bald", "bob", "long"),
            (*(0.32, 0.22, 0.1, 0.1, 0.13, 0.04, 0.05, 0.04),),
        )
    else:
        styles, shares = (
            ("long", "bob", "bun", "fringe", "side", "short", "curly", "buzz"),
            (*(0.34, 0.2, 0.13, 0.1, 0.06, 0.07, 0.08, 0.02),),
        )
    pick = int(np.searchsorted(np.cumsum(shares), u))
    style = styles[min(pick, len(styles) - 1)]
    if style == "bald" and age < 30:
        style = "buzz"
    if person.curl > 0.75 and style in ("fringe", "side", "bob"):
        style = "curly"
    return style, length
