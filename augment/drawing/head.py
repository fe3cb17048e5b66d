"""The head's shape: which ellipsoids make a skull, a face, ears and a neck."""

from math import atan2, degrees

from augment.drawing.anatomy import Anatomy
from augment.drawing.fields import Array, bump, groove, ramp
from augment.drawing.geometry import Ellipsoid, both_sides


def skull(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """The head without nose and ears. Few and large: the outline, not the modelling."""
    low = 0.46
    tall = (a.top + low) / 2
    drop = a.drop
    chin_y = a.chin + drop
    back = 0.14 * drop
    fat = 0.05 * a.cheek_fat
    return (
        Ellipsoid((0, low - tall, -0.1), (a.skull_width, tall, 0.94)),
        Ellipsoid((0, 0.17, 0.12), (0.665, 0.76, 0.71), 0.3),
        Ellipsoid(
            (0, 0.52 + 0.6 * drop, 0.13 - back),
            ((0.475 + fat) * a.jaw, chin_y - 0.54 - 0.6 * drop, 0.57),
            0.3,
        ),
        *both_sides(
            Ellipsoid(
                (0.31 * a.jaw + fat, 0.55 * a.chin + 0.5 * drop, 0.0 - back),
                (0.2 * a.jaw, 0.27 + 0.07 * a.jowl, 0.3),
                0.4,
            )
        ),
        Ellipsoid(
            (0, chin_y - 0.22, 0.42 + a.chin_out - back), (0.22 * a.chin_width, 0.21, 0.33), 0.3
        ),
    )


def model(a: Anatomy, side: Array, y: Array) -> Array:
    """Relief of the soft parts over |x| and y: cheeks, muzzle, chin, brow ridge, jowls."""
    drop = a.drop
    fat = a.cheek_fat
    apple_y = 0.36 + 0.06 * fat - 0.04 * a.smile
    relief = (0.05 + 0.03 * a.smile) * bump(side, y, (0.34, apple_y), (0.27, 0.25))
    relief += 0.07 * fat * bump(side, y, (0.42, 0.55), (0.32, 0.36))
    relief += 0.045 * a.cheekbone * bump(side, y, (0.45, 0.21), (0.28, 0.2))
    relief -= 0.05 * (1.0 - 0.9 * fat) * a.adult * bump(side, y, (0.5, 0.55), (0.2, 0.3))
    relief += (0.05 + 0.035 * a.adult) * bump(
        side, y, (0.0, a.mouth + 0.3 * drop), (0.36, 0.3 + 0.4 * drop)
    )
    relief += 0.055 * bump(side, y, (0.0, a.chin + drop - 0.15), (0.2, 0.16))
    relief += 0.03 * a.brow_ridge * bump(side, y, (0.24, a.brow + 0.05), (0.3, 0.12))
    relief -= 0.03 * a.adult * bump(side, y, (0.6, -0.25), (0.16, 0.3))
    relief += 0.02 * bump(side, y, (0.25, -0.52), (0.3, 0.25))
    if a.jowl > 0.01:
        sag = (0.38 * a.jaw, 0.86 * a.chin + 0.8 * drop)
        relief += 0.075 * a.jowl * bump(side, y, sag, (0.18, 0.2))
        front = groove(side - 0.24 * a.jaw, 0.06) * ramp(y, a.mouth + 0.1, a.mouth + 0.25)
        relief -= 0.03 * a.jowl * front
    return relief


def nose(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """Bridge, tip and wings, to be joined to the skull."""
    base = 0.82
    tip_y = a.subnasale - 0.08 - 0.012 * a.nose_tip
    tip_z = base + a.nose_out
    start_y, start_z = -0.07, 0.77 + 0.08 * a.bridge
    ball = 0.086 + 0.006 * a.nose_tip + 0.12 * max(0.0, a.nose_half - 0.17)
    rise, run = tip_z - 0.75 * ball - start_z, tip_y - start_y
    half = 0.5 * (rise * rise + run * run) ** 0.5
    wing = 0.066 + 0.1 * (a.nose_half - 0.17)
    return (
        Ellipsoid(
            (0, (start_y + tip_y) / 2, (start_z + tip_z) / 2 - 0.105),
            (0.09 + 0.1 * (a.nose_half - 0.17), half * 1.14, 0.1),
            0.1,
            lean=degrees(atan2(rise, run)),
        ),
        Ellipsoid((0, tip_y, tip_z - ball), (ball * 1.08, ball * 0.92, ball), 0.12),
        *both_sides(
            Ellipsoid(
                (a.nose_half - wing, a.subnasale - 0.06, base + 0.25 * a.nose_out),
                (wing, 0.066, 0.115),
                0.09,
            )
        ),
        Ellipsoid((0, a.subnasale - 0.035, base + 0.3 * a.nose_out), (0.05, 0.04, 0.13), 0.05),
    )


def ears(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """Both ears as flat, slightly spread shells."""
    shell = Ellipsoid((0.725, 0.13, -0.07), (0.05, a.ear, 0.16), 0.05, lean=10.0, turn=22.0)
    lobe = Ellipsoid((0.7, 0.13 + 0.78 * a.ear, 0.0), (0.045, 0.08, 0.08), 0.06)
    return (*both_sides(shell), *both_sides(lobe))


def neck(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """Neck, throat and the slope to the shoulders, in the body's frame."""
    end = a.neck_end
    return (
        Ellipsoid((0, end - 0.45, -0.14), (a.neck_half, 1.1, a.neck_half * 1.05), 0.1, lean=10.0),
        *both_sides(
            Ellipsoid((0.34 * a.shoulder / 1.95, end + 0.3, -0.22), (0.62, 0.42, 0.34), 0.6)
        ),
    )


def torso(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """Chest and shoulders, in the body's frame."""
    end, wide = a.neck_end, a.shoulder
    return (
        Ellipsoid((0, end + 1.3, -0.1), (wide * 0.95, 1.28, 0.62), 0.3),
        *both_sides(Ellipsoid((wide * 0.72, end + 0.72, -0.15), (wide * 0.3, 0.5, 0.4), 0.35)),
        *both_sides(Ellipsoid((wide * 0.36, end + 0.44, -0.2), (wide * 0.36, 0.32, 0.36), 0.3)),
    )
