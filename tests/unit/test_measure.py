from typing import Any

import cv2
import numpy as np
import pytest

from augment import schema
from augment.crop import reference_points
from augment.drawing import draw, random_spec, sample_person
from augment.images import difference_hash
from augment.measure import MONK_SRGB, measure, monk_step, skin_colour, typology_angle
from augment.types import Image
from augment.vocabulary import SKIN_TONES, UNKNOWN

POINTS = reference_points(112, 0.0)


def plain(colour: tuple[int, int, int], size: int = 112) -> Image:
    return np.full((size, size, 3), colour, np.uint8)


def monk(step: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(MONK_SRGB[int(step) - 1])
    return red, green, blue


@pytest.mark.parametrize("step", SKIN_TONES)
def test_each_monk_colour_is_its_own_step(step: str) -> None:
    assert measure(plain(monk(step)), POINTS).skin_tone == step


def test_monk_colours_get_darker_by_ita() -> None:
    angles = [measure(plain(monk(step)), POINTS).ita for step in SKIN_TONES]
    assert all(angle is not None for angle in angles)
    # The scale's first steps differ in hue more than in light; from 3 on it only gets darker.
    assert np.all(np.diff(np.array(angles[2:], dtype=float)) < 0)


@pytest.mark.parametrize(
    ("lab", "angle"),
    [((70, 10, 20), 45.0), ((50, 10, 20), 0.0), ((30, 5, 20), -45.0), ((75, 12, 14), 60.7512)],
)
def test_typology_angle(lab: tuple[float, float, float], angle: float) -> None:
    assert typology_angle(lab) == pytest.approx(angle, abs=1e-3)


@pytest.mark.parametrize("light", [90.0, 10.0])
def test_the_angle_ends_where_skin_has_no_yellow(light: float) -> None:
    assert typology_angle((light, 5.0, -3.0)) == pytest.approx(90.0 * np.sign(light - 50))


def cielab(colour: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """By the formulas of IEC 61966-2-1 (sRGB) and CIE 15 (CIELAB, D65)."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ratio = np.array(to_xyz) @ linear / (0.95047, 1.0, 1.08883)
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("step", SKIN_TONES)
def test_skin_colour_is_cielab(step: str) -> None:
    found = skin_colour(plain(monk(step)), POINTS)
    assert found is not None
    np.testing.assert_allclose(found, cielab(monk(step)), atol=0.1)


@pytest.mark.parametrize("colour", [(128, 128, 128), (30, 60, 200), (40, 200, 60)])
def test_a_grey_or_coloured_face_has_no_skin_tone(colour: tuple[int, int, int]) -> None:
    found = measure(plain(colour), POINTS)
    assert found.ita is None
    assert found.skin_tone == UNKNOWN


def test_a_blue_mask_is_not_skin() -> None:
    face = plain(monk("7"))
    face[64:] = (60, 110, 190)
    assert measure(face, POINTS).skin_tone == "7"


def test_shadow_and_highlight_do_not_move_the_median() -> None:
    face = plain(monk("5"))
    face[:, :30] = (40, 25, 15)
    face[50:75, 50:60] = (255, 252, 248)
    assert measure(face, POINTS).skin_tone == "5"


def test_a_parsing_map_says_where_skin_is() -> None:
    face = plain(monk("9"))
    face[:, 56:] = monk("3")
    parsing = np.where(np.arange(112) < 56, 1, 17).astype(np.uint8)
    parsing = np.tile(parsing, (112, 1))
    assert measure(face, POINTS, parsing).skin_tone == "9"


def test_drawn_skin_is_measured_near_its_true_step() -> None:
    rng = np.random.default_rng(2)
    pairs = []
    for number in range(40):
        person = sample_person(number)
        drawing = draw(random_spec(person, float(rng.uniform(3, 80)), number), 96)
        found = measure(drawing.image, drawing.landmarks5)
        pairs.append((person.monk, int(found.skin_tone)))
    true, found_steps = np.array(pairs).T
    assert np.corrcoef(true, found_steps)[0, 1] > 0.93
    assert np.abs(true - found_steps).mean() < 0.8


def test_size_does_not_change_the_colour() -> None:
    drawing = draw(random_spec(sample_person(4), 30.0, 4), 512)
    small = draw(random_spec(sample_person(4), 30.0, 4), 96)
    large_colour = skin_colour(drawing.image, drawing.landmarks5)
    small_colour = skin_colour(small.image, small.landmarks5)
    assert large_colour is not None
    assert small_colour is not None
    np.testing.assert_allclose(large_colour, small_colour, atol=3.0)


def test_blur_lowers_sharpness_and_little_else() -> None:
    drawing = draw(random_spec(sample_person(8), 40.0, 8), 128)
    sharp = measure(drawing.image, drawing.landmarks5)
    soft = measure(cv2.GaussianBlur(drawing.image, (0, 0), 2.0), drawing.landmarks5)
    assert soft.sharpness < 0.4 * sharp.sharpness
    assert soft.brightness == pytest.approx(sharp.brightness, abs=2.0)


def test_sharpness_and_brightness_of_known_pictures() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    found = measure(stripes)
    # The Laplacian of one-pixel stripes is -+ 400.
    assert found.sharpness == pytest.approx(400.0**2, rel=1e-3)
    assert found.brightness == pytest.approx(100.0, abs=0.5)
    assert measure(plain((80, 80, 80))).sharpness == 0.0


def test_only_the_face_counts_for_brightness() -> None:
    face = plain((250, 250, 250))
    face[30:108, 20:92] = 50
    assert measure(face, POINTS).brightness < 80


@pytest.mark.parametrize("points", [None, POINTS - 200, POINTS + 200, np.full((5, 2), 5.0)])
def test_points_outside_of_the_crop_are_no_error(points: Any) -> None:
    assert measure(plain(monk("4")), points).brightness > 0


def test_columns_are_the_schemas() -> None:
    found = measure(plain(monk("4")), POINTS)
    columns = found.columns()
    assert list(columns) == [field.name for field in schema.measured_columns()]
    assert columns["face_hash"] == difference_hash(plain(monk("4")))


def test_the_nearest_step_is_by_distance_in_cielab() -> None:
    assert monk_step((54.0, 9.0, 26.0)) == "6"
    assert monk_step((5.0, 0.0, 0.0)) == "10"
