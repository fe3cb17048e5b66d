"""The data-set card: what Hugging Face reads (its YAML head) and what a person reads."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, PackageLoader, StrictUndefined

from augment.shards import write_text

_MOST_ROWS = 20
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
          (10_000_000, "1M<n<10M"))  # fmt: skip


def write_card(
    path: Path,
    title: str,
    contact: str,
    manifest: pa.Table,
    content: Mapping[str, Any],
    gate: Mapping[str, Any],
) -> None:
    """Write ``README.md`` of a balanced data set.

    Args:
        path: where to.
        title: what the data set is called.
        contact: whom to write to; "" leaves the line out.
        manifest: its rows.
        content: its manifest.json.
        gate: ``data/verdicts/summary.json``.
    """
    environment = Environment(
        loader=PackageLoader("augment"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    licences = Counter(manifest.column("licence").to_pylist())
    parents = pc.unique(pc.list_flatten(manifest.column("parents").combine_chunks()))
    real = manifest.filter(pc.invert(manifest.column("synthetic")))
    why: dict[str, list[str]] = defaultdict(list)
    for row in content["still_missing"]:
        why[row["bin"]].append(f"{_cell(row['reason'])} ({row['n']:,})")
    below = [
        {**row, "why": "; ".join(why[row["bin"]])}
        for row in content["census"]
        if row["after"] < row["target"]
    ]
    text = environment.get_template("dataset_card.md.j2").render(
        title=title,
        contact=contact,
        content=content,
        passes=gate["passes"]["generator"],
        generators=content["splits"]["train"]["synthetic"],
        parents=len(parents),
        shown_splits=[name for name, split in content["splits"].items() if split["rows"]],
        below=sorted(below, key=lambda row: row["after"] / row["target"])[:_MOST_ROWS],
        axes=" × ".join(axis["name"] for axis in content["bin_space"]),
        licences=[(_cell(name), n) for name, n in licences.most_common()],
        licence_names="; ".join(sorted({_cell(name) for name in licences})),
        size_category=_size(manifest.num_rows),
        n=lambda count: f"{count:,}",
        share=lambda part, whole: f"{part / whole:.0%}" if whole else "none",
        refused=_refused,
        limits=limits_of(manifest, content),
        sources=", ".join(_cell(name) for name in sorted(_known(real, "source"))),
        people=len(_known(real, "person")),
    )
    write_text(path, text)


def limits_of(manifest: pa.Table, content: Mapping[str, Any]) -> list[str]:
    """What is known to be weak about the data set, a sentence each."""
    parents = pc.unique(pc.list_flatten(manifest.column("parents").combine_chunks()))
    of_made = [
        f"Equal counts are not equal information: synthetic faces are made of {len(parents):,} "
        "real ones and add no new people.",
        "Checks refuse what differs visibly from real faces; what passed was judged by small "
        "networks, which err, and more often on groups they saw few faces of.",
    ]
    return [
        *(of_made if content["splits"]["train"]["synthetic"] else ()),
        "Labels carry the views of those who gave them; apparent skin tone is measured in "
        "uncalibrated light.",
        "A balanced train split does not by itself make a model treat groups alike: measure on "
        "real faces, by group.",
    ]


def _known(rows: pa.Table, column: str) -> list[str]:
    return [word for word in pc.unique(rows.column(column)).to_pylist() if word]


def _cell(text: str | None) -> str:
    """Text that may stand in a Markdown table."""
    return " ".join((text or "not stated").replace("|", "/").split())


def _size(rows: int) -> str:
    return next((name for most, name in _SIZES if rows < most), "n>10M")


def _refused(tally: Mapping[str, Any]) -> str:
    reasons = tally.get("refused", {})
    return ", ".join(f"{check} {count:,}" for check, count in reasons.items()) or "none"
