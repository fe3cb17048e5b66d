from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.errors import UserError
from augment.params import validate
from augment.sources.folder import Config, Source
from tests.unit.layouts import GROUPS, SEED, open_layout, photo, write


def records_of(data: Path, **settings: Any) -> dict[str, Any]:
    source = Source(Config(**settings), data, GROUPS, SEED)
    return {record.name: record for record in source.records()}


def test_a_table_with_its_own_column_names(tmp_path: Path) -> None:
    source = open_layout("folder", tmp_path)
    assert (source.attributes, source.licence) == (("glasses",), "mine")
    first, second, third = source.records()
    assert first.labels == {"age_group": "20-29", "gender": "female", "glasses": "yes"}
    assert (first.age, first.person, first.split) == (24.0, "ann", "train")
    assert (second.labels["age_group"], second.split) == ("70+", "test")
    assert third.labels == {"gender": "female"}
    assert (third.age, third.split, third.note) == (None, None, "")


def test_a_parquet_table(tmp_path: Path) -> None:
    write(tmp_path / "1.jpg", photo(1))
    columns = {"file": ["1.jpg"], "age": [7], "mask": [True], "licence": ["CC0"]}
    pq.write_table(pa.table(columns), tmp_path / "labels.parquet")
    names = {name: name for name in columns}
    records = records_of(tmp_path, table="labels.parquet", columns=names)
    assert records["1.jpg"].labels == {"age_group": "3-9", "mask": "yes"}
    assert records["1.jpg"].licence == "CC0"


def test_folder_names_as_labels(tmp_path: Path) -> None:
    for name in ("all/women/with_mask/ann/1.jpg", "all/men/without_mask/ben/2.jpg", "all/3.jpg"):
        write(tmp_path / name, photo(len(name)))
    records = records_of(
        tmp_path,
        photos="all",
        folders=["gender", "mask", "person"],
        words={"gender": {"women": "female", "men": "male"},
               "mask": {"with_mask": True, "without_mask": False}},
    )  # fmt: skip
    assert records["all/women/with_mask/ann/1.jpg"].labels == {"gender": "female", "mask": "yes"}
    assert records["all/men/without_mask/ben/2.jpg"].labels == {"gender": "male", "mask": "no"}
    assert records["all/men/without_mask/ben/2.jpg"].person == "ben"
    assert records["all/3.jpg"].labels == {}


def test_levels_can_be_passed_over_and_the_table_wins(tmp_path: Path) -> None:
    for name in ("x/male/1.jpg", "y/male/2.jpg"):
        write(tmp_path / name, photo(len(name)))
    write(tmp_path / "labels.csv", "file,gender\nx/male/1.jpg,female\ny/male/2.jpg,\n")
    settings = {"columns": {"file": "file", "gender": "gender"}, "folders": ["-", "gender"]}
    records = records_of(tmp_path, table="labels.csv", **settings)
    assert [r.labels["gender"] for r in records.values()] == ["female", "male"]


def test_words_of_the_person_come_first(tmp_path: Path) -> None:
    write(tmp_path / "1.jpg", photo(1))
    write(tmp_path / "labels.csv", "file,gender,age_group,ethnicity\n1.jpg,F,Senior,West_Asian\n")
    names = ("file", "gender", "age_group", "ethnicity")
    settings = {"table": "labels.csv", "columns": {name: name for name in names}}
    (plain,) = records_of(tmp_path, **settings).values()
    assert plain.labels == {"gender": "female", "age_group": "unknown", "ethnicity": "unknown"}
    assert plain.note.count("is not known") == 2
    words = {
        "gender": {"f": "male"},
        "age_group": {"senior": "70+"},
        "ethnicity": {"West Asian": "other"},
    }
    (told,) = records_of(tmp_path, words=words, **settings).values()
    assert told.labels == {"gender": "male", "age_group": "70+", "ethnicity": "other"}
    assert told.note == ""


def test_one_file_has_one_row_however_it_is_spelled(tmp_path: Path) -> None:
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        write(tmp_path / name, photo(int(name[0])))
    write(
        tmp_path / "labels.csv",
        f"file,age\n1.jpg,3\n./1.jpg,3\n{tmp_path}/2.jpg,4\n2.jpg,5\n../3.jpg,6\n,7\n",
    )
    records = records_of(tmp_path, table="labels.csv", columns={"file": "file", "age": "age"})
    assert sorted(records) == ["", "../3.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert records["1.jpg"].note == "listed more than once, with the same labels"
    assert records["2.jpg"].reason == "listed more than once, with different labels"
    assert records["3.jpg"].note == "no row in the label table"


def test_impossible_ages_are_noted(tmp_path: Path) -> None:
    write(tmp_path / "labels.csv", "file,age\n1.jpg,-4\n2.jpg,young\n")
    settings = {"table": "labels.csv", "columns": {"file": "file", "age": "age"}}
    for record in records_of(tmp_path, **settings).values():
        assert record.age is None
        assert record.labels == {}
        assert record.note.startswith("age: ")


def test_a_missing_column_is_explained(tmp_path: Path) -> None:
    write(tmp_path / "labels.csv", "file,alter\n1.jpg,3\n")
    with pytest.raises(UserError, match="no column 'age'; it has: file, alter"):
        records_of(tmp_path, table="labels.csv", columns={"file": "file", "age": "age"})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"table": "x.csv", "columns": {"age": "age"}}, "column of file paths"),
        ({"words": {"gender": {"f": "woman"}}}, "'woman' is none of female, male, unknown"),
        ({"words": {"mask": {"on": "perhaps"}}}, "'perhaps' is none of no, yes, unknown"),
        ({"words": "yes"}, "must be named entries"),
        ({"colums": {}}, "did you mean 'columns'"),
    ],
)
def test_wrong_settings_are_explained(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        validate(Config, settings, "ingest.sources.mine")
