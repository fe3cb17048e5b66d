import numpy as np

from augment.generators.age.telling import Telling
from augment.nets.descriptors import LENGTH

GROUPS = ("0-19", "20-39", "40+")


def faces(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The older, the brighter above and the more stripes below."""
    random = np.random.default_rng(seed)
    places = np.arange(count) % 3
    images = random.normal(100, 15, (count, 32, 32, 3))
    images[:, :10] += 25 * places[:, None, None, None]
    images[:, 20::2] += 12 * places[:, None, None, None]
    return np.clip(images, 0, 255).astype(np.uint8), places


def test_ages_are_told_by_one_half_and_not_by_the_other() -> None:
    images, places = faces(90, 1)
    found = Telling.learnt(images, places, GROUPS)
    assert found.axes.shape == (2, LENGTH)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(2), atol=1e-4)
    others, true = faces(60, 2)
    age, rest = found.tell(list(others))
    assert age.shape == rest.shape == (60, 3)
    assert np.mean(age.argmax(1) == true) > 0.9
    assert np.mean(rest.argmax(1) == true) < 0.6  # by chance 0.33
    known, _ = found.tell(list(images))
    assert np.mean(known.argmax(1) == places) > 0.95


def test_what_a_face_gets_depends_on_it_alone() -> None:
    images, places = faces(30, 1)
    found = Telling.learnt(images, places, GROUPS)
    together, alone = found.tell(list(images)), found.tell([images[7]])
    for many, one in zip(together, alone, strict=True):
        np.testing.assert_array_equal(many[7], one[0])


def test_nobody_learned_says_nothing() -> None:
    age, rest = Telling.empty(4).tell([])
    assert age.shape == rest.shape == (0, 4)
