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
from augment.generators.attribute.lesson import Lesson, WindowBatch, WindowLesson
from augment.nets.data import load_faces
from augment.nets.weights import read_config
from augment.params import validate
from augment.protocols import Face, Request
from augment.regions import (
    PARTS,
)  # fmt: skip
from tests.unit.aligned_faces import face_picture, face_row
from tests.unit.aligned_rows import write_aligned
from tests.unit.mouth_faces import (
    QUICK,
    ask,
    config,
    fill_mouth,
    mouth_row,
    write_mouths,
)

LAYOUTS = ("E2D2", "E2D1", "E1D2", "E1D1")


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
            ({"regions": {"mouth_open": "lips"}}, "lips is none of mouth, jaw, eyes"),
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

    def test_glasses_are_changed_above_a_mask(self) -> None:
        image, points = face_picture(1)
        face = Face("f", image, points, {"glasses": "no", "mouth_open": "no", "mask": "yes"})
        generator = Generator(config(attributes=["glasses", "mouth_open"]))
        for name, allowed in (("glasses", True), ("mouth_open", False)):
            request = Request("o", (face,), {**face.labels, name: "yes"}, (name,), 1)
            if allowed:
                with pytest.raises(RuntimeError, match="load"):  # it would be edited
                    generator.make([request])
            else:
                assert "wears a mask" in generator.make([request])[0].reason

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
