from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.errors import UserError
from augment.intake.label_tables import (
    YES_NO,
    by_key,
    look_up,
    look_up_age_group,
    read_pairs,
    read_rows,
    read_years,
)
from augment.vocabulary import AGE_GROUPS, UNKNOWN, parse_age_groups

GROUPS = parse_age_groups(AGE_GROUPS)


def csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiters_of_spreadsheets(tmp_path: Path, mark: str) -> None:
    path = csv(tmp_path, f'file{mark} age \na.jpg{mark}3\n\n"b{mark}c.jpg"{mark}4\n', "utf-8-sig")
    rows = [{"file": "a.jpg", "age": "3"}, {"file": f"b{mark}c.jpg", "age": "4"}]
    assert list(read_rows(path, ["file", "age"])) == rows


def test_short_rows_have_empty_cells_and_long_ones_lose_the_rest(tmp_path: Path) -> None:
    rows = list(read_rows(csv(tmp_path, "file,age\na.jpg\nb.jpg,4,5\n"), ["file"]))
    assert rows == [{"file": "a.jpg", "age": ""}, {"file": "b.jpg", "age": "4"}]


def test_parquet_cells_become_text(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    columns = {"file": ["a", "b"], "age": [24.0, None], "glasses": [True, False], "x": [[1], [2]]}
    pq.write_table(pa.table(columns), path)
    assert list(read_rows(path, ["file", "age", "glasses"])) == [
        {"file": "a", "age": "24", "glasses": "True"},
        {"file": "b", "age": "", "glasses": "False"},
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,years\na,3\n", "no column 'age'; it has: file, years"),
        ("", "it is empty"),
        ("file,age,age\na,3,4\n", "more than one column 'age'"),
    ],
)
def test_wrong_headers_are_explained(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        list(read_rows(csv(tmp_path, text), ["file", "age"]))


def test_unreadable_tables_are_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is missing"):
        list(read_rows(tmp_path / "none.csv", ["file"]))
    with pytest.raises(UserError, match="not UTF-8"):
        list(read_rows(csv(tmp_path, "file\nJosé.jpg\n", "latin-1"), ["file"]))
    with pytest.raises(UserError, match="cannot be read"):
        list(read_rows(csv(tmp_path, "file\n" + "x" * 200_000 + "\n"), ["file"]))
    with pytest.raises(UserError, match="cannot be read"):
        list(read_rows(tmp_path, ["file"]))
    (tmp_path / "no.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(UserError, match="cannot be read"):
        list(read_rows(tmp_path / "no.parquet", ["file"]))


def test_files_that_stand_twice() -> None:
    rows = [{"file": f, "age": a} for f, a in ["a3", "b4", "a3", "b5", "c6"]]
    keyed = by_key(rows, "file")
    assert list(keyed.rows) == ["a", "b", "c"]
    assert "same labels" in keyed.remark("a").note
    assert not keyed.remark("a").reason
    assert "different labels" in keyed.remark("b").reason
    assert keyed.remark("c") == type(keyed.remark("c"))()


@pytest.mark.parametrize("word", ["Yes", " TRUE ", "1", "1.0"])
def test_known_words(word: str) -> None:
    assert look_up("glasses", word, YES_NO) == ("yes", "")


@pytest.mark.parametrize("word", ["", " ", "nan", "None", "?", "unknown"])
def test_no_word_is_unknown_without_a_note(word: str) -> None:
    assert look_up("gender", word, {}) == (UNKNOWN, "")
    assert look_up_age_group(word, GROUPS) == (UNKNOWN, "")
    assert read_years(word) == (None, "")


def test_strange_words_are_unknown_with_a_short_note() -> None:
    value, note = look_up("gender", "it's\na " + "long " * 100, {})
    assert value == UNKNOWN
    assert note.startswith("gender: word 'it’s a long")
    assert len(note) < 80
    assert note.count("'") == 2


@pytest.mark.parametrize(
    ("word", "group"),
    [
        ("0-2", "0-2"), ("3-6", "3-9"), (" 20 – 29", "20-29"), ("20 to 25", "20-29"),
        ("more than 70", "70+"), ("70+", "70+"), ("70-120", "70+"), (">= 70", "70+"),
    ],
)  # fmt: skip
def test_spans_of_years(word: str, group: str) -> None:
    assert look_up_age_group(word, GROUPS) == (group, "")


@pytest.mark.parametrize("word", ["50-69", "0-9", "more than 60", "65+"])
def test_spans_over_several_groups_stay_unknown(word: str) -> None:
    value, note = look_up_age_group(word, GROUPS)
    assert (value, note) == (UNKNOWN, f"age_group: '{word}' lies in no single group of params")


@pytest.mark.parametrize(
    ("word", "span"),
    [
        ("03-Sep", "3-9"), ("3-Sep", "3-9"), ("Sep-03", "3-9"), ("09-Mar", "3-9"), ("Mar-9", "3-9"),
        ("2024-09-03", "3-9"), ("Oct-19", "10-19"), ("19-Oct", "10-19"), ("19-October", "10-19"),
        ("2019-10-01", "10-19"),
    ],
)  # fmt: skip
def test_spreadsheet_dates_are_repaired_with_a_note(word: str, span: str) -> None:
    assert look_up_age_group(word, GROUPS) == (span, f"age_group: '{word}' read as '{span}'")


@pytest.mark.parametrize("word", ["04-Sep", "Nov-19", "adult", "2024-09-04", "-3"])
def test_other_words_are_not_guessed(word: str) -> None:
    assert look_up_age_group(word, GROUPS) == (UNKNOWN, f"age_group: word '{word}' is not known")


@pytest.mark.parametrize(("word", "years"), [("24", 24.0), ("0.5", 0.5), ("120", 120.0)])
def test_years(word: str, years: float) -> None:
    assert read_years(word) == (years, "")


@pytest.mark.parametrize("word", ["-1", "121", "inf", "1e9", "old"])
def test_impossible_years_are_noted(word: str) -> None:
    years, note = read_years(word)
    assert years is None
    assert word in note


def test_pairs_of_words(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("a 1 x\nb 2 y\na 1 x\nb 3 y\n\nlonely\n")
    assert read_pairs(path) == {"a": "1"}
    assert read_pairs(path, value_at=2) == {"a": "x", "b": "y"}
