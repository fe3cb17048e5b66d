"""Templates in MaskTheFace's layout: drawn here, read, refused, pasted, worn."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from augment.errors import UserError
from augment.generators.mask.layout import digest, read_templates
from augment.generators.mask.templates import face_anchors, look_up, paste
from augment.types import FloatArray, Image
from tests.unit.aligned_faces import face_picture

FRONT = {"a": (10, 30), "b": (100, 10), "c": (190, 30), "d": (20, 110), "e": (100, 150),
         "f": (180, 110)}  # fmt: skip
LEFT = {"a": (10, 20), "b": (40, 10), "c": (190, 30), "d": (20, 110), "e": (60, 150),
        "f": (180, 110)}  # fmt: skip


def picture(colour: tuple[int, int, int] = (200, 30, 40)) -> Image:
    """A red mask on nothing, its lower half darker: RGBA, 160 x 200."""
    image = np.zeros((160, 200, 4), np.uint8)
    outline = np.array([FRONT[key] for key in "abcfed"], np.int32)
    cv2.fillPoly(image, [outline], (*colour, 255))
    image[80:, :, :3] //= 2
    return image


def section(name: str, points: Mapping[str, tuple[int, int]], file: str = "") -> str:
    lines = [f"mask_{key}: {x}, {y}" for key, (x, y) in points.items()]
    return "\n".join([f"[{name}]", f"template: masks/templates/{file or name}.png", *lines, "", ""])


def write_templates(folder: Path, content: str = "", image: Image | None = None) -> Path:
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    image = picture() if image is None else image
    stored = image[..., [2, 1, 0, 3]] if image.shape[2] == 4 else image[..., ::-1]
    for name in ("red", "red_left"):
        cv2.imwrite(str(folder / f"templates/{name}.png"), stored)
    (folder / "masks.cfg").write_text(content or section("red", FRONT) + section("red_left", LEFT))
    return folder


def landmarks(size: int, turn: float = 0.0) -> FloatArray:
    """68 points of an egg-shaped face; only jaw, nose and lower lip are where they belong."""
    points = np.zeros((68, 2), np.float32)
    angle = np.linspace(np.pi, 0, 17)
    points[:17, 0] = 0.5 + 0.3 * np.cos(angle)
    points[:17, 1] = 0.45 + 0.43 * np.sin(angle)
    points[27:31] = [[0.5 + turn, y] for y in (0.42, 0.47, 0.51, 0.55)]
    points[57] = (0.5 + turn, 0.72)
    return points * size


class TestReading:
    def test_views_of_one_mask_belong_together(self, tmp_path: Path) -> None:
        (template,) = read_templates(write_templates(tmp_path))
        assert template.name == "red"
        assert [round(view.turn, 2) for view in template.views] == [0.5, 0.16]
        assert template.view(0.2) is template.views[1]
        assert template.view(0.45) is template.views[0]
        assert template.views[0].picture[50, 100].tolist() == [200, 30, 40, 255]

    def test_empty_sections_are_passed_over(self, tmp_path: Path) -> None:
        folder = write_templates(tmp_path, "[empty]\n" + section("red", FRONT))
        assert [template.name for template in read_templates(folder)] == ["red"]

    def test_the_digest_changes_with_a_picture_or_a_key_point(self, tmp_path: Path) -> None:
        first = digest(write_templates(tmp_path / "one"))
        assert digest(write_templates(tmp_path / "again")) == first
        other = digest(write_templates(tmp_path / "two", image=picture((1, 2, 3))))
        moved = section("red", {**FRONT, "b": (101, 10)}) + section("red_left", LEFT)
        assert len({first, other, digest(write_templates(tmp_path / "three", moved))}) == 3

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (section("red", {**FRONT, "f": (500, 110)}), r"\[red\]: mask_f \(500, 110\) .*outside"),
            (section("red", {**FRONT, "a": (10, 900)}), "outside of"),
            (section("red", {k: v for k, v in FRONT.items() if k != "c"}), "needs 'mask_c: x, y'"),
            (section("red", {**FRONT, "a": (190, 30), "c": (10, 30)}), "wrong order"),
            (section("red", FRONT, "blue"), "is not in"),
            (section("red", FRONT, "../../../secret"), "is not in"),
            ("[red]\nmask_a: 1, 2\n", "has no 'template"),
            ("[red]\n[red]\n", "cannot be read"),
            ("\n", "names no mask"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, content: str, message: str) -> None:
        with pytest.raises(UserError, match=message):
            read_templates(write_templates(tmp_path, content))

    def test_a_picture_without_alpha_is_refused(self, tmp_path: Path) -> None:
        for image in (picture()[..., :3], np.full((160, 200, 4), 255, np.uint8)):
            with pytest.raises(UserError, match="no transparent pixels"):
                read_templates(write_templates(tmp_path, image=image))
        with pytest.raises(UserError, match="transparent everywhere"):
            read_templates(write_templates(tmp_path, image=np.zeros((160, 200, 4), np.uint8)))

    def test_a_missing_folder_or_a_damaged_picture_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"masks\.cfg is missing"):
            read_templates(tmp_path / "nowhere")
        folder = write_templates(tmp_path)
        (folder / "templates/red.png").write_bytes(b"no picture")
        with pytest.raises(UserError, match="no 8-bit picture"):
            read_templates(folder)


class TestPasting:
    @pytest.mark.parametrize("count", [5, 68])
    def test_the_mask_covers_nose_tip_and_mouth_and_nothing_else(
        self, tmp_path: Path, count: int
    ) -> None:
        (template,) = read_templates(write_templates(tmp_path))
        image, five = face_picture(3, 128)
        points = five if count == 5 else landmarks(128)
        made, alpha = paste(image, points, template)
        covered = [float(alpha[int(y), int(x)]) for x, y in five]
        assert covered[0] == covered[1] == 0
        assert min(covered[2:]) > 0.9
        outside = alpha == 0
        np.testing.assert_array_equal(made[outside], image[outside])
        assert 0.5 < outside.mean() < 0.9
        worn = made[alpha == 1].astype(int)
        assert (worn[:, 0] > 2 * worn[:, 1]).all()

    def test_anchors_are_landmarks(self) -> None:
        anchors = face_anchors(landmarks(100))
        np.testing.assert_allclose(anchors[1], [50, 48.75], atol=0.01)
        np.testing.assert_allclose(anchors[4], [50, 88], atol=0.01)
        assert anchors[0, 0] == pytest.approx(100 - anchors[2, 0], abs=0.01)
        assert anchors[[0, 2], 1] == pytest.approx([48.75, 48.75], abs=0.01)
        assert anchors[[3, 5], 1] == pytest.approx([72, 72], abs=0.01)

    def test_a_turned_head_takes_the_view_from_that_side(self, tmp_path: Path) -> None:
        folder = write_templates(tmp_path)
        blue = picture((20, 30, 220))[..., [2, 1, 0, 3]]
        cv2.imwrite(str(folder / "templates/red_left.png"), blue)
        (template,) = read_templates(folder)
        image, _ = face_picture(3, 128)
        made, alpha = paste(image, landmarks(128, turn=-0.16), template)
        worn = made[alpha == 1]
        assert len(worn) > 100
        assert (worn[:, 2] > worn[:, 0]).all()

    def test_a_dark_photo_makes_a_darker_mask(self, tmp_path: Path) -> None:
        (template,) = read_templates(write_templates(tmp_path))
        image, _ = face_picture(3, 64)
        bright, alpha = paste(image, landmarks(64), template)
        dark, _ = paste(image // 4, landmarks(64), template)
        assert dark[alpha == 1].mean() < 0.9 * bright[alpha == 1].mean()

    @pytest.mark.parametrize("value", [np.nan, 0.0])
    def test_points_that_allow_no_mask_leave_the_face(self, tmp_path: Path, value: float) -> None:
        (template,) = read_templates(write_templates(tmp_path))
        image, _ = face_picture(3)
        made, alpha = paste(image, np.full((68, 2), value, np.float32), template)
        np.testing.assert_array_equal(made, image)
        assert not alpha.any()
        with pytest.raises(ValueError, match="shape"):
            paste(image, np.zeros((6, 2), np.float32), template)


def test_key_points_are_found_at_their_places_on_the_mask(tmp_path: Path) -> None:
    """u, v = (-1, 0) is key point a, (0, 1) is e: a dot there is seen there."""
    image = picture((200, 200, 200))
    places = {"a": (-1.0, 0.0), "b": (0.0, 0.0), "e": (0.0, 1.0), "f": (1.0, 1.0)}
    for key in places:
        cv2.circle(image, FRONT[key], 6, (0, 255, 0, 255), -1)
    (template,) = read_templates(write_templates(tmp_path, section("red", FRONT), image))
    for u, v in places.values():
        grid = np.array([[u]], np.float32), np.array([[v]], np.float32)
        colour = look_up(template.views[0], *grid, 1.14, 180)[0, 0]
        np.testing.assert_allclose(colour, [0, 255, 0, 1], atol=6)
