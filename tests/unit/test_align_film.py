import numpy as np
import pytest

from augment.align.film import film_points
from augment.errors import RowError
from augment.protocols import Detection
from augment.types import FloatArray, Image

SIDE = 120
POINTS = np.array([[50, 50], [70, 50], [60, 62], [53, 72], [67, 72]], np.float32)


def face(points: FloatArray, width: float = 40.0) -> Detection:
    corner = points.mean(axis=0) - width / 2
    return Detection(np.array([*corner, width, width], np.float32), points, 0.9)


class Told:
    """A detector that knows frames by their level, and where a cut-out came from by its pixels."""

    def __init__(self, answers: dict[int, list[Detection]], from_nearer: bool = True) -> None:
        self.answers, self.from_nearer = answers, from_nearer

    def identity(self) -> str:
        return "told"

    def detect(self, image: Image) -> list[Detection]:
        found = self.answers[int(image[0, 0, 2])]
        if image.shape[0] == SIDE:
            return found
        if not self.from_nearer:
            return []
        corner = image[0, 0, :2].astype(np.float32)
        return [
            Detection(np.r_[one.box[:2] - corner, one.box[2:]], one.points - corner, one.score)
            for one in found
        ]


def frame(level: int) -> Image:
    """Each pixel says where it lies, and which frame it is of."""
    down, across = np.mgrid[:SIDE, :SIDE]
    return np.stack([across, down, np.full_like(down, level)], axis=-1).astype(np.uint8)


def points_of(detector: Told, around: int = 4) -> FloatArray:
    faces = detector.answers[0]
    beside = [frame(number) for number in range(1, around + 1)]
    return film_points(faces[0], faces, frame(0), beside, detector)


def test_points_are_the_median_over_the_frames() -> None:
    random = np.random.default_rng(1)
    shaken = [POINTS + random.normal(0, 1, POINTS.shape).astype(np.float32) for _ in range(5)]
    found = points_of(Told({number: [face(points)] for number, points in enumerate(shaken)}))
    np.testing.assert_allclose(found, np.median(np.stack(shaken), axis=0), rtol=1e-5)


def test_a_face_elsewhere_or_none_says_nothing() -> None:
    answers = {0: [face(POINTS)], 1: [], 2: [face(POINTS - 50)], 3: [face(POINTS + 2)],
               4: [face(POINTS - 50), face(POINTS + 4)]}  # fmt: skip
    np.testing.assert_allclose(points_of(Told(answers)), POINTS + 2)


def test_a_face_that_comes_and_goes_is_none() -> None:
    answers = {0: [face(POINTS)], 1: [], 2: [face(POINTS, 90.0)], 3: [face(POINTS)], 4: []}
    with pytest.raises(RowError, match="no steady face"):
        points_of(Told(answers))


def test_a_face_that_is_not_there_from_nearer_is_none() -> None:
    answers = {number: [face(POINTS)] for number in range(5)}
    with pytest.raises(RowError, match="no steady face"):
        points_of(Told(answers, from_nearer=False))


def test_a_frame_without_others_beside_it_stands_alone() -> None:
    np.testing.assert_array_equal(points_of(Told({0: [face(POINTS)]}), around=0), POINTS)


def test_frames_of_several_people_are_nobodys() -> None:
    small, large = face(POINTS + 40, 10.0), face(POINTS + 40, 38.0)
    rest = {number: [face(POINTS)] for number in range(1, 5)}
    points_of(Told({0: [face(POINTS), small], **rest}))
    with pytest.raises(RowError, match="several faces"):
        points_of(Told({0: [face(POINTS), large], **rest}))
