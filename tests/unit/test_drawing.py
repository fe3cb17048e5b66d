"""The procedural faces keep their promises: same spec, same picture; answers that are true."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from augment.drawing import FaceSpec, Person, draw, draw_video, random_spec, sample_person
from augment.drawing.render import draw_layers
from augment.drawing.spec import MASK_COLOURS, MASKS

SKIN, NOSE, L_EYE, R_EYE, L_BROW, R_BROW = 1, 2, 4, 5, 6, 7
MOUTH, U_LIP, L_LIP, HAIR, NECK, CLOTH = 10, 11, 12, 13, 17, 18
WOMAN = sample_person(3, gender="female", monk=4)
MAN = sample_person(8, gender="male", monk=6)


def clean(person: Person, age: float = 30, **overrides: Any) -> FaceSpec:
    """A frontal picture without nuisance."""
    still = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "glasses": False, "noise": 0.0, "blur": 0.0}
    return random_spec(person, age, 5, frontal=True, **{**still, **overrides})


def classes_at(parsing: np.ndarray, points: np.ndarray) -> list[int]:
    return [int(parsing[round(float(y)), round(float(x))]) for x, y in points]


def test_the_same_arguments_give_the_same_bytes() -> None:
    spec = random_spec(sample_person(21), 40, 7)
    assert spec == random_spec(sample_person(21), 40, 7)
    first, second = draw(spec, 96), draw(spec, 96)
    for name in ("image", "landmarks5", "landmarks68", "parsing", "mask_alpha"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_drawing_leaves_the_global_random_state_alone() -> None:
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    draw(random_spec(sample_person(1), 20, 1), 64)
    np.testing.assert_equal(np.random.get_state(legacy=False), before)  # noqa: NPY002


@pytest.mark.parametrize("size", [32, 100, 512, 1024])
def test_shapes_and_types(size: int) -> None:
    drawing = draw(clean(MAN), size)
    assert drawing.image.shape == (size, size, 3)
    assert drawing.image.dtype == np.uint8
    assert drawing.parsing.shape == (size, size)
    assert drawing.parsing.dtype == np.uint8
    assert drawing.mask_alpha.shape == (size, size)
    assert drawing.mask_alpha.dtype == np.float32
    assert drawing.landmarks5.shape == (5, 2)
    assert drawing.landmarks68.shape == (68, 2)
    assert drawing.landmarks68.dtype == np.float32


@pytest.mark.parametrize("person", [WOMAN, MAN])
def test_another_size_is_the_same_picture(person: Person) -> None:
    spec = clean(person, 50, blur=0.004)
    small, large = draw(spec, 128), draw(spec, 256)
    shrunk = cv2.resize(large.image, (128, 128), interpolation=cv2.INTER_AREA)
    difference = np.abs(shrunk.astype(int) - small.image)
    assert difference.mean() < 2.5
    np.testing.assert_allclose(large.landmarks68 / 2 - 0.25, small.landmarks68, atol=0.01)
    agreement = (large.parsing[::2, ::2] == small.parsing).mean()
    assert agreement > 0.97


@pytest.mark.parametrize("style", ["short", "long"])
@pytest.mark.parametrize("person", [WOMAN, MAN])
def test_landmarks_lie_on_their_parts(person: Person, style: str) -> None:
    drawing = draw(clean(person, 30, mouth_open=0.6, hair_style=style, beard=0.0), 256)
    five, points, parsing = drawing.landmarks5, drawing.landmarks68, drawing.parsing
    assert classes_at(parsing, five[:3]) == [R_EYE, L_EYE, NOSE]
    assert five[0, 0] < five[1, 0]
    assert five[3, 0] < five[4, 0]
    assert set(classes_at(parsing, points[27:31])) <= {NOSE, SKIN}
    for ring, label in ((points[36:42], R_EYE), (points[42:48], L_EYE)):
        assert classes_at(parsing, ring.mean(0, keepdims=True)) == [label]
        found = np.argwhere(parsing == label)[:, ::-1]
        assert np.abs(found.min(0) - ring.min(0)).max() < 5
        assert np.abs(found.max(0) - ring.max(0)).max() < 5
    assert set(classes_at(parsing, points[[18, 19, 20]])) == {R_BROW}
    assert set(classes_at(parsing, points[[23, 24, 25]])) == {L_BROW}
    upper_lip = (points[51] + points[62]) / 2
    lower_lip = (points[57] + points[66]) / 2
    inside = (points[62] + points[66]) / 2
    found_classes = classes_at(parsing, np.stack([upper_lip, lower_lip, inside]))
    assert found_classes == [U_LIP, L_LIP, MOUTH]
    for corner in (five[3], five[4]):
        lips = np.argwhere(np.isin(parsing, (U_LIP, L_LIP, MOUTH)))[:, ::-1]
        assert np.hypot(*(lips - corner).T).min() < 5


def test_landmark_order_follows_ibug() -> None:
    points = draw(clean(MAN), 256).landmarks68
    jaw = points[:17]
    assert (np.diff(jaw[:, 0]) > 0).all()
    assert jaw[:, 1].argmax() == 8
    mirrored = [*range(16, -1, -1), *range(26, 16, -1)]
    middle = points[8, 0]
    np.testing.assert_allclose(2 * middle - points[mirrored, 0], points[:27, 0], atol=0.5)
    assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0]
    assert (points[37:39, 1] < points[40:42, 1]).all()
    assert points[27, 1] < points[30, 1] < points[33, 1] < points[51, 1] < points[57, 1]


def test_roll_turns_the_landmarks_about_the_centre() -> None:
    spec = clean(WOMAN, roll=0.0)
    straight = draw(spec, 128).landmarks68
    turned = draw(replace(spec, roll=25.0), 128).landmarks68
    middle = np.asarray(spec.centre) * 128 - 0.5
    cosine, sine = np.cos(np.radians(25.0)), np.sin(np.radians(25.0))
    expected = (straight - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle
    np.testing.assert_allclose(turned, expected, atol=0.02)


def test_yaw_moves_the_nose_and_hides_the_far_ear() -> None:
    spec = clean(MAN, hair_style="buzz", beard=0.0)
    front, right = draw(spec, 128), draw(replace(spec, yaw=40.0), 128)

    def lean(points: np.ndarray) -> float:
        return float(points[2, 0] - points[:2, 0].mean())

    assert lean(right.landmarks5) > lean(front.landmarks5) + 3
    ears = {label: int((right.parsing == label).sum()) for label in (8, 9)}
    assert ears[9] > 20
    assert ears[8] < 0.3 * ears[9]


@pytest.mark.parametrize("kind", ["surgical", "cloth", "n95"])
@pytest.mark.parametrize("yaw", [0.0, -30.0])
def test_a_mask_is_laid_over_the_same_picture(kind: str, yaw: float) -> None:
    bare_spec = clean(WOMAN, yaw=yaw, noise=3.0, blur=0.004)
    worn_spec = replace(bare_spec, mask=kind)
    bare, worn = draw(bare_spec, 128), draw(worn_spec, 128)
    assert not bare.mask_alpha.any()
    outside = worn.mask_alpha == 0
    np.testing.assert_array_equal(worn.image[outside], bare.image[outside])
    np.testing.assert_array_equal(worn.landmarks68, bare.landmarks68)
    assert worn.mask_alpha.min() >= 0
    assert worn.mask_alpha.max() <= 1
    assert worn.mask_alpha.max() > 0.99
    covered = worn.mask_alpha > 0.5
    for x, y in worn.landmarks5[3:]:
        assert covered[round(float(y)), round(float(x))]
    for x, y in worn.landmarks5[:2]:
        assert not covered[round(float(y)), round(float(x))]
    assert np.abs(worn.image[covered].astype(int) - bare.image[covered]).mean() > 15


def test_each_kind_of_mask_comes_in_its_own_colours() -> None:
    for kind in MASKS:
        seen = {random_spec(sample_person(1), 30.0, n, mask=kind).mask_colour for n in range(80)}
        assert seen == set(MASK_COLOURS[kind])


def test_masked_composition_is_exact() -> None:
    bare_spec = clean(MAN, blur=0.003)
    bare, worn = draw_layers(bare_spec, 96), draw_layers(replace(bare_spec, mask="cloth"), 96)
    np.testing.assert_array_equal(bare.base, worn.base)
    composed = worn.paint + (1 - worn.alpha[..., None]) * bare.base
    image = draw(replace(bare_spec, mask="cloth"), 96).image
    np.testing.assert_allclose(image, composed, atol=0.51)


def test_the_person_stays_and_the_age_shows() -> None:
    spec = clean(MAN, 8, hair_style="short")
    ages = [draw(replace(spec, age=float(age)), 128).image.astype(int) for age in (8, 30, 75)]
    again = draw(spec, 128).image
    np.testing.assert_array_equal(again, ages[0])
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(ages[one] - ages[other]).mean() > 3


def test_children_have_larger_eyes_and_a_shorter_face() -> None:
    def ratios(age: float) -> tuple[float, float]:
        drawing = draw(clean(WOMAN, age), 256)
        points = drawing.landmarks68
        between = np.hypot(*(drawing.landmarks5[1] - drawing.landmarks5[0]))
        eye = np.hypot(*(points[39] - points[36])) / between
        face = (points[8, 1] - drawing.landmarks5[:2, 1].mean()) / between
        return float(eye), float(face)

    child, adult = ratios(3), ratios(30)
    assert child[0] > adult[0] * 1.05
    assert child[1] < adult[1] * 0.9


def test_old_hair_is_grey() -> None:
    person = replace(sample_person(12), hair_colour=(0.25, 0.06, 0.02), greying=0.5)

    def colourfulness(age: float) -> float:
        drawing = draw(clean(person, age, hair_style="fringe"), 96)
        hair = drawing.image[drawing.parsing == HAIR].astype(float)
        return float((hair.max(1) - hair.min(1)).mean())

    assert colourfulness(80) < 0.4 * colourfulness(30)


def test_monk_steps_darken_the_skin_in_order() -> None:
    means = []
    for step in range(1, 11):
        drawing = draw(clean(sample_person(4, gender="female", monk=step), beard=0.0), 96)
        skin = drawing.image[drawing.parsing == SKIN].astype(float)
        means.append(float((skin @ np.array([0.2126, 0.7152, 0.0722])).mean()))
    # Steps 1-3 differ in hue more than in lightness (#f3e7db is darker than #f7ead0).
    assert np.mean(means[:3]) > means[3]
    assert (np.diff(means[3:]) < -2).all()


def test_an_open_mouth_shows_its_inside() -> None:
    spec = clean(WOMAN, mouth_open=0.0, smile=0.0)
    shut, wide = draw(spec, 128), draw(replace(spec, mouth_open=1.0), 128)
    assert (shut.parsing == MOUTH).sum() == 0
    assert (wide.parsing == MOUTH).sum() > 60
    gap = wide.landmarks68[66, 1] - wide.landmarks68[62, 1]
    assert gap > 6
    np.testing.assert_allclose(wide.landmarks5[:2], shut.landmarks5[:2], atol=1e-4)


def test_closed_eyes_hide_the_eyeball() -> None:
    spec = clean(WOMAN, smile=0.0)
    eyes = [
        int(np.isin(draw(replace(spec, eyes_open=o), 128).parsing, (L_EYE, R_EYE)).sum())
        for o in (0.0, 1.0)
    ]
    assert eyes[0] < 0.35 * eyes[1]


def test_parsing_has_the_parts_of_a_face() -> None:
    parsing = draw(clean(MAN, hair_style="short", glasses=True), 128).parsing
    expected = {0, SKIN, NOSE, 3, L_EYE, R_EYE, L_BROW, R_BROW, U_LIP, L_LIP, HAIR, NECK, CLOTH}
    assert expected <= set(np.unique(parsing).tolist())
    assert parsing.max() < 19
    left_eye = np.argwhere(parsing == L_EYE)[:, 1].mean()
    right_eye = np.argwhere(parsing == R_EYE)[:, 1].mean()
    assert left_eye > right_eye  # the person's own left is on the viewer's right


def test_a_beard_grows_on_the_chin() -> None:
    spec = clean(MAN, 35, beard=0.0)
    shaved, bearded = draw(spec, 96), draw(replace(spec, beard=1.0), 96)
    x, y = (shaved.landmarks68[8] + [0, -4]).round().astype(int)
    chin = (slice(y - 3, y + 1), slice(x - 6, x + 7))
    assert bearded.image[chin].mean() < 0.8 * shaved.image[chin].mean()
    top = slice(0, int(shaved.landmarks5[0, 1]))
    change = np.abs(bearded.image[top].astype(int) - shaved.image[top])
    assert change.mean() < 1.0


def test_fixing_gender_or_tone_keeps_the_other_traits() -> None:
    free, fixed = sample_person(77), sample_person(77, monk=9)
    assert fixed.monk == 9
    assert fixed.gender == free.gender
    assert fixed.face_length == free.face_length
    genders = [sample_person(seed).gender for seed in range(200)]
    assert 70 < genders.count("female") < 130
    tones = [sample_person(seed).monk for seed in range(400)]
    assert min(tones.count(step) for step in range(1, 11)) > 15


def test_frontal_specs_face_the_camera() -> None:
    specs = [random_spec(sample_person(s), 30, s, frontal=True) for s in range(50)]
    assert max(abs(s.yaw) for s in specs) < 12
    assert max(abs(s.roll) for s in specs) < 5
    assert max(abs(random_spec(sample_person(s), 30, s).yaw) for s in range(50)) > 20


def test_overrides_change_only_what_they_name() -> None:
    person = sample_person(5)
    assert random_spec(person, 30, 2, smile=1.0) == replace(random_spec(person, 30, 2), smile=1.0)


@pytest.mark.parametrize(
    ("field", "value"), [("mask", "scarf"), ("hair_style", "mohawk"), ("age", -1.0)]
)
def test_impossible_specs_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        replace(clean(WOMAN), **{field: value})


def test_impossible_people_and_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="gender"):
        sample_person(1, gender="other")
    with pytest.raises(ValueError, match="monk"):
        sample_person(1, monk=11)
    with pytest.raises(ValueError, match="size"):
        draw(clean(WOMAN), 16)


def test_video_is_smooth_and_moves() -> None:
    frames = list(draw_video(WOMAN, 30, seconds=1.0, fps=8, seed=3, size=64))
    assert len(frames) == 8
    points = np.stack([f.landmarks68 for f in frames])
    steps = np.abs(np.diff(points, axis=0)).max(axis=(1, 2))
    assert 0.05 < steps.max() < 4.0
    again = next(iter(draw_video(WOMAN, 30, seconds=1.0, fps=8, seed=3, size=64)))
    np.testing.assert_array_equal(again.image, frames[0].image)


def test_haar_finds_near_frontal_faces() -> None:
    folder = Path(cv2.__file__).parent / "data"
    cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
    found = 0
    for index in range(60):
        person = sample_person(5000 + index, monk=1 + index % 10)
        drawing = draw(random_spec(person, 5 + index * 75 / 59, index, frontal=True), 128)
        grey = cv2.cvtColor(drawing.image, cv2.COLOR_RGB2GRAY)
        boxes = cascade.detectMultiScale(grey, 1.1, 3, minSize=(32, 32))
        x, y = drawing.landmarks5.mean(0)
        found += any(bx < x < bx + w and by < y < by + h for bx, by, w, h in boxes)
    assert found >= 57
