"""Hand-made descriptions: edges, texture, colour."""

import cv2
import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from augment.images import resize
from augment.nets.descriptors import LENGTH, SIZE, describe, uniform_patterns
from augment.types import Image

EDGES = 7 * 7 * 4 * 9 + 3 * 3 * 4 * 9  # blocks a side, cells of a block, directions
TEXTURE = 8 * 8 * 10
COLOUR = 8 * 8 * 3


def grey(level: int) -> Image:
    return np.full((SIZE, SIZE, 3), level, np.uint8)


def face() -> Image:
    coarse = np.random.default_rng(3).integers(40, 200, (8, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC))


def test_parts_and_length() -> None:
    found = describe(face())
    assert found.shape == (LENGTH,) == (EDGES + 2 * TEXTURE + 2 * COLOUR,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_plain_picture_has_no_edges_one_texture_and_its_colour() -> None:
    found = describe(grey(119))
    assert not found[:EDGES].any()
    histograms = found[EDGES : EDGES + 2 * TEXTURE].reshape(-1, 10)
    np.testing.assert_allclose((histograms**2).sum(axis=1), 1, atol=1e-6)
    inner = histograms[:64].reshape(8, 8, 10)[1:-1, 1:-1]  # beyond the edge skimage sees black
    assert (inner.argmax(axis=2) == 8).all()  # all eight neighbours are as bright: eight bits
    means = found[-2 * COLOUR : -COLOUR].reshape(8, 8, 3)
    np.testing.assert_allclose(means[..., 0], 50.03, atol=0.3)  # L* of sRGB 119, by a table
    np.testing.assert_allclose(means[..., 1:], 0, atol=0.02)
    np.testing.assert_allclose(found[-COLOUR:], 0, atol=1e-2)


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("levels", [2, 4, 256])  # few levels: many ties
def test_patterns_are_those_of_scikit_image(radius: int, levels: int) -> None:
    random = np.random.default_rng(levels)
    for height, width in ((SIZE, SIZE), (17, 31)):
        grey = random.integers(0, levels, (height, width)).astype(np.uint8)
        expected = local_binary_pattern(grey, 8, radius, method="uniform")
        np.testing.assert_array_equal(uniform_patterns(grey, radius), expected)


def test_edges_keep_their_direction_and_ignore_light() -> None:
    upright = grey(60)
    upright[:, SIZE // 2 :] = 160
    lying = np.ascontiguousarray(upright.transpose(1, 0, 2))
    one, other = describe(upright)[:EDGES], describe(lying)[:EDGES]
    assert one.any()
    assert float(one @ other) < 0.3 * float(one @ one)
    brighter = describe(cv2.convertScaleAbs(upright, alpha=1.4))[:EDGES]
    np.testing.assert_allclose(brighter, one, atol=0.02)


def test_colour_lies_where_it_is() -> None:
    picture = grey(128)
    picture[: SIZE // 8, -SIZE // 8 :] = (200, 40, 40)
    means = describe(picture)[-2 * COLOUR : -COLOUR].reshape(8, 8, 3)
    assert means[0, 7, 1] > 40  # a*: red
    assert abs(means[7, 0, 1]) < 0.1


@pytest.mark.parametrize("size", [32, 128])
def test_other_sizes_are_resized(size: int) -> None:
    one, other = describe(face()), describe(resize(face(), size))
    assert other.shape == (LENGTH,)
    colour = slice(-2 * COLOUR, -COLOUR)
    np.testing.assert_allclose(other[colour], one[colour], atol=4)
