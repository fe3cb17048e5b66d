"""How many faces a second the balanced set gives to a training: python benchmarks/load.py [folder]

``BalancedFaces`` and Hugging Face ``datasets`` over the same Parquet shards in one run and one
process: decoded to uint8 arrays with the class number of one label, in the stored order and in a
shuffled one, in batches of 64. Without a folder a set of drawn-like pictures is made first.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from augment.dataset import BalancedFaces
from augment.figures import Figure, write_figures
from augment.images import encode
from augment.schema import Labels, balanced_schema
from augment.shards import write_json, write_table

SEED = 7
BATCH = 64
LABEL = "gender"
Batches = Callable[[Sequence[int]], Iterator[Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="a data/balanced; none: made up")
    parser.add_argument("--rows", type=int, default=20_000, help="of the made-up set")
    parser.add_argument("--size", type=int, default=64, help="pixels, of the made-up set")
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many is reported")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/load.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or make_up(Path(scratch) / "balanced", args.rows, args.size)
        data = args.folder.as_posix() if args.folder else f"made-up, {args.size} px"
        readers: dict[str, Batches] = {
            "BalancedFaces": ours(folder),
            "datasets": theirs(folder, Path(scratch) / "cache"),
        }
        rows = len(BalancedFaces(folder))
        orders = {"stored": list(range(rows)), "shuffled": list(range(rows))}
        random.Random(SEED).shuffle(orders["shuffled"])
        figures = [
            measure(arch, batches, name, order, data, args.repeats)
            for name, order in orders.items()
            for arch, batches in readers.items()
        ]
    write_figures(args.out, "load", SEED, figures)


def measure(
    arch: str, batches: Batches, name: str, order: Sequence[int], data: str, repeats: int
) -> Figure:
    """Rows a second over the whole order, the fastest of ``repeats`` passes."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        rows = sum(len(batch) for batch in batches(order))
        best = min(best, time.perf_counter() - start)
        assert rows == len(order)
    speed = round(len(order) / best, 1)
    print(f"{arch:14} {name:9} {speed:10,.0f} rows/s")
    return Figure(f"rows_per_s_{name}", arch, data, speed, "rows/s", "higher", len(order))


def ours(folder: Path) -> Batches:
    faces = BalancedFaces(folder, labels=[LABEL])

    def batches(order: Sequence[int]) -> Iterator[Any]:
        for start in range(0, len(order), BATCH):
            items = faces.__getitems__(order[start : start + BATCH])
            yield [(item["image"], item[LABEL]) for item in items]

    return batches


def theirs(folder: Path, cache: Path) -> Batches:
    import datasets

    datasets.disable_progress_bars()
    files = [str(path) for path in sorted((folder / "data").glob("train-*"))]
    table = datasets.load_dataset("parquet", data_files=files, cache_dir=str(cache))["train"]
    table = table.select_columns(["image", LABEL])

    def batches(order: Sequence[int]) -> Iterator[Any]:
        for start in range(0, len(order), BATCH):
            part = table[list(order[start : start + BATCH])]
            yield [
                (np.asarray(image), word)
                for image, word in zip(part["image"], part[LABEL], strict=True)
            ]

    return batches


def make_up(folder: Path, rows: int, size: int) -> Path:
    """A train split of smooth random pictures, 5,000 a shard."""
    numbers = np.random.default_rng(SEED)
    labels = Labels()
    shards = -(-rows // 5000)
    for shard in range(shards):
        count = min(5000, rows - 5000 * shard)
        content = [_row(numbers, f"{shard:02d}/{n:05d}", size, labels) for n in range(count)]
        table = pa.Table.from_pylist(content, schema=balanced_schema(labels))
        write_table(folder / "data" / f"train-{shard:05d}-of-{shards:05d}.parquet", table)
    write_json(folder / "manifest.json", {"classes": {LABEL: ["female", "male"]}})
    return folder


def _row(numbers: np.random.Generator, name: str, size: int, labels: Labels) -> dict[str, Any]:
    coarse = numbers.integers(0, 255, (8, 8, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(picture + numbers.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
    words = dict.fromkeys(labels.columns, "unknown")
    return {
        "id": name,
        "image": {"bytes": encode(picture), "path": f"{name}.jpg"},
        **words,
        LABEL: ("female", "male")[int(numbers.integers(2))],
        "synthetic": False,
        "generator": "",
        "parents": [],
        "licence": "CC0-1.0",
    }


if __name__ == "__main__":
    main()
