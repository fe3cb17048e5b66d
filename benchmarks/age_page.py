"""The page of benchmarks/age.py: all figures side by side, and drawn faces at all ages."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from age_faces import YEARS, Held
from age_measures import Edit
from PIL import Image as Picture

_ORDER = ("truth", "unchanged", "average", "ragan", "hrfae", "decompose", "ours")
_ON_SHEET = ("ragan", "hrfae", "decompose", "ours")
_SHOWN = (3, 10, 15, 25, 44, 62, 71)  # people of the sheet, of all ages
_SCALE = 2

_ABOUT = """Faces drawn by code: their true pictures at other ages exist, so `error_to_true` is
against the truth. It is the mean absolute difference inside of the face, of levels 0 to 1;
*unchanged* is what doing nothing scores, *average* adds only what age does to the average face,
which is where *ours* starts from. All four networks saw the same faces as often, at 64 px. Target
accuracies are the weakest judge's, and a mean is the mean of the five merged groups. L1 is of
levels 0 to 1: the double on -1 to 1. *Perceptual* figures are cosine distances of a judge's
features, not LPIPS.
"""


_WRONG = """How long each network was taught stands in the row `train_minutes` (n: faces seen).
It is far too short for a verdict on the papers' networks: they draw the whole face anew, `ragan` is
still a soft blot and `hrfae` hardly moves with the age asked for. *Ours* is by then little more
than the average face's change: heads become a child's or an old person's in shape, cheeks and
brows follow, and grey hair turns brown again; dark or blond hair turns grey only in part,
wrinkles are soft, and where a head grows, hair and background are bent along with it. A beard
stays on a child's face, and bald spots stay in part. Its L1 of the own age is 0 by its design:
it is told both ages, and no difference is no change. Old target groups convince the hand-made
judge and the foreign embedding least.
"""


def write_page(figures: Path) -> None:
    """Write ``age.md`` beside the figures."""
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    rows = [row for row in rows if row["data"] == "drawn"]
    archs = [arch for arch in _ORDER if any(row["arch"] == arch for row in rows)]
    found = {(row["name"], row["group"], row["arch"]): row for row in rows}
    lines = ["# Age: what was measured on drawn faces\n", _ABOUT]
    lines += [f"![Drawn faces at nine ages]({figures.stem}.jpg)\n"]
    lines += [
        "Each person: the truth (first row), then "
        + ", ".join(arch for arch in _ON_SHEET if arch in archs)
        + f"; first column the face as given, then {', '.join(f'{y:.0f}' for y in YEARS)} years.\n"
    ]
    lines += [f"| figure | group | better | {' | '.join(archs)} | n |"]
    lines += ["|---" * (len(archs) + 4) + "|"]
    for name, group in dict.fromkeys((row["name"], row["group"]) for row in rows):
        of_archs = [found.get((name, group, arch)) for arch in archs]
        shown = [_number(row) for row in of_archs]
        one: Mapping[str, Any] = next(row for row in of_archs if row)
        lines.append(f"| {name} | {group} | {one['better']} | {' | '.join(shown)} | {one['n']} |")
    made = sorted({str(row["command"]) for row in rows})
    lines += ["\n## What is wrong with the pictures\n", _WRONG]
    lines += ["\nPrint them again:\n", *(f"    {command}" for command in made)]
    figures.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _number(row: Mapping[str, Any] | None) -> str:
    return "" if row is None else f"{row['value']:,.4g}"


def write_sheet(path: Path, people: Sequence[Held], edits: Mapping[str, Edit]) -> None:
    """People x ages, truth first."""
    lines = []
    for held in (people[place] for place in _SHOWN if place < len(people)):
        lines.append(np.concatenate([held.image, *held.truth], axis=1))
        for arch in (arch for arch in _ON_SHEET if arch in edits):
            made = edits[arch]([held.image] * len(YEARS), [held.age] * len(YEARS), YEARS)
            lines.append(np.concatenate([held.image, *made], axis=1))
    sheet = np.concatenate(lines)
    size = (sheet.shape[1] * _SCALE, sheet.shape[0] * _SCALE)
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(sheet).resize(size, Picture.Resampling.BICUBIC).save(path, quality=88)
