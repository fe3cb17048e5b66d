from pathlib import Path

import pytest

from tests.unit.layouts import open_layout, photo, write


@pytest.mark.parametrize(
    ("name", "age", "labels"),
    [
        ("26_1_2_20170116184024662.jpg.chip.jpg", 26, ("20-29", "female", "asian")),
        ("1_0_4_20161219140642920.jpg", 1, ("0-2", "male", "other")),
        ("24_0_1_20170116220224657 .jpg.chip.jpg", 24, ("20-29", "male", "black")),
        ("55_0_3_20170116232725357jpg.chip.jpg", 55, ("50-59", "male", "indian")),
        ("110_1_0_20170120134639935.jpg.chip.jpg", 110, ("70+", "female", "white")),
    ],
)
def test_names_are_labels(
    tmp_path: Path, name: str, age: float, labels: tuple[str, str, str]
) -> None:
    record = record_of(tmp_path, name)
    assert record.age == age
    assert tuple(record.labels[label] for label in ("age_group", "gender", "ethnicity")) == labels
    assert (record.note, record.reason, record.split, record.person) == ("", "", None, None)


@pytest.mark.parametrize(
    ("name", "age", "labels", "note"),
    [
        # One number for two fields: 1 may be either, 3 is a race.
        ("39_1_20170116174525125.jpg", 39, ("30-39", "unknown", "unknown"), "lacks gender or race"),
        ("61_3_20170109150557335.jpg", 61, ("60-69", "unknown", "indian"), "lacks gender or race"),
        ("53__0_20170116184028385.jpg", 53, ("50-59", "unknown", "white"), "no usable gender"),
        ("20_7_9_20170116184028385.jpg", 20, ("20-29", "unknown", "unknown"), "gender and race"),
        ("_1_0_20170116184028385.jpg", None, ("unknown", "female", "white"), ""),
        ("999_1_0_20170116184028385.jpg", None, ("unknown", "female", "white"), "not within 0"),
    ],
)
def test_names_with_gaps_keep_what_is_certain(
    tmp_path: Path, name: str, age: float | None, labels: tuple[str, str, str], note: str
) -> None:
    record = record_of(tmp_path, name)
    assert record.age == age
    assert tuple(record.labels[label] for label in ("age_group", "gender", "ethnicity")) == labels
    assert note in record.note
    assert record.reason == ""


@pytest.mark.parametrize("name", ["cat.jpg", "20170116184028385.jpg", "1_2_3_4_5_20170116184.jpg"])
def test_other_names_set_the_row_aside(tmp_path: Path, name: str) -> None:
    assert "file name is not [age]" in record_of(tmp_path, name).reason


def record_of(data: Path, name: str):  # type: ignore[no-untyped-def]
    source = open_layout("utkface", data)
    write(data / "utkface/part1" / name, photo(77))
    (record,) = (r for r in source.records() if r.name == f"part1/{name}")
    return record
