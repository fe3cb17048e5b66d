"""Every detector x every promise of protocols.Detector, on drawn faces."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from augment.crop import choose
from augment.drawing import draw, random_spec, sample_person
from augment.plugins import load, names
from augment.types import FloatArray, Image

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))
WEIGHTS = DATA / "weights"
SETTINGS: dict[str, dict[str, Any]] = {
    "haar": {},
    "landmarknet": {},
    "yunet": {"path": WEIGHTS / "face_detection_yunet_2023mar.onnx"},
    "insightface": {"pack": "scrfd_only", "root": WEIGHTS / "insightface"},
}

Drawn = tuple[Image, FloatArray]


def test_every_detector_has_settings_here() -> None:
    assert names("align") == sorted(SETTINGS)


@pytest.fixture(scope="module", params=sorted(SETTINGS))
def kind(request: pytest.FixtureRequest) -> str:
    kind = str(request.param)
    if SETTINGS[kind] and not WEIGHTS.is_dir():
        pytest.skip(f"needs the weights below {WEIGHTS} (or FACES_DATA)")
    return kind


@pytest.fixture(scope="module")
def make(kind: str) -> Callable[[], Any]:
    module = load("align", kind)
    return lambda: module.Detector(module.Config(**SETTINGS[kind]))


@pytest.fixture(scope="module")
def detector(make: Callable[[], Any]) -> Any:
    return make()


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    spec = random_spec(sample_person(21), 35.0, 3, yaw=4.0, pitch=0.0, roll=3.0)
    drawing = draw(spec, 256)
    return drawing.image, drawing.landmarks5


def off(found: FloatArray, true: FloatArray) -> float:
    """Mean distance, as a share of the distance between the eyes."""
    return float(np.linalg.norm(found - true, axis=1).mean() / np.linalg.norm(true[1] - true[0]))


def test_a_face_is_found_where_it_is(detector: Any, drawn: Drawn) -> None:
    photo, true = drawn
    face = choose(detector.detect(photo), photo.shape)
    assert face.box.shape == (4,)
    assert face.points.shape == (5, 2)
    assert face.box.dtype == face.points.dtype == np.float32
    assert isinstance(face.score, float)
    assert off(face.points, true) < 0.2
    low, high = face.box[:2], face.box[:2] + face.box[2:]
    assert np.all((face.points > low) & (face.points < high))


def test_points_come_in_the_agreed_order(detector: Any, drawn: Drawn) -> None:
    photo, _ = drawn
    left, right, nose, left_mouth, right_mouth = choose(detector.detect(photo), photo.shape).points
    assert left[0] < nose[0] < right[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left[1], right[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize("size", [96, 700, 1500])
def test_coordinates_are_the_photos_whatever_its_size(
    detector: Any, drawn: Drawn, size: int
) -> None:
    photo, true = drawn
    scaled = cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA)
    face = choose(detector.detect(scaled), scaled.shape)
    assert off(face.points, (true + 0.5) * (size / 256) - 0.5) < 0.2


def test_a_face_off_the_middle_of_a_wide_photo_is_found(detector: Any, drawn: Drawn) -> None:
    photo, true = drawn
    wide = np.full((300, 620, 3), 90, np.uint8)
    wide[30:286, 340:596] = photo
    face = choose(detector.detect(wide), wide.shape)
    assert off(face.points, true + np.array([340, 30])) < 0.2


@pytest.mark.parametrize("shape", [(40, 40), (1, 1), (3, 900), (128, 64)])
def test_no_face_is_an_empty_list(detector: Any, shape: tuple[int, int]) -> None:
    assert detector.detect(np.full((*shape, 3), 128, np.uint8)) == []


def test_the_photo_is_left_as_it_was_and_so_is_the_detector(detector: Any, drawn: Drawn) -> None:
    photo, _ = drawn
    before = photo.copy()
    first = detector.detect(photo)
    detector.detect(np.ascontiguousarray(photo[:, ::-1][20:200]))
    again = detector.detect(photo)
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(again[0].points, first[0].points)


def test_a_view_of_a_larger_array_is_a_photo_too(detector: Any, drawn: Drawn) -> None:
    photo, _ = drawn
    copy = np.ascontiguousarray(photo[::-1][::-1])
    np.testing.assert_array_equal(
        detector.detect(photo[::-1][::-1])[0].points, detector.detect(copy)[0].points
    )


def test_it_can_be_sent_to_another_process_after_use(make: Callable[[], Any], drawn: Drawn) -> None:
    photo, _ = drawn
    used = make()
    expected = used.detect(photo)
    sent = pickle.loads(pickle.dumps(used))  # noqa: S301 (our own bytes)
    assert sent.identity() == used.identity()
    np.testing.assert_array_equal(sent.detect(photo)[0].points, expected[0].points)


def test_identity_is_the_same_for_the_same_settings(make: Callable[[], Any]) -> None:
    assert make().identity() == make().identity()
