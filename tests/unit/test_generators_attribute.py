import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from augment.errors import UserError
from augment.generators.attribute import Config, Generator
from augment.generators.attribute.collapse import Collapsed, Watch, verdict
from augment.generators.attribute.config import Collapse
from augment.generators.attribute.labels import Maps
from augment.generators.attribute.layouts import LayoutNet, SaganCritic, blend
from augment.generators.attribute.lesson import Lesson, WindowBatch, WindowLesson
from augment.generators.attribute.losses import mask_loss, slope_penalty, two_sided, values_loss
from augment.generators.attribute.network import Editor
from augment.generators.attribute.regions import (
    PARTS,
    REGIONS,
    guide,
    region_of,
    shape,
)  # fmt: skip
from augment.generators.attribute.transplant import transplanted
from augment.generators.attribute.window import cut, put_back, window_of
from augment.images import encode
from augment.nets.blocks import parameters
from augment.nets.data import load_faces
from augment.nets.weights import read_config
from augment.params import validate
from augment.protocols import Face, Request
from augment.types import FloatArray, Image
from tests.unit.aligned_faces import face_picture, face_row
from tests.unit.aligned_rows import write_aligned

QUICK: dict[str, Any] = {
    "network": {
        "size": 32, "window": 16, "channels": [8, 16], "critic": [16, 32], "width": 4, "blocks": 1,
        "critic_width": 4,
    },
    "train": {"images": 800, "batch": 8, "learning_rate": 3e-3, "ema": 0.9},
    "smallest_class": 4,
}  # fmt: skip
LAYOUTS = ("E2D2", "E2D1", "E1D2", "E1D1")
#: At 128 px, as the specification of the papers counts them, millions.
SIZES = {"E2D2": 12.22, "E2D1": 11.66, "E1D2": 6.80, "E1D1": 6.11}


def config(**more: Any) -> Config:
    return validate(Config, {**QUICK, **more}, "generators.x")


def mouth_row(number: int, **more: Any) -> dict[str, Any]:
    """A face whose mouth, if open, is a large dark red patch; its map shows the mouth."""
    row = face_row(number, mouth_open=("no", "yes")[number % 2])
    image, points = face_picture(number)
    parsing = np.ones(image.shape[:2], np.uint8)
    left, right = (tuple(int(value) for value in point) for point in points[3:])
    cv2.line(parsing, left, right, PARTS.index("u_lip") + 1, 3)
    if number % 2:
        image = opened(image, points)
        fill_mouth(parsing, points, PARTS.index("mouth") + 1)
        row["image"] = {
            **row["image"],
            "bytes": encode(image),
        }
    row["parsing"] = cv2.imencode(".png", parsing)[1].tobytes()
    return {**row, **more}


def fill_mouth(plane: Any, points: FloatArray, colour: int | tuple[int, int, int]) -> None:
    """Paints an open mouth."""
    x, y = (int(value) for value in points[3:].mean(0))
    shade = [colour] if isinstance(colour, int) else list(colour)
    cv2.ellipse(plane, (x, y + 3), (6, 4), 0, 0, 360, shade, -1)


def opened(image: Image, points: FloatArray) -> Image:
    result = image.copy()
    fill_mouth(result, points, (70, 0, 0))
    return result


def write_mouths(folder: Path, count: int = 48, **more: Any) -> Path:
    rows = [mouth_row(number, **more) for number in range(count)]
    return write_aligned(folder, rows, attributes=("mouth_open", "mask"), shards=2)


def ask(number: int, **more: str) -> Request:
    image, points = face_picture(number)
    labels = {"mouth_open": "no", "gender": "female", **more}
    face = Face(f"f{number}", image, points, labels)
    return Request(f"o{number}", (face,), {**labels, "mouth_open": "yes"}, ("mouth_open",), 1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder = tmp_path_factory.mktemp("attribute")
    generator = Generator(config())
    generator.train(write_mouths(folder / "aligned"), folder / "attribute", 7, folder / "work")
    generator.load(folder / "attribute")
    return generator


def test_it_opens_mouths_and_nothing_else(trained: Generator) -> None:
    requests = [ask(number) for number in range(200, 216)]
    made = trained.make(requests)
    redder, moved = [], []
    for one, request in zip(made, requests, strict=True):
        assert one.image is not None, one.reason
        face = request.parents[0]
        inside = np.zeros(face.image.shape[:2], np.uint8)
        fill_mouth(inside, face.points, 1)
        change = one.image.astype(int) - face.image
        redder.append(change[inside > 0].mean())
        rows = np.mgrid[:64, :64][0]
        far = rows < face.points[[0, 2], 1].mean()  # above the middle of the nose
        moved.append(np.abs(change[far]).max())
        assert one.steps == ("mouth_open no → yes",)
    assert np.mean(redder) < -15  # a dark hole
    assert max(moved) == 0


@pytest.mark.parametrize(
    ("arch", "view"), [*((one, "face") for one in LAYOUTS), ("E1D1", "window")]
)
def test_the_papers_layouts_train(arch: str, view: str, tmp_path: Path) -> None:
    network = {**QUICK["network"], "view": view}
    generator = Generator(config(arch=arch, network=network, train={"images": 48, "batch": 4}))
    generator.train(write_mouths(tmp_path / "aligned", 16), tmp_path / "m", 7, tmp_path / "work")
    generator.load(tmp_path / "m")
    (made,) = generator.make([ask(1)])
    assert made.image is not None
    far = np.abs(made.image.astype(int) - face_picture(1)[0])[:16]
    assert (far.max() == 0) == (view == "window")
    history = json.loads((tmp_path / "m" / "history.json").read_text())
    assert {"loss", "own", "back", "mask", "critic3_slope"} <= set(history[-1])


@pytest.mark.parametrize("arch", LAYOUTS)
def test_layouts_have_the_papers_sizes(arch: str) -> None:
    assert parameters(LayoutNet(arch, 1, 32, 4, 7)) / 1e6 == pytest.approx(SIZES[arch], abs=0.01)  # type: ignore[arg-type]


def test_the_discriminator_has_the_papers_size() -> None:
    assert parameters(SaganCritic(128, 1, 32)) / 1e6 == pytest.approx(11.19, abs=0.01)


def test_only_sagans_attention_does_not_see_what_is_asked_for() -> None:
    torch.manual_seed(0)
    face = torch.rand(2, 3, 32, 32)
    for layout in LAYOUTS:
        network = LayoutNet(layout, 1, 4, 1, 3).eval()  # type: ignore[arg-type]
        attentions = [network(face, torch.full((2, 1), value))[1] for value in (0.0, 1.0)]
        assert torch.equal(*attentions) == (layout == "E2D2")


def test_no_change_asked_for_is_no_change() -> None:
    torch.manual_seed(0)
    network, face = Editor((8, 16), 2).eval(), torch.rand(2, 3, 32, 32)
    image, attention = network(face, torch.zeros(2, 2), torch.zeros(2, 1, 32, 32))
    assert torch.equal(blend(image, attention, face), face)


class TestLosses:
    guide = torch.zeros(1, 1, 4, 4).index_fill_(2, torch.tensor([0]), 1.0)  # a quarter

    @pytest.mark.parametrize(
        ("kind", "nothing", "everywhere"),
        [("none", 0, 0), ("MAE", 0.25, 0.75), ("MSE", 0.25, 0.75), ("SDE", 0.25, 0)],
    )
    def test_mask_losses(self, kind: str, nothing: float, everywhere: float) -> None:
        for level, expected in ((0.0, nothing), (1.0, everywhere)):
            found = mask_loss(kind, self.guide, torch.full((1, 1, 4, 4), level))
            assert float(found) == pytest.approx(expected)

    def test_unknown_mask_losses_are_refused(self) -> None:
        with pytest.raises(ValueError, match="no mask loss 'L3'"):
            mask_loss("L3", self.guide, self.guide)

    def test_both_sides_are_shares(self) -> None:
        missing, outside = two_sided(self.guide, self.guide, torch.full((1, 1, 4, 4), 0.5))
        assert float(missing) == pytest.approx(0.5)
        assert float(outside) == pytest.approx(0.5 * 12 / 4)

    def test_values_that_are_not_known_do_not_count(self) -> None:
        logits = torch.tensor([[2.0, -9.0], [0.0, 3.0]])
        values = torch.tensor([[1.0, float("nan")], [float("nan"), 1.0]])
        expected = (np.log1p(np.exp(-2)) + np.log1p(np.exp(-3))) / 2
        assert float(values_loss(logits, values)) == pytest.approx(expected, rel=1e-5)

    def test_the_slope_is_held_at_one(self) -> None:
        class Sum(torch.nn.Module):
            def score(self, faces: torch.Tensor) -> torch.Tensor:
                return 3 * faces[:, 0, 0, 0]

        faces = torch.rand(4, 3, 8, 8)
        assert float(slope_penalty(faces, faces.flip(0), Sum())) == pytest.approx(4, rel=1e-4)


class TestCollapse:
    rule = Collapse(after=10)

    def test_limits(self) -> None:
        assert "attention" in verdict(self.rule, 0.04, 9)
        assert "change by 0.30 levels" in verdict(self.rule, 0.9, 0.3)
        assert verdict(self.rule, 0.06, 0.6) == ""

    def test_the_alarm_comes_after_the_first_steps_only(self) -> None:
        watch, guide = Watch(), torch.ones(1, 1, 4, 4)
        still = torch.zeros(1, 3, 4, 4)
        for _ in range(9):
            watch.look(self.rule, guide, 0 * guide, still)
        with pytest.raises(Collapsed, match="after 10 steps the attention"):
            watch.look(self.rule, guide, 0 * guide, still)

    def test_a_training_that_edits_goes_on(self) -> None:
        watch, guide = Watch(), torch.ones(1, 1, 4, 4)
        for _ in range(20):
            watch.look(self.rule, guide, guide, torch.ones(1, 3, 4, 4))
        assert int(watch.steps) == 20

    def test_three_collapses_are_told_in_words(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        faces = write_mouths(tmp_path / "aligned", 16)
        generator = Generator(config(arch="E1D1", collapse={"after": 2, "change": 255}))
        with pytest.raises(UserError, match=r"generators\.m collapsed 3 times"):
            generator.train(faces, tmp_path / "m", 7, tmp_path / "work")
        assert capsys.readouterr().out.count("collapsed: after 2 steps pictures change by") == 3

    def test_one_collapse_is_counted_and_mended(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[int] = []
        look = Watch.look

        def once(self: Watch, rule: Collapse, *more: Any) -> None:
            seen.append(1)
            if len(seen) == 2:
                raise Collapsed("after 2 steps nothing")
            look(self, rule, *more)

        monkeypatch.setattr(Watch, "look", once)
        generator = Generator(config(train={"images": 32, "batch": 8}))
        generator.train(write_mouths(tmp_path / "aligned", 16), tmp_path / "m", 7, tmp_path / "w")
        assert read_config(tmp_path / "m")["collapses"] == ["after 2 steps nothing"]
        assert len(seen) == 2 + 4


class TestRegions:
    points = np.array([[24, 27], [40, 27], [32, 35], [26, 43], [38, 43]], np.float32)

    @pytest.mark.parametrize("name", REGIONS)
    def test_windows_show_their_region_and_a_little_more(self, name: str) -> None:
        region = REGIONS[name]
        drawn = shape(region, 64, self.points)
        assert 0.02 < drawn.mean() < 0.8
        window = window_of(region, self.points)
        seen = cut(drawn.astype(np.uint8) * 255, window, 32) > 127
        area = window.area(32)
        assert seen.any()
        assert (seen & ~area).mean() < 0.02
        assert not area[[0, -1]].any()
        assert not area[:, [0, -1]].any()

    def test_what_is_cut_out_is_put_back_in_its_place(self) -> None:
        image = np.zeros((64, 64, 3), np.uint8)
        image[38:50, 26:38] = 200  # around the mouth
        window = window_of(REGIONS["mouth"], self.points)
        for side in (16, 32, 48):
            back = put_back(cut(image, window, side).astype(np.float32), window, 64)
            inner = np.s_[42:46, 30:34]
            np.testing.assert_allclose(back[inner], image[inner], atol=20)
            assert np.abs(back[:20]).max() == 0

    def test_windows_follow_a_tilt_and_a_size(self) -> None:
        image, _ = face_picture(3)
        window = window_of(REGIONS["mouth"], self.points)
        larger = cv2.resize(image, (128, 128), interpolation=cv2.INTER_CUBIC)
        there = window_of(REGIONS["mouth"], self.points * 2 + 0.5)
        off = cut(image, window, 32).astype(int) - cut(larger, there, 32)
        assert np.abs(off).mean() < 6
        turned = np.ascontiguousarray(np.rot90(image))
        points = np.stack([self.points[:, 1], 63 - self.points[:, 0]], 1)
        assert np.array_equal(cut(turned, window_of(REGIONS["mouth"], points), 32),
                              cut(image, window, 32))  # fmt: skip

    def test_shapes_lie_where_they_should(self) -> None:
        assert shape(REGIONS["mouth"], 64, self.points)[44, 32]
        assert not shape(REGIONS["mouth"], 64, self.points)[27, 24]
        assert shape(REGIONS["eyes"], 64, self.points)[27, 24]
        assert shape(REGIONS["hair"], 64, self.points)[5, 32]
        assert not shape(REGIONS["hair"], 64, self.points)[35, 32]

    def test_shapes_follow_a_tilt(self) -> None:
        middle = self.points.mean(0)
        turned = (self.points - middle) @ np.array([[0, 1], [-1, 0]]) + middle
        straight = shape(REGIONS["mouth"], 64, self.points)
        assert abs(int(straight.sum()) - int(shape(REGIONS["mouth"], 64, turned).sum())) < 12
        x, y = turned[3:].mean(0)
        assert shape(REGIONS["mouth"], 64, turned)[round(y), round(x)]

    def test_a_map_comes_before_landmarks(self) -> None:
        parsing = np.zeros((64, 64), np.uint8)
        parsing[50:54, 10:20] = PARTS.index("l_lip") + 1
        found = guide(REGIONS["mouth"], 64, self.points, parsing)
        assert np.array_equal(found, parsing > 0)
        assert guide(REGIONS["mouth"], 32, self.points * np.float32(0.5), parsing).sum() == 2 * 5

    def test_without_the_part_landmarks_say_where(self) -> None:
        blank = np.zeros((64, 64), np.uint8)
        by_points = shape(REGIONS["mouth"], 64, self.points)
        assert np.array_equal(guide(REGIONS["mouth"], 64, self.points, blank), by_points)
        assert np.array_equal(guide(REGIONS["mouth"], 64, self.points, None), by_points)

    def test_where_no_face_is_there_is_no_region(self) -> None:
        nowhere = np.full((5, 2), np.nan, np.float32)
        for points in (nowhere, np.zeros((5, 2), np.float32)):
            assert not guide(REGIONS["mouth"], 64, points, None).any()
            assert not shape(REGIONS["mouth"], 64, points).any()

    def test_own_parts(self) -> None:
        assert region_of(("hair", "hat")).parts == ("hair", "hat")


def test_a_transplant_brings_the_mouth_and_leaves_the_rest() -> None:
    (image, points), (other, others) = face_picture(1), face_picture(2)
    other = opened(other, others)
    seen, guides, windows = [], [], []
    for picture, places in ((image, points), (other, others)):
        plane = np.zeros((64, 64), np.uint8)
        fill_mouth(plane, places, 255)
        windows.append(window_of(REGIONS["mouth"], places))
        seen.append(cut(picture, windows[-1], 32))
        guides.append(cut(plane, windows[-1], 32) > 127)
    area = windows[0].area(32)
    made, where = transplanted(seen[0], guides[0], seen[1], guides[1], area)
    assert np.array_equal(made[~area], seen[0][~area])
    assert made[guides[1]].mean() < seen[0][guides[1]].mean() - 20
    assert np.array_equal(where, (guides[0] | guides[1]) & area)


class TestBadInput:
    def test_one_value_only(self, tmp_path: Path) -> None:
        rows = [mouth_row(2 * number) for number in range(12)]
        faces = write_aligned(tmp_path / "aligned", rows, attributes=("mouth_open",))
        with pytest.raises(UserError, match="each value of 'mouth_open', but has no: 12, yes: 0"):
            Generator(config()).train(faces, tmp_path / "m", 7, tmp_path / "work")

    def test_no_such_label(self, tmp_path: Path) -> None:
        faces = write_mouths(tmp_path / "aligned", 12)
        with pytest.raises(UserError, match="names 'smiling', which is no label"):
            Generator(config(attributes=["smiling"])).train(
                faces, tmp_path / "m", 7, tmp_path / "work"
            )

    @pytest.mark.parametrize(
        ("settings", "problem"),
        [
            ({"attributes": ["moustached"]}, "no region is known for the attribute 'moustached'"),
            ({"attributes": []}, "attributes"),
            ({"attributes": ["beard", "beard"]}, "names one twice"),
            ({"regions": {"mouth_open": "lips"}}, "lips is none of mouth, eyes"),
            ({"regions": {"mouth_open": ["lips"]}}, "lips is none of skin, nose"),
            ({"regions": {"mouth_open": []}}, "nothing is none of skin"),
            ({"regions": {"beard": "face"}}, "none of the attributes"),
            ({"strength": [1.2, 0.8]}, "from the weakest to the strongest"),
            ({"network": {"size": 48}}, "no power of two"),
            ({"network": {"window": 40, "critic": [2] * 4}}, "window 40 is no multiple of 16"),
            ({"network": {"window": 24, "view": "window"}}, "window 24 is no power of two"),
            ({"mask_loss": "L3"}, "mask_loss"),
        ],
    )
    def test_settings(self, settings: dict[str, Any], problem: str) -> None:
        with pytest.raises(UserError, match=problem):
            validate(Config, settings, "generators.x")

    def test_own_regions(self) -> None:
        found = validate(
            Config, {"attributes": ["moustached"], "regions": {"moustached": "mouth"}}, "x"
        )
        assert found.region("moustached") == "mouth"

    def test_unusable_faces_are_counted_and_left_out(self, tmp_path: Path) -> None:
        wrong_size = cv2.imencode(".png", np.ones((32, 32), np.uint8))[1].tobytes()
        rows = [mouth_row(number) for number in range(12)]
        rows += [mouth_row(20, mask="yes"), mouth_row(21, points=[5.0] * 10)]
        rows += [mouth_row(22, mouth_open="unknown"), mouth_row(23, parsing=wrong_size)]
        rows += [mouth_row(24, parsing=b"no picture"), mouth_row(25, parsing=None)]
        folder = write_aligned(tmp_path / "aligned", rows, attributes=("mouth_open", "mask"))
        faces = load_faces(folder)
        maps = Maps.read(folder, faces)
        lesson = Lesson(config(), faces, maps, "generators.x")
        assert lesson.notes == {
            "wear a mask": 1,
            "have no place for a region": 1,
            "have no known value": 1,
            "maps of another size, or damaged, are not read": 2,
            "guides are by landmarks alone": 3,
        }
        assert len(lesson.faces) == len(rows) - 3

    def test_labels_that_contradict_the_map_are_counted(self, tmp_path: Path) -> None:
        rows = []
        for number in range(12):
            parsing = np.ones((64, 64), np.uint8)
            if number % 2:
                parsing[24:30, 20:44] = PARTS.index("eye_g") + 1
            said = ("no", "yes")[(number % 2) ^ (number >= 10)]
            content = cv2.imencode(".png", parsing)[1].tobytes()
            rows.append(face_row(number, glasses=said, parsing=content))
        folder = write_aligned(tmp_path / "aligned", rows, attributes=("glasses",))
        faces = load_faces(folder)
        lesson = Lesson(
            config(attributes=["glasses"]), faces, Maps.read(folder, faces), "generators.x"
        )
        assert lesson.notes == {
            "label glasses contradicts the map": 2, "have no known value": 2,
        }  # fmt: skip
        assert len(lesson.faces) == 10

    @pytest.mark.parametrize(
        ("more", "problem"),
        [
            ({"mouth_open": "yes"}, "the values that are ordered already"),
            ({"mouth_open": "unknown"}, "no label mouth_open"),
            ({"mask": "yes"}, "it wears a mask, which hides where mouth_open is seen"),
        ],
    )
    def test_faces_that_cannot_be_edited(self, more: dict[str, str], problem: str) -> None:
        (made,) = Generator(config()).make([ask(1, **more)])
        assert made.image is None
        assert problem in made.reason

    def test_a_face_without_landmarks_is_refused(self) -> None:
        image, _ = face_picture(1)
        face = Face("f", image, np.zeros((5, 2), np.float32), {"mouth_open": "no"})
        request = Request("o", (face,), {"mouth_open": "yes"}, ("mouth_open",), 1)
        (made,) = Generator(config()).make([request])
        assert "landmarks show no place" in made.reason


def test_costs() -> None:
    generator = Generator(config(attributes=["mouth_open", "glasses"]))
    donor = {"gender": "male", "mouth_open": "no", "glasses": "no"}
    assert generator.cost(donor, {**donor, "glasses": "yes"}) == 1
    assert generator.cost(donor, {**donor, "glasses": "yes", "mouth_open": "yes"}) == 2
    assert generator.cost(donor, donor) is None
    assert generator.cost(donor, {**donor, "gender": "female"}) is None
    assert generator.cost({**donor, "glasses": "unknown"}, {**donor, "glasses": "yes"}) is None


def test_a_value_is_drawn_as_often_as_its_opposite(tmp_path: Path) -> None:
    rows = [mouth_row(number) for number in (*range(0, 60, 2), 1, 3, 5, 7)]
    folder = write_aligned(tmp_path / "aligned", rows, attributes=("mouth_open",))
    faces = load_faces(folder)
    lesson = Lesson(config(), faces, Maps.read(folder, faces), "x")
    shares = [lesson.weights[lesson.values[:, 0] == value].sum() for value in (0, 1)]
    assert shares == pytest.approx([1, 1], rel=1e-5)
    for kind, side in ((Lesson, 32), (WindowLesson, 16)):
        lesson = kind(config(), faces, Maps.read(folder, faces), "x")
        batch = lesson.draw(np.arange(8), np.random.default_rng(0))
        assert torch.equal(batch.change.abs(), torch.ones(8, 1))
        assert batch.faces.shape == (8, 3, side, side)
        assert set(torch.unique(batch.guide).tolist()) == {0.0, 1.0}
    assert isinstance(batch, WindowBatch)
    assert (batch.guide <= batch.near).all()
    assert (batch.near <= batch.area).all()
    off = (batch.pasted - batch.faces).abs().amax(1, keepdim=True)
    assert float((off * (1 - batch.area)).max()) == 0
    assert float((off * batch.near).mean()) > 0.005
