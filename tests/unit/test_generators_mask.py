import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from augment.errors import UserError
from augment.generators.mask import Config, Generator
from augment.generators.mask.painter import drape, paint
from augment.generators.mask.style import CODE_SIZE, TEXTURES, TYPES, Style, random_style
from augment.generators.mask.training import degrade, vary
from augment.params import validate
from augment.types import FloatArray, Image
from tests.unit.aligned_faces import face_picture, request, request_of, write_faces

SURGICAL = Style("surgical", (150, 196, 222))
QUICK = {
    "network": {"size": 32, "channels": [8, 16, 32]},
    "train": {"images": 3200, "batch": 8, "learning_rate": 4e-3, "ema": 0.95},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    """A small network taught for seconds on 40 egg-shaped faces of 64 px."""
    folder = tmp_path_factory.mktemp("mask")
    generator = Generator(validate(Config, QUICK, "generators.mask"))
    faces = write_faces(folder / "aligned", 40)
    generator.train(faces, folder / "model", 7, folder / "work")
    generator.load(folder / "model")
    return generator


class TestPainter:
    @pytest.mark.parametrize("kind", TYPES)
    def test_mouth_and_nose_are_covered_eyes_and_corners_are_not(self, kind: str) -> None:
        image, points = face_picture(3)
        cover = paint(image, points, Style(kind, (200, 30, 30))).cover
        covered = [float(cover[int(y), int(x)]) for x, y in points]
        assert covered[0] == covered[1] == 0
        assert min(covered[2:]) > 0.9
        assert cover[:8].max() == cover[:, :3].max() == cover[:, -3:].max() == 0

    def test_what_the_network_is_shown_is_the_same_mask_without_folds(self) -> None:
        image, points = face_picture(3)
        for kind in TYPES:
            style = Style(kind, (150, 160, 170))
            painted, draped = paint(image, points, style), drape(image, points, style)
            np.testing.assert_array_equal(draped.cover, painted.cover)
            inside = draped.cover == 1
            apart = np.abs(draped.colour - painted.colour)[inside]
            assert 0 < apart.mean() < 12
            places = draped.place[:, inside]
            assert places[1].min() > -0.05
            assert places[1].max() < 1.05

    def test_patterned_cloth_shows_both_colours(self) -> None:
        image, points = face_picture(3, 128)
        plain = paint(image, points, Style("cloth", (150, 30, 30)))
        for texture in TEXTURES[1:]:
            style = Style("cloth", (150, 30, 30), texture=texture, accent=(236, 234, 228))
            made = paint(image, points, style)
            np.testing.assert_array_equal(made.alpha, plain.alpha)
            lighter = (made.image.astype(int) - plain.image)[plain.cover == 1].mean(axis=1)
            assert 0.08 < (lighter > 40).mean() < 0.85
            assert (lighter <= 5).mean() > 0.1
            assert texture in style.describe()

    def test_alpha_and_colour_are_exact(self) -> None:
        image, points = face_picture(3)
        painted = paint(image, points, SURGICAL)
        alpha = painted.alpha[..., None]
        again = np.round(alpha * painted.colour + (1 - alpha) * image)
        np.testing.assert_array_equal(painted.image, again)
        outside = painted.alpha == 0
        np.testing.assert_array_equal(painted.image[outside], image[outside])
        assert 0.4 < outside.mean() < 0.9
        assert painted.alpha.max() <= 1

    def test_a_mirrored_face_wears_a_mirrored_mask(self) -> None:
        image, points = face_picture(4)
        mirrored = points[[1, 0, 2, 4, 3]] * [-1, 1] + [63, 0]
        one = paint(image, points, SURGICAL)
        other = paint(np.ascontiguousarray(image[:, ::-1]), mirrored.astype(np.float32), SURGICAL)
        np.testing.assert_allclose(other.alpha[:, ::-1], one.alpha, atol=0.02)

    def test_a_turned_head_shows_more_mask_on_the_near_side(self) -> None:
        image, points = face_picture(4)
        points = points.copy()
        points[2, 0] += 5  # the nose points to the picture's right
        cover = paint(image, points, SURGICAL).cover
        middle = points[3:, 0].mean()
        columns = np.arange(64)
        left, right = cover[:, columns < middle].sum(), cover[:, columns > middle].sum()
        assert left > 1.3 * right

    def test_a_turned_picture_turns_the_mask(self) -> None:
        image, points = face_picture(4)
        turned = np.stack([63 - points[:, 1], points[:, 0]], axis=1).astype(np.float32)
        one = paint(image, points, SURGICAL)
        other = paint(np.ascontiguousarray(np.rot90(image, -1)), turned, SURGICAL)
        np.testing.assert_allclose(np.rot90(other.cover), one.cover, atol=0.02)

    def test_the_light_of_the_face_falls_on_the_mask(self) -> None:
        _, points = face_picture(4)
        ramp = np.linspace(60, 220, 64).astype(np.uint8)
        image = np.repeat(np.tile(ramp, (64, 1))[..., None], 3, axis=2)
        painted = paint(image, points, Style("cloth", (120, 120, 128)))
        rows = slice(int(points[2, 1]) + 4, int(points[3, 1]) - 1)
        left, right = int(points[3, 0]), int(points[4, 0])
        assert painted.image[rows, right].mean() > 1.15 * painted.image[rows, left].mean()
        dim = paint((image * 0.4).astype(np.uint8), points, Style("cloth", (120, 120, 128)))
        assert dim.image[rows].mean() < 0.85 * painted.image[rows].mean()

    def test_loops_are_lines_without_gaps(self) -> None:
        image, points = face_picture(4)
        points = points - np.array([[0, 0], [0, 0], [4, 0], [0, 0], [0, 0]], np.float32)  # turned
        painted = paint(image, points, SURGICAL)
        loops = ((painted.alpha - painted.cover) > 0.25).astype(np.uint8)
        loops[:, : int(points[4, 0])] = 0
        _, _, stats, _ = cv2.connectedComponentsWithStats(loops)
        assert stats[1:, cv2.CC_STAT_HEIGHT].max() >= 6

    def test_a_dark_mouth_leaves_no_ghost_on_the_mask(self) -> None:
        image, points = face_picture(4)
        x, y = points[3:].mean(0).astype(int)
        dark = image.copy()
        dark[y - 2 : y + 3, x - 7 : x + 8] = 20
        made = [paint(face, points, SURGICAL).image.astype(int) for face in (image, dark)]
        around = np.abs(made[0] - made[1])[y - 4 : y + 5, x - 9 : x + 10].mean(axis=2)
        assert around.max() < 6

    @pytest.mark.parametrize("size", [32, 64, 200])
    def test_it_paints_at_any_size(self, size: int) -> None:
        image, points = face_picture(5, size)
        painted = paint(image, points, SURGICAL)
        assert painted.image.shape == (size, size, 3)
        assert 0.08 < painted.cover.mean() < 0.30


def test_varied_faces_keep_their_points() -> None:
    """A dark dot on each point is still there after mirror, tilt, scale and shift."""
    _, points = face_picture(0)
    for seed in range(8):
        image = np.full((64, 64, 3), 200, np.uint8)
        for x, y in np.round(points).astype(int):
            image[y - 1 : y + 2, x - 1 : x + 2] = 0
        moved, places = vary(image, np.round(points), np.random.default_rng(seed))
        for x, y in np.round(places).astype(int):
            if 2 <= x < 62 and 2 <= y < 62:
                assert moved[y, x].max() < 0.6 * np.median(moved)
        assert places[0, 0] < places[1, 0]


def test_styles_are_read_as_numbers() -> None:
    assert Style("n95", (0, 255, 0), top=0.5).code().tolist() == [0, 1, 0, 0, -1, 1, -1, 0.5, 0]
    styles = [random_style(np.random.default_rng(seed), vary=30) for seed in range(200)]
    assert {style.kind for style in styles} == set(TYPES)
    assert {style.texture for style in styles} == set(TEXTURES)
    assert {style.texture for style in styles if style.kind != "cloth"} == {"plain"}
    codes = np.stack([style.code() for style in styles])
    assert codes.shape == (200, CODE_SIZE)
    assert np.abs(codes).max() <= 1


def test_a_grey_photo_gets_a_grey_mask() -> None:
    image, _ = face_picture(0)
    style = Style("cloth", (150, 30, 40), accent=(0, 255, 0))
    red, green, blue = style.on(image).colour
    assert red > 3 * green
    assert red > 2 * blue
    grey = np.repeat(image[..., :1], 3, axis=2)
    assert style.on(grey).colour == (67, 67, 67)
    assert style.on(grey).accent == (150, 150, 150)


def test_degraded_photos_stay_faces_and_differ() -> None:
    image, _ = face_picture(0)
    made = [degrade(image, np.random.default_rng(seed)) for seed in range(60)]
    changed = [one for one in made if not np.array_equal(one, image)]
    assert 10 <= len(changed) <= 35
    for one in changed:
        assert one.shape == image.shape
        assert one.dtype == np.uint8
        assert np.abs(one.astype(int).mean(axis=2) - image.mean(axis=2)).mean() < 25


class TestCost:
    def test_only_the_mask_is_moved_from_no_to_yes(self) -> None:
        generator = Generator(Config())
        bare, worn = {"mask": "no", "gender": "male"}, {"mask": "yes", "gender": "male"}
        assert generator.cost(bare, worn) == 1
        assert generator.cost(worn, bare) is None
        assert generator.cost(bare, bare) is None
        assert generator.cost(bare, {**worn, "gender": "female"}) is None
        assert generator.cost({"gender": "male"}, {"gender": "male"}) is None

    def test_the_plan_can_ask_without_torch(self) -> None:
        code = (
            "import sys; from augment.generators.mask import Config, Generator; "
            "Generator(Config()).cost({'mask': 'no'}, {'mask': 'yes'}); "
            "sys.exit('torch' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestTrained:
    def test_held_out_faces_wear_the_mask_where_it_belongs(self, trained: Generator) -> None:
        requests = [request(number) for number in range(100, 130)]
        overlaps = []
        for asked, made in zip(requests, trained.make(requests), strict=True):
            assert made.image is not None, made.reason
            face = asked.parents[0]
            true = paint(face.image, face.points, trained.style(asked)).alpha > 0.5
            changed = (made.image != face.image).any(-1)
            overlaps.append((changed & true).sum() / true.sum())
            assert (changed & ~true).mean() < 0.25
            y, x = face.points[3:].mean(0)[::-1].astype(int)
            assert changed[y, x]
        assert np.mean(overlaps) > 0.9

    def test_outside_of_the_mask_the_face_is_bit_for_bit_itself(self, trained: Generator) -> None:
        asked = request(100)
        (made,) = trained.make([asked])
        assert made.image is not None
        same = (made.image == asked.parents[0].image).all(-1)
        assert same[:16].mean() > 0.9
        assert same.mean() > 0.3

    def test_the_mask_has_the_colour_that_the_seed_says(self, trained: Generator) -> None:
        differences = []
        for seed in range(12):
            asked = request(101, seed)
            (made,) = trained.make([asked])
            style, face = trained.style(asked), asked.parents[0]
            assert made.image is not None
            assert made.steps == (style.describe(),)
            painted = paint(face.image, face.points, style)
            middle = painted.cover == 1
            differences.append(made.image[middle].mean(0) / painted.image[middle].mean(0) - 1)
        # In shares: most masks are white, others black. Colours lie up to a factor of 5 apart.
        assert np.abs(differences).mean() < 0.14

    def test_types_can_be_chosen_without_training_again(self, trained: Generator) -> None:
        only = {**QUICK, "make": {"types": ["cloth"]}}
        generator = Generator(validate(Config, only, "generators.mask"))
        assert {generator.style(request(0, seed)).kind for seed in range(30)} == {"cloth"}

    @pytest.mark.parametrize("size", [48, 96])
    def test_other_sizes_come_back_in_their_size(self, trained: Generator, size: int) -> None:
        (made,) = trained.make([request(102, size=size)])
        assert made.image is not None
        assert made.image.shape == (size, size, 3)

    def test_several_threads_give_the_same_pictures(self, trained: Generator) -> None:
        import torch

        requests = [request(number) for number in range(40)]
        before, found = torch.get_num_threads(), []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append([made.image for made in trained.make(requests)])
            assert torch.get_num_threads() == threads
        torch.set_num_threads(before)
        for one, other in zip(*found, strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize("textures", [["striped"], ["plain"]])
    def test_textures_can_be_chosen(self, textures: list[str]) -> None:
        only = {**QUICK, "make": {"types": ["cloth"], "textures": textures}}
        generator = Generator(validate(Config, only, "generators.mask"))
        found = {generator.style(request(0, seed)).texture for seed in range(30)}
        assert found == set(textures)
        with pytest.raises(UserError, match="need 'plain'"):
            validate(Config, {"make": {"textures": ["striped"]}}, "generators.mask")

    def test_faces_that_cannot_be_masked_say_why(self, trained: Generator) -> None:
        image, points = face_picture(100)
        small, few = face_picture(100, 16)
        worn, tiny, fine = trained.make(
            [
                request_of(image, points, "worn", mask="yes"),
                request_of(small, few, "tiny"),
                request_of(image, points, "fine"),
            ]
        )
        assert worn.image is None
        assert worn.reason == "worn is labelled as wearing a mask already"
        assert tiny.image is None
        assert "under 24 pixels" in tiny.reason
        assert fine.image is not None

    @pytest.mark.parametrize("level", [0, 128, 255])
    def test_an_empty_picture_gives_a_picture_or_a_reason(
        self, trained: Generator, level: int
    ) -> None:
        _, points = face_picture(0)
        image: Image = np.full((64, 64, 3), level, np.uint8)
        (made,) = trained.make([request_of(image, points)])
        assert (made.image is None) == bool(made.reason)


def test_the_same_data_gives_the_same_weights(tmp_path: Path) -> None:
    short = {**QUICK, "train": {"images": 80, "batch": 8}}
    digests = []
    for name in ("one", "again"):
        generator = Generator(validate(Config, short, "generators.mask"))
        faces = write_faces(tmp_path / name / "aligned", 20, shards=1 + len(digests))
        model = tmp_path / name / "model"
        generator.train(faces, model, 7, tmp_path / name / "work")
        generator.load(model)
        config = json.loads((model / "config.json").read_text())
        assert config["images_seen"] == 80
        assert config["weights"] == generator.weights()
        digests.append(generator.weights())
    assert digests[0] == digests[1]


def test_faces_that_wear_a_mask_are_not_learned_from(tmp_path: Path) -> None:
    generator = Generator(validate(Config, QUICK, "generators.mask"))
    faces = write_faces(tmp_path / "aligned", 3, mask="yes")
    with pytest.raises(UserError, match="no faces to train on"):
        generator.train(faces, tmp_path / "model", 7, tmp_path / "work")


def test_points_far_outside_give_a_picture_all_the_same() -> None:
    image, _ = face_picture(0)
    points: FloatArray = np.array([[-90, 5], [-80, 5], [-85, 9], [-90, 12], [-80, 12]], np.float32)
    assert paint(image, points, SURGICAL).image.shape == image.shape
