"""The head's shape: which ellipsoids make a skull, a face, ears and a neck."""

from functools import lru_cache

from augment.drawing.anatomy import Anatomy
from augment.drawing.geometry import Ellipsoid, both_sides


@lru_cache(maxsize=32)
def skull(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """The head without nose and ears."""
    low = 0.46
    tall = (a.top + low) / 2
    drop = a.drop
    chin_y = a.chin + drop
    back = 0.14 * drop
    fat = a.cheek_fat
    parts = [
        Ellipsoid((0, low - tall, -0.1), (a.skull_width, tall, 0.94)),
        Ellipsoid((0, 0.18, 0.13), (0.665, 0.78, 0.7), 0.15),
        Ellipsoid(
            (0, 0.55 + 0.6 * drop, 0.14 - back),
            (0.52 * a.jaw, chin_y - 0.57 - 0.6 * drop, 0.55),
            0.2,
        ),
        *both_sides(
            Ellipsoid(
                (0.34 * a.jaw, 0.6 * a.chin + 0.5 * drop, 0.08 - back),
                (0.17 * a.jaw, 0.24, 0.3),
                0.22,
            )
        ),
        Ellipsoid(
            (0, chin_y - 0.175, 0.54 + a.chin_out - back),
            (0.2 * a.chin_width, 0.165, 0.21),
            0.2,
        ),
        *both_sides(
            Ellipsoid((0.42, 0.2, 0.42), (0.22 * a.cheekbone, 0.2, 0.27 * a.cheekbone), 0.2)
        ),
        *both_sides(
            Ellipsoid(
                (0.34 + 0.05 * fat, 0.4 + 0.1 * fat - 0.03 * a.smile, 0.47),
                (0.2 + 0.07 * fat, 0.2 + 0.06 * fat, 0.2 + 0.06 * fat + 0.03 * a.smile),
                0.22,
            )
        ),
        Ellipsoid((0, a.mouth + 0.35 * drop, 0.56), (0.3, 0.25 + 0.4 * drop, 0.29), 0.22),
        *both_sides(
            Ellipsoid((0.2, a.brow + 0.06, 0.6 + 0.03 * a.brow_ridge), (0.26, 0.1, 0.2), 0.12)
        ),
    ]
    if a.jowl > 0.01:
        parts += both_sides(
            Ellipsoid(
                (0.33 * a.jaw, 0.83 * a.chin + 0.8 * drop, 0.36 - back),
                (0.1 + 0.07 * a.jowl, 0.12 + 0.07 * a.jowl, 0.12 + 0.1 * a.jowl),
                0.16,
            )
        )
    return tuple(parts)


@lru_cache(maxsize=32)
def nose(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """Bridge, tip and wings, to be joined to the skull."""
    base = 0.8
    tip_y = a.subnasale - 0.075 - 0.012 * a.nose_tip
    tip_z = base + a.nose_out
    start_y, start_z = -0.06, 0.77 + 0.075 * a.bridge
    ball = 0.088 + 0.006 * a.nose_tip + 0.12 * max(0.0, a.nose_half - 0.17)
    lean = _degrees(tip_z - ball * 0.75 - start_z, tip_y - start_y)
    half = 0.5 * ((tip_y - start_y) ** 2 + (tip_z - start_z) ** 2) ** 0.5
    wing = 0.07 + 0.1 * (a.nose_half - 0.17)
    return (
        Ellipsoid(
            (0, (start_y + tip_y) / 2, (start_z + tip_z) / 2 - 0.105),
            (0.085 + 0.1 * (a.nose_half - 0.17), half * 1.12, 0.1),
            0.09,
            lean=lean,
        ),
        Ellipsoid((0, tip_y, tip_z - ball), (ball * 1.05, ball * 0.92, ball), 0.06),
        *both_sides(
            Ellipsoid(
                (a.nose_half - wing, a.subnasale - 0.055, base + 0.25 * a.nose_out),
                (wing, 0.068, 0.105),
                0.045,
            )
        ),
        Ellipsoid((0, a.subnasale - 0.03, base + 0.3 * a.nose_out), (0.05, 0.045, 0.13), 0.05),
    )


@lru_cache(maxsize=32)
def ears(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """Both ears as flat, slightly spread shells."""
    shell = Ellipsoid((0.755, 0.1, -0.06), (0.055, a.ear, 0.17), 0.05, lean=10.0, turn=28.0)
    lobe = Ellipsoid((0.73, 0.1 + 0.8 * a.ear, 0.0), (0.05, 0.09, 0.09), 0.06)
    return (*both_sides(shell), *both_sides(lobe))


@lru_cache(maxsize=32)
def neck(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """Neck, throat and the slope to the shoulders, in the body's frame."""
    end = a.neck_end
    return (
        Ellipsoid((0, end - 0.35, -0.12), (a.neck_half, 1.2, a.neck_half * 1.02), 0.1, lean=10.0),
        *both_sides(Ellipsoid((0.13, end - 0.25, 0.13), (0.1, 0.6, 0.16), 0.18, lean=8.0)),
        *both_sides(Ellipsoid((0.42 * a.shoulder / 1.95, end + 0.32, -0.2), (0.5, 0.34, 0.3), 0.4)),
    )


@lru_cache(maxsize=32)
def torso(a: Anatomy) -> tuple[Ellipsoid, ...]:
    """Chest and shoulders, in the body's frame."""
    end, wide = a.neck_end, a.shoulder
    return (
        Ellipsoid((0, end + 1.3, -0.1), (wide * 0.95, 1.3, 0.62), 0.3),
        *both_sides(Ellipsoid((wide * 0.72, end + 0.72, -0.15), (wide * 0.3, 0.5, 0.4), 0.35)),
        *both_sides(Ellipsoid((wide * 0.36, end + 0.42, -0.2), (wide * 0.36, 0.3, 0.36), 0.3)),
    )


def _degrees(rise: float, run: float) -> float:
    from math import atan2, degrees

    return degrees(atan2(rise, run))
