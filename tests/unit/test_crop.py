from typing import Any

import cv2
import numpy as np
import pytest

from augment.crop import (
    choose,
    cut,
    cut_map,
    outside_share,
    reference_points,
    similarity,
    transform,
)
from augment.errors import RowError
from augment.protocols import Detection
from augment.types import Image

ARCFACE = [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
]


def turned(degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray[Any, Any]:
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])


def pattern(height: int = 240, width: int = 200, seed: int = 3) -> Image:
    """Smooth colours with fine detail on top: what aliases when it is sampled too thinly."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.integers(40, 216, (12, 10, 3), np.uint8), (width, height))
    fine = rng.normal(0, 25, (height, width, 1))
    return np.clip(coarse + fine, 0, 255).astype(np.uint8)


def densely_sampled(photo: Image, matrix: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    """The mean over 16 x 16 exact bilinear samples a crop pixel, without any integer rounding."""
    many = 16
    places = (np.arange(size * many) + 0.5) / many - 0.5
    x, y = np.meshgrid(places, places)
    inverse = np.linalg.inv(matrix[:, :2])
    x, y = x - matrix[0, 2], y - matrix[1, 2]
    in_x = (inverse[0, 0] * x + inverse[0, 1] * y).astype(np.float32)
    in_y = (inverse[1, 0] * x + inverse[1, 1] * y).astype(np.float32)
    values = cv2.remap(
        photo.astype(np.float32), in_x, in_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(values.reshape(size, many, size, many, 3).mean(axis=(1, 3)))


def psnr(image: np.ndarray[Any, Any], reference: np.ndarray[Any, Any]) -> float:
    error = np.mean((image.astype(np.float64) - reference) ** 2)
    return float(10 * np.log10(255**2 / error))


def test_the_reference_points_are_arcfaces() -> None:
    np.testing.assert_allclose(reference_points(112, 0.0), ARCFACE, atol=1e-4)


def test_twice_the_size_puts_pixel_centres_at_twice_the_place() -> None:
    expected = (np.array(ARCFACE) + 0.5) * 2 - 0.5
    np.testing.assert_allclose(reference_points(224, 0.0), expected, atol=1e-4)


def test_a_margin_shows_so_much_more_on_each_side() -> None:
    # 0.5 more on both sides: the reference square is the middle half of the crop.
    expected = (np.array(ARCFACE) + 0.5) / 2 + 28 - 0.5
    np.testing.assert_allclose(reference_points(112, 0.5), expected, atol=1e-4)


@pytest.mark.parametrize("degrees", [0.0, 17.0, -90.0, 179.0])
def test_similarity_recovers_a_known_one(degrees: float) -> None:
    matrix = turned(degrees, 0.3, (12.0, -5.0))
    points = np.array(ARCFACE) * 4 + 30
    np.testing.assert_allclose(
        similarity(points, points @ matrix[:, :2].T + matrix[:, 2]), matrix, atol=1e-9
    )


def test_similarity_is_umeyamas_least_squares() -> None:
    rng = np.random.default_rng(5)
    points = np.array(ARCFACE) * 2.5 + rng.normal(0, 6, (5, 2))
    target = np.array(ARCFACE)
    # The singular value decomposition of the paper, section III.
    start, end = points - points.mean(axis=0), target - target.mean(axis=0)
    left, values, right = np.linalg.svd(end.T @ start / 5)
    sign = np.diag([1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ sign @ right
    linear = rotation * (values @ sign.diagonal()) / start.var(axis=0).sum()
    found = similarity(points, target)
    np.testing.assert_allclose(found[:, :2], linear, atol=1e-9)
    np.testing.assert_allclose(
        found[:, 2], target.mean(axis=0) - linear @ points.mean(axis=0), atol=1e-9
    )


def test_points_in_one_place_are_no_face() -> None:
    with pytest.raises(RowError, match="too small"):
        similarity(np.full((5, 2), 40.0), np.array(ARCFACE))


def test_a_profile_whose_eyes_fall_together_is_a_face() -> None:
    profile = np.array([[50.0, 60], [51, 60], [80, 90], [55, 120], [58, 121]])
    scale = np.hypot(*similarity(profile, reference_points(112, 0.0))[:, 0])
    assert 0.5 < scale < 2.0


def test_an_unmoved_crop_keeps_every_pixel() -> None:
    photo = pattern()
    crop = cut(photo, turned(0, 1.0, (-20.0, -30.0)), 96)
    np.testing.assert_array_equal(crop, photo[30:126, 20:116])


@pytest.mark.parametrize(
    ("scale", "size"), [(0.9, 64), (0.41, 64), (0.26, 64), (0.11, 24), (0.05, 16)]
)
def test_shrinking_does_not_alias(scale: float, size: int) -> None:
    photo = pattern(640, 600)
    # The middle of the photo in the middle of the crop.
    turn = turned(11, scale, (0.0, 0.0))
    turn[:, 2] = (size - 1) / 2 - turn[:, :2] @ (299.5, 319.5)
    reference = densely_sampled(photo, turn, size)
    crop = cut(photo, turn, size)
    assert psnr(crop, reference) > 40
    thin = cv2.warpAffine(photo, turn, (size, size), borderMode=cv2.BORDER_REFLECT_101)
    if scale < 0.5:
        assert psnr(crop, reference) > psnr(thin, reference) + 10


def test_beyond_the_edge_the_photo_is_mirrored() -> None:
    photo = pattern(80, 70)
    matrix = turned(-20, 1.3, (30.0, 40.0))
    expected = cv2.warpAffine(
        photo, matrix, (160, 160), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    np.testing.assert_array_equal(cut(photo, matrix, 160), expected)


def test_a_crop_that_misses_the_photo_is_still_a_picture() -> None:
    crop = cut(pattern(50, 50), turned(0, 1.0, (500.0, 500.0)), 32)
    assert crop.shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("matrix", "share"),
    [
        (turned(0, 1.0, (-10.0, -10.0)), 0.0),
        (turned(0, 1.0, (0.0, 0.0)), 0.0),
        (turned(0, 1.0, (20.0, 0.0)), 0.5),
        (turned(0, 1.0, (20.0, 20.0)), 0.75),
        (turned(0, 1.0, (400.0, 0.0)), 1.0),
        (turned(0, 0.2, (0.0, 0.0)), 0.75),
        # A square of 40 turned by 45 degrees, centred on the corner of the photo.
        (turned(45, 1.0, (20.0, 20.0)), 0.75),
    ],
)
def test_outside_share(matrix: np.ndarray[Any, Any], share: float) -> None:
    # The photo's edge lies half a pixel before its first pixel centre.
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    assert outside_share((100, 100, 3), moved, 40) == pytest.approx(share, abs=1e-5)


def test_a_map_is_cut_like_the_photo_and_keeps_its_classes() -> None:
    parsing = np.zeros((100, 100), np.uint8)
    parsing[20:60, 30:70] = 17
    photo = np.repeat(parsing[..., None], 3, axis=2)
    matrix = turned(10, 0.7, (3.0, 2.0))
    moved = cut_map(parsing, photo.shape, matrix, 64)
    assert set(np.unique(moved)) == {0, 17}
    assert np.mean((cut(photo, matrix, 64)[..., 0] > 8) == (moved == 17)) > 0.98


def test_a_map_of_another_resolution_is_cut_at_the_same_place() -> None:
    parsing = np.zeros((100, 100), np.uint8)
    parsing[20:60, 30:70] = 1
    matrix = turned(0, 0.25, (2.0, 2.0))
    double = cv2.resize(parsing, (200, 200), interpolation=cv2.INTER_NEAREST)
    shape = (200, 200, 3)
    np.testing.assert_array_equal(
        cut_map(parsing, shape, matrix, 50), cut_map(double, shape, matrix, 50)
    )


def test_points_move_with_the_crop() -> None:
    matrix = turned(90, 2.0, (1.0, 0.0))
    moved = transform(np.array([[3.0, 0.0], [0.0, 1.0]]), matrix)
    np.testing.assert_allclose(moved, [[1.0, 6.0], [-1.0, 0.0]], atol=1e-6)


def face(x: float, y: float, side: float) -> Detection:
    box = np.array([x - side / 2, y - side / 2, side, side], np.float32)
    return Detection(box, np.zeros((5, 2), np.float32), 0.9)


def test_the_largest_face_is_chosen() -> None:
    faces = [face(90, 100, 30), face(110, 100, 60), face(105, 100, 40)]
    assert choose(faces, (200, 200, 3)) is faces[1]


def test_a_large_face_at_the_edge_yields_to_one_in_the_middle() -> None:
    faces = [face(10, 10, 60), face(100, 100, 50)]
    assert choose(faces, (200, 200, 3)) is faces[1]
