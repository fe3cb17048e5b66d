import errno
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.errors import UserError
from augment.schema import IMAGE
from augment.shards import (
    MARKER,
    AtomicFile,
    bucket_of,
    iterate,
    read_json,
    read_schema,
    read_table,
    shard_name,
    shard_paths,
    write_bucketed,
    write_json,
    write_marker,
    write_shards,
    write_table,
    write_text,
)


def table(ids: list[str]) -> pa.Table:
    return pa.table({"id": ids, "n": list(range(len(ids)))})


def ids(number: int) -> list[str]:
    return [f"face {n}" for n in range(number)]


def test_rows_lie_sorted_in_their_bucket(tmp_path: Path) -> None:
    write_bucketed(tmp_path, table(ids(500)), 4)
    for number, path in enumerate(shard_paths(tmp_path)):
        assert path.name == shard_name(number, 4)
        found = pq.read_table(path).column("id").to_pylist()
        assert found == sorted(found)
        assert {bucket_of(row_id, 4) for row_id in found} == {number}
    assert sorted(read_table(tmp_path)["id"].to_pylist()) == sorted(ids(500))
    assert read_schema(tmp_path).names == ["id", "n"]


def test_golden_buckets() -> None:
    assert [bucket_of(row_id, 64) for row_id in ids(5)] == [48, 28, 4, 46, 60]


def test_dropping_two_rows_changes_two_shards(tmp_path: Path) -> None:
    all_rows = table(ids(640))
    write_bucketed(tmp_path / "a", all_rows, 64)
    write_bucketed(tmp_path / "b", all_rows.filter(pa.array([n > 1 for n in range(640)])), 64)
    changed = [
        one.name
        for one, other in zip(shard_paths(tmp_path / "a"), shard_paths(tmp_path / "b"), strict=True)
        if one.read_bytes() != other.read_bytes()
    ]
    assert len(changed) == 2


def test_a_folder_without_marker_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="missing or incomplete"):
        shard_paths(tmp_path / "none")

    def interrupted() -> object:
        yield 0, table(ids(1))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path, interrupted(), 2)
    with pytest.raises(UserError, match="missing or incomplete"):
        read_table(tmp_path)


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"audit.json is missing: run the stage that makes it"):
        read_json(tmp_path / "audit.json")
    write_json(tmp_path / "audit.json", {"faces": 3})
    assert read_json(tmp_path / "audit.json") == {"faces": 3}


def test_an_older_folder_stops_counting_when_it_is_written_again(tmp_path: Path) -> None:
    write_bucketed(tmp_path, table(ids(100)), 8)

    def interrupted() -> object:
        yield 0, table(ids(1))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path, interrupted(), 8)
    with pytest.raises(UserError, match="missing or incomplete"):
        shard_paths(tmp_path)
    write_bucketed(tmp_path, table(ids(100)), 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        MARKER, *(shard_name(number, 4) for number in range(4))
    ]  # fmt: skip


def test_every_shard_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 of 2 shards"):
        write_shards(tmp_path, [(0, table(ids(3)))], 2)


def test_batches_are_bounded_and_columns_chosen(tmp_path: Path) -> None:
    write_bucketed(tmp_path, table(ids(450)), 2)
    batches = list(iterate(tmp_path, ["n"]))
    assert max(batch.num_rows for batch in batches) == 100
    assert sum(batch.num_rows for batch in batches) == 450
    assert batches[0].schema.names == ["n"]


def test_pictures_stay_uncompressed_in_small_row_groups(tmp_path: Path) -> None:
    pictures = [{"bytes": bytes(1000), "path": "x"} for _ in range(250)]
    content = pa.table({"id": ids(250), "image": pa.array(pictures, IMAGE)})
    write_table(tmp_path / "a.parquet", content)
    described = pq.read_metadata(tmp_path / "a.parquet")
    assert described.num_row_groups == 3
    group = described.row_group(0)
    codecs = {group.column(n).path_in_schema: group.column(n).compression for n in range(3)}
    assert codecs == {"id": "ZSTD", "image.bytes": "UNCOMPRESSED", "image.path": "ZSTD"}


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"

    def fail_half_way() -> None:
        with AtomicFile(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert list(path.parent.iterdir()) == []
    write_text(path, "whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_process_left_is_no_part_of_a_finished_folder(tmp_path: Path) -> None:
    left = tmp_path / "part" / ".a.parquet.4711.tmp"
    left.parent.mkdir()
    left.write_text("half")
    write_marker(tmp_path, {"shards": []})
    assert sorted(path.name for path in tmp_path.rglob("*")) == [MARKER, "part"]


@pytest.mark.parametrize("at", ["write", "fsync"])
def test_a_full_disk_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_text(tmp_path / "a.txt", "before")
    monkeypatch.setattr(*((Path, "write_text") if at == "write" else (os, "fsync")), full)
    with pytest.raises(UserError, match=r"a\.txt cannot be written: No space left on device"):
        write_text(tmp_path / "a.txt", "after")
    monkeypatch.undo()
    assert (tmp_path / "a.txt").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_another_failure_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path / "a.txt", "x")
    assert len(list(tmp_path.iterdir())) == 1


def test_json_is_for_people_and_git(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    text = (tmp_path / "a.json").read_text()
    assert text == '{\n "b": 1,\n "a": "é"\n}\n'
    assert json.loads(text) == {"b": 1, "a": "é"}
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "b.json", float("inf"))
