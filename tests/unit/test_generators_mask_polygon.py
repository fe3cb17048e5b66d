"""The landmark polygon, on a hand-made set of 68 points."""

import numpy as np
import pytest

from augment.generators.mask.polygon import COLOURS, COVERAGES, SHAPES, outline, put_on
from augment.types import FloatArray, Image

SIZE = 100


@pytest.fixture
def face() -> Image:
    return np.full((SIZE, SIZE, 3), 120, np.uint8)


@pytest.fixture
def points() -> FloatArray:
    """A jaw from (10, 40) down to (50, 90) and up again, a straight nose, two eyes."""
    places = np.full((68, 2), 50, np.float32)
    along = np.linspace(-1, 1, 17)
    places[:17, 0] = 50 + 40 * along
    places[:17, 1] = 90 - 50 * along**2
    places[27:31] = [(50, 40), (50, 46), (50, 52), (50, 58)]
    places[31:36] = [(44, 62), (47, 63), (50, 64), (53, 63), (56, 62)]
    places[39], places[42] = (42, 40), (58, 40)
    return places


def test_the_default_covers_mouth_and_chin_and_spares_the_eyes(
    face: Image, points: FloatArray
) -> None:
    made = put_on(face, points)
    assert made.image is not None
    black = (made.image == 0).all(axis=2)
    assert black[75, 50]  # the mouth
    assert black[89, 50]  # the chin's tip
    assert not black[40, 42]  # an eye
    assert not black[50, 50]  # above nose point 29
    assert np.array_equal(made.image[~black], face[~black])


def test_more_coverage_reaches_further_up(face: Image, points: FloatArray) -> None:
    for shape in SHAPES:
        tops = []
        for coverage in COVERAGES:
            image = put_on(face, points, shape, coverage).image
            assert image is not None
            column = (image == 0).all(axis=2)[:, 50]
            tops.append(int(column.argmax()))
        assert tops[0] > tops[1] > tops[2], shape


def test_the_wide_polygons_are_those_of_the_recipe(points: FloatArray) -> None:
    jaw = [tuple(point) for point in points[1:16].tolist()]
    assert [tuple(p) for p in outline(points, "wide", "medium").tolist()] == [*jaw, (50.0, 52.0)]
    low = [tuple(point) for point in points[[35, 34, 33, 32, 31]].tolist()]
    assert [tuple(p) for p in outline(points, "wide", "low").tolist()] == jaw + low
    high = outline(points, "wide", "high").tolist()[-3:]
    assert high == [[58.0, float(points[15, 1])], [50.0, 40.0], [42.0, float(points[1, 1])]]


def test_the_round_ones_are_ellipses_of_the_jaws_width(points: FloatArray) -> None:
    corners = outline(points, "round", "high")
    assert corners[:, 1].min() == pytest.approx(43, abs=0.2)  # between points 27 and 28
    assert corners[:, 1].max() == pytest.approx(90, abs=0.2)
    width = 0.8 * float(points[13, 0] - points[3, 0])
    assert np.ptp(corners[:, 0]) == pytest.approx(width, abs=0.2)


def test_it_comes_in_light_blue(face: Image, points: FloatArray) -> None:
    made = put_on(face, points, colour="light blue")
    assert made.image is not None
    assert tuple(made.image[75, 50].tolist()) == COLOURS["light blue"]
    assert made.steps == ("polygon wide medium light blue",)


def test_no_points_no_mask(face: Image, points: FloatArray) -> None:
    assert put_on(face, None).reason == "no landmarks were found"
    points[5, 0] = np.nan
    assert put_on(face, points).image is None


def test_points_beside_the_picture_are_no_mask(face: Image, points: FloatArray) -> None:
    made = put_on(face, points + np.float32(500))
    assert made.image is None
    assert "outside" in made.reason


def test_a_black_face_keeps_its_black_mask(points: FloatArray) -> None:
    assert put_on(np.zeros((SIZE, SIZE, 3), np.uint8), points).image is not None


def test_five_points_are_not_enough(face: Image) -> None:
    with pytest.raises(ValueError, match="68"):
        put_on(face, np.zeros((5, 2), np.float32))
