"""The colours of one picture's person: skin, lips and hair at this age (linear RGB)."""

from dataclasses import dataclass

import numpy as np

from augment.drawing.anatomy import visible_age
from augment.drawing.fields import Array
from augment.drawing.person import monk_colour
from augment.drawing.spec import FaceSpec


@dataclass(frozen=True)
class Palette:
    """`grey` is the share of white hairs, 0..1; colours are float32 (3,)."""

    skin: Array
    lips: Array
    brow: Array
    beard: Array
    hair: Array
    grey: float


WHITE_HAIR = np.array([0.28, 0.276, 0.268], np.float32)


def palette(spec: FaceSpec) -> Palette:
    """Mix the person's colours for the spec's age."""
    who, age = spec.person, visible_age(spec)
    base = np.array(monk_colour(who.monk), np.float32)
    warm = 1.0 + 0.02 * who.undertone
    skin = base * np.array([warm, 1.0, 2.0 - warm], np.float32)
    pale = float(np.interp(who.monk, [1, 5, 10], [0.62, 0.5, 0.25]))
    red = np.array([0.5, 0.13, 0.12], np.float32) * float(np.sqrt(base.mean())) * 1.5
    lips = skin * np.array([0.93, 0.6, 0.6], np.float32)
    lips = lips + (red - lips) * (0.25 + 0.15 * pale)
    hair = np.array(who.hair_colour, np.float32)
    if age < 8:  # children's hair is lighter
        hair = hair * float(np.interp(age, [0, 8], [1.45, 1.0]))
    # Greying starts about ten years later in the darkest-haired populations (Panhard et al., 2012).
    onset = 48.0 - 16.0 * who.greying + 8.0 * (who.monk >= 7)
    grey = 0.9 * float(np.clip((age - onset) / 34.0, 0.0, 1.0)) ** 0.9
    # White strands among coloured ones: the mixture loses its colour faster than its depth.
    hair = hair + (float(hair.mean()) - hair) * min(1.0, 1.5 * grey)
    mixed = hair + (WHITE_HAIR - hair) * grey
    brow = hair + (WHITE_HAIR * 0.7 - hair) * (0.4 * grey)
    brow = brow * 0.75 + 0.04 * skin
    beard = hair * 0.9 + (WHITE_HAIR - hair * 0.9) * min(1.0, grey * 1.15)
    return Palette(skin, lips, brow, beard, mixed, grey)
