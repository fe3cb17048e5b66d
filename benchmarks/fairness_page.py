"""The page of benchmarks/fairness.py: every data set and task, all variants side by side."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from augment.metrics.resampling import SMALL_GROUP

Rows = Sequence[Mapping[str, Any]]

MEASURES = ("overall", "balanced_accuracy", "worst_group", "gap", "equalized_odds_difference")
AGAINST = "against "

_ABOUT = f"""What a small classifier learns from each variant of a train set, told by real faces
that were held out. All variants see equally many faces, start from the same weights seed by seed,
and are tested on the same faces. Values are means over seeds; brackets are 95 % intervals, paired
bootstraps over test faces (photos of one person together; of photos that come twice, one).
`overall` is accuracy, `balanced_accuracy` the mean recall of the classes; `worst_group` and `gap`
count groups of {SMALL_GROUP} test faces or more. Groups are *as labelled*.

- *original*: the real train faces. *resampled*: the same, every bin drawn equally often.
  *classical*: so, and repeats are mirrored, turned, lit and coloured anew. *logit-adjusted*: the
  original faces, with a loss that makes up for rare labels.
- *balanced*: with the synthetic faces that passed the gate. *balanced, resampled* and *balanced,
  logit-adjusted*: that set, treated so as well. *dose*: at most that share of synthetic faces a
  bin. *only* a generator: its faces alone. *ungated*: as many candidates as the balanced set holds,
  whatever the gate said of them.
- Of masks: *bare*, the real train faces; else every second face that a training sees is covered:
  *greyed* below the nose's middle, wearing *masks* of the network that comes with the package, or
  MaskTheFace's *templates*. Test faces *wearing templates* wear these, too: what there was to gain.

*fairface* is the road of examples/fairface: at most half of a bin synthetic, new people of the bin
first. *fairface, filled to the brim* is an earlier one, of an older detector: bins filled wholly
(`plan.max_synthetic_share: 1`), most of it with ages, trainings of 72,000 instead of 128,000 faces.
"""

_SEEN = """## What it says

Ages, *fairface*. The logit-adjusted loss needs no new face and is the best of what needs none: over
all classes alike it gains 6 points on *original*, and costs as many of all faces. The same loss on
the balanced set gains as much (the difference is within its interval) and costs clearly less:
2 points on FairFace's held-out faces, 1 on UTKFace's. A weaker adjustment without new faces may
cost less, too; no variant here tests that. The worst group is not recognised better than with that
loss alone. A plain training gains nothing clear from this set.

Why not more? New faces are made of the same few photos, and say little about age that these do not
say. *fairface, filled to the brim* shows both sides: a plain training gains much more from bins
filled wholly, but with the adjusted loss babies are recognised less often than with that loss
alone. Nine tenths of them are synthetic there, and the loss, to which they are not rare any more,
no longer makes up for what synthetic babies lack. So the present road fills half.

What is the gate worth? With the adjusted loss, as many candidates taken whatever the gate said of
them (*ungated*) do about as well as those that passed, on both data sets.

Gender. No variant closes the gap between groups of ethnicity and gender clearly, with or without
synthetic faces.

Masks. On photos from the web, a training that sees the network's masks says of 92 % whether there
is a mask, with templates of 89 %, with greyed halves of 53 %. Of faces that wear masks (templates),
`bare` takes most black, east Asian, southeast Asian and white women for men; with any of the three
covers that is mended in part: greyed halves do more than the network's masks, and templates, being
what the test faces wear, most. Price: of faces as they are, 1 to 2 points fewer are right,
for every second face that a training sees is covered.
"""


def write_page(figures: Path) -> None:
    """Write the page beside the figures."""
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    lines = ["# Does it help? What was measured\n", _ABOUT]
    if any(row["arch"] == "balanced" for row in rows):
        lines.append(_SEEN)
    for data in dict.fromkeys(row["data"] for row in rows):
        lines += _section(data, [row for row in rows if row["data"] == data])
    made = sorted({str(row["command"]) for row in rows})
    lines += ["\nMade with:\n", *(f"    {command}" for command in made)]
    lines += [
        "\nFrom kept predictions, without photos and trainings:\n",
        "    python benchmarks/fairness.py --again",
    ]
    figures.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _section(data: str, rows: Rows) -> Iterator[str]:
    whole = [row for row in rows if row["group"] == "all"]
    variants = list(dict.fromkeys(row["arch"] for row in whole))
    n, seeds = whole[0]["n"], whole[0]["seeds"]
    yield f"\n## {data}\n"
    yield f"{n:,} held-out faces, {seeds} trainings a variant.\n"
    yield from _table("variant", variants, MEASURES, whole, "arch", "name")
    groups = [row for row in rows if row["name"] == "accuracy"]
    sizes = {row["group"]: row["n"] for row in groups}
    yield "\nRecall by group (n: test faces)\n"
    named = [{**row, "column": f"{row['group']} (n={sizes[row['group']]})"} for row in groups]
    columns = list(dict.fromkeys(row["column"] for row in named))
    yield from _table("variant", variants, columns, named, "arch", "column", interval=False)
    for against in dict.fromkeys(row["group"] for row in rows if row["group"].startswith(AGAINST)):
        mine = [row for row in rows if row["group"] == against]
        others = [name for name in variants if any(row["arch"] == name for row in mine)]
        name = against.removeprefix(AGAINST)
        yield f"\nDifferences to *{name}* (bold: the interval is clear of 0)\n"
        yield from _table("variant", others, MEASURES, mine, "arch", "name", clear=True)


def _table(
    corner: str,
    lines: Sequence[str],
    columns: Sequence[str],
    rows: Rows,
    of_line: str,
    of_column: str,
    interval: bool = True,
    clear: bool = False,
) -> Iterator[str]:
    found = {(row[of_line], row[of_column]): row for row in rows}
    used = [name for name in columns if any((line, name) in found for line in lines)]
    yield f"| {corner} | {' | '.join(used)} |"
    yield "|---|" + "---|" * len(used)
    for line in lines:
        cells = [_cell(found.get((line, name)), interval, clear) for name in used]
        yield f"| {line} | {' | '.join(cells)} |"


def _cell(row: Mapping[str, Any] | None, interval: bool, clear: bool) -> str:
    if row is None:
        return ""
    text = f"{row['value']:+.3f}" if clear else f"{row['value']:.3f}"
    if not interval or row["interval"] is None:
        return text
    low, high = row["interval"]
    if clear and (low > 0 or high < 0):
        text = f"**{text}**"
    return f"{text} [{low:.3f}, {high:.3f}]"
