from pathlib import Path

import pytest

from augment.errors import UserError
from augment.sources.celeba import Config, Source
from tests.unit.layouts import GROUPS, SEED, open_layout, photo, write


def test_attributes_people_and_splits(tmp_path: Path) -> None:
    source = open_layout("celeba", tmp_path)
    assert source.attributes == ("glasses", "beard", "wavy_hair")
    first, second, third = source.records()
    assert first.labels == {"glasses": "yes", "gender": "female", "beard": "no", "wavy_hair": "no"}
    assert second.labels == {"glasses": "no", "gender": "male", "beard": "yes", "wavy_hair": "yes"}
    assert [r.person for r in (first, second, third)] == ["10", "11", "10"]
    assert [r.split for r in (first, second, third)] == ["train", "validation", "test"]
    assert [r.note + r.reason for r in (first, second, third)] == ["", "", ""]


def test_shared_attributes_have_one_name_over_all_data_sets(tmp_path: Path) -> None:
    open_layout("celeba", tmp_path)
    names = "5_o_Clock_Shadow Smiling Mouth_Slightly_Open Wearing_Hat Heavy_Makeup Young Male"
    write(tmp_path / "celeba/list_attr_celeba.txt", f"1\n{names}\n000001.jpg{' 1' * 7}\n")
    assert Source(Config(root="celeba"), tmp_path, GROUPS, SEED).attributes == (
        "five_o_clock_shadow", "smiling", "mouth_open", "hat", "makeup", "young"
    )  # fmt: skip


def test_the_official_folders(tmp_path: Path) -> None:
    open_layout("celeba", tmp_path)
    root = tmp_path / "celeba"
    for old, new in [
        ("list_attr_celeba.txt", "Anno"), ("identity_CelebA.txt", "Anno"),
        ("list_eval_partition.txt", "Eval"), ("img_align_celeba", "Img"),
    ]:  # fmt: skip
        (root / new).mkdir(exist_ok=True)
        (root / old).rename(root / new / old)
    source = Source(Config(root="celeba"), tmp_path, GROUPS, SEED)
    assert next(source.records()).uri == "Img/img_align_celeba/000001.jpg"
    assert {r.person for r in source.records()} == {"10", "11"}


def test_odd_lines(tmp_path: Path) -> None:
    source = open_layout("celeba", tmp_path)
    write(
        tmp_path / "celeba/list_attr_celeba.txt",
        "9\nEyeglasses Male No_Beard Wavy_Hair\n000001.jpg 1 1 1\n000002.jpg 1 0 2 -1\n"
        "000003.jpg 1 1 1 1\n000003.jpg 1 1 1 -1\n",
    )
    write(tmp_path / "celeba/list_eval_partition.txt", "000001.jpg 7\n")
    write(tmp_path / "celeba/img_align_celeba/000004.jpg", photo(4))
    short, strange, twice, unlisted = source.records()
    assert short.reason == "its attribute line has 3 values, not 4"
    assert short.note == "split: word '7' is not known"
    assert strange.labels == {
        "glasses": "yes", "gender": "unknown", "beard": "unknown", "wavy_hair": "no"
    }  # fmt: skip
    assert strange.note == "Male: word '0' is not known; No_Beard: word '2' is not known"
    assert twice.reason == "listed more than once, with different labels"
    assert (unlisted.labels, unlisted.note) == ({}, "no row in the attribute list")


def test_people_and_splits_are_optional_but_not_attributes(tmp_path: Path) -> None:
    source = open_layout("celeba", tmp_path)
    for name in ("identity_CelebA.txt", "list_eval_partition.txt"):
        (tmp_path / "celeba" / name).unlink()
    assert {(r.person, r.split) for r in source.records()} == {(None, None)}
    write(tmp_path / "celeba/list_attr_celeba.txt", "not what it should be\n")
    with pytest.raises(UserError, match="does not begin with a number of files"):
        list(source.records())
    (tmp_path / "celeba/list_attr_celeba.txt").unlink()
    with pytest.raises(UserError, match=r"holds no list_attr_celeba\.txt"):
        list(source.records())
