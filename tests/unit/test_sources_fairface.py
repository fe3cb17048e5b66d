from pathlib import Path

import pytest

from augment.errors import UserError
from tests.unit.layouts import open_layout, photo, write

HEAD = "file,age,gender,race,service_test\n"


def test_labels_splits_and_the_repair_of_spreadsheet_dates(tmp_path: Path) -> None:
    records = {record.name: record for record in open_layout("fairface", tmp_path).records()}
    first = records["train/1.jpg"]
    assert first.labels == {"age_group": "50-59", "gender": "male", "ethnicity": "east asian"}
    assert (first.split, first.note, first.age, first.person) == ("train", "", None, None)
    broken = records["train/2.jpg"]
    assert broken.labels == {"age_group": "3-9", "gender": "female", "ethnicity": "latino"}
    assert broken.note == "age_group: '03-Sep' read as '3-9'"
    assert records["train/3.jpg"].labels["age_group"] == "70+"
    assert records["val/1.jpg"].split == "test"


def test_photos_without_a_row_are_rows_without_labels(tmp_path: Path) -> None:
    source = open_layout("fairface", tmp_path)
    write(tmp_path / "fairface/train/9.jpg", photo(9))
    last = [record for record in source.records() if record.name == "train/9.jpg"]
    assert [(r.labels, r.split, r.note) for r in last] == [
        ({}, "train", "no row in the label table")
    ]


def test_unknown_words_duplicate_rows_and_paths_upwards(tmp_path: Path) -> None:
    source = open_layout("fairface", tmp_path)
    row = "Female,White,True\n"
    write(
        tmp_path / "fairface/fairface_label_train.csv",
        f"{HEAD}train/1.jpg,20-29,{row}train/1.jpg,20-29,{row}train/2.jpg,20-29,{row}"
        f"train/2.jpg,30-39,{row}train/3.jpg,ancient,Nobody,Elf,True\n../val/1.jpg,20-29,{row}",
    )
    records = {record.name: record for record in source.records() if record.split == "train"}
    assert len(records) == 4
    assert records["train/1.jpg"].note == "listed more than once, with the same labels"
    assert records["train/2.jpg"].reason == "listed more than once, with different labels"
    assert set(records["train/3.jpg"].labels.values()) == {"unknown"}
    assert records["train/3.jpg"].note.count("is not known") == 3


def test_the_official_archive_may_lie_beside_the_tables(tmp_path: Path) -> None:
    source = open_layout("fairface", tmp_path)
    archive = tmp_path / "fairface/fairface-img-margin125-trainval"
    archive.mkdir()
    for part in ("train", "val"):
        (tmp_path / "fairface" / part).rename(archive / part)
    records = list(source.records())
    assert records[0].uri == f"{archive.name}/train/1.jpg"
    assert len(records) == 4
    assert source.read(records[0].uri) == photo(0)


def test_one_table_is_enough_and_none_is_not(tmp_path: Path) -> None:
    source = open_layout("fairface", tmp_path)
    (tmp_path / "fairface/fairface_label_val.csv").unlink()
    assert {record.split for record in source.records()} == {"train"}
    (tmp_path / "fairface/fairface_label_train.csv").unlink()
    with pytest.raises(UserError, match=r"neither fairface_label_train\.csv nor"):
        list(source.records())


def test_missing_columns_and_folders_are_explained(tmp_path: Path) -> None:
    source = open_layout("fairface", tmp_path)
    write(tmp_path / "fairface/fairface_label_train.csv", "file,age,gender\n")
    with pytest.raises(UserError, match="no column 'race'"):
        list(source.records())
    with pytest.raises(UserError, match="is no folder"):
        open_layout("fairface", tmp_path, root="fairfaces")
