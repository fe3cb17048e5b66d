"""Who is drawn: the traits that stay when the same person is drawn again."""

from dataclasses import dataclass

import numpy as np

from augment.drawing.fields import Colour, srgb

GENDERS = ("female", "male")
# The published Monk Skin Tone scale (skintone.google), lightest first.
MONK_HEX = (
    "f6ede4",
    "f3e7db",
    "f7ead0",
    "eadaba",
    "d7bd96",
    "a07e56",
    "825c43",
    "604134",
    "3a312a",
    "292420",
)
_HAIR = {
    "black": (30, 25, 24),
    "dark brown": (58, 40, 32),
    "brown": (92, 64, 46),
    "light brown": (134, 98, 66),
    "blond": (196, 158, 104),
    "red": (150, 74, 42),
}
_EYES = {
    "dark": (50, 32, 24),
    "brown": (88, 56, 36),
    "hazel": (124, 96, 54),
    "green": (96, 116, 78),
    "blue": (92, 124, 156),
    "grey": (122, 132, 138),
}


@dataclass(frozen=True)
class Person:
    """A drawn identity. Traits without a unit are standard scores (about -2..2, 0 = average).

    `gender` is the apparent one ("female" or "male"); `monk` the skin tone step 1..10;
    colours are linear RGB in [0, 1]; `ageing` is in years added to the visible age;
    `recession` and `greying` are 0..1 tendencies; `curl` runs from 0 (straight) to 1 (coily).
    """

    seed: int
    gender: str
    monk: int
    face_width: float
    face_length: float
    jaw_width: float
    chin: float
    cheekbones: float
    fullness: float
    eye_distance: float
    eye_size: float
    eye_tilt: float
    eye_fold: float
    eye_colour: Colour
    brow_weight: float
    brow_arch: float
    brow_height: float
    nose_length: float
    nose_width: float
    nose_bridge: float
    nose_tip: float
    mouth_width: float
    lip_fullness: float
    ears: float
    hair_colour: Colour
    curl: float
    hairline: float
    recession: float
    greying: float
    freckles: float
    moles: int
    ageing: float
    undertone: float


def monk_colour(step: int) -> Colour:
    """Linear RGB of a Monk step 1..10."""
    code = MONK_HEX[step - 1]
    return srgb(*(int(code[i : i + 2], 16) for i in (0, 2, 4)))


def sample_person(seed: int, gender: str | None = None, monk: int | None = None) -> Person:
    """Draw an identity; the same arguments always give the same person.

    Fixing `gender` or `monk` leaves all other random choices as they were.
    Raises ValueError for an unknown gender or a Monk step outside 1..10.
    """
    rng = np.random.default_rng([0xFACE, seed])
    drawn_gender = GENDERS[int(rng.integers(2))]
    drawn_monk = int(rng.integers(1, 11))
    gender = drawn_gender if gender is None else gender
    monk = drawn_monk if monk is None else int(monk)
    if gender not in GENDERS:
        raise ValueError(f"gender must be one of {GENDERS}, not {gender!r}")
    if not 1 <= monk <= 10:
        raise ValueError(f"monk must be 1..10, not {monk}")
    z = [float(v) for v in np.clip(rng.standard_normal(20), -2.0, 2.0)]
    u = [float(v) for v in rng.random(10)]
    # Weak, overlapping cues: the gender moves a trait by less than its own spread.
    lean = 0.75 if gender == "male" else -0.75
    return Person(
        seed=seed,
        gender=gender,
        monk=monk,
        face_width=z[0],
        face_length=z[1] + 0.3 * lean,
        jaw_width=z[2] + lean,
        chin=z[3] + 0.6 * lean,
        cheekbones=z[4] - 0.3 * lean,
        fullness=z[5],
        eye_distance=z[6],
        eye_size=z[7] - 0.5 * lean,
        eye_tilt=z[8] - 0.3 * lean,
        eye_fold=u[0],
        eye_colour=_eye_colour(u[1], monk),
        brow_weight=z[9] + lean,
        brow_arch=z[10] - 0.6 * lean,
        brow_height=z[11] - 0.6 * lean,
        nose_length=z[12] + 0.3 * lean,
        nose_width=z[13] + 0.4 * lean,
        nose_bridge=z[14] + 0.4 * lean,
        nose_tip=z[15],
        mouth_width=z[16] + 0.2 * lean,
        lip_fullness=z[17] - 0.6 * lean,
        ears=z[18] + 0.3 * lean,
        hair_colour=_hair_colour(u[2], u[3], monk),
        curl=_curl(u[4], monk),
        hairline=z[19],
        recession=u[5] ** 1.5 if gender == "male" else 0.25 * u[5] ** 3,
        greying=u[6],
        freckles=max(0.0, u[7] - 0.6) * 2.5 * (1.0 if monk <= 5 else 0.3),
        moles=int(u[8] ** 3 * 5),
        ageing=(u[9] - 0.5) * 6.0,
        undertone=float(np.clip(rng.standard_normal(), -2, 2)),
    )


def _eye_colour(u: float, monk: int) -> Colour:
    light = ("blue", "grey", "green", "hazel", "brown", "dark")
    dark = ("hazel", "brown", "brown", "dark", "dark", "dark")
    darkest = ("brown", "dark", "dark", "dark", "dark", "dark")
    names = light if monk <= 4 else dark if monk <= 6 else darkest
    return srgb(*_EYES[names[int(u * len(names))]])


def _hair_colour(u: float, tint: float, monk: int) -> Colour:
    light = ("black", "dark brown", "brown", "light brown", "blond", "red")
    dark = ("black", "black", "black", "dark brown", "dark brown", "brown")
    names = light if monk <= 4 else dark
    red, green, blue = srgb(*_HAIR[names[int(u * len(names))]])
    gain = 0.8 + 0.45 * tint
    return red * gain, green * gain, blue * gain


def _curl(u: float, monk: int) -> float:
    return float(u ** (1.6 if monk <= 6 else 0.6))
