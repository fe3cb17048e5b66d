"""A person at an age with an expression, as lengths of the head.

Head frame: x to the viewer's right, y down, z towards the viewer; the origin lies between the
eyes in x and y and in the plane of the ears in z; 1 unit = 100 mm on an adult. The face's width is
the same at all ages: growing up is a change of proportions (Farkas, Anthropometry of the Head and
Face, 1994; Enlow and Hans, Essentials of Facial Growth, 1996), rounded to what a picture shows.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from augment.drawing.spec import FaceSpec

_AGES = (0, 1, 3, 6, 10, 14, 18, 30, 50, 70, 90)
_GROWTH = {
    "chin": (0.84, 0.86, 0.89, 0.94, 1.0, 1.06, 1.1, 1.12, 1.12, 1.11, 1.08),
    "top": (1.26, 1.24, 1.22, 1.19, 1.16, 1.13, 1.12, 1.11, 1.11, 1.1, 1.1),
    "skull_width": (0.82, 0.82, 0.81, 0.8, 0.785, 0.775, 0.77, 0.765, 0.765, 0.765, 0.765),
    "subnasale": (0.33, 0.34, 0.36, 0.385, 0.41, 0.435, 0.455, 0.465, 0.48, 0.495, 0.51),
    "mouth": (0.51, 0.53, 0.56, 0.59, 0.625, 0.66, 0.685, 0.695, 0.705, 0.715, 0.715),
    "nose_out": (0.13, 0.14, 0.16, 0.19, 0.22, 0.25, 0.28, 0.29, 0.295, 0.3, 0.31),
    "nose_half": (0.155, 0.155, 0.155, 0.155, 0.158, 0.165, 0.172, 0.178, 0.184, 0.192, 0.2),
    "bridge": (0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 0.95, 1.0, 1.0, 1.0, 1.0),
    "eye_half": (0.196, 0.196, 0.194, 0.19, 0.184, 0.179, 0.176, 0.173, 0.168, 0.161, 0.155),
    "eye_tall": (0.122, 0.122, 0.118, 0.112, 0.103, 0.096, 0.091, 0.086, 0.077, 0.065, 0.056),
    "iris": (0.095, 0.093, 0.089, 0.084, 0.079, 0.075, 0.073, 0.071, 0.07, 0.068, 0.067),
    "mouth_half": (0.19, 0.195, 0.205, 0.215, 0.228, 0.242, 0.255, 0.262, 0.266, 0.266, 0.262),
    "lips": (1.0, 1.0, 1.0, 1.0, 1.0, 1.02, 1.0, 0.94, 0.78, 0.58, 0.45),
    "jaw": (0.92, 0.92, 0.92, 0.92, 0.93, 0.95, 0.98, 1.0, 1.02, 1.04, 1.03),
    "chin_out": (-0.08, -0.07, -0.06, -0.045, -0.03, -0.01, 0.0, 0.0, 0.0, 0.01, 0.03),
    "cheek_fat": (1.0, 1.0, 0.9, 0.7, 0.45, 0.28, 0.18, 0.12, 0.12, 0.06, 0.0),
    "brow": (-0.215, -0.215, -0.215, -0.215, -0.215, -0.22, -0.22, -0.215, -0.21, -0.2, -0.19),
    "brow_tall": (0.25, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0, 1.0, 0.95, 0.8, 0.7),
    "ear": (0.26, 0.27, 0.28, 0.29, 0.295, 0.3, 0.305, 0.31, 0.32, 0.34, 0.36),
    "neck_half": (0.36, 0.35, 0.34, 0.345, 0.36, 0.39, 0.42, 0.44, 0.46, 0.45, 0.42),
    "neck_end": (1.02, 1.05, 1.12, 1.22, 1.32, 1.42, 1.48, 1.49, 1.47, 1.45, 1.42),
    "shoulder": (1.0, 1.05, 1.15, 1.25, 1.4, 1.6, 1.85, 1.95, 1.95, 1.88, 1.8),
    "jowl": (0, 0, 0, 0, 0, 0, 0, 0.03, 0.35, 0.8, 1.0),
    "wrinkles": (0, 0, 0, 0, 0, 0, 0.0, 0.1, 0.45, 0.82, 1.0),
    "bags": (0, 0, 0, 0, 0.0, 0.02, 0.06, 0.15, 0.5, 0.85, 1.0),
    "hollow": (0, 0, 0, 0, 0, 0.0, 0.0, 0.05, 0.2, 0.6, 1.0),
}


@dataclass(frozen=True)
class Anatomy:
    """Lengths and strengths for one picture; names as in the growth table, plus:

    `adult` 0..1 (puberty done), `masculine` about -1.5..1.5 with adulthood, `drop` how far the jaw
    has fallen, `gap` the opening between the lips, `smile` 0..1, `lid` how open the eyes are 0..1.
    """

    adult: float
    masculine: float
    chin: float
    top: float
    skull_width: float
    subnasale: float
    mouth: float
    nose_out: float
    nose_half: float
    nose_tip: float
    bridge: float
    eye_x: float
    eye_half: float
    eye_tall: float
    eye_tilt: float
    iris: float
    mouth_half: float
    lips: float
    jaw: float
    chin_width: float
    chin_out: float
    cheekbone: float
    cheek_fat: float
    brow: float
    brow_tall: float
    brow_arch: float
    brow_ridge: float
    ear: float
    neck_half: float
    neck_end: float
    shoulder: float
    jowl: float
    wrinkles: float
    bags: float
    hollow: float
    drop: float
    gap: float
    smile: float
    lid: float
    face_width: float


def visible_age(spec: FaceSpec) -> float:
    """Age in years as it shows: adults look a little older or younger than they are."""
    settled = float(np.clip((spec.age - 18.0) / 30.0, 0.0, 1.0))
    return float(np.clip(spec.age + settled * spec.person.ageing, 0.0, 95.0))


@lru_cache(maxsize=16)
def anatomy(spec: FaceSpec) -> Anatomy:
    """Combine growth, personal traits (which unfold while growing up) and the expression."""
    who, age = spec.person, visible_age(spec)
    g = {name: float(np.interp(age, _AGES, curve)) for name, curve in _GROWTH.items()}
    adult = float(np.clip((age - 10.0) / 9.0, 0.0, 1.0))
    own = 0.45 + 0.55 * adult  # children differ less from each other
    masculine = adult * (1.0 if who.gender == "male" else -1.0)
    length = 1.0 + 0.025 * own * who.face_length
    drop = 0.3 * spec.mouth_open
    nose = length * (1.0 + 0.035 * own * who.nose_length)
    return Anatomy(
        adult=adult,
        masculine=masculine,
        chin=g["chin"] * length + 0.012 * own * who.chin,
        top=g["top"],
        skull_width=g["skull_width"],
        subnasale=g["subnasale"] * nose,
        mouth=g["mouth"] * length + 0.004 * who.nose_length * own,
        nose_out=g["nose_out"] * (1.0 + 0.05 * own * who.nose_bridge),
        nose_half=g["nose_half"] * (1.0 + 0.07 * own * who.nose_width) * (1.0 + 0.06 * spec.smile),
        nose_tip=who.nose_tip * own,
        bridge=g["bridge"] * (1.0 + 0.2 * own * who.nose_bridge),
        eye_x=0.315 + 0.011 * who.eye_distance,
        eye_half=g["eye_half"] * (1.0 + 0.035 * who.eye_size),
        eye_tall=g["eye_tall"] * (1.0 + 0.06 * who.eye_size),
        eye_tilt=0.012 + 0.010 * who.eye_tilt,
        iris=g["iris"],
        mouth_half=g["mouth_half"] * (1.0 + 0.045 * who.mouth_width) * (1.0 + 0.17 * spec.smile),
        lips=g["lips"] * (1.0 + 0.16 * who.lip_fullness) * (1.0 - 0.12 * spec.smile),
        jaw=g["jaw"] * (1.0 + 0.045 * own * who.jaw_width),
        chin_width=1.0 + 0.09 * own * who.jaw_width,
        chin_out=g["chin_out"] + 0.01 * own * who.chin,
        cheekbone=1.0 + 0.05 * own * who.cheekbones,
        cheek_fat=max(0.0, g["cheek_fat"] + 0.14 * who.fullness),
        brow=g["brow"] - 0.011 * own * who.brow_height - 0.01 * spec.mouth_open,
        brow_tall=g["brow_tall"] * (1.0 + 0.17 * own * who.brow_weight),
        brow_arch=1.0 + 0.28 * own * who.brow_arch,
        brow_ridge=adult * (0.5 + 0.25 * who.brow_weight),
        ear=g["ear"] * (1.0 + 0.06 * who.ears),
        neck_half=g["neck_half"] * (1.0 + 0.09 * masculine),
        neck_end=g["neck_end"],
        shoulder=g["shoulder"] * (1.0 + 0.08 * masculine),
        jowl=g["jowl"],
        wrinkles=g["wrinkles"],
        bags=g["bags"],
        hollow=g["hollow"] * (1.0 - 0.25 * who.fullness * own),
        drop=drop,
        gap=drop * 0.9 + 0.055 * max(0.0, spec.smile - 0.45),
        smile=spec.smile,
        lid=spec.eyes_open * (1.0 - 0.15 * spec.smile),
        face_width=1.38,
    )
