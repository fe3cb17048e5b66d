"""Small faces are restored; what is learned comes from the given faces alone."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from augment import crop as align_crop
from augment.drawing import draw, random_spec, sample_person
from augment.errors import UserError
from augment.generators.superres import Config, Generator, photographed, with_lost
from augment.generators.superres.network import (
    Enlarger,
    PaperEnlarger,
    PatchCritic,
    bicubic,
    shrink,
)
from augment.generators.superres.pairs import Pairs, cut, degrade
from augment.generators.superres.restore import blended, enlarge
from augment.generators.superres.training import grid
from augment.images import encode, resize
from augment.nets.data import to_images, to_tensor
from augment.params import validate
from augment.protocols import Face, Made, Request
from augment.types import Image
from tests.unit.aligned_faces import face_picture, face_row, write_faces
from tests.unit.aligned_rows import write_aligned

QUICK: dict[str, Any] = {
    "network": {"channels": 16, "blocks": 2},
    "crop": 32,
    "train": {"images": 3200, "batch": 8, "learning_rate": 3e-3, "ema": 0.98},
    "adversarial": {"images": 480, "batch": 8, "critic": [8, 16]},
}


def new(**make: Any) -> Generator:
    return Generator(validate(Config, {**QUICK, "make": make}, "generators.superres"))


def drawn_face(number: int) -> Image:
    """A drawn face of 64 pixels: unlike an egg with eyes it has something to learn."""
    random = np.random.default_rng([3, number])
    who = sample_person(number, ("female", "male")[number % 2], 1 + number % 10)
    return draw(random_spec(who, float(random.uniform(5, 80)), number), 64).image


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("superres")
    rows = [
        face_row(number) | {"image": {"bytes": encode(drawn_face(number)), "path": f"{number}.jpg"}}
        for number in range(40)
    ]
    new().train(write_aligned(root / "aligned", rows), root / "model", 7, root / "work")
    return root / "model"


def loaded(model: Path, **make: Any) -> Generator:
    generator = new(**make)
    generator.load(model)
    return generator


def small_face(number: int, native: float | None = 16.0, size: int = 64) -> Face:
    """A face that had so many pixels in its photo, enlarged to the working size."""
    image, points = face_picture(number, size)
    if native is not None:
        image = resize(resize(image, max(1, round(native))), size)
    return Face(f"f{number}", image, points, {"gender": "female"}, native_side=native)


def restore(generator: Generator, face: Face) -> Made:
    (made,) = generator.make([Request("order", (face,), face.labels, (), 1)])
    return made


def difference(one: Image, other: Image) -> float:
    return float(np.abs(one.astype(np.float64) - other).mean())


def pillow_bicubic(image: Image) -> Image:
    height, width = image.shape[:2]
    size = (4 * width, 4 * height)
    return np.asarray(PillowImage.fromarray(image).resize(size, PillowImage.Resampling.BICUBIC))


class TestDownSampling:
    def test_the_network_shrinks_as_the_project_resizes(self) -> None:
        image, _ = face_picture(0)
        small = to_images(shrink(to_tensor([image])))[0]
        assert np.abs(small.astype(int) - resize(image, 16)).max() <= 1

    def test_bicubic_is_pillows(self) -> None:
        image, _ = face_picture(1, 20)
        found = to_images(bicubic(to_tensor([image])).clamp(-1, 1))[0]
        assert difference(found, pillow_bicubic(image)) < 0.6  # Pillow rounds twice

    @pytest.mark.parametrize("native", [12, 21, 40])
    def test_the_photos_own_pixels_are_found_in_the_crop_that_alignment_made_of_them(
        self, native: int
    ) -> None:
        photo = resize(drawn_face(1), native)
        scale = 64 / native
        matrix = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
        crop = align_crop.cut(photo, matrix, 64)
        assert difference(photographed(crop, native), photo) < 1.5
        assert 3 * difference(photographed(crop, native), photo) < difference(
            resize(crop, native), photo
        )

    @pytest.mark.parametrize("tilt", [0, 17])
    def test_what_no_straight_grid_holds_of_a_crop_is_added_back(self, tilt: int) -> None:
        crop, _ = face_picture(2, 64)
        if tilt:
            matrix = cv2.getRotationMatrix2D((31.5, 31.5), tilt, 1.0)
            crop = cv2.warpAffine(resize(resize(crop, 24), 64), matrix, (64, 64))
        small = photographed(crop, 24)
        plain = cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC)
        assert difference(plain, crop) > 0.5
        # A restorer that only enlarges: the crop comes out, all of it.
        assert difference(with_lost(plain, crop, small), crop) < 0.5
        brighter = np.clip(plain.astype(np.int16) + 9, 0, 255).astype(np.uint8)
        assert 7 < (with_lost(brighter, crop, small).astype(int) - crop).mean() < 10


class TestPairs:
    def images(self, side: int = 64) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return np.stack([face_picture(number, side)[0] for number in range(6)])

    def test_inputs_are_shrunken_targets_of_three_scales_the_finest_twice_as_often(self) -> None:
        pairs, random = Pairs(self.images(), 64, degraded=False), np.random.default_rng(3)
        sides = []
        for _ in range(400):
            inputs, targets = pairs.draw(np.arange(2), random)
            for small, target in zip(inputs, targets, strict=True):
                np.testing.assert_array_equal(small, resize(target, len(target) // 4))
            sides.append(len(targets[0]))
        shares = {side: sides.count(side) / 400 for side in set(sides)}
        assert shares == pytest.approx({16: 0.25, 32: 0.25, 64: 0.5}, abs=0.08)

    def test_large_targets_are_cut(self) -> None:
        pairs, random = Pairs(self.images(96), 32), np.random.default_rng(3)
        for _ in range(20):
            inputs, targets = pairs.draw(np.arange(3), random)
            assert {target.shape for target in targets} <= {(24, 24, 3), (32, 32, 3)}
            assert all(4 * len(s) == len(t) for s, t in zip(inputs, targets, strict=True))
            assert pairs.draw_given(np.arange(3), random)[0].shape == (8, 8, 3)

    @pytest.mark.parametrize("side", [5, 13, 30])
    def test_faces_of_odd_sides_can_be_learned_from(self, side: int) -> None:
        inputs, targets = Pairs(self.images(side), 64).draw(np.arange(3), np.random.default_rng(0))
        assert all(4 * len(s) == len(t) <= side for s, t in zip(inputs, targets, strict=True))

    def test_exactly_one_thing_is_done_to_an_input_each_as_often(self) -> None:
        image, _ = face_picture(2)
        small, random = resize(image, 16), np.random.default_rng(5)
        same = turned = spoiled = 0
        for _ in range(700):
            changed, target = degrade(small, image, random)
            assert changed.shape == small.shape
            if not np.array_equal(target, image):
                turned += 1
                np.testing.assert_array_equal(changed, resize(target, 16))
            elif np.array_equal(changed, small):
                same += 1
            else:
                spoiled += 1
                assert difference(changed, small) < 40
        # Noise, blur and compression may be too weak to show.
        assert turned == pytest.approx(300, abs=60)
        assert same >= 70
        assert spoiled >= 200

    def test_the_same_randomness_degrades_in_the_same_way(self) -> None:
        image, _ = face_picture(2)
        one, other = (
            [degrade(resize(image, 16), image, random)[0] for _ in range(20)]
            for random in (np.random.default_rng(1), np.random.default_rng(1))
        )
        np.testing.assert_array_equal(one, other)

    def test_a_cut_lies_inside_and_is_mirrored_every_second_time(self) -> None:
        image = np.arange(10 * 10 * 3, dtype=np.uint8).reshape(10, 10, 3)
        random = np.random.default_rng(0)
        rising = [
            bool(np.diff(cut(image, 4, random)[0, :, 0].astype(int))[0] > 0) for _ in range(200)
        ]
        assert 70 < sum(rising) < 130


def test_a_pattern_of_four_pixels_is_seen_texture_and_slopes_are_not() -> None:
    random = torch.Generator().manual_seed(0)
    cell = torch.randn(1, 3, 4, 4, generator=random)
    pattern, texture = cell.repeat(1, 1, 16, 16), torch.randn(1, 3, 64, 64, generator=random)
    assert grid(pattern) == pytest.approx(float(cell.abs().mean()), rel=1e-3)
    assert grid(texture) < 0.25 * grid(pattern)
    assert grid(torch.zeros(1, 3, 4, 4)) == 0


class TestNetworks:
    @pytest.mark.parametrize("network", [Enlarger(8, 2), PaperEnlarger(4)])
    @pytest.mark.parametrize("shape", [(1, 1), (5, 7), (16, 16), (33, 20)])
    def test_any_size_comes_back_four_times_as_large(
        self, network: Enlarger | PaperEnlarger, shape: tuple[int, int]
    ) -> None:
        face = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
        assert enlarge(network.eval(), face).shape == (4 * shape[0], 4 * shape[1], 3)

    def test_without_training_it_is_the_bicubic_enlargement(self) -> None:
        image, _ = face_picture(3, 20)
        made = enlarge(Enlarger(8, 2).eval(), image)
        assert difference(made, pillow_bicubic(image)) < 0.6  # Pillow rounds twice

    @pytest.mark.parametrize("rounds", [0, 2])
    @pytest.mark.parametrize("kind", ["ours", "paper"])
    def test_tiles_give_what_the_whole_gives(self, kind: str, rounds: int) -> None:
        torch.manual_seed(0)
        network = Enlarger(8, 2) if kind == "ours" else PaperEnlarger(8)
        if isinstance(network, Enlarger):
            torch.nn.init.normal_(network.tail.weight, std=0.05)
        image, _ = face_picture(4, 150)
        whole = enlarge(network.eval(), image[:, :130], rounds, tile=400)
        tiled = enlarge(network.eval(), image[:, :130], rounds, tile=28)
        assert difference(whole, pillow_bicubic(image[:, :130])) > 1  # the network does something
        assert np.abs(whole.astype(int) - tiled).max() <= 1

    def test_back_projection_brings_the_shrunken_result_nearer_to_the_input(self) -> None:
        torch.manual_seed(1)
        network = Enlarger(8, 2).eval()
        torch.nn.init.normal_(network.tail.weight, std=0.1)
        image, _ = face_picture(5, 24)
        apart = [
            difference(resize(enlarge(network, image, rounds), 24), image) for rounds in (0, 1, 3)
        ]
        assert apart[0] > 2 * apart[1] > 2 * apart[2]

    def test_the_critic_looks_at_two_sizes_and_shows_its_maps(self) -> None:
        words, features = PatchCritic((4, 8, 8))(torch.zeros(2, 3, 32, 32))
        assert [word.shape for word in words] == [(2, 1, 8, 8), (2, 1, 4, 4)]
        assert len(features) == 6


class TestTrained:
    def test_unseen_faces_come_nearer_to_the_truth_than_by_bicubic(self, model: Path) -> None:
        generator = loaded(model, blend=0.0)
        errors = []
        for number in range(100, 120):
            image = drawn_face(number)
            small = resize(image, 16)
            pair = generator.enlarge(small), pillow_bicubic(small)
            errors.append([np.square(one.astype(float) - image).mean() for one in pair])
        ours, plain = np.mean(errors, axis=0)
        assert 10 * np.log10(plain / ours) > 0.2  # dB, after some seconds

    def test_a_small_face_is_restored_at_the_size_of_its_crop(self, model: Path) -> None:
        face = small_face(100, 15.6)
        made = restore(loaded(model), face)
        assert made.image is not None
        assert made.image.shape == (64, 64, 3)
        np.testing.assert_array_equal(made.points, face.points)
        assert made.steps == ("restored from 16 px (x4 network, blend 0.5)",)
        assert difference(resize(made.image, 16), resize(face.image, 16)) < 3
        assert not np.array_equal(made.image, face.image)

    @pytest.mark.parametrize("native", [None, 64.0, 63.8, 200.0])
    def test_faces_that_are_not_small_are_left_alone(
        self, model: Path, native: float | None
    ) -> None:
        made = restore(loaded(model), dataclasses.replace(small_face(1, None), native_side=native))
        assert made.image is None
        assert "no small face" in made.reason

    @pytest.mark.parametrize("native", [0.4, 1.0, 7.0])
    def test_faces_of_a_few_pixels_are_refused(self, model: Path, native: float) -> None:
        made = restore(loaded(model), small_face(1, native))
        assert made.image is None
        assert "too few" in made.reason
        assert restore(loaded(model, smallest=1), small_face(1, native)).image is not None

    def test_a_crop_of_thousands_of_pixels_is_restored_or_left_alone(self, model: Path) -> None:
        image = cv2.resize(small_face(3, None).image, (4000, 4000), interpolation=cv2.INTER_CUBIC)
        face = Face("large", image, np.zeros((5, 2), np.float32), {})
        assert "no small face" in restore(loaded(model), face).reason
        made = restore(loaded(model), dataclasses.replace(face, native_side=60.0))
        assert made.image is not None
        assert made.image.shape == image.shape
        assert difference(resize(made.image, 60), resize(image, 60)) < 3

    @pytest.mark.parametrize("size", [9, 33, 64])
    def test_grey_and_noise_stay_within_bounds(self, model: Path, size: int) -> None:
        generator = loaded(model, blend=1.0)
        noise = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
        for image in (noise, np.full_like(noise, 128), np.zeros_like(noise)):
            face = Face("odd", image, np.zeros((5, 2), np.float32), {}, native_side=8.0)
            made = restore(generator, face)
            assert made.image is not None
            assert difference(resize(made.image, 8), resize(image, 8)) < 25
        assert difference(made.image, image) < 3  # black stays black

    def test_the_blend_lies_between_the_two_stages(self, model: Path) -> None:
        small = resize(face_picture(100)[0], 16)
        pictures = [
            loaded(model, blend=blend, back_projection=0).enlarge(small) for blend in (0, 0.5, 1)
        ]
        ends = difference(pictures[0], pictures[2])
        assert 0 < difference(pictures[0], pictures[1]) < ends
        assert 0 < difference(pictures[2], pictures[1]) < ends
        digests = {loaded(model, blend=blend).weights() for blend in (0, 1)}
        assert len(digests) == 1  # no other weights on disk

    def test_a_face_can_be_learned_from_before_it_is_restored(self, model: Path) -> None:
        small = resize(drawn_face(100), 24)
        plain = loaded(model).enlarge(small)
        own = loaded(model, adaptation=5)
        one, again, other = (own.enlarge(small, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, again)
        assert 0 < difference(one, plain) < 5
        assert not np.array_equal(one, other)
        np.testing.assert_array_equal(loaded(model).enlarge(small), plain)
        tiny = resize(small, 5)
        np.testing.assert_array_equal(own.enlarge(tiny, 1), loaded(model).enlarge(tiny))

    def test_what_is_learned_is_written_down(self, model: Path) -> None:
        config = json.loads((model / "config.json").read_text())
        assert config["images_seen"] == 3680
        history = json.loads((model / "history.json").read_text())
        assert history[-1]["images"] == 3680
        assert {"pixels", "adversarial", "critic_loss"} <= set(history[-1])


def test_the_same_data_gives_the_same_weights(tmp_path: Path) -> None:
    quick = {**QUICK, "train": {"images": 64, "batch": 8}}
    quick["adversarial"] = {"images": 64, "batch": 8, "critic": [8, 16]}
    digests = []
    for name in ("one", "again"):
        generator = Generator(validate(Config, quick, "generators.superres"))
        faces = write_faces(tmp_path / name / "aligned", 20, shards=1 + len(digests))
        generator.train(faces, tmp_path / name / "model", 7, tmp_path / name / "work")
        generator.load(tmp_path / name / "model")
        digests.append(generator.weights())
    assert digests[0] == digests[1]


def test_the_papers_architecture_learns_in_one_stage(tmp_path: Path) -> None:
    quick = {
        "arch": "paper",
        "network": {"channels": 8},
        "train": {"images": 64, "batch": 8},
        "adversarial": {"critic": [8, 16]},
    }
    generator = Generator(validate(Config, quick, "generators.superres"))
    faces = write_faces(tmp_path / "aligned", 20)
    generator.train(faces, tmp_path / "model", 7, tmp_path / "work")
    generator.load(tmp_path / "model")
    made = restore(generator, small_face(1, 20.0))
    assert made.image is not None
    assert made.steps == ("restored from 20 px (x4 network, after the paper)",)


def test_no_faces_to_learn_from_is_said(tmp_path: Path) -> None:
    faces = write_faces(tmp_path / "aligned", 2, split="test")
    with pytest.raises(UserError, match="no faces to train on"):
        new().train(faces, tmp_path / "model", 7, tmp_path / "work")


def test_blending_weights_is_linear() -> None:
    one, other = {"a": torch.zeros(3)}, {"a": torch.full((3,), 4.0)}
    assert blended(one, other, 0.25)["a"].tolist() == [1.0, 1.0, 1.0]


def test_only_faces_of_the_same_bin_can_be_restored_and_the_plan_asks_without_torch() -> None:
    generator = Generator(Config())
    assert generator.restores
    assert generator.cost({"gender": "male", "mask": "no"}, {"gender": "male"}) == 0.0
    assert generator.cost({"gender": "male"}, {"gender": "female"}) is None
    assert generator.cost({}, {"gender": "female"}) is None
    code = (
        "import sys; from augment.generators.superres import Config, Generator; "
        "Generator(Config()).cost({'mask': 'no'}, {'mask': 'yes'}); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
