"""What a person can see of an edit."""

import numpy as np
import pytest

from augment.metrics.visible_change import face_region, visible_change
from augment.types import Image

SIZE = 64
#: A usual crop: eyes, nose tip, mouth corners.
POINTS = np.array([[22, 30], [42, 30], [32, 40], [25, 50], [39, 50]], np.float32)


def grey(level: int, size: int = SIZE) -> Image:
    return np.full((size, size, 3), level, np.uint8)


def test_nothing_changed() -> None:
    assert visible_change(grey(90), grey(90), POINTS) == 0


@pytest.mark.parametrize("size", [32, 64, 256])
def test_an_even_change_is_its_share_of_the_range(size: int) -> None:
    points = POINTS * size / SIZE
    assert visible_change(grey(151, size), grey(100, size), points) == pytest.approx(0.2, abs=1e-6)


def test_specks_do_not_count() -> None:
    """A checkerboard of ±40 levels, mean change 0.157, is gone after the blur."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    signs = np.where((rows + columns) % 2, 40, -40)[..., None]
    speckled = (grey(128).astype(np.int16) + signs).astype(np.uint8)
    assert visible_change(speckled, grey(128), POINTS) < 0.003


def test_what_happens_beside_the_face_does_not_count() -> None:
    background = grey(100)
    background[:6] = 255
    assert visible_change(background, grey(100), POINTS) < 0.01
    mouth = grey(100)
    mouth[46:56, 24:40] = 255
    assert visible_change(mouth, grey(100), POINTS) > 0.03


def test_the_same_edit_counts_the_same_at_any_size() -> None:
    found = []
    for times in (1, 4):
        image = grey(100, SIZE * times)
        image[40 * times : 52 * times, 20 * times : 44 * times] = 200
        found.append(visible_change(image, grey(100, SIZE * times), POINTS * times))
    assert found[0] == pytest.approx(found[1], rel=0.05)


def test_the_region_follows_the_points() -> None:
    region = face_region(SIZE, POINTS)
    rows, columns = np.nonzero(region)
    assert columns.mean() == pytest.approx(32, abs=0.5)
    assert rows.mean() == pytest.approx(40, abs=0.5)
    assert rows.min() < 25
    assert rows.max() > 55
    turned = face_region(SIZE, POINTS[:, ::-1])
    np.testing.assert_array_equal(turned, region.T)


@pytest.mark.parametrize("points", [None, np.zeros((5, 2)), np.full((5, 2), np.nan)])
def test_without_usable_points_the_face_is_where_crops_have_it(points: object) -> None:
    region = face_region(SIZE, points)  # type: ignore[arg-type]
    assert 0.2 < region.mean() < 0.6
    assert region[40, 32]


def test_points_far_outside_still_give_a_region() -> None:
    assert face_region(SIZE, POINTS + 5000).any()


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="a picture of shape"):
        visible_change(grey(1, 32), grey(1, 64))
