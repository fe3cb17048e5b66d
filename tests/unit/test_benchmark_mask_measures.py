"""The mask benchmark's own measures, on pictures whose answers are known."""

import numpy as np
import pytest

from augment.types import Image
from benchmarks import mask_measures as measures

SIZE = 64


@pytest.fixture
def face() -> Image:
    return np.random.default_rng(0).integers(60, 190, (SIZE, SIZE, 3)).astype(np.uint8)


@pytest.fixture
def region() -> measures.Region:
    found = np.zeros((SIZE, SIZE), dtype=bool)
    found[30:60, 10:50] = True
    return found


def test_psnr_of_one_level_is_48_decibels(face: Image, region: measures.Region) -> None:
    made = face.copy()
    made[region] += 1
    assert measures.psnr(measures.squared_error(made, face, region)) == pytest.approx(48.13, 1e-3)
    assert measures.psnr(measures.squared_error(made, face, ~region)) == measures.IDENTICAL


def test_an_empty_region_has_no_error(face: Image) -> None:
    assert np.isnan(measures.squared_error(face, face, np.zeros((SIZE, SIZE), dtype=bool)))


def test_similarity_is_one_where_nothing_changed(face: Image, region: measures.Region) -> None:
    made = face.copy()
    made[region] = 128
    found = measures.ssim_map(made, face)
    assert found[:20].min() == pytest.approx(1.0, abs=1e-6)
    assert found[40:50, 20:40].max() < 0.3


def test_a_blurred_region_is_less_sharp(face: Image, region: measures.Region) -> None:
    made = face.copy()
    made[region] = 128
    assert measures.laplacian_variance(made, region) == 0
    assert measures.laplacian_variance(made, ~region) == pytest.approx(
        measures.laplacian_variance(face, ~region)
    )
    assert measures.laplacian_variance(face, region) > 1000


def test_a_painted_region_is_found_without_noise(face: Image, region: measures.Region) -> None:
    made = face.copy()
    made[region] = 255
    made[40, 20] = face[40, 20]  # a pinhole
    made[5, 5] = 255  # a speck
    made[:25] = np.clip(made[:25].astype(int) + 5, 0, 255)  # a faint change
    found = measures.changed_region(made, face)
    assert measures.overlap(found, region) > 0.99
    assert not found[:25].any()


def test_an_unchanged_picture_has_no_changed_region(face: Image) -> None:
    assert not measures.changed_region(face, face).any()


def test_overlap_of_halves(region: measures.Region) -> None:
    half = region.copy()
    half[:45] = False
    assert measures.overlap(half, region) == pytest.approx(0.5)
    assert measures.overlap(half, ~region) == 0
    nothing = np.zeros_like(region)
    assert measures.overlap(nothing, nothing) == 1


def test_intervals_draw_people_not_pictures() -> None:
    values = np.repeat([0.0, 1.0], 200)
    everyone = [str(place) for place in range(400)]
    two = ["a"] * 200 + ["b"] * 200
    low, high = measures.interval(values, everyone, 1, lambda means: means)
    assert low == pytest.approx(0.45, abs=0.02)
    assert high == pytest.approx(0.55, abs=0.02)
    assert measures.interval(values, two, 1, lambda means: means) == (0.0, 1.0)
    assert measures.interval(values, two, 1, lambda means: 2 * means) == (0.0, 2.0)
