"""Grain of restored faces: as strong as asked for, the same again, gone when shrunken."""

import numpy as np
import pytest

from augment.generators.superres.network import Enlarger, shrink
from augment.generators.superres.restore import enlarge, film_grain
from augment.images import resize
from augment.types import Image
from tests.unit.aligned_faces import face_picture

PLAIN = Enlarger(8, 1).eval()  # untrained: bicubic


def spread(image: Image, smooth: Image) -> float:
    return float((image.astype(np.float64) - smooth).std())


def test_it_is_as_strong_as_asked_for_and_gone_when_shrunken() -> None:
    face = np.full((40, 40, 3), 128, np.uint8)
    smooth = enlarge(PLAIN, face)
    made = [enlarge(PLAIN, face, grain=level) for level in (0.0, 3.0, 6.0)]
    np.testing.assert_array_equal(made[0], smooth)
    # 15 of 16 parts of the variance: the mean of each 4 x 4 pixels is taken out.
    assert [spread(image, smooth) for image in made[1:]] == pytest.approx([2.9, 5.8], rel=0.05)
    assert np.abs(resize(made[2], 40).astype(int) - face).max() <= 1
    colours = made[2].astype(int) - smooth
    assert np.abs(colours - colours[..., :1]).max() <= 1  # light, not colour
    assert float(shrink(film_grain(face, 6.0)).abs().max()) < 1e-6


def test_the_same_face_has_the_same_grain_another_face_has_another() -> None:
    one, other = (resize(face_picture(number, 64)[0], 16) for number in (1, 2))
    np.testing.assert_array_equal(enlarge(PLAIN, one, grain=2), enlarge(PLAIN, one, grain=2))
    grains = [
        enlarge(PLAIN, face, grain=6).astype(float) - enlarge(PLAIN, face) for face in (one, other)
    ]
    assert abs(np.corrcoef(grains[0].ravel(), grains[1].ravel())[0, 1]) < 0.1


def test_tiles_do_not_show_in_it() -> None:
    face = resize(face_picture(4, 150)[0], 150)[:, :140]
    whole, tiled = (enlarge(PLAIN, face, 2, tile, grain=4.0) for tile in (400, 28))
    assert np.abs(whole.astype(int) - tiled).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 5), (3, 200)])
def test_faces_of_any_size_get_it(shape: tuple[int, int]) -> None:
    face = np.full((*shape, 3), 128, np.uint8)
    made = enlarge(PLAIN, face, grain=6.0)
    assert made.shape == (4 * shape[0], 4 * shape[1], 3)
    assert 3 < spread(made, np.full_like(made, 128)) < 9


def test_it_is_bounded_at_black_and_white() -> None:
    for level in (0, 255):
        face = np.full((6, 6, 3), level, np.uint8)
        assert np.abs(enlarge(PLAIN, face, 2, grain=6.0).astype(int) - level).max() <= 40
