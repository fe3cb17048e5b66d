"""Ear loops, drawn from where a mask's pixels lie on it."""

import cv2
import numpy as np
import pytest

from augment.generators.mask import cords
from augment.generators.mask.laying import lay
from augment.generators.mask.painter import drape
from augment.generators.mask.style import Kind, Style
from augment.types import FloatArray, Image
from tests.unit.aligned_faces import face_picture
from tests.unit.test_generators_mask_laying import layers_from

BLUE = Style("surgical", (150, 196, 222))


def turned(size: int, offset: float) -> tuple[Image, FloatArray]:
    """A plain face whose nose points aside: by so many 64ths of the picture to the right."""
    _, points = face_picture(4, size)
    points = points + np.array([[0, 0], [0, 0], [offset, 0], [0, 0], [0, 0]]) * size / 64
    return np.full((size, size, 3), (190, 150, 130), np.uint8), points.astype(np.float32)


def worn(size: int, offset: float, style: Style) -> cords.Worn:
    image, points = turned(size, offset)
    draped = drape(image, points, style)
    rows, columns = np.nonzero(draped.cover > 0.6)
    u, v = draped.place[:, rows, columns].astype(np.float64)
    return cords.Worn(np.stack([columns, rows], axis=1).astype(np.float64), u, v)


@pytest.mark.parametrize("kind", ["surgical", "n95", "cloth"])
@pytest.mark.parametrize("size", [64, 224])
def test_a_turned_head_shows_two_loops_on_its_near_side(kind: Kind, size: int) -> None:
    style = Style(kind, (150, 196, 222))
    _, points = turned(size, -5)  # to the picture's left: its right side is near
    found, unit = cords.lines(worn(size, -5, style), style)
    assert len(found) == 2
    true_unit = np.hypot(*(points[3:].mean(0) - points[:2].mean(0)))
    assert unit == pytest.approx(true_unit, rel=0.15)
    for start, end in found:
        assert end[0] > start[0] > points[:, 0].max() - 0.02 * size
        assert end[1] < start[1]  # up to the ear
        assert points[0, 1] - 0.03 * size < end[1] < points[3, 1]  # between eyes and mouth


def test_the_mirrored_head_has_mirrored_loops() -> None:
    one, other = (cords.lines(worn(128, offset, BLUE), BLUE)[0] for offset in (-5, 5))
    assert len(one) == len(other) == 2
    for (start, end), (other_start, other_end) in zip(one, other, strict=True):
        assert np.sign(end[0] - start[0]) == -np.sign(other_end[0] - other_start[0])
        assert abs(end[1] - other_end[1]) < 4


def test_a_head_that_looks_ahead_hides_them_and_a_respirator_has_none() -> None:
    assert cords.lines(worn(64, 0, BLUE), BLUE)[0] == []
    gas = Style("gas", (62, 64, 68))
    assert cords.lines(worn(64, -5, gas), gas)[0] == []


def test_a_mask_of_a_few_pixels_has_none() -> None:
    few = worn(64, -5, BLUE)
    assert cords.lines(cords.Worn(few.at[:9], few.u[:9], few.v[:9]), BLUE)[0] == []


def drawn(face: Image, soft: float = 0.0) -> Image:
    made = face.copy()
    line = [(np.array([20.0, 60.0]), np.array([80.0, 40.0]))]
    cords.draw(made, face, line, np.array([230, 230, 230], np.float32), 2.0, soft)
    return made


def test_hair_lies_over_a_loop() -> None:
    face = np.full((100, 100, 3), (190, 150, 130), np.uint8)
    whole = (drawn(face) != face).any(axis=2)
    assert whole[:, 25:70].any(axis=0).all()
    face[:, 50:] = 30
    part = (drawn(face) != face).any(axis=2)
    assert part[:, 25:45].any(axis=0).all()
    assert not part[:, 54:].any()


def test_a_soft_photo_has_soft_loops() -> None:
    face = np.full((100, 100, 3), (120, 110, 100), np.uint8)
    steps = [cv2.absdiff(drawn(face, soft)[:, 30], face[:, 30]).max() for soft in (0.0, 2.0)]
    assert steps[1] < 0.7 * steps[0]


def test_they_are_part_of_the_picture_that_is_made() -> None:
    image, points = turned(64, -5)
    draped = drape(image, points, BLUE)
    made = lay(image, BLUE, layers_from(draped), np.random.default_rng(0))
    changed = (made.astype(int) - image).max(axis=2) > 6  # brighter than skin
    beside = cv2.dilate((draped.cover > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert 4 < (changed & beside).sum() < 60
