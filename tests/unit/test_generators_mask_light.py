"""The light on a mask, read from a photo."""

import numpy as np
import pytest

from augment.generators.mask.painter import drape
from augment.generators.mask.style import Style
from augment.types import FloatArray
from tests.unit.aligned_faces import face_picture

WHITE = Style("surgical", (226, 232, 236))


def shown(image: FloatArray, points: FloatArray, style: Style = WHITE) -> FloatArray:
    """The mask's mean colour, (3,)."""
    face = np.clip(np.round(image), 0, 255).astype(np.uint8)
    draped = drape(face, points, style.on(face))
    return np.asarray(draped.colour[draped.cover == 1].mean(axis=0), dtype=np.float32)


@pytest.mark.parametrize("gain", [0.15, 0.3, 0.5])
def test_white_cloth_is_dim_in_a_dim_photo(gain: float) -> None:
    image, points = face_picture(4)
    bright, dim = shown(image, points), shown(gain * image, points)
    # As dim as the photo, but for what is cut off at white.
    assert dim.mean() < 1.6 * gain * bright.mean()
    face = gain * image[:40, 12:52].mean()
    assert 0.9 * face < dim.mean() < 2.6 * face


def test_a_coloured_light_falls_on_cloth_too() -> None:
    image, points = face_picture(4)
    plain = shown(image, points)
    orange = shown(image * np.array([1.0, 0.6, 0.25]), points)
    assert orange[0] / orange[2] > 1.4 * plain[0] / plain[2]


def test_a_grey_photo_and_a_plain_skin_cast_no_colour() -> None:
    image, points = face_picture(4)
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    style = Style("cloth", (120, 120, 120))
    assert np.ptp(shown(grey, points, style)) < 1.5
    skin = np.full((64, 64, 3), 1.0) * np.array([190, 159, 143])
    assert np.ptp(shown(skin, points, style)) < 6


def test_masks_do_not_darken_with_skin() -> None:
    image, points = face_picture(4)
    rows, columns = np.mgrid[:64, :64]
    head = ((columns - 32) / 21) ** 2 + ((rows - 32) / 28) ** 2 < 1
    dark = image.astype(np.float32)
    dark[head] *= 0.4
    light = shown(image, points).mean()
    assert shown(dark, points).mean() > 0.85 * light
    # In a dim room it is dim on dark skin, too.
    assert shown(0.3 * dark, points).mean() < 0.6 * light
