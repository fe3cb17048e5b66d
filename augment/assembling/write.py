"""Write the chosen rows as shards that Hugging Face ``datasets`` and :mod:`augment.dataset` open.

Every shard of the data set is made of whole hash buckets of its inputs, so a row more or less
changes one shard, and memory is bounded by a shard. Inside a shard rows stand in an order that
means nothing: reading in sequence mixes groups, real and synthetic.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from augment.schema import Labels, balanced_schema
from augment.seeds import row_seed
from augment.shards import bucket_of, shard_paths, write_table

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Written:
    """The shards, as manifest.json lists them, and the sha256 of every picture by id."""

    shards: list[dict[str, Any]]
    pictures: dict[str, str]


def write_splits(
    target: Path, manifest: pa.Table, aligned: Path, folders: Sequence[Path], rows_per_shard: int
) -> Written:
    """Write ``target/data/<split>-<number>-of-<count>.parquet``; a split without rows has none.

    Raises:
        ValueError: a picture is missing: a defect of the program.
    """
    labels = Labels.of(manifest.schema)
    buckets = len(shard_paths(aligned))
    written = Written([], {})
    for split in SPLITS:
        rows = manifest.filter(pc.equal(manifest.column("split"), split))
        if not rows.num_rows:
            continue
        count = shard_count(rows.num_rows, buckets, rows_per_shard)
        of_row = np.array([bucket_of(name, count) for name in rows.column("id").to_pylist()])
        for number in range(count):
            part = rows.filter(pa.array(of_row == number))
            content = _shard(part, number, count, aligned, folders, labels)
            path = target / "data" / f"{split}-{number:05d}-of-{count:05d}.parquet"
            write_table(path, content)
            written.shards.append(_describe(path, target, split, content.num_rows))
            written.pictures.update(_digests(content))
    return written


def shard_count(rows: int, buckets: int, rows_per_shard: int) -> int:
    """The fewest shards that hold at most ``rows_per_shard`` on average and divide ``buckets``."""
    divisors = [n for n in range(1, buckets + 1) if buckets % n == 0]
    return next((n for n in divisors if rows <= n * rows_per_shard), buckets)


def _shard(
    rows: pa.Table,
    number: int,
    count: int,
    aligned: Path,
    folders: Sequence[Path],
    labels: Labels,
) -> pa.Table:
    """The rows with their pictures, in the order of a hash of their own."""
    sources = [aligned, *folders] if pc.any(rows.column("synthetic")).as_py() else [aligned]
    wanted = rows.column("id").combine_chunks()
    parts = [part for folder in sources for part in _pictures(folder, wanted, number, count)]
    found = {name: n for n, name in enumerate(i for p in parts for i in p.column("id").to_pylist())}
    missing = [name for name in wanted.to_pylist() if name not in found]
    if missing:
        raise ValueError(f"no picture of {missing[0]}, and of {len(missing) - 1} more")
    ids = sorted(wanted.to_pylist(), key=lambda name: row_seed(0, "order in the shard", name))
    own = {name: n for n, name in enumerate(wanted.to_pylist())}
    schema = balanced_schema(labels)
    columns = rows.take(pa.array([own[name] for name in ids], pa.int64()))
    images = pa.concat_tables(parts).column("image") if parts else pa.chunked_array([], pa.null())
    images = images.take(pa.array([found[name] for name in ids], pa.int64()))
    return pa.table(
        [images if name == "image" else columns.column(name) for name in schema.names],
        schema=schema,
    )


def _pictures(folder: Path, wanted: pa.Array, number: int, count: int) -> Iterator[pa.Table]:
    """``id`` and ``image`` of the wanted rows of a folder."""
    paths = shard_paths(folder)
    for place, path in enumerate(paths):
        # Buckets of a multiple of ``count`` shards lie whole in one of ``count`` shards.
        if len(paths) % count == 0 and place % count != number:
            continue
        ids = pq.read_table(path, columns=["id"]).column("id")
        if pc.any(pc.is_in(ids, wanted)).as_py():
            content = pq.read_table(path, columns=["id", "image"])
            yield content.filter(pc.is_in(content.column("id"), wanted))


def _digests(content: pa.Table) -> dict[str, str]:
    pictures = content.column("image").combine_chunks().field("bytes").to_pylist()
    ids = content.column("id").to_pylist()
    return {
        name: hashlib.sha256(picture).hexdigest()
        for name, picture in zip(ids, pictures, strict=True)
    }


def _describe(path: Path, target: Path, split: str, rows: int) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "file": path.relative_to(target).as_posix(),
        "split": split,
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": digest,
    }


def with_digests(manifest: pa.Table, pictures: dict[str, str]) -> pa.Table:
    """The manifest with the sha256 of each picture's bytes."""
    digests = [pictures[name] for name in manifest.column("id").to_pylist()]
    place = manifest.schema.get_field_index("sha256")
    return manifest.set_column(place, manifest.schema.field(place), pa.array(digests, pa.string()))


def source_digest() -> str:
    """sha256 over the package's Python files: which code made a data set.

    Not the commit: the same code must give the same bytes, whatever else was committed.
    """
    root = Path(__file__).parents[1]
    content = [
        (path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(root.rglob("*.py"))
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
