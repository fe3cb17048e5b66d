"""Face embedders from ONNX files: what they are shown, and what is refused."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from augment.crop import reference_points
from augment.errors import UserError
from augment.images import resize
from augment.nets.embedder import Embedder, arcface_square, view
from augment.types import Image
from tests.unit.tiny_embedder import SIZE, write_embedder

RANDOM = np.random.default_rng(4)
FACES = [RANDOM.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8) for _ in range(5)]


def embedder(path: Path, **changed: Any) -> Embedder:
    settings = {"channels": "rgb", "mean": 127.5, "std": 127.5, "where": "judges", **changed}
    layout = settings.pop("layout", "nchw")
    shape = settings.pop("shape", SIZE)
    written = write_embedder(path, layout, shape)
    return Embedder(path, **{"sha256": written["sha256"], "size": SIZE, **settings})


def cells(image: Image) -> np.ndarray:
    """What the tiny embedder sees: (3, 4, 4) mean levels."""
    return image.reshape(4, 4, 4, 4, 3).mean((1, 3)).transpose(2, 0, 1)


def unit(numbers: np.ndarray) -> np.ndarray:
    return numbers.ravel() / np.linalg.norm(numbers)


def test_levels_are_scaled_and_descriptions_have_length_one(tmp_path: Path) -> None:
    found = embedder(tmp_path / "e.onnx").describe(FACES, 1.0)
    assert found.shape == (5, 48)
    assert found.dtype == np.float32
    expected = [unit(cells(face) - 127.5) for face in FACES]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_other_scales_and_orders_of_channels(tmp_path: Path) -> None:
    mean, std = (10.0, 20.0, 30.0), (1.0, 2.0, 4.0)
    made = embedder(tmp_path / "e.onnx", channels="bgr", mean=mean, std=std)
    expected = (cells(FACES[0])[::-1] - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(made.describe(FACES[:1], 1.0)[0], unit(expected), atol=1e-5)


@pytest.mark.parametrize("shape", [SIZE, "side"])
def test_channels_may_come_last(tmp_path: Path, shape: int | str) -> None:
    one = embedder(tmp_path / "one.onnx", shape=shape).describe(FACES, 1.0)
    other = embedder(tmp_path / "other.onnx", layout="nhwc", shape=shape).describe(FACES, 1.0)
    np.testing.assert_allclose(other, one, atol=1e-6)


def test_each_face_by_itself_and_none_at_all(tmp_path: Path) -> None:
    made = embedder(tmp_path / "e.onnx")
    together = made.describe(FACES, 0.8)
    np.testing.assert_array_equal(made.describe(FACES[2:3], 0.8), together[2:3])
    assert made.describe([], 0.8).shape == (0, 48)


def test_a_copy_carries_no_session(tmp_path: Path) -> None:
    made = embedder(tmp_path / "e.onnx")
    before = made.describe(FACES, 1.0)
    content = pickle.dumps(made)
    assert len(content) < 1000
    copy = pickle.loads(content)  # noqa: S301
    np.testing.assert_array_equal(copy.describe(FACES, 1.0), before)


def test_a_plain_face_of_no_length_is_no_division_by_zero(tmp_path: Path) -> None:
    made = embedder(tmp_path / "e.onnx", mean=100.0)
    found = made.describe([np.full((SIZE, SIZE, 3), 100, np.uint8)], 1.0)
    np.testing.assert_array_equal(found, 0)


def test_missing_file(tmp_path: Path) -> None:
    made = embedder(tmp_path / "e.onnx")
    made.path.unlink()
    with pytest.raises(UserError, match=r"judges: .*e\.onnx is missing; put the ONNX file there"):
        made.describe(FACES, 1.0)


def test_another_file(tmp_path: Path) -> None:
    made = embedder(tmp_path / "e.onnx")
    made.path.write_bytes(b"other")
    found = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(UserError, match=f"has sha256 {found}, not {made.sha256}"):
        made.start()


def test_what_is_no_network(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"no network").hexdigest()
    made = embedder(tmp_path / "e.onnx", sha256=digest)
    made.path.write_bytes(b"no network")
    with pytest.raises(UserError, match="cannot be loaded by onnxruntime"):
        made.start()


def test_another_size(tmp_path: Path) -> None:
    made = embedder(tmp_path / "e.onnx", size=112)
    with pytest.raises(UserError, match=r"takes faces of 16 x 16 pixels: set its `size`.*is 112"):
        made.start()


def test_a_size_that_shows_only_when_it_runs(tmp_path: Path) -> None:
    made = embedder(tmp_path / "e.onnx", size=8, shape="side")
    path = _model(tmp_path / "fixed.onnx", "Reshape")
    made.path, made.sha256 = path, hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UserError, match="does not take a face of 8 x 8"):
        made.start()


@pytest.mark.parametrize(
    ("kind", "message"),
    [("Identity", r"gives numbers of shape \(3, 16, 16\)"), ("Two", "takes .*an embedder takes")],
)
def test_networks_that_describe_no_face(tmp_path: Path, kind: str, message: str) -> None:
    path = _model(tmp_path / "m.onnx", kind)
    made = embedder(tmp_path / "e.onnx")
    made.path, made.sha256 = path, hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UserError, match=message):
        made.start()


def _model(path: Path, kind: str) -> Path:
    side: int | str = SIZE if kind != "Reshape" else "side"
    inputs = [helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, 3, side, side])]
    initial = []
    if kind == "Two":
        inputs.append(helper.make_tensor_value_info("b", TensorProto.FLOAT, [1, 3, SIZE, SIZE]))
        node = helper.make_node("Add", ["a", "b"], ["out"])
    elif kind == "Reshape":
        initial = [helper.make_tensor("shape", TensorProto.INT64, [2], [1, 3 * SIZE * SIZE])]
        node = helper.make_node("Reshape", ["a", "shape"], ["out"])
    else:
        node = helper.make_node("Identity", ["a"], ["out"])
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "m", inputs, outputs, initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_the_whole_crop_is_shown_resized() -> None:
    np.testing.assert_array_equal(view(FACES[0], 32, 1.0), resize(FACES[0], 32))
    np.testing.assert_array_equal(view(FACES[0], SIZE, 1.0), FACES[0])


def test_the_middle_is_shown() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[16:48, 16:48] = 200
    assert (view(picture, 64, 0.5)[12:-12, 12:-12] == 200).all()  # enlarging rings at the edge
    assert view(picture, 112, 0.83).shape == (112, 112, 3)
    wide = view(picture, 112, 0.8)
    share = (wide[:, 56, 0] > 100).mean()
    assert share == pytest.approx(0.5 / 0.8, abs=0.01)
    np.testing.assert_array_equal(wide[::-1, ::-1], wide)  # still in the middle


def test_beyond_the_crop_it_is_mirrored() -> None:
    face = resize(FACES[0], 64)
    shown = view(face, 80, 1.25)
    np.testing.assert_array_equal(shown[8:-8, 8:-8], face)
    np.testing.assert_array_equal(shown[8:-8, 7], face[:, 1])


@pytest.mark.parametrize("margin", [-0.1, 0.0, 0.1, 0.3])
@pytest.mark.parametrize("size", [64, 112])
def test_arcface_square_from_points(margin: float, size: int) -> None:
    random = np.random.default_rng(1)
    points = reference_points(size, margin) + random.normal(0, size / 50, (300, 5, 2))
    found = arcface_square(points.astype(np.float32), size)
    assert found == pytest.approx(1 / (1 + 2 * margin), abs=0.015)


def test_points_that_are_no_face() -> None:
    with pytest.raises(UserError, match="set its `shown`"):
        arcface_square(np.full((9, 5, 2), 8.0, np.float32), 64)
