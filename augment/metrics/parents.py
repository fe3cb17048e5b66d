"""From candidates to what is known of their parents."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augment.schema import SMALL
from augment.types import FloatArray


def parent_places(rows: pa.Table, parents: pa.Table) -> list[list[int]]:
    """For each candidate, where its parents stand in ``parents``; -1 where they do not."""
    places = {row_id: place for place, row_id in enumerate(parents.column("id").to_pylist())}
    return [[places.get(p, -1) for p in ids] for ids in rows.column("parents").to_pylist()]


def mean_of_parents(values: FloatArray, parents: Sequence[Sequence[int]]) -> FloatArray:
    """(parents, n) -> (candidates, n), averaged over several; nan where one is missing."""
    missing = np.full((1, values.shape[1]), np.nan, dtype=np.float32)
    padded = np.concatenate([values, missing])  # place -1 is the missing one
    means = [padded[list(places) or [-1]].mean(axis=0) for places in parents]
    return np.array(means, dtype=np.float32).reshape(len(parents), values.shape[1])


def of_small(rows: pa.Table, parents: pa.Table) -> npt.NDArray[np.bool_]:
    """(candidates,): whether one of its parents was too small to be used as it is."""
    small = [word == SMALL for word in parents.column("status").to_pylist()]
    places = parent_places(rows, parents)
    return np.array([any(small[p] for p in own if p >= 0) for own in places], dtype=bool)
