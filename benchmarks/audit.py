"""How long the audit of a large data set takes, and how much memory: python benchmarks/audit.py

Writes a made-up index (labels, hashes, planted duplicates; no pictures: the audit reads none) with
the pipeline's own shards, runs the audit stage on it in a process of its own, and reports seconds
and peak memory of that process.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from augment.engine import Engine
from augment.figures import Figure, write_figures
from augment.job import Job
from augment.schema import ALIGN_FAILED, OK, Labels, aligned_schema
from augment.shards import write_shards
from augment.stages import audit
from augment.vocabulary import AGE_GROUPS, ETHNICITIES, GENDERS, SKIN_TONES, UNKNOWN

SEED = 7
SHARDS = 64
AXES = ["age_group", "gender", "ethnicity"]
DUPLICATE_SHARE = 0.02  # half of them byte for byte, half with a few bits of the hash changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--attributes", type=int, default=0, help="label columns beyond the four")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/audit.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        labels = Labels(tuple(f"attribute_{n}" for n in range(args.attributes)))
        write_shards(Path(folder) / "aligned", _shards(args.rows, labels), SHARDS)
        seconds, gibibytes = _measure(Path(folder))
    data = f"made-up, {args.rows:,} rows, {len(labels.columns)} labels"
    print(f"{data}: {seconds:.1f} s, {gibibytes:.2f} GiB at most")
    rows = [
        Figure("seconds", "audit", data, round(seconds, 2), "s", "lower", args.rows),
        Figure("peak_memory", "audit", data, round(gibibytes, 3), "GiB", "lower", args.rows),
    ]
    write_figures(args.out, "audit", SEED, rows)


def _measure(folder: Path) -> tuple[float, float]:
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    process = context.Process(target=_audit, args=(folder, results))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"the audit ended with {process.exitcode}")
    seconds, gibibytes = results.get()
    return seconds, gibibytes


def _audit(folder: Path, results: Any) -> None:
    start = time.perf_counter()
    audit.run(
        Job(
            stage="audit",
            key=None,
            params={"audit": {"axes": AXES}},
            seed=SEED,
            inputs={"aligned": folder / "aligned"},
            outputs={"audit.json": folder / "audit.json", "plots/audit": folder / "plots"},
            engine=Engine("inline"),
        )
    )
    seconds = time.perf_counter() - start
    results.put((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))


def _shards(rows: int, labels: Labels) -> Iterator[tuple[int, pa.Table]]:
    random = np.random.default_rng(SEED)
    sizes = np.full(SHARDS, rows // SHARDS)
    sizes[: rows % SHARDS] += 1
    starts = np.cumsum(sizes) - sizes
    copied = random.integers(0, 2**64, (rows // 100, 4), dtype=np.uint64)
    for number, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        yield number, _shard(int(start), int(size), copied, labels, random)


def _shard(
    start: int,
    size: int,
    copied: np.ndarray[Any, np.dtype[np.uint64]],
    labels: Labels,
    random: np.random.Generator,
) -> pa.Table:
    """Rows ``start`` to ``start + size``: long tails over labels, some rows copies of others."""
    hashes = random.integers(0, 2**64, (size, 4), dtype=np.uint64)
    source = random.integers(0, len(copied), size)
    is_copy = random.random(size) < DUPLICATE_SHARE
    near = is_copy & (random.random(size) < 0.5)
    hashes[is_copy] = copied[source[is_copy]]
    hashes[near, 0] ^= np.uint64(0b1011)
    sha256 = [
        f"{'copy' if same else 'file'}{source[row] if same else start + row:060x}"
        for row, same in enumerate(is_copy & ~near)
    ]
    failed = random.random(size) < 0.01
    columns: dict[str, Any] = {
        "id": [f"made_up/{start + row:08d}.jpg" for row in range(size)],
        "status": np.where(failed, ALIGN_FAILED, OK),
        "reason": np.where(failed, "no face found", ""),
        "sha256": sha256,
        "photo_hash": pa.array([row.tobytes() for row in hashes], pa.binary(32)),
        "person": [f"made_up/{person}" for person in random.integers(0, 200_000, size)],
        "split": random.choice(["train", "validation", "test"], size, p=[0.8, 0.1, 0.1]),
        "padded_share": random.random(size, dtype=np.float32),
        "ita": random.normal(30, 20, size).astype(np.float32),
    }
    words = {
        "age_group": AGE_GROUPS, "gender": GENDERS, "ethnicity": ETHNICITIES,
        "skin_tone": SKIN_TONES,
    }  # fmt: skip
    for name in labels.columns:
        columns[name] = _skewed((*words.get(name, ("no", "yes")), UNKNOWN), size, random)
    schema = aligned_schema(labels)
    origin = [dict.fromkeys(labels.columns, "given")] * size
    arrays = {
        field.name: pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(size, field.type)
        for field in schema
    }
    arrays["label_origin"] = pa.array(origin, schema.field("label_origin").type)
    return pa.table(arrays, schema=schema)


def _skewed(
    words: tuple[str, ...], size: int, random: np.random.Generator
) -> np.ndarray[Any, np.dtype[np.str_]]:
    weights = 1.0 / (1 + np.arange(len(words)))
    return random.choice(np.array(words), size, p=weights / weights.sum())


if __name__ == "__main__":
    main()
