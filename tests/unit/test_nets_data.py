from pathlib import Path

import numpy as np
import pytest
import torch

from augment.errors import UserError
from augment.nets.data import jitter, load_faces, to_images, to_tensor
from tests.unit.aligned_faces import face_picture, face_row, write_faces
from tests.unit.aligned_rows import write_aligned


def test_only_usable_faces_of_the_asked_split_and_half_are_read(tmp_path: Path) -> None:
    rows = [
        face_row(0, half="a"),
        face_row(1, half="b"),
        face_row(2, split="test", half=None),
        {**face_row(3), "status": "align_failed", "image": None, "points": None},
        face_row(4, half="a", age=31.0, gender="male"),
    ]
    folder = write_aligned(tmp_path, rows)
    faces = load_faces(folder, ("train",), ("a",))
    assert faces.ids == ("f0000", "f0004")
    assert faces.labels["gender"] == ("female", "male")
    assert faces.images.shape == (2, 64, 64, 3)
    assert faces.ages[1] == 31.0
    assert np.isnan(faces.ages[0])
    np.testing.assert_allclose(faces.points[0], face_picture(0)[1], atol=1e-4)
    assert len(load_faces(folder, ("train",))) == 3
    assert load_faces(folder, ("test",)).ids == ("f0002",)
    assert len(load_faces(folder, ("validation",))) == 0


def test_the_digest_changes_with_any_picture_or_label_but_not_with_shards(tmp_path: Path) -> None:
    def digest(name: str, shards: int = 2, **values: str) -> str:
        return load_faces(write_faces(tmp_path / name, 4, shards=shards, **values)).digest

    one = digest("one")
    assert digest("other shards", shards=3) == one
    assert digest("other label", gender="male") != one
    changed = [face_row(n if n else 9, mask="no") for n in range(4)]
    changed[0]["id"] = "f0000"
    folder = write_aligned(tmp_path / "other picture", changed, attributes=("mask",))
    assert load_faces(folder).digest != one


def test_a_limit_keeps_the_same_faces_when_others_are_added(tmp_path: Path) -> None:
    few = load_faces(write_faces(tmp_path / "few", 8), limit=3)
    again = load_faces(write_faces(tmp_path / "more", 8, shards=3), limit=3)
    assert few.ids == again.ids
    assert len(few) == 3


def test_who_is_on_a_face_comes_along(tmp_path: Path) -> None:
    rows = [face_row(0, person="s/p"), face_row(1), face_row(2, person="s/q")]
    faces = load_faces(write_aligned(tmp_path, rows))
    assert faces.persons == ("s/p", "", "s/q")
    assert faces.select([2, 1]).persons == ("s/q", "")


def test_selecting_faces_keeps_their_rows_together(tmp_path: Path) -> None:
    faces = load_faces(write_faces(tmp_path, 4))
    part = faces.select([2, 0])
    assert part.ids == ("f0002", "f0000")
    np.testing.assert_array_equal(part.images[0], faces.images[2])
    assert part.digest != faces.digest


def test_an_unfinished_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="missing or incomplete"):
        load_faces(tmp_path)


def test_pictures_survive_the_way_to_tensors_and_back() -> None:
    images = np.arange(2 * 16 * 16 * 3, dtype=np.uint32).reshape(2, 16, 16, 3).astype(np.uint8)
    tensor = to_tensor(images)
    assert tensor.shape == (2, 3, 16, 16)
    assert tensor.dtype == torch.float32
    assert (tensor.min(), tensor.max()) == (-1, 1)
    np.testing.assert_array_equal(to_images(tensor), images)


def test_jitter_changes_faces_a_little_and_by_its_random_numbers_alone() -> None:
    images = np.stack([face_picture(number)[0] for number in range(6)])
    before = images.copy()
    one = jitter(images, np.random.default_rng(3))
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(one, jitter(images, np.random.default_rng(3)))
    assert (one != jitter(images, np.random.default_rng(4))).any()
    assert one.shape == images.shape
    ratio = one.astype(float).mean((1, 2, 3)) / images.astype(float).mean((1, 2, 3))
    assert ((ratio > 0.75) & (ratio < 1.25)).all()
