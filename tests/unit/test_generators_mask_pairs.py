"""Real pairs: read, aligned, refused, kept apart from held-out faces, learned from."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from augment.errors import UserError
from augment.generators.mask import Config, Generator
from augment.generators.mask.config import Pairs
from augment.generators.mask.painter import paint
from augment.generators.mask.pairs import (
    difference_alpha,
    hashes_of,
    names_of,
    read_pairs,
    without_known,
)
from augment.generators.mask.style import Kind, Style
from augment.generators.mask.training import usual_shapes, vary, worn_shape, worn_style
from augment.images import difference_hash, encode
from augment.params import validate
from augment.protocols import Detection
from augment.types import Image
from tests.unit.aligned_faces import face_picture, write_faces

SURGICAL = Style("surgical", (150, 196, 222))
SIDE = 96


class Eyes:
    """Stands for a detector: knows where :func:`face_picture` puts its points."""

    def __init__(self, _: object) -> None: ...

    def detect(self, image: Image) -> list[Detection]:
        for number in range(12):
            other, points = face_picture(number, SIDE)
            if np.abs(image.astype(int) - other).mean() < 4:
                return [Detection(np.array([9, 9, 60, 60], np.float32), points, 0.9)]
        return []


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    from augment.align import landmarknet

    monkeypatch.setattr(landmarknet, "Detector", Eyes)


def write_pairs(root: Path, count: int, folder: str = "") -> dict[str, Any]:
    """Pairs 0, 1, ... of painted masks, and the settings that name them."""
    for side in ("unmasked", "masked"):
        (root / side / folder).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image, points = face_picture(number, SIDE)
        name = f"{folder}/{number}.jpg".lstrip("/")
        (root / "unmasked" / name).write_bytes(encode(image))
        (root / "masked" / name).write_bytes(encode(paint(image, points, SURGICAL).image))
    return {"unmasked": str(root / "unmasked"), "masked": str(root / "masked")}


def signed(settings: dict[str, Any]) -> Pairs:
    """The settings with the sha256 that their refusal tells."""
    with pytest.raises(UserError, match="sha256 is") as refused:
        names_of(validate(Pairs, settings, "x"))
    found = re.search("[0-9a-f]{64}", str(refused.value))
    assert found
    return validate(Pairs, {**settings, "sha256": found[0]}, "x")


def reference() -> np.ndarray:
    return face_picture(0, 64)[1]


@pytest.mark.usefixtures("detector")
class TestReading:
    def test_pairs_are_aligned_and_their_masks_found(self, tmp_path: Path) -> None:
        config = signed(write_pairs(tmp_path, 5))
        pairs, refused = read_pairs(config, reference(), 64)
        assert refused == []
        assert [pair.name for pair in pairs] == [f"{n}.jpg" for n in range(5)]
        for pair in pairs:
            np.testing.assert_allclose(pair.points, reference(), atol=0.6)
            true = paint(pair.bare, pair.points, SURGICAL).cover > 0.5
            found = pair.alpha > 0
            assert (found & true).sum() / (found | true).sum() > 0.8

    def test_where_the_mask_is_can_be_said(self, tmp_path: Path) -> None:
        settings = write_pairs(tmp_path, 3)
        (tmp_path / "where").mkdir()
        settings["where"] = str(tmp_path / "where")
        with pytest.raises(UserError, match=r"where has no picture 0\.jpg \(3 are missing\)"):
            names_of(validate(Pairs, settings, "x"))
        for number in range(3):
            image, points = face_picture(number, SIDE)
            cover = 255 * (paint(image, points, SURGICAL).cover > 0.5)[..., None]
            told = np.repeat(cover.astype(np.uint8), 3, axis=2) * (number > 0)
            (tmp_path / "where" / f"{number}.jpg").write_bytes(encode(told))
        pairs, refused = read_pairs(signed(settings), reference(), 64)
        assert refused == [
            "0.jpg: the mask is said to be on 0% of the face, which is not where a mask is"
        ]
        for pair in pairs:
            true = paint(pair.bare, pair.points, SURGICAL).cover > 0.5
            found = pair.alpha > 0
            assert (found & true).sum() / (found | true).sum() > 0.92  # no shadow among it

    def test_pairs_that_cannot_be_used_say_why(self, tmp_path: Path) -> None:
        settings = write_pairs(tmp_path, 4)
        image, points = face_picture(0, SIDE)
        small = paint(image, points, SURGICAL).image[:40, :40]
        (tmp_path / "masked/0.jpg").write_bytes(encode(np.ascontiguousarray(small)))
        (tmp_path / "unmasked/1.jpg").write_bytes(encode(np.full((SIDE, SIDE, 3), 90, np.uint8)))
        (tmp_path / "masked/2.jpg").write_bytes((tmp_path / "unmasked/2.jpg").read_bytes())
        pairs, refused = read_pairs(signed(settings), reference(), 64)
        assert [pair.name for pair in pairs] == ["3.jpg"]
        assert refused == [
            "0.jpg: the two photos are of different sizes (96 x 96 and 40 x 40)",
            "1.jpg: no face was found on the unmasked photo",
            "2.jpg: the two photos differ on 0% of the face, which is not where a mask is",
        ]

    def test_no_usable_pair_is_an_error(self, tmp_path: Path) -> None:
        settings = write_pairs(tmp_path, 2)
        for number in range(2):
            (tmp_path / f"masked/{number}.jpg").write_bytes(b"no picture")
        with pytest.raises(UserError, match=r"none of 2 can be used. The first: 0\.jpg: the file"):
            read_pairs(signed(settings), reference(), 64)


class TestFolders:
    def test_no_common_name_no_folder_one_person(self, tmp_path: Path) -> None:
        empty = write_pairs(tmp_path / "empty", 0)
        with pytest.raises(UserError, match="no file name in common"):
            names_of(validate(Pairs, empty, "x"))
        with pytest.raises(UserError, match="there is no folder"):
            names_of(validate(Pairs, {"unmasked": "nowhere", "masked": "nowhere"}, "x"))
        one = write_pairs(tmp_path / "one", 3, "anna")
        with pytest.raises(UserError, match="all 3 show one person"):
            names_of(validate(Pairs, one, "x"))
        assert len(names_of(signed(write_pairs(tmp_path / "one", 3, "ben")))) == 6

    def test_a_changed_photo_is_noticed_when_the_generator_is_made(self, tmp_path: Path) -> None:
        config = signed(write_pairs(tmp_path, 3))
        Generator(Config(pairs=config))
        image, _ = face_picture(9, SIDE)
        (tmp_path / "masked/1.jpg").write_bytes(encode(image))
        with pytest.raises(UserError, match=f"not '{config.sha256}'"):
            Generator(Config(pairs=config))


def test_small_differences_and_stray_pixels_are_no_mask() -> None:
    bare = np.full((64, 64, 3), 100, np.uint8)
    worn = bare.copy()
    worn[30:60, 10:50] = 200
    worn[34:38, 20:24] = 101  # cloth of the skin's colour: a hole
    worn[5, 5] = 255
    worn[0:3, 60:64] = 255
    found = difference_alpha(bare, worn) > 0
    assert found[31:59, 11:49].all()
    assert not found[:29].any()


@pytest.mark.usefixtures("detector")
def test_pairs_of_held_out_faces_are_left_out(tmp_path: Path) -> None:
    pairs, _ = read_pairs(signed(write_pairs(tmp_path, 4)), reference(), 64)
    hashes = [difference_hash(pair.bare) for pair in pairs]
    rows = {
        "face_hash": [hashes[0], hashes[1], hashes[2], None],
        "split": ["test", "train", "train", "validation"],
        "half": [None, "a", "b", None],
    }
    assert [p.name for p in without_known(pairs, hashes_of(rows))] == ["1.jpg", "3.jpg"]
    assert without_known(pairs, []) == pairs


@pytest.mark.parametrize("kind", ["surgical", "n95", "cloth"])
@pytest.mark.parametrize(("top", "fit"), [(0.8, 0.0), (-0.8, 0.8), (0.0, -0.8)])
def test_shape_and_colour_of_a_real_mask_are_recognised(kind: Kind, top: float, fit: float) -> None:
    style = Style(kind, (180, 120, 90), top, fit)
    for number in range(2):
        image, points = face_picture(number, 64)
        dark = (image // 2).astype(np.uint8)  # the same room with less light
        for face in (image, dark):
            painted = paint(face, points, style)
            shape = worn_shape(face, points, painted.cover)
            assert (shape.kind, shape.top, shape.fit) == (kind, top, fit)
            found = worn_style(shape, face, points, painted.image, painted.cover)
            assert found == replace(shape, colour=found.colour)
            np.testing.assert_allclose(found.colour, style.colour, atol=12)


def test_a_mask_out_of_the_picture_has_a_style_too() -> None:
    image, points = face_picture(1, 64)
    nothing = np.zeros((64, 64), np.float32)
    shape = worn_shape(image, points, nothing)
    assert all(0 <= level <= 255 for level in worn_style(shape, image, points, image,
                                                         nothing).colour)  # fmt: skip


@pytest.mark.usefixtures("detector")
def test_training_goes_on_with_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = signed(write_pairs(tmp_path, 6))
    settings = {
        "network": {"size": 32, "channels": [8, 16]},
        "train": {"images": 80, "batch": 8},
        "pairs": {**pairs.model_dump(mode="json"), "images": 48, "batch": 8},
    }
    generator = Generator(validate(Config, settings, "generators.mask"))
    faces = write_faces(tmp_path / "aligned", 12)
    generator.train(faces, tmp_path / "model", 7, tmp_path / "work")
    generator.load(tmp_path / "model")
    assert "6 real pairs to learn from; 0 left out" in capsys.readouterr().out
    history = (tmp_path / "model/history.json").read_text()
    assert '"images": 128' in history
    assert "real_alpha" in history
    first = generator.weights()
    without = Generator(validate(Config, {**settings, "pairs": None}, "generators.mask"))
    without.train(faces, tmp_path / "plain", 7, tmp_path / "work")
    without.load(tmp_path / "plain")
    assert without.weights() != first


def test_both_photos_of_a_pair_are_moved_alike() -> None:
    """A pair without any mask must give no loss of pixels: its two sides stay one picture."""
    image, points = face_picture(2)
    layers = np.dstack([image, image[..., :1]])
    for seed in range(5):
        moved, _ = vary(image, points, np.random.default_rng(seed))
        other, _ = vary(layers, points, np.random.default_rng(seed))
        np.testing.assert_array_equal(other[..., :3], moved)
        assert cv2.absdiff(moved, image).mean() > 1


def test_masks_of_a_type_count_as_worn_alike() -> None:
    one, other = replace(SURGICAL, top=0.8, fit=-0.8), replace(SURGICAL, top=0.0, fit=0.8)
    cloth = Style("cloth", (1, 2, 3), top=-0.8)
    found = usual_shapes([one, other, cloth])
    assert [(style.kind, style.top, style.fit) for style in found] == [
        ("surgical", 0.4, 0.0), ("surgical", 0.4, 0.0), ("cloth", -0.8, 0.0),
    ]  # fmt: skip
