"""Row operations of the gate: judges' opinions and checks' measures of pictures.

The engine computes them once per picture and set of weights and keeps them outside of every
stage's outputs. Thresholds play no part, so gating again with others computes nothing anew.
"""

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from augment.errors import RowError
from augment.images import decode, encode, resize
from augment.plugins import load
from augment.protocols import Check, Judge
from augment.rowcache import ROWS_PER_CHUNK
from augment.types import FloatArray, Image


class JudgeFaces:
    """Operation: one judge's probabilities of each label it knows, and each feature it gives; a
    list column each."""

    needs: tuple[str, ...] = ("image",)

    def __init__(self, kind: str, config: Any, folder: Path) -> None:
        self._kind, self._config, self._folder, self._again = kind, config, folder, False
        self._judge: Judge | None = None
        judge = self._loaded()
        self.values = dict(judge.values())
        self.features = dict(judge.features())
        self.accuracy = list(judge.accuracy())
        self._weights = judge.weights()

    def of_variation(self) -> "JudgeFaces":
        """The same, of the faces' harmless variation."""
        other = copy.copy(self)
        other._again = True
        return other

    @property
    def counts(self) -> Mapping[str, int]:
        """How many numbers each added column holds."""
        return {label: len(values) for label, values in self.values.items()} | self.features

    @property
    def adds(self) -> pa.Schema:
        return _list_columns(self.counts)

    def identity(self) -> str:
        return f"judge {self._kind} {self._weights} again={self._again}"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        images = _pictures(batch, self._again)
        good = [place for place, image in enumerate(images) if image is not None]
        found = self._loaded().predict([image for image in images if image is not None])
        columns = [
            _spread(found[name], good, len(images), count) for name, count in self.counts.items()
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.adds)

    def _loaded(self) -> Judge:
        if self._judge is None:
            judge: Judge = load("judges", self._kind).Judge(self._config)
            judge.load(self._folder)
            self._judge = judge
        return self._judge

    def __getstate__(self) -> dict[str, Any]:
        # A worker reads the weights from disk: cheaper than sending them, and no thread's state.
        return self.__dict__ | {"_judge": None}


class MeasureFaces:
    """Operation: a check's own measures of the picture, a list column each."""

    needs: tuple[str, ...] = ("image",)

    def __init__(self, kind: str, check: Check, again: bool = False) -> None:
        self._kind, self._check, self._again = kind, check, again

    @property
    def counts(self) -> Mapping[str, int]:
        return self._check.measures

    @property
    def adds(self) -> pa.Schema:
        return _list_columns(self.counts)

    def identity(self) -> str:
        # Of the pixels alone, unless the check says otherwise: its thresholds play no part.
        of_check = getattr(self._check, "identity", None)
        also = f" {of_check()}" if of_check else ""
        return f"measure {self._kind}{also} again={self._again}"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        images = _pictures(batch, self._again)
        good = [place for place, image in enumerate(images) if image is not None]
        found = [self._check.measure(image) for image in images if image is not None]
        columns = [
            _spread([numbers[name] for numbers in found], good, len(images), count)
            for name, count in self._check.measures.items()
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.adds)


def same_face_again(image: Image) -> Image:
    """The same face as another photo might show it: mirrored, 6 % closer, stored once more."""
    height = image.shape[0]
    cut = max(1, round(height * 0.03))
    closer = np.ascontiguousarray(image[cut:-cut, cut:-cut][:, ::-1])
    return decode(encode(resize(closer, height)))


def _list_columns(counts: Mapping[str, int]) -> pa.Schema:
    return pa.schema([pa.field(name, pa.list_(pa.float32(), n)) for name, n in counts.items()])


def _pictures(batch: pa.RecordBatch, again: bool) -> list[Image | None]:
    """The faces, or their harmless variation; None where there is none to read."""
    contents = [row and row["bytes"] for row in batch.column("image").to_pylist()]
    return [None if content is None else _picture(content, again) for content in contents]


# Every judge and check looks at the same rows in turn: each is decoded, and varied, once.
@lru_cache(maxsize=2 * ROWS_PER_CHUNK)
def _picture(content: bytes, again: bool) -> Image | None:
    if again:
        plain = _picture(content, again=False)
        image = None if plain is None else same_face_again(plain)
    else:
        try:
            image = decode(content)
        except RowError:
            image = None
    if image is not None:
        image.setflags(write=False)  # the next one sees the same array
    return image


def _spread(
    found: Sequence[FloatArray] | FloatArray, places: list[int], rows: int, count: int
) -> pa.FixedSizeListArray:
    """Numbers of the readable pictures at their places; nan for the others."""
    numbers = np.full((rows, count), np.nan, dtype=np.float32)
    if places:
        numbers[places] = np.asarray(found, dtype=np.float32).reshape(len(places), count)
    return pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel()), count)
