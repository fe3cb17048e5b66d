"""Faces of photos are edited and put back; real networks where that takes seconds."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from augment.crop import reference_points, similarity
from augment.drawing import draw, random_spec, sample_person
from augment.editing import AgeEditor, MaskWearer, edit_files, edit_photo, own_detector, read_photo
from augment.editing.pasting import put_back
from augment.editing.photo import find_faces
from augment.errors import RowError, UserError
from augment.images import decode, encode
from augment.protocols import Detector, Face, Made
from augment.types import FloatArray, Image
from augment.vocabulary import DigitalSourceType
from tests.unit.ageing_faces import ageing_face, write_ageing
from tests.unit.aligned_faces import write_faces
from tests.unit.test_generators_age import QUICK as AGES
from tests.unit.test_train import QUICK, train

SHARES = ((reference_points(64, 0.1) + 0.5) / 64).astype(np.float32)


@dataclass
class Painter:
    """Paints a box over the mouth, in the crop's own pixels; or refuses."""

    covers: bool = True
    reason: str = ""
    digital_source_type: DigitalSourceType = "compositeWithTrainedAlgorithmicMedia"
    crop: FloatArray = field(default_factory=SHARES.copy)

    def change(self, face: Face, seed: int) -> Made:
        if self.reason:
            return Made(None, reason=self.reason)
        image, side = face.image.copy(), face.image.shape[0]
        image[int(0.65 * side) : int(0.85 * side), int(0.35 * side) : int(0.65 * side)] = (0, 90, 0)
        return Made(image, face.points, ("painted",))

    def asked(self) -> dict[str, Any]:
        return {"paint": self.reason}


def drawn(age: float = 30, pixels: int = 160) -> Image:
    spec = random_spec(sample_person(3, "female", 4), age, 5)
    return draw(spec, pixels).image


@pytest.fixture(scope="module")
def detector() -> Detector:
    return own_detector()


@pytest.fixture
def photo() -> Image:
    """Two drawn faces side by side in a wide picture."""
    picture = np.full((260, 520, 3), 120, np.uint8)
    picture[40:200, 40:200] = drawn()
    picture[30:250, 270:490] = cv2.resize(drawn(60), (220, 220), interpolation=cv2.INTER_CUBIC)
    return picture


class TestPutBack:
    @pytest.mark.parametrize("covers", [True, False])
    def test_pixels_that_nobody_changed_stay(self, covers: bool) -> None:
        random = np.random.default_rng(0)
        picture = random.integers(0, 256, (90, 120, 3)).astype(np.uint8)
        matrix = np.array([[0.7, 0.1, -5.0], [-0.1, 0.7, 3.0]])
        crop = cv2.warpAffine(picture, matrix, (64, 64))
        made = crop.copy()
        assert np.array_equal(put_back(picture, crop, made, matrix, covers), picture)
        made[30:34, 30:34] = 255 - made[30:34, 30:34]
        changed = np.argwhere(
            (put_back(picture, crop, made, matrix, covers) != picture).any(axis=2)
        )
        x, y = np.linalg.inv(matrix[:, :2]) @ (np.array([31.5, 31.5]) - matrix[:, 2])
        assert len(changed)
        assert np.abs(changed - [y, x]).max() < 12

    def test_a_cover_hides_what_is_finer_than_the_crop(self) -> None:
        picture = (
            np.indices((200, 200)).sum(axis=0)[..., None].repeat(3, 2).astype(np.uint8) % 2 * 255
        )
        matrix = np.array([[0.32, 0, 0.0], [0, 0.32, 0.0]])
        crop = np.full((64, 64, 3), 127, np.uint8)
        made = np.full((64, 64, 3), 20, np.uint8)
        assert np.ptp(put_back(picture, crop, made, matrix, True)[80:120, 80:120]) == 0
        assert np.ptp(put_back(picture, crop, made, matrix, False)[80:120, 80:120]) > 100

    def test_a_crop_beside_the_photo_changes_nothing(self) -> None:
        picture = np.zeros((50, 50, 3), np.uint8)
        crop, made = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 200, np.uint8)
        far = np.array([[1.0, 0, 500], [0, 1.0, 0]])
        assert np.array_equal(put_back(picture, crop, made, far, True), picture)


def test_every_face_is_edited_in_its_place(photo: Image, detector: Detector) -> None:
    edited = edit_photo(photo, [Painter()], detector)
    assert [face.steps for face in edited.faces] == [("painted",), ("painted",)]
    assert edited.faces[0].box[2] > edited.faces[1].box[2]  # the larger one first
    green = (np.abs(edited.image.astype(int) - (0, 90, 0)).max(axis=2) < 8).astype(np.uint8)
    count, _, _, centres = cv2.connectedComponentsWithStats(green)
    assert count == 3  # background, and a patch on each face
    mouths = sorted(centres[1:, 0])
    assert 90 < mouths[0] < 150
    assert 340 < mouths[1] < 420
    assert np.array_equal(edited.image[:30], photo[:30])


def test_only_the_largest_face(photo: Image) -> None:
    edited = edit_photo(photo, [Painter()], largest=True)
    assert len(edited.faces) == edited.edited == 1
    assert np.array_equal(edited.image[:, :220], photo[:, :220])


def test_a_face_that_cannot_be_edited_says_why(photo: Image, detector: Detector) -> None:
    edited = edit_photo(photo, [Painter(), Painter(reason="no")], detector)
    assert [face.reason for face in edited.faces] == ["no", "no"]
    assert np.array_equal(edited.image, photo)  # no half-done edit


def test_a_small_face_is_left_alone(detector: Detector) -> None:
    tiny = np.full((60, 60, 3), 120, np.uint8)
    tiny[10:40, 10:40] = cv2.resize(drawn(), (30, 30), interpolation=cv2.INTER_AREA)
    edited = edit_photo(tiny, [Painter()], detector)
    assert [("too small" in face.reason) for face in edited.faces] == [True]


def test_the_crop_is_cut_as_the_network_knows_it(photo: Image, detector: Detector) -> None:
    seen: list[Face] = []

    class Looker(Painter):
        def change(self, face: Face, seed: int) -> Made:
            seen.append(face)
            return Made(face.image, face.points, ("looked",))

    edit_photo(photo, [Looker()], detector, largest=True)
    side = seen[0].image.shape[0]
    moved = similarity(seen[0].points, SHARES * side - 0.5)
    assert np.abs(moved - [[1, 0, 0], [0, 1, 0]]).max() < 0.1
    assert seen[0].native_side == pytest.approx(side, rel=0.1)  # as many pixels as in the photo


class TestFolders:
    @pytest.fixture
    def photos(self, tmp_path: Path, photo: Image) -> Path:
        folder = tmp_path / "in"
        (folder / "sub").mkdir(parents=True)
        (folder / "two.jpg").write_bytes(encode(photo))
        (folder / "sub/one.png").write_bytes(cv2.imencode(".png", drawn()[..., ::-1])[1].tobytes())
        (folder / "wall.jpg").write_bytes(encode(np.full((80, 80, 3), 90, np.uint8)))
        (folder / "broken.jpg").write_bytes(b"no picture")
        (folder / "notes.txt").write_text("no photo")
        return folder

    def test_each_photo_gets_a_line(self, photos: Path, tmp_path: Path, detector: Detector) -> None:
        said: list[str] = []
        out = tmp_path / "out"
        counts = edit_files(photos, out, [Painter()], detector, 7, say=said.append)
        assert counts == {"photos": 4, "written": 2, "faces": 3, "edited": 3}
        lines = [json.loads(line) for line in (out / "edits.jsonl").read_text().splitlines()]
        found = {line["file"]: (line["written"], line["reason"]) for line in lines}
        assert found == {
            "broken.jpg": ("", "the file is not a picture that can be read"),
            "sub/one.png": ("sub/one.jpg", ""),
            "two.jpg": ("two.jpg", ""),
            "wall.jpg": ("", "no face was found"),
        }
        assert len(said) == 2
        assert b"compositeWithTrainedAlgorithmicMedia" in (out / "two.jpg").read_bytes()
        assert decode((out / "sub/one.jpg").read_bytes()).shape == (160, 160, 3)

    def test_nothing_is_written_over_unasked(
        self, photos: Path, tmp_path: Path, detector: Detector
    ) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "mine.txt").write_text("mine")
        with pytest.raises(UserError, match="--force"):
            edit_files(photos, out, [Painter()], detector, 7)
        edit_files(photos / "two.jpg", out, [Painter()], detector, 7, force=True)
        assert (out / "mine.txt").read_text() == "mine"

    def test_what_cannot_be_meant_is_said(
        self, photos: Path, tmp_path: Path, detector: Detector
    ) -> None:
        for source, out, words in (
            (tmp_path / "nowhere", tmp_path / "out", "not found"),
            (photos, photos, "the photos themselves"),
            (photos, photos / "two.jpg", "is a file"),
            (photos, photos / "two.jpg/out", "inside of"),
            (photos, photos / "sub", "inside of"),
            (photos / "two.jpg", photos / "notes.txt/out", "cannot be"),
            (photos / "two.jpg", Path("/proc/out"), "cannot be written"),
        ):
            with pytest.raises(UserError, match=words):
                edit_files(source, out, [Painter()], detector, 7, force=True)
        empty = tmp_path / "empty"
        empty.mkdir()
        with pytest.raises(UserError, match="no photos"):
            edit_files(empty, tmp_path / "out", [Painter()], detector, 7)

    def test_photos_of_one_name_get_a_picture_each(
        self, photos: Path, tmp_path: Path, detector: Detector
    ) -> None:
        (photos / "two.png").write_bytes((photos / "two.jpg").read_bytes())
        edit_files(photos, tmp_path / "out", [Painter()], detector, 7)
        assert (tmp_path / "out/two.jpg").is_file()
        assert (tmp_path / "out/two.png.jpg").is_file()
        (photos / "two.png.jpg").write_bytes((photos / "two.jpg").read_bytes())
        with pytest.raises(UserError, match=r"would both become two\.png\.jpg"):
            edit_files(photos, tmp_path / "other", [Painter()], detector, 7)

    def test_what_an_earlier_run_made_of_a_photo_goes_with_its_line(
        self, photos: Path, tmp_path: Path, detector: Detector
    ) -> None:
        out = tmp_path / "out"
        edit_files(photos, out, [Painter()], detector, 7)
        edit_files(photos, out, [Painter(reason="no")], detector, 7, force=True)
        assert [path.name for path in out.rglob("*") if path.is_file()] == ["edits.jsonl"]

    def test_one_picture_that_cannot_be_written_stops_no_other(
        self, photos: Path, tmp_path: Path, detector: Detector
    ) -> None:
        out = tmp_path / "out"
        (out / "two.jpg").mkdir(parents=True)
        counts = edit_files(photos, out, [Painter()], detector, 7, force=True)
        assert counts["written"] == 1
        lines = (out / "edits.jsonl").read_text().splitlines()
        assert "cannot be written" in json.loads(lines[1])["reason"]

    def test_formats_that_are_not_read_are_told_of(
        self, tmp_path: Path, detector: Detector
    ) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in/phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
        said: list[str] = []
        counts = edit_files(
            tmp_path / "in", tmp_path / "out", [Painter()], detector, 7, say=said.append
        )
        assert counts["photos"] == 1
        assert said == ["phone.HEIC: HEIC and AVIF pictures are not read: save it as JPEG or PNG"]


class TestStoppedRuns:
    @pytest.fixture
    def stopped(self, tmp_path: Path, detector: Detector) -> Callable[[], list[str]]:
        """Runs the same until the third face, then to its end; which photos were looked at?"""
        (tmp_path / "in").mkdir()
        for number in range(4):
            (tmp_path / f"in/{number}.jpg").write_bytes(encode(drawn(20 + 10 * number)))

        class Stopping(Painter):
            seen = 0

            def change(self, face: Face, seed: int) -> Made:
                Stopping.seen += 1
                if Stopping.seen == 3:
                    raise KeyboardInterrupt
                return super().change(face, seed)

        def run() -> list[str]:
            before = Stopping.seen
            edit_files(tmp_path / "in", tmp_path / "out", [Stopping()], detector, 7)
            return [str(Stopping.seen - before)]

        with pytest.raises(KeyboardInterrupt):
            run()
        return run

    def test_the_same_command_goes_on(
        self, stopped: Callable[[], list[str]], tmp_path: Path
    ) -> None:
        unfinished = tmp_path / "out/.edits.unfinished.jsonl"
        with unfinished.open("a") as file:
            file.write('{"version": "cut o\n\\0\\0\\0')  # killed while it wrote
        assert stopped() == ["2"]
        assert not unfinished.exists()
        lines = (tmp_path / "out/edits.jsonl").read_text().splitlines()
        assert [json.loads(line)["written"] for line in lines] == [f"{n}.jpg" for n in range(4)]

    def test_a_photo_that_changed_or_a_picture_that_is_gone_is_made_again(
        self, stopped: Callable[[], list[str]], tmp_path: Path
    ) -> None:
        (tmp_path / "in/0.jpg").write_bytes(encode(drawn(70)))
        (tmp_path / "out/1.jpg").unlink()
        assert stopped() == ["4"]

    def test_another_command_does_not_go_on_with_it(
        self, stopped: Callable[[], list[str]], tmp_path: Path, detector: Detector
    ) -> None:
        with pytest.raises(UserError, match="unfinished run of another command"):
            edit_files(tmp_path / "in", tmp_path / "out", [Painter()], detector, 8)
        counts = edit_files(tmp_path / "in", tmp_path / "out", [Painter()], detector, 8, force=True)
        assert counts["written"] == 4


def test_photos_are_read_safely(tmp_path: Path, photo: Image) -> None:
    with pytest.raises(RowError, match="missing"):
        read_photo(tmp_path / "nothing.jpg")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/photo.jpg").write_bytes(encode(photo))
    (tmp_path / "link.jpg").symlink_to("elsewhere/photo.jpg")
    assert read_photo(tmp_path / "link.jpg").shape == photo.shape


@pytest.mark.parametrize("wrong", ["photo.jpg", np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3))])
def test_what_is_no_photo_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="read_photo"):
        edit_photo(wrong, [Painter()])


def test_a_trained_model_puts_masks_on_photos(
    tmp_path: Path, photo: Image, detector: Detector
) -> None:
    write_faces(tmp_path / "aligned", 12)
    train(tmp_path, "mask", QUICK, outputs="models")
    crop = json.loads((tmp_path / "models/mask/config.json").read_text())["crop"]
    assert np.shape(crop) == (5, 2)
    wearer = MaskWearer("cloth", tmp_path / "models")
    face = find_faces(photo, detector, largest=True)[0]
    first, again = (edit_photo(photo, [wearer], detector, 7, largest=True) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert first.faces[0].steps[0].startswith("cloth") or first.faces[0].reason
    assert wearer.asked()["weights"]
    assert face.score > 0.5


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an age generator in it, trained for a moment."""
    root = tmp_path_factory.mktemp("ages")
    write_ageing(root / "aligned", 50)
    settings = {**AGES, "train": {**AGES["train"], "images": 160}}
    return train(root, "age", {"kind": "age", **settings}, outputs="models").parent


class TestAgeEditor:
    def test_the_year_that_is_asked_for_is_shown(self, models: Path) -> None:
        image, points = ageing_face(3, 21.5)
        face = Face("x", image, points, {})
        young, old = (AgeEditor(years, 21.5, models).change(face, 7) for years in (1, 78))
        assert young.steps == ("age about 22 → 1 years",)
        assert young.image is not None
        assert old.image is not None
        # Hair grows brighter with age in this set, and the seed plays no part.
        assert young.image[:8].mean() < image[:8].mean() - 10 < old.image[:8].mean() - 20
        again = AgeEditor(78, 21.5, models).change(face, 8)
        assert again.image is not None
        assert np.array_equal(again.image, old.image)

    def test_an_age_that_is_not_said_is_guessed(self, models: Path) -> None:
        image, points = ageing_face(3, 21.5)
        made = AgeEditor(78, models=models).change(Face("x", image, points, {}), 7)
        assert made.image is not None
        assert made.steps[0].endswith("→ 78 years")

    @pytest.mark.parametrize(("years", "now"), [(35, 21), (1, 35)])
    def test_an_age_that_was_not_learned_is_refused(
        self, models: Path, years: float, now: float
    ) -> None:
        with pytest.raises(UserError, match=r"has learned: 0-2, 10-19, 20-29, 40-49, 70\+"):
            AgeEditor(years, now, models)


@pytest.mark.parametrize("age", [-3, 500, float("nan"), float("inf")])
def test_an_age_that_nobody_reaches_is_refused(age: float) -> None:
    with pytest.raises(UserError, match="0 to 110"):
        AgeEditor(age)
    with pytest.raises(UserError, match="0 to 110"):
        AgeEditor(30, now=age)


def test_an_unknown_kind_of_mask_is_named() -> None:
    with pytest.raises(UserError, match="'gauze'; there are: surgical, n95, cloth, gas"):
        MaskWearer("gauze")


def test_without_a_model_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train@mask"):
        MaskWearer("cloth", tmp_path)
