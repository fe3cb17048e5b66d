"""CSV files for ``dvc plots``: one row a bar."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from augment.auditing.scan import Faces
from augment.auditing.tables import SPLITS, groups_of
from augment.metrics.balance import Counts
from augment.shards import write_text
from augment.types import BinSpace


def write_plots(
    folder: Path,
    space: BinSpace,
    counts: Mapping[str, Counts],
    faces: Faces,
    failures: Sequence[Mapping[str, Any]],
) -> None:
    """Write ``axes/<axis>.csv``, ``bins.csv`` and ``failures.csv``."""
    for axis in space.axes:
        rows = [
            {"value": value, "count": int((members & faces.ok & faces.split.is_(split)).sum()),
             "split": split}
            for of_axis, value, members in groups_of(faces, space)
            if of_axis is axis
            for split in SPLITS
        ]  # fmt: skip
        _write(folder / "axes" / f"{axis.name}.csv", ("value", "count", "split"), rows)
    bins = [
        {"bin": space.names[code], "count": int(counts[split][code]), "split": split}
        for code in range(len(space))
        for split in SPLITS
    ]
    _write(folder / "bins.csv", ("bin", "count", "split"), bins)
    groups = [
        {"group": f"{row['axis']}: {row['value']}", "rate": row["rate"], "low": row["interval"][0],
         "high": row["interval"][1], "n": row["n"]}
        for row in failures
    ]  # fmt: skip
    _write(folder / "failures.csv", ("group", "rate", "low", "high", "n"), groups)


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
