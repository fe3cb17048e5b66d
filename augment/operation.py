"""What an engine runs: one operation on rows, or several together."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augment.rowcache import ASKED, KEY, RowCache


class Op(Protocol):
    """A callable on Arrow batches, like the argument of Ray Data's ``map_batches``.

    It must be picklable, depend on nothing but the row (never on the batch it comes in), and
    return as many rows as it was given, in order, holding exactly the columns of ``adds``. What a
    network computes for a row may change in the last bit with the batch's size: such an op takes
    its rows one by one, or always in groups of one size.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that the result depends on."""
        ...

    @property
    def adds(self) -> pa.Schema: ...

    def identity(self) -> str:
        """Changes whenever results would: name, configuration, digests of weights.

        The code itself need not be told: the engine looks at it (see :mod:`augment.closure`).
        """
        ...

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch: ...


def apply(op: Op, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Run an op on a batch that carries keys, check its promise, and pass the keys on."""
    result = op(batch)
    if result.num_rows != batch.num_rows or not result.schema.equals(op.adds):
        raise ValueError(
            f"{type(op).__name__} returned {result.num_rows} rows of {result.schema.names} "
            f"for {batch.num_rows} rows of {op.adds.names}"
        )
    return result.append_column(KEY, batch.column(KEY))


class Together:
    """Operation: several ones on the same rows, each on those of them that it is asked for.

    Adds a struct column for each, null where it was not asked.
    """

    def __init__(self, ops: tuple[Op, ...]) -> None:
        if len({op.needs for op in ops}) != 1:
            raise ValueError("operations that run together need the same columns")
        self._ops = ops
        self.needs = ops[0].needs
        self.adds = pa.schema([(str(n), pa.struct(list(op.adds))) for n, op in enumerate(ops)])

    def identity(self) -> str:
        return "\n".join(op.identity() for op in self._ops)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        asked = np.array(batch.column(ASKED).to_pylist(), bool).reshape(-1, len(self._ops))
        rows = batch.select([*self.needs, KEY])
        columns = [_for_those(op, rows, own) for op, own in zip(self._ops, asked.T, strict=True)]
        return pa.RecordBatch.from_arrays(columns, schema=self.adds)

    def keep(self, result: pa.RecordBatch, caches: Sequence[RowCache]) -> None:
        """Put what :func:`apply` made of this operation into each one's cache."""
        for place, (op, cache) in enumerate(zip(self._ops, caches, strict=True)):
            known = result.column(place).is_valid()
            columns = result.column(place).filter(known).flatten()
            if len(columns[0]):
                names = [*op.adds.names, KEY]
                keys = result.column(KEY).filter(known)
                cache.put(pa.RecordBatch.from_arrays([*columns, keys], names=names))


def _for_those(op: Op, rows: pa.RecordBatch, asked: npt.NDArray[np.bool_]) -> pa.StructArray:
    """The op's columns as one struct column, null for the rows that it is not asked for."""
    places = np.cumsum(asked) - 1
    if not asked.any():
        return pa.nulls(rows.num_rows, pa.struct(list(op.adds)))
    found = apply(op, rows.filter(pa.array(asked))).select(op.adds.names)
    whole = pa.StructArray.from_arrays(found.columns, fields=list(op.adds))
    return whole.take(pa.array(places, pa.int64(), mask=~asked))
