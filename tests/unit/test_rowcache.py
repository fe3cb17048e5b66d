import errno
import logging
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.errors import UserError
from augment.rowcache import KEEP_DAYS, KEY, LostRows, RowCache, prune, row_keys

SCHEMA = pa.schema([("value", pa.int64())])


def batch(**columns: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def result(*values: int) -> pa.RecordBatch:
    keys = pa.array([key(value) for value in values], pa.binary(16))
    return batch(value=pa.array(values), **{KEY: keys})


def key(value: int) -> bytes:
    return value.to_bytes(16, "little")


def test_gives_back_rows_in_any_order_also_after_reopening(tmp_path: Path) -> None:
    with RowCache(tmp_path, SCHEMA) as cache:
        cache.put(result(1, 2, 3))
        cache.put(result(4, 5))
    with RowCache(tmp_path, SCHEMA) as cache:
        assert key(4) in cache
        assert key(6) not in cache
        asked = [key(5), key(1), key(2), key(4), key(1)]
        assert cache.get(asked).to_pydict() == {"value": [5, 1, 2, 4, 1]}
        assert cache.get([]).schema.equals(SCHEMA)


def test_an_unknown_row_is_lost_not_invented(tmp_path: Path) -> None:
    with RowCache(tmp_path, SCHEMA) as cache, pytest.raises(LostRows):
        cache.get([key(1)])


def test_a_chunk_of_another_shape_is_dropped_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pq.write_table(pa.table({"other": [1]}), tmp_path / "strange.parquet")
    with caplog.at_level(logging.WARNING), RowCache(tmp_path, SCHEMA):
        assert not list(tmp_path.glob("*.parquet"))
    assert "strange.parquet is damaged" in caplog.text


def test_half_written_files_of_dead_processes_are_removed(tmp_path: Path) -> None:
    dead = tmp_path / ".chunk.parquet.999999999.tmp"
    ours = tmp_path / f".chunk.parquet.{os.getpid()}.tmp"
    dead.touch()
    ours.touch()
    with RowCache(tmp_path, SCHEMA):
        assert not dead.exists()
        assert ours.exists()


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: pa.Table, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with RowCache(tmp_path, SCHEMA) as cache:
        cache.put(result(1))
        with monkeypatch.context() as patch:
            patch.setattr(pq, "write_table", full)
            with pytest.raises(UserError, match="No space left on device"):
                cache.put(result(2))
    with RowCache(tmp_path, SCHEMA) as cache:
        assert cache.get([key(1)]).to_pydict() == {"value": [1]}
        assert key(2) not in cache
    assert len(list(tmp_path.iterdir())) == 1


def test_keys_do_not_depend_on_the_batch() -> None:
    whole = batch(id=pa.array(["a", "b", "c"]), image=pa.array([b"1", b"2", None]))
    keys = row_keys(whole, ("id", "image"))
    assert len(set(keys)) == 3
    assert {len(key) for key in keys} == {16}
    assert [row_keys(whole.slice(n, 1), ("id", "image"))[0] for n in range(3)] == keys
    assert row_keys(whole, ("id",)) != keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([1]), pa.array([1.0])),
        (pa.array(["1"]), pa.array([b"1"])),
        (pa.array([None], pa.string()), pa.array([""])),
        (pa.array([None], pa.string()), pa.array(["None"])),
        (pa.array([[1, 2]]), pa.array([[2, 1]])),
        (pa.array([["a", "b"]]), pa.array([["ab"]])),
        (pa.array([{"a": 1, "b": None}]), pa.array([{"a": None, "b": 1}])),
        (pa.array([{"a": b"xy"}]), pa.array([{"a": b"xz"}])),
        (pa.array([[{"a": b"xy"}]]), pa.array([[{"a": b"xy"}, None]])),
    ],
)
def test_other_values_have_other_keys(one: pa.Array, other: pa.Array) -> None:
    assert row_keys(batch(x=one), ("x",)) != row_keys(batch(x=other), ("x",))
    assert row_keys(batch(x=one), ("x",)) == row_keys(batch(x=one), ("x",))


def test_neighbouring_columns_do_not_run_into_each_other() -> None:
    one = batch(x=pa.array(["ab"]), y=pa.array(["c"]))
    other = batch(x=pa.array(["a"]), y=pa.array(["bc"]))
    assert row_keys(one, ("x", "y")) != row_keys(other, ("x", "y"))


def test_a_key_stays_the_same_for_ever() -> None:
    # A changed digest would silently empty every cache; change it knowingly.
    row = batch(
        id=pa.array(["drawn/1"]),
        image=pa.array([{"bytes": b"\xff\xd8", "path": "1.jpg"}]),
        points=pa.array([[0.5, 1.5]], pa.list_(pa.float32())),
    )
    assert row_keys(row, ("id", "image", "points"))[0].hex() == "b0dfede47d932d0ee8d3a241d5134128"


def test_caches_that_nobody_opens_any_more_are_removed(tmp_path: Path) -> None:
    for name in ("old", "young"):
        with RowCache(tmp_path / name, SCHEMA) as cache:
            cache.put(result(1))
    long_ago = time.time() - (KEEP_DAYS + 1) * 86_400
    os.utime(tmp_path / "old", (long_ago, long_ago))
    with RowCache(tmp_path / "old", SCHEMA):  # opened again: of use
        prune(tmp_path)
    os.utime(tmp_path / "old", (long_ago, long_ago))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "young"]
    prune(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["young"]
    prune(tmp_path / "nowhere")
