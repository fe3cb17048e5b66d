"""The page of benchmarks/fairness.py: every data set and task, all variants side by side."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fairness_rows import AGAINST, BEST
from fairness_shifted import is_moved, strength_of

from augment.metrics.resampling import SMALL_GROUP

Rows = Sequence[Mapping[str, Any]]

MEASURES = ("overall", "balanced_accuracy", "worst_group", "gap", "equalized_odds_difference")
#: Variants with new faces that the table at the top tells of.
_OURS = ("balanced", "balanced, logit-adjusted", "masks")
#: Where classes come about equally often, strength changes nothing: by less than this of all faces.
_FELT = 0.02
_LEARNED = ("real_faces", "synthetic_faces")

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

*fairface* is the road of examples/fairface on a sample of 13,000 photos: at most half of a bin
synthetic, new people of the bin first. *fewer families* is the same of an earlier plan, which put
the same parents together more often: as many new faces, of fewer different people. *rare
ages halved* and *quartered* are that earlier road of a set in which only a half or a quarter of the
train photos of 0-2, 60-69 and 70+ stayed (benchmarks/fairness_thin.py), then filled; *whole* are
its train photos before that. *filled to the brim* is an older one still, of an older detector: bins
filled wholly (`plan.max_synthetic_share: 1`), ages first. *utkface* is the road of
examples/utkface.yaml on a sample of 3,998. *tested on* another data set: its photos, told by the
same networks. Trainings see 128,000 faces each on *fairface*, 72,000 on *utkface*, filled to the
brim, and with masks: compare within a table, not between tables.
"""

_SEEN = """## What it says

Ages, *fairface*. The logit-adjusted loss needs no new face and is the best of what needs none: over
all classes alike it gains 6 points on *original*, and costs as many of all faces. The same loss on
the balanced set gains as much (the difference is within its interval) and costs less: 3 points
instead of 6 on FairFace's held-out faces, 2 instead of 4 on UTKFace's. The worst group is not
recognised better than with that loss alone. A plain training gains nothing clear from this set,
over all classes alike or in the worst group, on either data set; on UTKFace's faces the gap between
ages narrows by 5 points, and 1 point fewer of all faces are right.

That is mostly the same trade, though: answering as if rarity were made up for less (strength 0.6),
the loss without new faces does about as well as with them at strength 1. At the same strength, from
0.8 on, more of all faces are right with new faces, 2 to 4 points on FairFace's, 1 to 3 on
UTKFace's; over all classes alike and in the worst group no difference is clear there. At 0.6 new
faces cost 1 to 2 points over all classes alike, and 5 in the worst group on UTKFace's.

The dose. Up to a tenth, a quarter or half of a bin synthetic: none changes a plain training clearly
on FairFace's faces. With the adjusted loss, the more of them, the more of all faces are right (1
point at a quarter, 3 at half); over all classes alike nothing changes.

Each generator alone. With the adjusted loss morphs bring those 3 points (2 on UTKFace's faces,
where they cost 1 over all classes alike, beyond the interval); the faces made older or younger
change nothing clear on FairFace's, but there are only 210 of them: this plan takes new people
first.

Ages, *utkface*: examples/utkface.yaml, filled by the same rules, never tuned on that data. Here the
balanced set costs what it should bring: with the adjusted loss 3 to 4 points of balanced accuracy,
and 2 of gender, both beyond the intervals. The dose may be part of it: with at most a quarter of a
bin synthetic (*dose 0.25*) it costs 2 points and 1 of gender, though the intervals overlap. The
sample is a third as large as FairFace's, and 44 % of what a training on the balanced set sees is
synthetic, there 30 %, at dose 0.25 24 %.

Why not more? Perhaps because new faces are made of the same few photos, and say little about age
that these do not say. To put the same parents together less often changed nothing clear: with the
adjusted loss 3 points more of all faces are right than with that loss alone, 2 with *fewer
families*.

*fairface, filled to the brim* shows both sides, though it differs in more than that. A plain
training gains 6 points over all classes alike from bins filled wholly, and loses 3 of all faces.
With the adjusted loss the gap between ages narrows against that loss alone, but babies are
recognised less often, perhaps because most are synthetic there, and the loss, to which they are not
rare any more, no longer makes up for what synthetic babies lack. So the present road fills half.

How many real faces does a synthetic one replace? Without half of the photos of 0-2, 60-69 and 70+,
a plain training recognises these ages half as often; with the set filled, it regains 0.6 of what
was lost: a new face is worth 0.6 real ones, with wide intervals (both 0.25 to 1). The adjusted
loss leaves nothing to regain there: without those photos it pays with other ages, and of all faces
the filled set then gets about as many right as all photos do with that loss.

New faces help where people are rarest. Where a quarter of those photos is left (*quartered*), the
adjusted loss on the filled set is ahead of that loss without new faces: 2 points of all faces and 2
over all classes alike, both beyond the intervals, and 5 in the worst group, within it; it comes
near to what all photos give with that loss. A plain training regains 0.16 of what was lost (0.05 to
0.27), so that a new face is worth half a real one (0.2 to 0.9). Gender is told 1 point worse.

What is the gate worth? As many candidates taken whatever the gate said of them (*ungated*) do about
as well as those that passed, plain or with the adjusted loss: on both data sets they are at most 1
point apart in all faces and over all classes alike, and their intervals overlap.

Gender. Apart from masks (below), no variant closes the gap between groups of ethnicity and gender
clearly, with or without synthetic faces; with them, up to 1 point fewer are told right than with
the best of what needs none, on *utkface* 2 points, mostly beyond the interval. Resampled, 2 points
fewer are told right without new faces and 3 with them.

Masks. On photos from the web, a training that sees the network's masks says of 92 % whether there
is a mask, with templates of 89 %, with greyed halves of 53 %. Of faces that wear masks (templates),
`bare` takes most black, east Asian, southeast Asian and white women for men; with any of the three
covers that is mended in part, and some men are taken for women instead. Of women greyed halves mend
more than the network's masks, over all faces as much; templates, being what the test faces wear,
mend most. Price: of faces as they are, 1 to 2 points fewer are right, of ages 3 over all classes
alike, for every second face that a training sees is covered. Those photos from the web name nobody;
whether people are still recognised is measured on LFW's pairs (reports/systems/mask.md).
"""


def write_page(figures: Path) -> None:
    """Write the page beside the figures."""
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    lines = ["# Does it help? What was measured\n", _ABOUT]
    if any(row["arch"] == _OURS[0] for row in rows):
        lines.append(_SEEN)
    lines += [*_at_a_glance(rows), *_at_equal_strength(rows), *_replaced(rows)]
    for data, task in _asked(rows):
        lines += _section(data, task, [row for row in rows if row["data"] == data])
    made = sorted({str(row["command"]) for row in rows})
    lines += ["\nMade with:\n", *(f"    {command}" for command in made)]
    lines += [
        "\nFrom kept predictions, without photos and trainings:\n",
        "    python benchmarks/fairness.py --again",
    ]
    figures.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _asked(rows: Rows) -> list[tuple[str, str]]:
    """Data and task of each section."""
    return list(
        dict.fromkeys((row["data"], row["group"]) for row in rows if row["name"] == MEASURES[0])
    )


def _at_a_glance(rows: Rows) -> Iterator[str]:
    """What has new faces, against the best of what has none."""
    yield "## Against the best baseline\n"
    yield "Differences to the baseline that is best at it (bold: the interval is clear of 0).\n"
    yield "| test faces, task | variant | balanced accuracy | against | worst group | against |"
    yield "|---|---|---|---|---|---|"
    for data, task in _asked(rows):
        for variant in _OURS:
            mine = [
                row for row in rows
                if (row["data"], row["arch"], row["group"]) == (data, variant, task)
            ]  # fmt: skip
            balanced, worst = (
                next((row for row in mine if row["name"] == name), None)
                for name in (BEST, f"worst_group_{BEST}")
            )
            if balanced is not None:
                cells = [
                    _cell(row, interval=True, clear=True) + f" | {row['baseline'] if row else ''}"
                    for row in (balanced, worst)
                ]
                yield f"| {data}, {task} | {variant} | {' | '.join(cells)} |"


def _at_equal_strength(rows: Rows) -> Iterator[str]:
    """With and without new faces, where both make up for rarity as much; nothing where that was
    not measured."""
    names = ("overall", "balanced_accuracy", "worst_group")
    moved_rows = [row for row in rows if is_moved(row["arch"])]
    if not moved_rows:
        return
    yield "\n## At the same strength of adjustment\n"
    yield (
        "The adjusted trainings, answering as if rarity were made up for less (below 1) or more\n"
        "than in training. Values without new faces, with them, and their difference (bold: the\n"
        "interval is clear of 0).\n"
    )
    for data, task in _asked(moved_rows):
        mine = [row for row in rows if row["data"] == data]
        overall = [row["value"] for row in moved_rows if _is(row, "overall", data, task)]
        if max(overall) - min(overall) < _FELT:
            continue
        found = {(row["arch"], row["name"], row["group"]): row for row in mine}
        yield f"\n{data}, {task}\n"
        yield f"| strength | {' | '.join(f'{name} | with | difference' for name in names)} |"
        yield "|---|" + "---|" * (3 * len(names))
        every = dict.fromkeys(row["arch"] for row in mine)
        with_ones = [name for name in every if name.startswith(_OURS[1])]
        for ours in sorted(with_ones, key=strength_of):
            bare = ours.removeprefix(f"{_OURS[0]}, ")
            cells = []
            for name in names:
                difference = found.get((ours, f"{name}_difference", f"{task}{AGAINST}{bare}"))
                cells += [
                    _cell(found.get((bare, name, task)), interval=False, clear=False),
                    _cell(found.get((ours, name, task)), interval=False, clear=False),
                    _cell(difference, interval=True, clear=True),
                ]
            yield f"| {strength_of(ours):g} | {' | '.join(cells)} |"


def _is(row: Mapping[str, Any], name: str, data: str, group: str) -> bool:
    return (row["name"], row["data"], row["group"]) == (name, data, group)


def _replaced(rows: Rows) -> Iterator[str]:
    """How many real faces a synthetic one replaces; nothing where that was not measured."""
    names = ("thinned_recall", "recall_regained", "real_faces_replaced")
    mine = [row for row in rows if row["name"] in names]
    if not mine:
        return
    yield "\n## How many real faces a synthetic one replaces\n"
    yield (
        "`thinned_recall`: mean recall of the classes that were thinned; `recall_regained`: the\n"
        "share of what thinning cost that filling brings back; `real_faces_replaced`: that share,\n"
        "by the faces left out and the faces made. No entry: thinning cost nothing clear.\n"
    )
    named = [{**row, "line": f"{row['data']}, {row['group']}: {row['arch']}"} for row in mine]
    lines = list(dict.fromkeys(row["line"] for row in named))
    yield from _table("test faces, task: variant", lines, names, named, "line", "name")


def _section(data: str, task: str, rows: Rows) -> Iterator[str]:
    whole = [row for row in rows if row["group"] == task]
    variants = [name for name in dict.fromkeys(row["arch"] for row in whole) if not is_moved(name)]
    first = next(row for row in whole if row["name"] == MEASURES[0])
    yield f"\n## {data}, {task}\n"
    yield f"{first['n']:,} held-out faces, {first['seeds']} trainings a variant.\n"
    yield from _table("variant", variants, (*MEASURES, *_LEARNED), whole, "arch", "name")
    yield "\n<details><summary>Recall by group (n: test faces)</summary>\n"
    prefix = f"{task}, "
    groups = [
        {**row, "column": f"{row['group'].removeprefix(prefix)} (n={row['n']})"}
        for row in rows
        if row["name"] == "accuracy" and row["group"].startswith(prefix)
    ]
    columns = list(dict.fromkeys(row["column"] for row in groups))
    yield from _table("variant", variants, columns, groups, "arch", "column", interval=False)
    yield "\n</details>"
    for against in _compared_with(task, rows):
        mine = [row for row in rows if row["group"] == f"{task}{AGAINST}{against}"]
        others = [name for name in variants if any(row["arch"] == name for row in mine)]
        named = [{**row, "column": row["name"].removesuffix("_difference")} for row in mine]
        yield (
            f"\n<details><summary>Differences to <i>{against}</i> (bold: the interval is clear of "
            "0)</summary>\n"
        )
        yield from _table("variant", others, MEASURES, named, "arch", "column", clear=True)
        yield "\n</details>"


def _compared_with(task: str, rows: Rows) -> list[str]:
    """Baselines."""
    start = f"{task}{AGAINST}"
    groups = [row["group"] for row in rows if not is_moved(row["arch"])]
    return list(dict.fromkeys(g.removeprefix(start) for g in groups if g.startswith(start)))


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
    if row["unit"] == "faces":
        return f"{row['value']:,}"
    text = f"{row['value']:+.3f}" if clear else f"{row['value']:.3f}"
    if not interval or row["interval"] is None:
        return text
    low, high = row["interval"]
    if clear and (low > 0 or high < 0):
        text = f"**{text}**"
    return f"{text} [{low:.3f}, {high:.3f}]"
