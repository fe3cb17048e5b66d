import pickle

import numpy as np
import pytest

from augment.generators.copies import Config, Generator
from tests.unit.aligned_faces import face_picture, request


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(Config())


def test_it_moves_nobody_to_another_bin(generator: Generator) -> None:
    young = {"age_group": "0-2", "gender": "male"}
    assert generator.cost(young, dict(young)) == 0
    assert generator.cost(young, {**young, "age_group": "3-9"}) is None


def test_each_seed_is_another_copy_and_says_what_was_done(generator: Generator) -> None:
    made = generator.make([request(0, seed) for seed in range(12)])
    images = {m.image.tobytes() for m in made if m.image is not None}
    assert len(images) == 12
    assert all(m.steps for m in made)
    assert len({m.steps for m in made}) > 1


def test_mirrored_faces_keep_left_points_left() -> None:
    generator = Generator(Config(turn=0, light=0, hue=0, degrade=0))
    made = generator.make([request(0, seed) for seed in range(12)])
    original, points = face_picture(0)
    kinds = set()
    for copy in made:
        assert copy.image is not None
        assert copy.points is not None
        kinds.add(copy.steps)
        assert copy.points[0, 0] < copy.points[1, 0]
        assert copy.points[3, 0] < copy.points[4, 0]
        if "mirrored" in copy.steps:
            np.testing.assert_array_equal(copy.image, original[:, ::-1])
            np.testing.assert_allclose(copy.points[2, 0], 63 - points[2, 0], atol=1.01)
        else:
            np.testing.assert_array_equal(copy.image, original)
    assert kinds == {(), ("mirrored",)}


def test_skin_stays_the_skin_that_it_was(generator: Generator) -> None:
    """Brightness and contrast may move a level by 12 % of 255 each, hue and saturation by less."""
    original, points = face_picture(2)
    x, y = points.mean(0).astype(int)
    before = original[y - 3 : y + 4, x - 8 : x - 4].mean((0, 1))
    for made in generator.make([request(2, seed) for seed in range(20)]):
        assert made.image is not None
        assert made.points is not None
        x, y = made.points.mean(0).astype(int)
        after = made.image[y - 3 : y + 4, x - 8 : x - 4].mean((0, 1))
        assert np.abs(after - before).max() < 2 * 0.12 * 255 + 12


def test_it_can_be_sent_to_another_process(generator: Generator) -> None:
    generator.make([request(0)])
    sent = pickle.loads(pickle.dumps(generator))  # noqa: S301
    (here,), (there,) = generator.make([request(1)]), sent.make([request(1)])
    np.testing.assert_array_equal(here.image, there.image)
