"""Our detector: its file, the graph built from it, and one answer a face."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import augment.align.landmarknet as landmarknet
from augment.align.landmarknet import Config, Detector
from augment.align.landmarknet.decoding import faces_of
from augment.align.landmarknet.graph import Layout, model, read_layout
from augment.align.landmarknet.refining import confirmed, refined
from augment.crop import choose
from augment.drawing import draw, random_spec, sample_person
from augment.errors import UserError
from augment.protocols import Detection
from augment.types import FloatArray, Image

LAYOUT = Layout([], [], [], [8, 16], unit=3.5, middle=128.0)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(Config())


def drawn(number: int, size: int = 200, mask: str | None = None) -> tuple[Image, FloatArray]:
    person = sample_person(900_000 + number, monk=1 + number % 10)
    drawing = draw(random_spec(person, number * 7.3 % 90, number, mask=mask), size)
    return drawing.image, drawing.landmarks5


def off(found: FloatArray, true: FloatArray) -> float:
    return float(np.linalg.norm(found - true, axis=1).mean() / np.linalg.norm(true[1] - true[0]))


def test_the_file_keeps_what_was_promised() -> None:
    content = landmarknet.WEIGHTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() == landmarknet.SHA256
    assert len(content) <= 1_500_000
    assert sum(array.size for array in safetensors.numpy.load(content).values()) <= 300_000


@pytest.mark.parametrize("mask", [None, "surgical"])
def test_drawn_faces_of_all_tones_and_ages_are_found(detector: Detector, mask: str | None) -> None:
    errors = []
    for number in range(10):
        photo, true = drawn(number, mask=mask)
        faces = detector.detect(photo)
        assert faces
        errors.append(off(choose(faces, photo.shape).points, true))
    assert np.median(errors) < 0.12


def test_two_faces_side_by_side_are_two(detector: Detector) -> None:
    both = np.hstack([drawn(3)[0], drawn(8)[0]])
    faces = detector.detect(both)
    assert len(faces) == 2
    middles = sorted(float(face.points[:, 0].mean()) for face in faces)
    assert middles[0] < 200 < middles[1]


@pytest.mark.parametrize("size", [96, 160, 320])
def test_a_crop_may_be_looked_at_small_or_large(size: int) -> None:
    photo, true = drawn(5, 64)
    faces = Detector(Config(look_size=size)).detect(photo)
    assert off(choose(faces, photo.shape).points, true) < 0.2


def test_a_higher_score_is_asked_for_and_fewer_faces_come() -> None:
    photo, _ = drawn(4)
    (face,) = Detector(Config(min_score=0.3)).detect(photo)
    assert 0.3 <= face.score <= 1.0
    assert Detector(Config(min_score=0.999)).detect(photo) == []


def test_settings_that_change_faces_change_the_identity() -> None:
    configs = [Config(), Config(min_score=0.6), Config(look_size=224)]
    assert len({Detector(config).identity() for config in configs}) == 3


def test_damaged_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = bytearray(landmarknet.WEIGHTS.read_bytes())
    content[-1] ^= 1
    damaged = tmp_path / "landmarknet.safetensors"
    damaged.write_bytes(content)
    monkeypatch.setattr(landmarknet, "WEIGHTS", damaged)
    with pytest.raises(UserError, match=r"is damaged.*install the package again"):
        Detector(Config())
    damaged.unlink()
    with pytest.raises(UserError, match="is missing"):
        Detector(Config())


def test_the_graph_is_good_onnx() -> None:
    onnx = pytest.importorskip("onnx")
    content = landmarknet.WEIGHTS.read_bytes()
    built = model(read_layout(content), safetensors.numpy.load(content))
    onnx.checker.check_model(onnx.load_from_string(built), full_check=True)


def maps(*cells: tuple[int, int, int, float]) -> list[FloatArray]:
    """Two strides of answers; each cell (level, x, y, logit) says a face of one unit around it,
    with all points at its middle.
    """
    levels = [np.zeros((1, 15, 8, 8), np.float32), np.zeros((1, 15, 4, 4), np.float32)]
    for level in levels:
        level[:, 0] = -9.0
    for level, x, y, logit in cells:
        levels[level][0, 0, y, x] = logit
    return levels


def test_a_cell_answers_around_its_own_middle() -> None:
    (face,) = faces_of(maps((1, 1, 2, 0.0)), LAYOUT, 0.4)
    middle = np.array([1.5 * 16 - 0.5, 2.5 * 16 - 0.5])
    np.testing.assert_allclose(face.points, np.tile(middle, (5, 1)), atol=1e-4)
    np.testing.assert_allclose(face.box, [*(middle - 28), 56, 56], atol=1e-4)
    assert face.score == pytest.approx(0.5)


def test_cells_that_agree_give_one_face_at_their_mean() -> None:
    levels = maps((0, 3, 3, 2.0), (0, 4, 3, 2.0))
    levels[0][0, 1, 3, 4] = -0.1  # the second box lies nearer to the first; its points do not
    (face,) = faces_of(levels, LAYOUT, 0.5)
    np.testing.assert_allclose(face.points[0], [4 * 8 - 0.5, 3.5 * 8 - 0.5], atol=1e-4)


def test_the_surer_cell_weighs_more_and_gives_the_score() -> None:
    levels = maps((0, 3, 3, 3.0), (0, 4, 3, 0.1))
    levels[0][0, 1, 3, 4] = -0.1
    (face,) = faces_of(levels, LAYOUT, 0.5)
    assert 3.5 * 8 - 0.5 < face.points[0, 0] < 4 * 8 - 0.5
    assert face.score == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_cells_apart_are_faces_of_their_own_the_best_first() -> None:
    faces = faces_of(maps((0, 0, 0, 1.0), (0, 7, 7, 2.0)), LAYOUT, 0.5)
    assert [face.points[0, 0] > 30 for face in faces] == [True, False]


def test_no_cell_is_sure_enough() -> None:
    assert faces_of(maps((0, 2, 2, -0.1)), LAYOUT, 0.5) == []


def test_the_closer_look_is_upright_and_maps_its_points_back() -> None:
    """A finder that always says the same of its canvas: both looks' answers meet on the photo."""
    middle = 63.5
    five = np.array([[44, 50], [83, 50], [63.5, 70], [48, 90], [79, 90]], np.float32)
    box = np.array([middle - 44, middle - 44, 88, 88], np.float32)

    def find(canvas: Image) -> list[Detection]:
        assert canvas.shape == (128, 128, 3)
        return [Detection(box, five, 0.9)]

    tilted = np.array([[100, 100], [140, 120], [110, 130], [90, 150], [120, 165]], np.float32)
    face = Detection(np.array([70, 80, 88, 88], np.float32), tilted, 0.8)
    done = refined(np.zeros((240, 300, 3), np.uint8), face, find)
    assert done.score == 0.8
    np.testing.assert_array_equal(done.box, face.box)
    eyes = done.points[1] - done.points[0]
    assert np.degrees(np.arctan2(eyes[1], eyes[0])) == pytest.approx(np.degrees(np.arctan(0.5)))
    # The five points are symmetric, so the mirrored look says the same; its scale is 1.
    assert np.linalg.norm(eyes) == pytest.approx(39.0, abs=1e-3)
    np.testing.assert_allclose(done.points[:2].mean(axis=0) - [114, 124], [6.04, -12.07], atol=0.01)


@pytest.mark.parametrize("found", [[], [Detection(np.zeros(4, np.float32), np.zeros((5, 2)), 0.9)]])
def test_what_the_closer_look_does_not_show_stays(found: list[Detection]) -> None:
    points = np.array([[60, 60], [100, 60], [80, 80], [65, 100], [95, 100]], np.float32)
    face = Detection(np.array([40, 40, 80, 80], np.float32), points, 0.7)
    assert refined(np.zeros((200, 200, 3), np.uint8), face, lambda _: found) is face


@pytest.mark.parametrize(("box", "seen"), [((30, 30, 60, 60), True), ((0, 0, 6, 6), False)])
def test_a_face_is_confirmed_by_one_near_the_middle_of_a_closer_look(
    box: tuple[int, int, int, int], seen: bool
) -> None:
    points = np.array([[80, 80], [120, 80], [100, 100], [85, 120], [115, 120]], np.float32)
    face = Detection(np.array([60, 60, 80, 80], np.float32), points, 0.6)
    closer = Detection(np.array(box, np.float32), points, 0.6)
    photo = np.zeros((200, 200, 3), np.uint8)
    assert confirmed(photo, face, lambda _: [closer]) is seen
    assert not confirmed(photo, face, lambda _: [])
