"""What people train on: a torch ``Dataset`` over ``data/balanced``.

from augment import BalancedFaces
faces = BalancedFaces("data/balanced", "train", labels=["gender"])
loader = torch.utils.data.DataLoader(faces, batch_size=64, shuffle=True, num_workers=2)
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch.utils.data import Dataset

from augment.errors import UserError
from augment.images import decode
from augment.types import Image

UNKNOWN_CLASS = -1


class BalancedFaces(Dataset[dict[str, Any]]):
    """Faces of one split, as ``{"image": ..., "id": ..., <label>: class number, ...}``.

    The image is a uint8 tensor (3, height, width) RGB, or whatever ``transform`` makes. A class
    number is the place in :attr:`classes`; -1 is "unknown". Pictures stay on disk; of what was
    read, ``cache_mb`` megabytes a process are kept. Rows are stored in an order without meaning,
    so reading them in sequence mixes all groups. It can be pickled for loader workers.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        labels: Sequence[str] | None = None,
        transform: Callable[[Image], Any] | None = None,
        synthetic: bool = True,
        cache_mb: float = 256,
    ) -> None:
        """Open a split; reads the labels, not the pictures.

        Args:
            root: the folder, ``data/balanced``.
            split: ``train``, ``validation`` or ``test``.
            labels: which labels items hold; None: all that have a known value.
            transform: gets the uint8 (height, width, 3) RGB array of a face.
            synthetic: False leaves synthetic faces out.
            cache_mb: encoded pictures to keep in memory, megabytes.

        Raises:
            UserError: the folder holds no such data set, split or label.
        """
        root = Path(root)
        self._shards = sorted((root / "data").glob(f"{split}-*-of-*.parquet"))
        #: label -> its values; a class number is a place in this list
        self.classes = _chosen(_classes(root), labels)
        if not self._shards:
            raise UserError(f"{root / 'data'} holds no shards of the split '{split}'.")
        self._transform = transform
        self._limit = int(cache_mb * 2**20)
        self._cache: OrderedDict[int, tuple[pa.Array, pa.Array]] = OrderedDict()
        self._cached = 0
        self._open: dict[int, pq.ParquetFile] = {}
        self._groups, self._starts = self._find_groups()
        table = pq.read_table(self._shards, columns=["synthetic", *self.classes])
        flags = np.asarray(table.column("synthetic").to_numpy(), dtype=bool)
        self._rows = np.arange(len(flags)) if synthetic else np.flatnonzero(~flags)
        #: label -> class number of every face, in order: for samplers and class weights
        self.targets = {
            label: _codes(table.column(label), values)[self._rows]
            for label, values in self.classes.items()
        }

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"face {index} of {len(self)}")
        index %= len(self)
        row = int(self._rows[index])
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        contents, ids = self._group(number)
        place = row - int(self._starts[number])
        image = decode(contents[place].as_py())
        item: dict[str, Any] = {"image": self._shape(image), "id": ids[place].as_py()}
        return item | {label: int(codes[index]) for label, codes in self.targets.items()}

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Several faces; those that are stored together are read together."""
        order = sorted(range(len(indices)), key=lambda n: indices[n])
        items: dict[int, dict[str, Any]] = {n: self[indices[n]] for n in order}
        return [items[n] for n in range(len(indices))]

    def _shape(self, image: Image) -> Any:
        if self._transform is not None:
            return self._transform(image)
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))

    def _find_groups(self) -> tuple[list[tuple[int, int]], npt.NDArray[np.int64]]:
        """(shard, row group) of every group, and the number of its first row."""
        groups, rows = [], []
        for shard, path in enumerate(self._shards):
            metadata = pq.read_metadata(path)
            for number in range(metadata.num_row_groups):
                groups.append((shard, number))
                rows.append(metadata.row_group(number).num_rows)
        return groups, np.cumsum([0, *rows[:-1]], dtype=np.int64)

    def _group(self, number: int) -> tuple[pa.Array, pa.Array]:
        """Encoded pictures and ids of a row group; the least recently used ones are let go."""
        if number in self._cache:
            self._cache.move_to_end(number)
            return self._cache[number]
        shard, part = self._groups[number]
        if shard not in self._open:
            self._open[shard] = pq.ParquetFile(self._shards[shard], memory_map=True)
        # No threads: a loader's forked worker has none of its parent's.
        table = self._open[shard].read_row_group(part, ["image", "id"], use_threads=False)
        contents = table.column("image").combine_chunks().field("bytes")
        found = contents, table.column("id").combine_chunks()
        self._cache[number] = found
        self._cached += contents.nbytes
        while self._cached > self._limit and len(self._cache) > 1:
            _, (oldest, _) = self._cache.popitem(last=False)
            self._cached -= oldest.nbytes
        return found

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}, "_cache": OrderedDict(), "_cached": 0}


def _classes(root: Path) -> dict[str, list[str]]:
    try:
        content = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{root / 'manifest.json'} not found: {root} holds no balanced data set. "
            "`dvc repro assemble` makes one in data/balanced."
        ) from None
    found: dict[str, list[str]] = content["classes"]
    return found


def _chosen(known: Mapping[str, list[str]], labels: Sequence[str] | None) -> dict[str, list[str]]:
    if labels is None:
        return {label: values for label, values in known.items() if values}
    missing = [label for label in labels if label not in known]
    if missing:
        raise UserError(f"no label '{missing[0]}' in this data set; it has: {', '.join(known)}.")
    return {label: known[label] for label in labels}


def _codes(column: pa.ChunkedArray, values: Sequence[str]) -> npt.NDArray[np.int64]:
    place = {value: number for number, value in enumerate(values)}
    words = column.combine_chunks().dictionary_encode()
    words = words.chunk(0) if isinstance(words, pa.ChunkedArray) else words
    numbers = [place.get(word, UNKNOWN_CLASS) for word in words.dictionary.to_pylist()]
    of_word = np.array([*numbers, UNKNOWN_CLASS], dtype=np.int64)
    codes: npt.NDArray[np.int64] = of_word[words.indices.fill_null(len(numbers)).to_numpy()]
    return codes
