from pathlib import Path

import numpy as np
import pytest

from augment.errors import UserError
from augment.sources.celebamask_hq import PARTS, Config, Source
from tests.unit.layouts import GROUPS, SEED, open_layout, photo, png, write

MASKS = "celebamask_hq/CelebAMask-HQ-mask-anno"


def test_attributes(tmp_path: Path) -> None:
    source = open_layout("celebamask_hq", tmp_path)
    assert source.attributes == ("glasses", "beard", "wavy_hair")
    first, second = source.records()
    assert first.labels == {"glasses": "yes", "gender": "female", "beard": "no", "wavy_hair": "no"}
    assert second.uri == "CelebA-HQ-img/2001.jpg"
    assert first.person is None


def test_parts_become_one_map_of_the_photos_size(tmp_path: Path) -> None:
    source = open_layout("celebamask_hq", tmp_path)
    expected = np.zeros((32, 32), np.uint8)
    expected[8:24, 8:24] = 1  # skin
    expected[14:18, 14:18] = 2  # nose, on top of skin
    expected[0:10, 8:24] = 13  # hair, on top of both
    for number in (0, 2001):  # in two folders of masks
        parsing = source.parsing(f"CelebA-HQ-img/{number}.jpg")
        np.testing.assert_array_equal(parsing, expected.repeat(2, axis=0).repeat(2, axis=1))
    assert len(PARTS) == 18
    assert (PARTS.index("l_eye"), PARTS.index("cloth")) == (3, 17)


def test_no_parts_no_map(tmp_path: Path) -> None:
    source = open_layout("celebamask_hq", tmp_path)
    write(tmp_path / "celebamask_hq/CelebA-HQ-img/7.jpg", photo(7))
    write(tmp_path / MASKS / "0/00000_nose.png", b"damaged")
    assert source.parsing("CelebA-HQ-img/7.jpg") is None
    assert source.parsing("CelebA-HQ-img/0.jpg") is None
    assert source.parsing("CelebA-HQ-img/face.jpg") is None
    assert source.parsing("CelebA-HQ-img/99.jpg") is None


def test_a_part_of_another_size_is_left_out(tmp_path: Path) -> None:
    source = open_layout("celebamask_hq", tmp_path)
    write(tmp_path / MASKS / "0/00000_nose.png", png(np.full((8, 8), 255, np.uint8)))
    parsing = source.parsing("CelebA-HQ-img/0.jpg")
    assert sorted(np.unique(parsing).tolist()) == [0, 1, 13]


def test_people_come_from_celeba_where_its_files_are_there(tmp_path: Path) -> None:
    source = open_layout("celebamask_hq", tmp_path)
    root = tmp_path / "celebamask_hq"
    mapping = "idx orig_idx orig_file\n0 119613 119614.jpg\n2001 5 000006.jpg\n"
    write(root / "CelebA-HQ-to-CelebA-mapping.txt", mapping)
    assert {record.person for record in source.records()} == {None}
    write(root / "identity_CelebA.txt", "119614.jpg 2937\n000001.jpg 4\n")
    assert [record.person for record in source.records()] == ["2937", None]


def test_attributes_are_optional_but_photos_are_not(tmp_path: Path) -> None:
    write(tmp_path / "CelebA-HQ-img/3.jpg", photo(3))
    source = Source(Config(), tmp_path, GROUPS, SEED)
    assert source.attributes == ()
    assert [(record.name, record.labels) for record in source.records()] == [("3.jpg", {})]
    with pytest.raises(UserError, match="holds no folder CelebA-HQ-img"):
        Source(Config(root="CelebA-HQ-img"), tmp_path, GROUPS, SEED)
