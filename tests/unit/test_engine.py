import dataclasses
import hashlib
import logging
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.engine import (
    Engine,
    EngineName,
    Work,
    one_thread,
    replace_columns,
    usable_cores,
)
from augment.errors import UserError
from augment.rowcache import ROWS_PER_CHUNK
from augment.schema import IMAGE
from augment.shards import iterate, read_table, write_bucketed
from tests.unit.ops import Die, Draw, Forget, Other, Refuse

SCHEMA = pa.schema([("id", pa.string()), ("image", IMAGE), ("status", pa.string())])


def make_folder(folder: Path, rows: int, shards: int = 4) -> Path:
    content = [
        {"id": f"row {n}", "image": {"bytes": bytes([n % 256]), "path": ""}, "status": "ok"}
        for n in range(rows)
    ]
    write_bucketed(folder, pa.Table.from_pylist(content, schema=SCHEMA), shards)
    return folder


def fingerprint(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def engine(tmp_path: Path, name: EngineName = "inline", cache: str = "cache") -> Engine:
    return Engine(name, workers=2, cache=tmp_path / cache, progress=False)


def computed(log: Path) -> int:
    return len(list(log.iterdir()))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    folder.mkdir()
    return folder


def test_adds_columns_and_keeps_rows_ids_and_order(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "in", 250)
    engine(tmp_path).map_folder(Draw(), source, tmp_path / "out", "draw")
    before, after = read_table(source), read_table(tmp_path / "out")
    assert after.column_names == ["id", "image", "status", "number", "content"]
    assert after.column("id").equals(before.column("id"))
    assert after.column("image").equals(before.column("image"))
    assert set(after.column("status").to_pylist()) == {"drawn"}  # replaced, in its old place


def test_pool_gives_the_same_bytes_as_this_process(tmp_path: Path, log: Path) -> None:
    source = make_folder(tmp_path / "in", 450)
    engine(tmp_path).map_folder(Draw(), source, tmp_path / "one", "draw")
    engine(tmp_path, "pool", "other").map_folder(
        Draw(log=str(log)), source, tmp_path / "two", "draw"
    )
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    workers = {path.name.split(".")[-1] for path in log.iterdir()}
    assert str(os.getpid()) not in workers  # it was the pool that worked


def test_rows_are_computed_once(tmp_path: Path, log: Path) -> None:
    source = make_folder(tmp_path / "in", 250)
    engine(tmp_path).map_folder(Draw(log=str(log)), source, tmp_path / "out", "draw")
    assert computed(log) == 250
    first = fingerprint(tmp_path / "out")
    for path in log.iterdir():
        path.unlink()
    engine(tmp_path).map_folder(Draw(log=str(log)), source, tmp_path / "again", "draw")
    assert computed(log) == 0
    assert fingerprint(tmp_path / "again") == first


def test_a_grown_set_pays_for_its_new_rows_only(tmp_path: Path, log: Path) -> None:
    engine(tmp_path).map_folder(Draw(), make_folder(tmp_path / "in", 1000), tmp_path / "a", "draw")
    grown = make_folder(tmp_path / "grown", 1010)
    engine(tmp_path).map_folder(Draw(log=str(log)), grown, tmp_path / "b", "draw")
    assert computed(log) == 10
    engine(tmp_path, cache="none").map_folder(Draw(), grown, tmp_path / "c", "draw")
    assert fingerprint(tmp_path / "b") == fingerprint(tmp_path / "c")


def test_another_configuration_computes_anew(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "in", 20)
    engine(tmp_path).map_folder(Draw(1.0), source, tmp_path / "one", "draw")
    engine(tmp_path).map_folder(Draw(2.0), source, tmp_path / "two", "draw")
    one, two = read_table(tmp_path / "one"), read_table(tmp_path / "two")
    assert [2 * n for n in one["number"].to_pylist()] == two["number"].to_pylist()


def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_folder(tmp_path / "in", 400)
    calls = 0

    def stops_at_third_chunk(self: Draw, batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return whole(self, batch)

    whole = Draw.__call__
    with monkeypatch.context() as patch:
        patch.setattr(Draw, "__call__", stops_at_third_chunk)
        with pytest.raises(KeyboardInterrupt):
            engine(tmp_path).map_folder(Draw(), source, tmp_path / "out", "draw")
    assert not (tmp_path / "out" / "_complete.json").exists()
    engine(tmp_path).map_folder(Draw(log=str(log)), source, tmp_path / "out", "draw")
    assert computed(log) == 400 - 2 * ROWS_PER_CHUNK  # two chunks were kept
    engine(tmp_path, cache="none").map_folder(Draw(), source, tmp_path / "undisturbed", "draw")
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "undisturbed")


def chunk_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").rglob("*.parquet"))


@pytest.mark.parametrize("harm", ["empty", "cut", "flip", "text"])
def test_a_damaged_chunk_is_computed_again_with_a_note(
    tmp_path: Path, log: Path, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    source = make_folder(tmp_path / "in", 450)
    engine(tmp_path).map_folder(Draw(), source, tmp_path / "out", "draw")
    harmed = chunk_files(tmp_path)[0]
    content = bytearray(harmed.read_bytes())
    if harm == "flip":  # a pixel's bit: the file still opens and its keys can be read
        place = content.find(read_chunk_content(harmed))
        content[place + 3] ^= 1
    damage = {"empty": b"", "cut": content[: len(content) // 2], "flip": content, "text": b"hello"}
    harmed.write_bytes(damage[harm])
    with caplog.at_level(logging.WARNING):
        engine(tmp_path).map_folder(Draw(log=str(log)), source, tmp_path / "again", "draw")
    assert "computed again" in caplog.text
    assert harmed.name in caplog.text
    assert 0 < computed(log) < 450
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "again")


def read_chunk_content(path: Path) -> bytes:
    content: bytes = pq.ParquetFile(path).read(columns=["content"])["content"][0].as_py()
    return content


def test_a_worker_that_dies_is_said_in_one_sentence(tmp_path: Path, log: Path) -> None:
    source = make_folder(tmp_path / "in", 450)
    with pytest.raises(UserError, match="worker process died"):
        engine(tmp_path, "pool").map_folder(Die(), source, tmp_path / "out", "draw")
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "cache").rglob("*.tmp"))


def test_a_users_error_in_a_worker_arrives_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weights do not fit"):
        engine(tmp_path, "pool").map_folder(
            Refuse(), make_folder(tmp_path / "in", 250), tmp_path / "out", "draw"
        )


def test_an_op_that_loses_a_row_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Forget returned .* rows"):
        engine(tmp_path).map_folder(
            Forget(), make_folder(tmp_path / "in", 50), tmp_path / "out", "draw"
        )


@pytest.mark.parametrize("rows", [0, 1])
def test_empty_and_tiny_folders(tmp_path: Path, rows: int) -> None:
    source = make_folder(tmp_path / "in", rows)
    engine(tmp_path, "pool").map_folder(Draw(), source, tmp_path / "out", "draw")
    assert read_table(tmp_path / "out").num_rows == rows


def test_map_batches_streams_the_same_rows(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "in", 250)
    engine(tmp_path).map_folder(Draw(), source, tmp_path / "out", "draw")
    batches = engine(tmp_path).map_batches(Draw(), lambda: iterate(source), 250, "draw")
    assert pa.Table.from_batches(batches).equals(read_table(tmp_path / "out").combine_chunks())


def map_both(tmp_path: Path, name: EngineName, cache: str) -> list[pa.Table]:
    """Two folders that share 150 rows: one for two operations, the other for one of them."""
    sources = make_folder(tmp_path / "in", 250), make_folder(tmp_path / "part", 150)
    wide = Draw(2.0)
    ops = {"one": Draw(1.0), "two": wide}
    works = [
        Work(ops, lambda: iterate(sources[0]), 250),
        Work({"two": wide}, lambda: iterate(sources[1]), 150),
    ]
    parts: dict[tuple[int, int], list[pa.RecordBatch]] = {}
    for number, results in engine(tmp_path, name, cache).map_many(works, "both"):
        for place, batch in enumerate(results):
            parts.setdefault((number, place), []).append(batch)
    return [pa.Table.from_batches(parts[key]) for key in sorted(parts)]


@pytest.mark.parametrize("name", ["inline", "pool"])
def test_several_operations_in_one_pass_give_what_each_gives_alone(
    tmp_path: Path, name: EngineName
) -> None:
    found = map_both(tmp_path, name, "cache")
    assert [table.num_rows for table in found] == [250, 250, 150]
    for table, factor, folder in zip(found, (1.0, 2.0, 2.0), ("in", "in", "part"), strict=True):
        source = tmp_path / folder
        alone = engine(tmp_path, cache="alone").map_batches(
            Draw(factor), lambda source=source: iterate(source), 0, "draw"
        )
        expected = pa.Table.from_batches(alone).select(table.column_names)
        assert table.combine_chunks().equals(expected.combine_chunks())


def test_a_row_of_two_streams_is_computed_once_for_each_operation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[tuple[float, str]] = []
    whole = Draw.__call__

    def counting(self: Draw, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows.extend((self.factor, row_id) for row_id in batch.column("id").to_pylist())
        return whole(self, batch)

    monkeypatch.setattr(Draw, "__call__", counting)
    map_both(tmp_path, "inline", "cache")
    assert len(rows) == len(set(rows)) == 500
    map_both(tmp_path, "inline", "cache")
    assert len(rows) == 500


def test_one_operations_lost_rows_are_computed_again_for_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = map_both(tmp_path, "inline", "cache")
    files = [path for path in chunk_files(tmp_path) if path.parent.name.startswith("one-")]
    files[0].write_bytes(b"")
    factors: list[float] = []
    whole = Draw.__call__

    def counting(self: Draw, batch: pa.RecordBatch) -> pa.RecordBatch:
        factors.extend([self.factor] * batch.num_rows)
        return whole(self, batch)

    monkeypatch.setattr(Draw, "__call__", counting)
    assert map_both(tmp_path, "inline", "cache") == first
    assert set(factors) == {1.0}
    assert 0 < len(factors) <= ROWS_PER_CHUNK


def test_operations_that_need_other_columns_do_not_run_together(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "in", 3)
    ops = {"one": Draw(), "two": Other()}
    with pytest.raises(ValueError, match="same columns"):
        list(engine(tmp_path).map_many([Work(ops, lambda: iterate(source), 3)], "both"))


def test_columns_selects_what_is_kept(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "in", 10)
    engine(tmp_path).map_folder(Draw(), source, tmp_path / "out", "draw", columns=("id",))
    assert read_table(tmp_path / "out").column_names == ["id", "number", "content", "status"]


def test_replace_columns() -> None:
    batch = pa.RecordBatch.from_pydict({"a": [1], "b": [2]})
    added = pa.RecordBatch.from_pydict({"a": [3], "c": [4]})
    assert replace_columns(batch, added).to_pydict() == {"a": [3], "b": [2], "c": [4]}


def test_one_thread_gives_threads_back() -> None:
    import cv2

    with one_thread():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == usable_cores()
    assert "OMP_NUM_THREADS" not in os.environ or os.environ["OMP_NUM_THREADS"] != "1"


def test_engine_is_a_plain_value() -> None:
    assert dataclasses.replace(Engine(), name="inline") == Engine("inline")
