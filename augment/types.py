"""Plain values that stages speak in: bins, censuses, orders. No files, no pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augment.vocabulary import spoken

Image = npt.NDArray[np.uint8]  # height x width x 3, RGB, 0..255
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """One label column and its ordered values; ``merge`` folds several label words into one value.

    ``sensitive`` axes are balanced; control axes only stratify (they keep each other's shares).
    """

    name: str
    values: tuple[str, ...]
    merge: Mapping[str, str] = field(default_factory=dict)  # label word -> axis value
    sensitive: bool = True

    def value_of(self, word: str | None) -> str | None:
        """The axis value of a label word, None where it is unknown or not on the axis."""
        value = self.merge.get(word, word) if word is not None else None
        return value if value in self.values else None


@dataclass(frozen=True)
class BinSpace:
    """All intersections of the axes' values. A bin is a number 0..len-1, or -1: not in any bin."""

    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        return int(np.prod([len(axis.values) for axis in self.axes], dtype=np.int64))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis.values) for axis in self.axes)

    def values(self, code: int) -> dict[str, str]:
        """``{"age_group": "0-2", "gender": "female"}`` of a bin number."""
        places = np.unravel_index(code, self.shape)
        return {
            axis.name: axis.values[place] for axis, place in zip(self.axes, places, strict=True)
        }

    def name(self, code: int) -> str:
        """``"0-2 · mask yes"``: how a bin is called in tables, files and plots."""
        return " · ".join(spoken(axis, value) for axis, value in self.values(code).items())

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.name(code) for code in range(len(self)))

    def codes(self, table: pa.Table) -> npt.NDArray[np.int64]:
        """Bin numbers of a table's rows, shape (rows,); -1 where any axis value is unknown."""
        codes = np.zeros(table.num_rows, dtype=np.int64)
        known = np.ones(table.num_rows, dtype=bool)
        for axis in self.axes:
            place = _axis_places(axis, table.column(axis.name))
            known &= place >= 0
            codes = codes * len(axis.values) + place
        codes[~known] = -1
        return codes

    def code(self, labels: Mapping[str, str | None]) -> int:
        """The bin number of one row's labels, -1 where any axis value is unknown."""
        code = 0
        for axis in self.axes:
            value = axis.value_of(labels.get(axis.name))
            if value is None:
                return -1
            code = code * len(axis.values) + axis.values.index(value)
        return code

    def to_json(self) -> list[dict[str, object]]:
        return [
            {
                "name": axis.name,
                "values": list(axis.values),
                "merge": dict(axis.merge),
                "sensitive": axis.sensitive,
            }
            for axis in self.axes
        ]

    @classmethod
    def from_json(cls, content: Sequence[Mapping[str, object]]) -> "BinSpace":
        return cls(
            tuple(
                Axis(
                    str(axis["name"]),
                    tuple(axis["values"]),  # type: ignore[arg-type]
                    dict(axis["merge"]),  # type: ignore[call-overload]
                    bool(axis["sensitive"]),
                )
                for axis in content
            )
        )


def _axis_places(axis: Axis, column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    chunk = pc.dictionary_encode(column.combine_chunks())
    of_word = np.array(
        [_place(axis, word) for word in chunk.dictionary.to_pylist()] + [-1], dtype=np.int64
    )
    # A null label has no dictionary entry: point it at the extra last one, which says "no bin".
    indices = chunk.indices.fill_null(len(of_word) - 1).to_numpy(zero_copy_only=False)
    places: npt.NDArray[np.int64] = of_word[indices]
    return places


def _place(axis: Axis, word: str | None) -> int:
    value = axis.value_of(word)
    return -1 if value is None else axis.values.index(value)
