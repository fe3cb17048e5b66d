from typing import Any

import pyarrow as pa

from augment.intake.same_files import file_codes, flag_same_files
from augment.schema import Labels, index_schema

LABELS = Labels(("glasses",))


def index(*rows: dict[str, Any]) -> pa.Table:
    """Rows with what is given; labels that are given are also said to be."""
    full = []
    for number, row in enumerate(rows):
        known = {name: row.get(name, "unknown") for name in LABELS.columns}
        origin = {name: row.get("origin", "given") for name in LABELS.columns}
        base = {"id": f"s/{number}", "status": "ok", "reason": "", "note": ""}
        full.append({**base, **known, "label_origin": origin, **row})
    names = [key for row in full for key in row if key in index_schema(LABELS).names]
    schema = pa.schema([index_schema(LABELS).field(name) for name in dict.fromkeys(names)])
    keep = [{**dict.fromkeys(schema.names), **row} for row in full]
    table = pa.Table.from_pylist([{k: r[k] for k in schema.names} for r in keep], schema=schema)
    if "age" not in table.column_names:
        table = table.append_column("age", pa.nulls(table.num_rows, pa.float32()))
    return table


def flagged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return flag_same_files(index(*rows), LABELS.columns).to_pylist()


def test_codes() -> None:
    words = pa.chunked_array([["x", "", None], ["y", "x"]])
    x, empty, null, y, again = file_codes(words).tolist()
    assert x == again != y
    assert (empty, null) == (-1, -1)


def test_other_files_are_left_alone() -> None:
    rows = flagged({"sha256": "a"}, {"sha256": "b"}, {"sha256": ""}, {"sha256": ""})
    assert {(row["status"], row["note"]) for row in rows} == {("ok", "")}


def test_copies_that_agree_are_flagged_and_kept() -> None:
    first, other, second = flagged(
        {"sha256": "a", "gender": "male", "note": "odd"},
        {"sha256": "b"},
        {"sha256": "a", "gender": "male", "glasses": "yes"},  # the first does not know: no conflict
    )
    assert first["note"] == "odd; same file as 's/2'"
    assert second["note"] == "same file as 's/0'"
    assert [row["status"] for row in (first, other, second)] == ["ok"] * 3


def test_copies_that_disagree_are_set_aside_all_of_them() -> None:
    same = {"sha256": "a", "gender": "male"}
    rows = flagged(same, {**same, "age": 30.0}, {"sha256": "a", "gender": "female", "age": 31.0})
    assert {row["status"] for row in rows} == {"set_aside"}
    assert rows[0]["reason"] == "the same file as 's/1' with other labels: age, gender"
    assert rows[2]["reason"] == "the same file as 's/0' with other labels: age, gender"


def test_assumed_labels_disagree_with_nothing() -> None:
    rows = flagged(
        {"sha256": "a", "glasses": "yes"}, {"sha256": "a", "glasses": "no", "origin": "assumed"}
    )
    assert {row["status"] for row in rows} == {"ok"}


def test_an_earlier_reason_stays() -> None:
    rows = flagged(
        {"sha256": "a", "gender": "male", "status": "set_aside", "reason": "twice in the table"},
        {"sha256": "a", "gender": "female"},
    )
    assert rows[0]["reason"] == "twice in the table"
    assert rows[1]["status"] == "set_aside"
