"""What is laid on a face from the network's layers; here the layers are the painter's own."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from augment.errors import UserError
from augment.generators.mask import Config, Generator
from augment.generators.mask.laying import Layers, cover, lay, lay_template
from augment.generators.mask.layout import digest, read_templates
from augment.generators.mask.painter import Draped, drape, paint
from augment.generators.mask.style import TYPES, Style
from augment.params import validate
from augment.types import Image
from tests.unit.aligned_faces import face_picture, request
from tests.unit.test_generators_mask_templates import write_templates

BLUE = Style("surgical", (150, 196, 222))
WHITE = Style("surgical", (226, 232, 236))


def layers_of(number: int, style: Style, size: int = 64) -> Layers:
    image, points = face_picture(number, size)
    return layers_from(drape(image, points, style))


def layers_from(draped: Draped) -> Layers:
    """As the network gives them: colour and place at half the size."""
    look = np.concatenate([draped.colour, draped.place.transpose(1, 2, 0)], axis=2)
    return Layers(draped.cover, cv2.resize(look, None, None, 0.5, 0.5, cv2.INTER_AREA))


def random() -> np.random.Generator:
    return np.random.default_rng(5)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("kind", TYPES)
def test_true_layers_give_the_painted_mask(kind: str) -> None:
    style = Style(kind, (150, 196, 222))
    for number in range(3):
        image, points = face_picture(number)
        made = lay(image, style, layers_of(number, style), random())
        true = paint(image, points, style)
        inside = true.cover == 1
        apart = np.abs(made.astype(int) - true.image)[inside]
        assert apart.mean() < 12
        changed = (made != image).any(axis=2)
        assert changed[inside].mean() > 0.99
        assert overlap(changed, true.cover > 0) > 0.6  # and the shadow around it
        far = cv2.dilate((true.alpha > 0).astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
        np.testing.assert_array_equal(made[far], image[far])


@pytest.mark.parametrize("size", [32, 96, 256])
def test_the_edge_is_a_pixel_wide_at_any_size(size: int) -> None:
    """On a white face a black mask has few grey pixels, however large the picture."""
    _, points = face_picture(1, size)
    image = np.full((size, size, 3), 250, np.uint8)
    small = face_picture(1, 64)[1]
    draped = drape(np.full((64, 64, 3), 250, np.uint8), small, Style("cloth", (10, 10, 10)))
    soft = cv2.GaussianBlur(draped.cover, (0, 0), 2.0)  # a network that is not sure
    layers = Layers(soft, layers_from(draped).look)
    made = lay(image, Style("cloth", (10, 10, 10)), layers, random())
    column = made[:, int(points[3:, 0].mean()), 1].astype(int)
    between = ((column > 60) & (column < 150)).sum()
    assert (column < 60).sum() > 0.2 * size
    assert between <= max(3, 0.03 * size)


def test_patches_apart_from_the_mask_are_left_out() -> None:
    image, _ = face_picture(2)
    layers = layers_of(2, BLUE)
    alpha = layers.alpha.copy()
    alpha[2:6, 2:6] = 1
    made = lay(image, BLUE, Layers(alpha, layers.look), random())
    np.testing.assert_array_equal(made[:9, :9], image[:9, :9])
    assert cover(Layers(alpha, layers.look)) > cover(layers)


def test_a_noisy_photo_gets_a_noisy_mask() -> None:
    _, points = face_picture(3)

    def roughness(noise: float) -> float:
        image = np.full((64, 64, 3), 140.0) + random().normal(0, noise, (64, 64, 1))
        face = np.clip(np.round(image), 0, 255).astype(np.uint8)
        plain = Style("cloth", (120, 120, 128))
        draped = drape(face, points, plain)
        layers = layers_from(draped)
        made = lay(face, plain, layers, random())
        y, x = points[3:].mean(0)[::-1].astype(int)
        return float(made[y - 5 : y + 5, x + 3 : x + 9].astype(float).std(axis=0).mean())

    assert roughness(5.0) > roughness(0.0) + 1


class TestTemplate:
    @pytest.mark.parametrize("size", [32, 64, 128])
    def test_a_template_is_worn_without_landmarks(self, tmp_path: Path, size: int) -> None:
        (template,) = read_templates(write_templates(tmp_path))
        image, points = face_picture(3, size)
        made = lay_template(image, WHITE, template, layers_of(3, WHITE), random())
        red = made[..., 0].astype(int) > 2 * made[..., 1].astype(int)
        red &= (made != image).any(axis=2)
        true = paint(image, points, WHITE).cover > 0.5
        assert overlap(red, true) > 0.7
        nose, mouth = points[2], points[3:].mean(0)
        assert red[int(mouth[1]), int(mouth[0])]
        assert not red[: int(points[0, 1])].any()
        above, below = (made[int(y), int(nose[0]), 0] for y in (nose[1] + 1, mouth[1] + 0.1 * size))
        assert above > 1.4 * below  # its lower half is darker

    def test_params_name_a_folder_and_its_digest(self, tmp_path: Path) -> None:
        folder = write_templates(tmp_path)
        entry = {"make": {"templates": {"folder": str(folder)}}}
        with pytest.raises(UserError, match=f"sha256 {digest(folder)}, not ''"):
            Generator(validate(Config, entry, "x"))
        entry["make"]["templates"]["sha256"] = digest(folder)
        generator = Generator(validate(Config, entry, "x"))
        asked = request(3)
        template = generator.template(asked)
        assert template is not None
        assert template.name == "red"
        entry["make"]["templates"]["share"] = 0.5
        generator = Generator(validate(Config, entry, "x"))
        found = [generator.template(request(3, seed)) is None for seed in range(60)]
        assert 15 < sum(found) < 45

    def test_a_template_outside_of_its_picture_stops_the_run(self, tmp_path: Path) -> None:
        folder = write_templates(tmp_path)
        text = (folder / "masks.cfg").read_text().replace("mask_b: 100, 10", "mask_b: 100, -90")
        (folder / "masks.cfg").write_text(text)
        with pytest.raises(UserError, match=r"mask_b \(100, -90\) lies outside"):
            Generator(validate(Config, {"make": {"templates": {"folder": str(folder)}}}, "x"))


def grey(image: Image) -> Image:
    return np.repeat(image[..., :1], 3, axis=2)


def test_a_grey_face_stays_grey() -> None:
    image, points = face_picture(4)
    style = BLUE.on(grey(image))
    draped = drape(grey(image), points, style)
    layers = layers_from(draped)
    made = lay(grey(image), style, layers, random()).astype(int)
    assert np.abs(made[..., 0] - made[..., 2])[draped.cover == 1].max() <= 2
