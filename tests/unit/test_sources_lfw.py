from pathlib import Path

import pytest

from augment.sources.lfw import Config, Source
from tests.unit.layouts import GROUPS, SEED, open_layout, photo, write


def test_folders_are_people_and_the_table_may_be_partial(tmp_path: Path) -> None:
    source = open_layout("lfw", tmp_path)
    write(tmp_path / "lfw/lfw-deepfunneled/Cy_Clear/Cy_Clear_0001.jpg", photo(9))
    records = list(source.records())
    assert [(r.person, r.labels["gender"]) for r in records] == [
        ("Ada_Able", "female"), ("Ada_Able", "female"), ("Bo_Best", "male"), ("Cy_Clear", "unknown")
    ]  # fmt: skip
    assert records[0].uri == "lfw-deepfunneled/Ada_Able/Ada_Able_0001.jpg"


def test_two_genders_for_one_person_are_none(tmp_path: Path) -> None:
    source = open_layout("lfw", tmp_path)
    write(
        tmp_path / "lfw/gender.csv", "person,gender\nBo_Best,male\nBo_Best,female\nAda_Able,elf\n"
    )
    ada, _, bo = source.records()
    assert (bo.labels["gender"], ada.labels["gender"]) == ("unknown", "unknown")
    assert "two for this person" in bo.note
    assert ada.note == "gender: word 'elf' is not known"


@pytest.mark.parametrize("folder", ["lfw_funneled", "lfw-deepfunneled/lfw-deepfunneled", "."])
def test_the_archives_unpack_to_several_folders(tmp_path: Path, folder: str) -> None:
    for name in ("Ada_Able", "Bo_Best"):
        write(tmp_path / folder / name / f"{name}_0001.jpg", photo(1))
    records = list(Source(Config(), tmp_path, GROUPS, SEED).records())
    assert [record.person for record in records] == ["Ada_Able", "Bo_Best"]
    assert {record.labels["gender"] for record in records} == {"unknown"}  # there is no table


def test_photos_outside_of_people_are_said_to_be(tmp_path: Path) -> None:
    source = open_layout("lfw", tmp_path)
    write(tmp_path / "lfw/lfw-deepfunneled/stray.jpg", photo(5))
    (stray,) = (r for r in source.records() if r.uri.endswith("stray.jpg"))
    assert (stray.person, stray.note) == (None, "not in a person's folder")
