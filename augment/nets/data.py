"""Aligned faces in memory, and their way to tensors and back."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from augment.images import decode
from augment.schema import OK, Labels, without_predicted
from augment.seeds import row_share
from augment.shards import iterate, read_schema
from augment.types import FloatArray, Image
from augment.vocabulary import UNKNOWN

#: Judges look at so many faces at a time, always.
GROUP = 32


@dataclass(frozen=True)
class FaceSet:
    """Some aligned faces, in the order of their ids.

    Attributes:
        ids: row ids.
        images: uint8 (faces, size, size, 3) RGB.
        points: float32 (faces, 5, 2), crop pixels (x, y).
        labels: column -> one word a face, ``"unknown"`` included.
        ages: float32 (faces,), years; nan where not known.
        digest: sha256 over ids, pictures and labels: what a training's result depends on.
        persons: who is on it, ``""`` where not known; no entries: nobody asked.
    """

    ids: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    points: FloatArray
    labels: Mapping[str, tuple[str, ...]]
    ages: FloatArray
    digest: str
    persons: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, places: Sequence[int] | npt.NDArray[np.int64]) -> "FaceSet":
        """The faces at these places only."""
        rows = np.asarray(places, dtype=np.int64)
        return FaceSet(
            ids=tuple(self.ids[place] for place in rows),
            images=self.images[rows],
            points=self.points[rows],
            labels={name: tuple(words[p] for p in rows) for name, words in self.labels.items()},
            ages=self.ages[rows],
            digest=hashlib.sha256(f"{self.digest}{rows.tolist()}".encode()).hexdigest(),
            persons=tuple(self.persons[place] for place in rows) if self.persons else (),
        )


def load_faces(
    folder: Path,
    splits: Sequence[str] = ("train",),
    halves: Sequence[str] | None = None,
    limit: int | None = None,
) -> FaceSet:
    """Read the usable aligned faces of some splits; predicted labels count as unknown.

    Args:
        folder: ``data/aligned``.
        splits: which splits.
        halves: of train rows, ``("a",)`` for generators, ``("b",)`` for judges; None: all.
        limit: at most so many faces, chosen by a hash of the id: memory is 12 KB a 64 px face.

    Raises:
        UserError: the folder is missing or its stage did not finish.
    """
    labels = Labels.of(read_schema(folder))
    wanted = _chosen(folder, splits, halves, limit)
    columns = ["id", "image", "points", "age", "person", *labels.columns, "label_origin"]
    rows = [row for batch in iterate(folder, columns) for row in _rows_of(batch, wanted)]
    return _face_set(sorted(rows, key=lambda row: str(row["id"])), labels)


def _chosen(
    folder: Path, splits: Sequence[str], halves: Sequence[str] | None, limit: int | None
) -> set[str]:
    ids = [
        row["id"]
        for batch in iterate(folder, ["id", "status", "split", "half"])
        for row in batch.to_pylist()
        if row["status"] == OK
        and row["split"] in splits
        and (halves is None or row["half"] in halves)
    ]
    if limit is not None and len(ids) > limit:
        ids = sorted(ids, key=lambda row_id: row_share(0, "limit", row_id))[:limit]
    return set(ids)


def _rows_of(batch: pa.RecordBatch, wanted: set[str]) -> list[dict[str, Any]]:
    places = [n for n, row_id in enumerate(batch.column("id").to_pylist()) if row_id in wanted]
    chosen = pa.Table.from_batches([batch.take(pa.array(places, pa.int64()))])
    rows: list[dict[str, Any]] = without_predicted(chosen).to_pylist()
    for row in rows:
        content = row["image"]["bytes"]
        row["digest"] = hashlib.sha256(content).digest()
        row["image"] = decode(content)
    return rows


def _face_set(rows: list[dict[str, Any]], labels: Labels) -> FaceSet:
    digest = hashlib.sha256()
    for row in rows:
        words = [row[name] for name in labels.columns]
        digest.update(repr((row["id"], row["digest"], row["points"], row["age"], words)).encode())
    images = [row["image"] for row in rows]
    points = [row["points"] for row in rows]
    ages = [np.nan if row["age"] is None else row["age"] for row in rows]
    return FaceSet(
        ids=tuple(str(row["id"]) for row in rows),
        images=np.stack(images) if rows else np.zeros((0, 0, 0, 3), np.uint8),
        points=np.asarray(points, dtype=np.float32).reshape(len(rows), 5, 2),
        labels={name: tuple(row[name] or UNKNOWN for row in rows) for name in labels.columns},
        ages=np.asarray(ages, dtype=np.float32),
        digest=digest.hexdigest(),
        persons=tuple(row["person"] or "" for row in rows),
    )


def to_tensor(
    images: npt.NDArray[np.uint8] | Sequence[Image], device: torch.device | None = None
) -> Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [-1, 1]."""
    stacked = torch.from_numpy(np.ascontiguousarray(np.stack(list(images))))
    planes = stacked.to(device or "cpu").permute(0, 3, 1, 2).contiguous()
    return planes.float().div_(127.5).sub_(1.0)


def in_groups(images: Sequence[Image], device: torch.device) -> Iterator[tuple[Tensor, int]]:
    """Tensors of :data:`GROUP` faces each, (GROUP, 3, h, w), and how many of them count.

    The last one is filled up with copies of its last face: what a network computes for a face may
    depend in its last bits on how many are beside it.
    """
    for start in range(0, len(images), GROUP):
        part = list(images[start : start + GROUP])
        yield to_tensor(part + [part[-1]] * (GROUP - len(part)), device), len(part)


def to_images(values: Tensor) -> npt.NDArray[np.uint8]:
    """float (n, 3, h, w) in [-1, 1] -> uint8 (n, h, w, 3), rounded and clipped."""
    levels = values.detach().float().add(1.0).mul(127.5).round().clamp_(0, 255)
    return np.ascontiguousarray(levels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def jitter(images: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Mild training-time variety, per face: mirror, shift by up to 1/16, light by up to 15 %.

    uint8 (n, h, w, 3) -> a new array of the same shape; edges repeat where a shift uncovers them.
    """
    count, height, width = images.shape[:3]
    reach = max(1, height // 16)
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    result = np.empty_like(images)
    for number in range(count):
        top, left = random.integers(0, 2 * reach + 1, size=2)
        crop = padded[number, top : top + height, left : left + width]
        crop = crop[:, ::-1] if random.random() < 0.5 else crop
        light = float(random.uniform(0.85, 1.15))
        result[number] = np.clip(crop.astype(np.float32) * light, 0, 255)
    return result
