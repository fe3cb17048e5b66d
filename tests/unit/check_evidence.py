"""Evidence made by hand, for the tests of the checks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from augment.protocols import Evidence, Reference
from augment.types import Axis, BinSpace, FloatArray

BINS = BinSpace((Axis("gender", ("female", "male")),))
MASK, GENDER = ("no", "yes"), ("female", "male")
VALUES = {"judge": {"mask": MASK, "gender": GENDER}}


def opinion(of_second: Sequence[float] | FloatArray) -> FloatArray:
    second = np.asarray(of_second, dtype=np.float32)
    return np.stack([1 - second, second], axis=1)


def described(angles: Sequence[float] | FloatArray) -> dict[str, dict[str, FloatArray]]:
    """A judge that describes a face by a direction in the plane, in degrees."""
    radians = np.deg2rad(np.asarray(angles, dtype=np.float64))
    numbers = np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)
    return {"judge": {"identity": numbers}}


def rows(n: int, **columns: Any) -> pa.Table:
    filled = {
        "id": [f"face{number:04d}" for number in range(n)],
        "status": ["ok"] * n,
        "generator": ["mask"] * n,
        "gender": ["female"] * n,
        "mask": ["no"] * n,
        "parents": [["p"]] * n,
        "changes": [["mask"]] * n,
        "sharpness": [100.0] * n,
        "brightness": [120.0] * n,
        "split": ["train"] * n,
        "face_hash": [bytes(32)] * n,
    }
    return pa.table(filled | columns)


def reference(unseen: Evidence, **changed: Any) -> Reference:
    none = Evidence(rows(0), {"judge": {name: opinion([]) for name in ("mask", "gender")}})
    made = Reference(
        bins=BINS, groups=("ethnicity",), values=VALUES, unseen=unseen, again=unseen, parents=none,
        hashes=unseen.rows, false_rejection=0.02, smallest_group=50,
    )  # fmt: skip
    return replace(made, **changed)
