"""Writes the figures of reports/systems/detector.json into the detector's model card:
python benchmarks/detector_card.py"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CARD = Path("augment/align/landmarknet/MODEL_CARD.md")
_FIRST, _NEXT = "## Figures\n", "## Limits\n"
_OURS, _OTHERS = "landmarknet", ("yunet", "scrfd", "haar")
#: What the card calls it, the figure, the data, its split and group.
_LINES = [
    *((f"recall, {name.split(',')[0]}{' (held out)' if ',' in name else ''}", "recall_vs_yunet",
       name, "all", "all") for name in ("fairface, held-out tenth", "lfw", "celeba", "utkface")),
    *((f"point error, {name.split(',')[0]}", "point_error", name, "all", "all")
      for name in ("fairface, held-out tenth", "lfw", "celeba", "utkface")),
    ("point error, drawn (exact points)", "point_error", "drawn", "all", "all"),
    ("found, masks painted on photos", "masked_recall", "masked pairs", "all", "all"),
    ("photos of masked people with finds (web photos)", "photos_with_finds",
     "masked wild, with_mask", "all", "all"),
    ("false finds a faceless corner", "false_finds", "lfw corners", "all", "all"),
    ("false finds a picture made without face", "false_finds", "made without face", "all", "all"),
    ("ms a face, 224px photos (shared, busy machine)", "ms_per_face", "fairface, held-out tenth",
     "all", "224px photos"),
    ("ms a face, 64px crops (shared, busy machine)", "ms_per_face", "fairface, held-out tenth",
     "all", "64px crops"),
]  # fmt: skip
_INTRO = """
`python benchmarks/detector.py`, all rows in `reports/systems/detector.json`; these tables: `python
benchmarks/detector_card.py`. Recall: share of YuNet's finds at the same place. Point error: median,
as a share of the distance between the eyes, against YuNet's mean of 16 looks.
"""

Row = Mapping[str, Any]
Found = Mapping[tuple[Any, ...], Row]  # by name, arch, data, split, group


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=Path, default=Path("reports/systems/detector.json"))
    parser.add_argument("--card", type=Path, default=CARD)
    args = parser.parse_args()
    rows = json.loads(args.figures.read_text(encoding="utf-8"))["rows"]
    columns = ("name", "arch", "data", "split", "group")
    found = {tuple(row[column] for column in columns): row for row in rows}
    text = args.card.read_text(encoding="utf-8")
    before, rest = text.split(_FIRST)
    _, after = rest.split(_NEXT)
    lines = [_INTRO, *_compared(found), "", *_by_group(found), "", _gaps(rows), ""]
    args.card.write_text(before + _FIRST + "\n".join(lines) + "\n" + _NEXT + after, "utf-8")


def _compared(found: Found) -> Iterator[str]:
    arches = (_OURS, *_OTHERS)
    yield f"| | {' | '.join(arches)} |"
    yield "|---" * (len(arches) + 1) + "|"
    for label, name, data, split, group in _LINES:
        own = [found.get((name, arch, data, split, group)) for arch in arches]
        n = next((row["n"] for row in own if row), 0)
        yield f"| {label}, n={n:,} | {' | '.join(_said(row) for row in own)} |"


def _said(row: Row | None) -> str:
    if row is None:
        return ""
    if row["unit"] == "ratio":
        return f"{100 * row['value']:.1f} %"
    return f"{row['value']:.1f}" if row["unit"] == "ms" else f"{row['value']:.3f}"


def _by_group(found: Found) -> Iterator[str]:
    yield f"By group, {_OURS}, groups of at least 50 photos (95 % intervals):\n"
    yield "| data | group | recall | n | point error |"
    yield "|---|---|---|---|---|"
    for (name, arch, data, split, group), row in found.items():
        if (name, arch) == ("recall_vs_yunet", _OURS) and group != "all":
            low, high = (100 * end for end in row["interval"])
            recall = f"{100 * row['value']:.1f} % ({low:.1f} to {high:.1f})"
            off = found.get(("point_error", _OURS, data, split, group))
            error = ""
            if off:
                low, high = (100 * end for end in off["interval"])
                error = f"{100 * off['value']:.1f} % ({low:.1f} to {high:.1f})"
            yield f"| {data.split(',')[0]} | {group} | {recall} | {row['n']} | {error} |"


def _gaps(rows: list[Row]) -> str:
    own = [row for row in rows if (row["name"], row["arch"]) == ("recall_gap", _OURS)]
    said = (f"{row['data'].split(',')[0]} {row['group']} {100 * row['value']:.1f}" for row in own)
    return f"Largest difference of recall between groups, points: {'; '.join(said)}."


if __name__ == "__main__":
    main()
