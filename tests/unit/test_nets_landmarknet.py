"""The detector's training: what a teacher's looks add up to, scenes, what cells learn."""

import numpy as np
import pytest
import torch
from torch import Tensor

from augment.align.landmarknet.graph import model, read_layout
from augment.nets.landmarknet import scenes
from augment.nets.landmarknet.__main__ import drawn_photos, pixels, write
from augment.nets.landmarknet.network import CHANNELS, STRIDES, UNIT, LandmarkNet
from augment.nets.landmarknet.objective import Faces, assign, cells_of, losses
from augment.nets.landmarknet.photos import Photos, draw_more_often, held_out
from augment.nets.landmarknet.surroundings import Surroundings
from augment.nets.landmarknet.teacher import look_often
from augment.protocols import Detection
from augment.types import FloatArray, Image

COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [255, 0, 255]])
POINTS = np.array([[70, 60], [130, 62], [100, 90], [78, 120], [122, 121]], np.float32)


class Painted:
    """Sees a face by its five coloured dots, some pixels off, another way each time."""

    def __init__(self, noise: float) -> None:
        self.noise, self.random = noise, np.random.default_rng(3)

    def identity(self) -> str:
        return "painted"

    def detect(self, image: Image) -> list[Detection]:
        points = []
        for colour in COLOURS:
            y, x = np.nonzero(np.abs(image.astype(int) - colour).sum(axis=2) < 150)
            if not len(x):
                return []
            points.append((x.mean(), y.mean()))
        five = np.array(points, np.float32)
        if five[0, 0] > five[1, 0]:  # mirrored: a detector names the points by the picture's left
            five = five[[1, 0, 2, 4, 3]]
        five += self.random.normal(0, self.noise, (5, 2)).astype(np.float32)
        low, side = five.min(axis=0), float(np.ptp(five, axis=0).max()) * 1.6
        box = np.array([low[0] - side * 0.2, low[1] - side * 0.3, side, side], np.float32)
        return [Detection(box, five, 0.9)]


def dots() -> Image:
    photo = np.full((200, 200, 3), 128, np.uint8)
    for (x, y), colour in zip(POINTS.astype(int), COLOURS, strict=True):
        photo[y - 5 : y + 6, x - 5 : x + 6] = colour
    return photo


def test_many_looks_are_nearer_to_the_truth_than_one() -> None:
    (face,) = look_often(dots(), Painted(2.0), np.random.default_rng(0), 32)
    assert face.sure
    assert face.score == pytest.approx(0.9)
    # A look is off by 2 canvas pixels, more on the photo; the mean of 32 by a fifth of that.
    assert np.abs(face.points - POINTS).max() < 1.6


def test_a_face_that_few_looks_see_is_doubtful() -> None:
    class Sometimes(Painted):
        calls = 0

        def detect(self, image: Image) -> list[Detection]:
            self.calls += 1
            return super().detect(image) if self.calls == 1 or self.calls % 3 == 0 else []

    (face,) = look_often(dots(), Sometimes(0.0), np.random.default_rng(0), 18)
    assert not face.sure


def test_a_photo_without_face_has_none() -> None:
    assert look_often(np.zeros((50, 60, 3), np.uint8), Painted(0.0), np.random.default_rng(0)) == []


@pytest.fixture(scope="module")
def drawn() -> Photos:
    return drawn_photos(12, scenes.SIDE)


@pytest.fixture(scope="module")
def around(drawn: Photos) -> Surroundings:
    sides = np.sqrt(drawn.boxes[:, 0, 2] * drawn.boxes[:, 0, 3])
    return Surroundings.of(drawn.images, sides, 1, scenes.SIDE)


def test_a_drawn_face_lies_inside_its_box(drawn: Photos) -> None:
    low = drawn.boxes[:, 0, None, :2]
    high = low + drawn.boxes[:, 0, None, 2:]
    assert np.all((drawn.points[:, 0] > low) & (drawn.points[:, 0] < high))


def test_a_scene_depends_on_its_randomness_alone(drawn: Photos, around: Surroundings) -> None:
    first, again = (
        scenes.compose(2, drawn, drawn, around, np.random.default_rng(5)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.picture, again.picture)
    assert first.state == again.state


def test_points_follow_the_pixels_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dots of five colours are found again where the scene says its points are."""
    for disguise in ("wear_mask", "hide_part"):
        monkeypatch.setattr(scenes, disguise, lambda *_: None)
    box = np.array([[[40, 30, 120, 120]]], np.float32)
    photos = Photos(
        [""], dots()[None], box, POINTS[None, None].copy(), np.array([[2]], np.uint8), [("",) * 3]
    )
    checked = 0
    for number in range(60):
        scene = scenes.Scene(np.full((160, 160, 3), 128, np.uint8))
        random = np.random.default_rng(number)
        scenes._put(scene, (0, 0, 160, 160), photos, 0, random)
        if number % 2:
            scene.mirror()
        if not scene.state or scene.state[0] != 2:
            continue
        scale = float(scene.boxes[0][2]) / 120
        for index, (x, y) in enumerate(scene.points[0]):
            colour = COLOURS[index if number % 2 == 0 else [1, 0, 2, 4, 3][index]]
            near = np.abs(scene.picture.astype(int) - colour).sum(axis=2) < 150
            rows, columns = np.nonzero(near)
            # Cut by the edge, or faded: then nothing, or a part, is left of the dot.
            if len(rows) < 0.7 * (11 * scale) ** 2 or len(rows) < 9:
                continue
            assert abs(columns.mean() - x) < 1.0
            assert abs(rows.mean() - y) < 1.0
            checked += 1
    assert checked > 40


def test_scenes_hold_one_face_several_or_none(drawn: Photos, around: Surroundings) -> None:
    made = [
        scenes.compose(number % 12, drawn, drawn, around, np.random.default_rng(number))
        for number in range(80)
    ]
    counts = [len(scene.boxes) for scene in made]
    assert min(counts) == 0
    assert max(counts) > 2
    assert np.mean(np.array(counts) == 1) > 0.4
    pictures, boxes, points, state = scenes.batch(made)
    assert pictures.shape == (80, 160, 160, 3)
    assert pictures.dtype == np.uint8
    assert boxes.shape == (80, scenes.MOST, 4)
    assert points.shape == (80, scenes.MOST, 5, 2)
    assert [int(row.astype(bool).sum()) for row in state] == counts


def one_face(side: float, middle: tuple[float, float] = (80.0, 80.0)) -> Faces:
    low = [value - side / 2 for value in middle]
    box = torch.tensor([[[*low, side, side]]])
    points = torch.tensor([[[[middle[0] + 4 * k, middle[1] - 3 * k] for k in range(5)]]])
    return Faces(box, points, torch.tensor([[2]]))


@pytest.mark.parametrize(
    ("side", "strides"),
    [(12.0, [8]), (40.0, [8, 16]), (60.0, [16]), (80.0, [16, 32]), (150.0, [32])],
)
def test_a_face_is_answered_for_at_its_own_strides(side: float, strides: list[int]) -> None:
    cells = cells_of(160, 160)
    own, alone = assign(cells, one_face(side))
    units = cells.units[own[0] >= 0] / UNIT
    assert sorted({round(float(unit)) for unit in units}) == strides
    assert not torch.any(alone & (own >= 0))
    away = (cells.places - 80.0).norm(dim=1)[own[0] >= 0]
    assert float((away / (units * 0.75)).max()) < max(1.0, 0.3 * side / strides[0])


def test_a_doubtful_face_is_neither_face_nor_surroundings() -> None:
    faces = one_face(60.0)
    cells = cells_of(160, 160)
    own, alone = assign(cells, Faces(faces.boxes, faces.points, torch.tensor([[1]])))
    assert bool((own < 0).all())
    near = (cells.places - 80.0).norm(dim=1) < 30
    assert bool(alone[0, near].all())


def right_answers(faces: Faces) -> list[Tensor]:
    """Maps that say exactly what is there, and are sure of it."""
    cells = cells_of(160, 160)
    own, _ = assign(cells, faces)
    answers = torch.zeros(1, len(cells.units), CHANNELS)
    answers[..., 0] = torch.where(own >= 0, 12.0, -12.0)
    box, unit = faces.boxes[0, 0], cells.units[:, None]
    answers[0, :, 1:3] = (box[:2] + box[2:] / 2 - cells.places) / unit
    answers[0, :, 3:5] = torch.log(box[2:] / unit)
    answers[0, :, 5:] = ((faces.points[0, 0] - cells.places[:, None]) / unit[:, None]).flatten(1)
    sizes = [(160 // stride) ** 2 for stride in STRIDES]
    return [
        part.transpose(1, 2).reshape(1, CHANNELS, 160 // stride, 160 // stride)
        for part, stride in zip(answers.split(sizes, dim=1), STRIDES, strict=True)
    ]


@pytest.mark.parametrize("side", [12.0, 60.0, 150.0])
def test_right_answers_cost_nothing_and_wrong_points_do(side: float) -> None:
    faces = one_face(side)
    maps = right_answers(faces)
    right = losses(maps, cells_of(160, 160), faces)
    assert float(right["loss"]) < 1e-3
    for level in maps:
        level[:, 5] += 0.1
    wrong = losses(maps, cells_of(160, 160), faces)
    assert float(wrong["points"]) > float(right["points"]) + 0.1
    assert float(wrong["box"]) == pytest.approx(float(right["box"]))


def test_a_false_face_costs_more_than_a_sure_no() -> None:
    nothing = Faces(torch.zeros(1, 1, 4), torch.zeros(1, 1, 5, 2), torch.zeros(1, 1))
    maps = right_answers(one_face(60.0))
    assert float(losses(maps, cells_of(160, 160), nothing)["score"]) > 10


def test_what_is_shipped_answers_as_what_was_trained(tmp_path) -> None:  # type: ignore[no-untyped-def]
    onnxruntime = pytest.importorskip("onnxruntime")
    import safetensors.numpy

    torch.manual_seed(0)
    network = LandmarkNet().to(memory_format=torch.channels_last)  # as it is trained
    pictures = np.random.default_rng(0).integers(0, 256, (2, 96, 64, 3)).astype(np.uint8)
    network.train()
    for _ in range(5):  # statistics that differ by level
        network(pixels(pictures))
    network.eval()
    path = tmp_path / "weights.safetensors"
    write(network, path)
    content = path.read_bytes()
    session = onnxruntime.InferenceSession(
        model(read_layout(content), safetensors.numpy.load(content)),
        providers=["CPUExecutionProvider"],
    )
    given = pictures[:1].transpose(0, 3, 1, 2).astype(np.float32) - 128
    with torch.no_grad():
        expected = network(pixels(pictures[:1]))
    for map_, level in zip(session.run(None, {"photo": given}), expected, strict=True):
        np.testing.assert_allclose(map_, level.numpy(), atol=1e-4)


def test_copies_of_a_photo_are_held_out_together() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (200, 32, 32, 3)).astype(np.uint8)
    images[100:] = images[:100]
    names = [f"train/{number}.jpg" for number in range(200)]
    out = held_out(names, images)
    np.testing.assert_array_equal(out[:100], out[100:])
    assert 0.02 < out.mean() < 0.25
    order = random.permutation(200)
    again = held_out([names[place] for place in order], images[order])
    np.testing.assert_array_equal(again, out[order])


def test_rare_groups_are_drawn_more_often() -> None:
    words = [("0-2", "", "white")] * 2 + [("20-29", "", "white")] * 8
    weights: FloatArray = draw_more_often(words, {"0-2": 2.0})
    assert weights[0] == pytest.approx(4 * weights[-1], rel=1e-5)
    assert weights.mean() == pytest.approx(1.0)
    both = draw_more_often([("3-9", "", "Black"), ("3-9", "", "White")], {"Black": 2.0})
    assert both[0] == pytest.approx(2 * both[1])
