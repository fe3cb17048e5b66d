import pyarrow as pa
import pytest

from augment.types import Axis, BinSpace

AGE = Axis("age_group", ("child", "20-29"), {"0-2": "child", "3-9": "child"})
GENDER = Axis("gender", ("female", "male"), sensitive=False)
SPACE = BinSpace((AGE, GENDER))


@pytest.mark.parametrize(
    ("word", "value"),
    [("0-2", "child"), ("20-29", "20-29"), ("child", "child"), ("30-39", None),
     ("unknown", None), (None, None)],
)  # fmt: skip
def test_value_of_a_word(word: str | None, value: str | None) -> None:
    assert AGE.value_of(word) == value


def test_every_bin_has_its_number_and_name() -> None:
    assert len(SPACE) == 4
    assert SPACE.names == ("child · female", "child · male", "20-29 · female", "20-29 · male")
    for code in range(len(SPACE)):
        assert SPACE.code(SPACE.values(code)) == code


def test_codes_of_a_table_agree_with_code_of_each_row() -> None:
    rows = [
        {"age_group": "3-9", "gender": "male"},
        {"age_group": "20-29", "gender": "female"},
        {"age_group": "unknown", "gender": "female"},
        {"age_group": "0-2", "gender": None},
        {"age_group": "30-39", "gender": "male"},
    ]
    table = pa.Table.from_pylist(rows)
    assert SPACE.codes(table).tolist() == [SPACE.code(row) for row in rows] == [1, 2, -1, -1, -1]


def test_codes_of_several_chunks_and_of_none() -> None:
    rows = pa.table({"age_group": ["0-2"], "gender": ["female"]})
    assert SPACE.codes(pa.concat_tables([rows, rows])).tolist() == [0, 0]
    assert SPACE.codes(rows.slice(0, 0)).tolist() == []


def test_a_column_that_is_all_null() -> None:
    nulls = pa.table({"age_group": ["0-2"], "gender": pa.nulls(1, pa.string())})
    assert SPACE.codes(nulls).tolist() == [-1]


def test_json_round_trip_keeps_everything() -> None:
    assert BinSpace.from_json(SPACE.to_json()) == SPACE
