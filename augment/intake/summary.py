"""What ingest found, in a few lines for the person who started it."""

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from augment.schema import OK

_SHOWN = 5  # kinds of reasons and notes per source


def summary(index: pa.Table) -> str:
    """Rows, splits, reasons and notes by source, and how large the largest group is.

    Args:
        index: ``source``, ``status``, ``reason``, ``note``, ``split`` and ``group`` of all rows.
    """
    lines = []
    for source in sorted(set(index.column("source").to_pylist())):
        rows = index.filter(pc.equal(index.column("source"), source))
        ok = rows.filter(pc.equal(rows.column("status"), OK))
        lines.append(f"{source}: {rows.num_rows:,} rows, {ok.num_rows:,} usable ({_splits(ok)})")
        lines += _counted("set aside", rows.column("reason").to_pylist())
        notes = (note for row in rows.column("note").to_pylist() for note in row.split("; "))
        lines += _counted("note", notes)
    sizes = np.array(list(Counter(index.column("group").to_pylist()).values()))
    lines.append(
        f"groups that share a split (a person, a photo): {len(sizes):,}, "
        f"the largest of {sizes.max():,} rows"
    )
    return "\n".join(lines)


def _splits(rows: pa.Table) -> str:
    counts = Counter(rows.column("split").to_pylist())
    return ", ".join(f"{split} {counts[split]:,}" for split in ("train", "validation", "test"))


def _counted(kind: str, texts: Iterable[str]) -> list[str]:
    """One line a kind of text; what stands in quotes varies and does not make a kind."""
    counts = Counter(re.sub(r"'[^']*'", "…", text) for text in texts if text)
    lines = [f"  {kind} {count:,}: {text}" for text, count in counts.most_common(_SHOWN)]
    further = len(counts) - _SHOWN
    return [*lines, f"  {kind}: {further} further kinds"] if further > 0 else lines
