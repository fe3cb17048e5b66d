"""predicted.csv: guesses fill what nobody has labelled, and nothing else."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from augment.errors import UserError
from augment.intake.predictions import (
    Prediction,
    drop_predictions,
    fill,
    read_predictions,
    write_predictions,
)
from augment.schema import Labels, index_schema, table, without_predicted

LABELS = Labels()


def guess(number: int, value: str = "20-29", **values: Any) -> Prediction:
    row = {"id": f"s/{number}", "label": "age_group", "probability": 0.875,
           "model": "age abc", "sha256": f"f{number}"}  # fmt: skip
    return Prediction(**{**row, "value": value, **values})


def index(**changed: Any) -> pa.Table:
    """One row, a usable train face without an age group."""
    origins = dict.fromkeys(LABELS.columns, "unknown") | changed.pop("origins", {})
    row = {"id": "s/1", "sha256": "f1", "status": "ok", "split": "train", "note": "grey",
           "age_group": "unknown", "gender": "female", "label_origin": origins}  # fmt: skip
    return table([{**row, **changed}], index_schema(LABELS))


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "predicted.csv"
    found = [guess(2), guess(1, "70+", id='s/a "comma", and é.jpg')]
    write_predictions(path, found)
    assert read_predictions(path) == sorted(found, key=lambda one: one.id)
    assert read_predictions(tmp_path / "none.csv") == []
    path.write_text("")
    assert read_predictions(path) == []


def test_a_guess_fills_what_nobody_has_labelled() -> None:
    filled, told = fill(index(), [guess(1), guess(5)], LABELS)
    assert filled.schema.equals(index().schema)
    row = filled.to_pylist()[0]
    assert row["age_group"] == "20-29"
    assert row["label_origin"]["age_group"] == "predicted"
    assert row["label_origin"]["gender"] == "unknown"
    assert row["note"] == "grey; age_group predicted by age abc, probability 0.8 or more"
    assert told == {"filled in": 1, "of a file that is not there (any more)": 1}


@pytest.mark.parametrize(
    ("row", "value", "reason"),
    [
        ({"age_group": "3-9"}, "20-29", "labelled by now"),
        ({"split": "test"}, "20-29", "of a face outside of the train split"),
        ({"split": "validation"}, "20-29", "of a face outside of the train split"),
        ({"status": "set_aside"}, "20-29", "of a face outside of the train split"),
        ({}, "25-29", "of an age group that ingest.age_groups does not name ('25-29')"),
        ({"sha256": "another file"}, "20-29", "of a file that is not there (any more)"),
    ],
)
def test_what_is_not_filled_in_is_counted(row: dict[str, Any], value: str, reason: str) -> None:
    before = index(**row)
    after, told = fill(before, [guess(1, value)], LABELS)
    assert after.equals(before)
    assert told == {reason: 1}


def test_a_guess_is_unknown_to_what_learns() -> None:
    filled, _ = fill(index(origins={"gender": "given"}), [guess(1)], LABELS)
    row = without_predicted(filled).to_pylist()[0]
    assert (row["age_group"], row["gender"]) == ("unknown", "female")
    given = index(age_group="3-9", origins={"age_group": "given"})
    assert without_predicted(given).equals(given)
    # Columns that were not read are not missed.
    some = filled.select(["id", "label_origin"])
    assert without_predicted(some).equals(some)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("s/1,age_group,20-29,high,age abc,f1", "line 3: 'high' is no probability"),
        ("s/1,gender,male,0.9,age abc,f1", "line 3: only age_group can be filled in, not 'gender'"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "predicted.csv"
    write_predictions(path, [guess(2)])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(UserError, match=said):
        read_predictions(path)


def test_another_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "predicted.csv"
    path.write_text("photo,age\na.jpg,3\n")
    with pytest.raises(UserError, match="probability"):
        read_predictions(path)


def test_lines_of_who_withdraws_go(tmp_path: Path) -> None:
    path = tmp_path / "predicted.csv"
    write_predictions(path, [guess(1), guess(2), guess(3)])
    assert drop_predictions(path, {"s/1"}, {"f3"}) == 2
    assert read_predictions(path) == [guess(2)]
    written = path.stat().st_mtime_ns
    assert drop_predictions(path, {"s/1"}, set()) == 0
    assert path.stat().st_mtime_ns == written
