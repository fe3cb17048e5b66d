"""Our detector: its file, the graph built from it, and one answer a face."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import augment.align.landmarknet as landmarknet
from augment.align.crop import choose
from augment.align.landmarknet import Config, Detector
from augment.align.landmarknet.decoding import faces_of
from augment.align.landmarknet.graph import Layout, model, read_layout
from augment.drawing import draw, random_spec, sample_person
from augment.errors import UserError
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
