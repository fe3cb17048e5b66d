import numpy as np
import pytest

from augment.align.film import require_one, steadied
from augment.errors import RowError
from augment.protocols import Detection
from augment.types import FloatArray, Image


def face(points: FloatArray, width: float = 40.0) -> Detection:
    corner = points.mean(axis=0) - width / 2
    return Detection(np.array([*corner, width, width], np.float32), points, 0.9)


POINTS = np.array([[30, 30], [50, 30], [40, 42], [33, 52], [47, 52]], np.float32)


class Told:
    """A detector that reads its answer from a frame's first pixel."""

    def __init__(self, answers: dict[int, list[Detection]]) -> None:
        self.answers = answers

    def identity(self) -> str:
        return "told"

    def detect(self, image: Image) -> list[Detection]:
        return self.answers[int(image[0, 0, 0])]


def frames(count: int) -> list[Image]:
    return [np.full((4, 4, 3), number, np.uint8) for number in range(count)]


def test_points_are_the_median_over_the_frames() -> None:
    random = np.random.default_rng(1)
    shaken = [POINTS + random.normal(0, 1, POINTS.shape).astype(np.float32) for _ in range(5)]
    answers = {number: [face(points)] for number, points in enumerate(shaken[1:])}
    found = steadied(face(shaken[0]), frames(4), Told(answers))
    np.testing.assert_allclose(found, np.median(np.stack(shaken), axis=0), rtol=1e-6)


def test_a_face_elsewhere_or_none_says_nothing() -> None:
    answers = {0: [], 1: [face(POINTS + 200)], 2: [face(POINTS + 200), face(POINTS + 2)]}
    found = steadied(face(POINTS), frames(3), Told(answers))
    np.testing.assert_allclose(found, POINTS + 1)


def test_frames_of_several_people_are_nobodys() -> None:
    one, small, large = face(POINTS), face(POINTS + 60, 10.0), face(POINTS + 60, 38.0)
    require_one(one, [one])
    require_one(one, [one, small])
    with pytest.raises(RowError, match="several faces"):
        require_one(one, [one, large])
