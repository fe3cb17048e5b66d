"""How soft and how rough a photo is said to be."""

import cv2
import numpy as np
import pytest

from augment.generators.mask.grain import roughness
from augment.types import Image
from tests.unit.aligned_faces import face_picture


def blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma)) if sigma else image


def sharp(number: int) -> Image:
    """A face made smaller, as a camera's photo is for a crop."""
    large, _ = face_picture(number, 256)
    return np.asarray(cv2.resize(large, (96, 96), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0])
def test_the_blur_of_a_photo_is_found(sigma: float) -> None:
    found = [roughness(blurred(sharp(number), sigma)).soft for number in range(4)]
    assert np.median(found) == pytest.approx(sigma, rel=0.3)
    assert all(soft > roughness(sharp(number)).soft + 0.4 for number, soft in enumerate(found))


def test_a_sharp_photo_is_not_soft_and_a_flat_one_tells_nothing() -> None:
    assert np.median([roughness(sharp(number)).soft for number in range(4)]) < 0.4
    assert roughness(np.full((64, 64, 3), 90, np.uint8)) == (0.0, 0.0)


def test_noise_is_measured_and_is_no_sharpness() -> None:
    random = np.random.default_rng(3)
    face = blurred(sharp(1), 1.5).astype(float)
    found = []
    for level in (0.0, 2.0, 4.0):
        noisy = face + random.normal(0, level, (96, 96, 1))
        found.append(roughness(np.clip(np.round(noisy), 0, 255).astype(np.uint8)))
    assert found[0].noise < found[1].noise < found[2].noise
    assert min(one.soft for one in found) > 0.6
