"""The page of benchmarks/morph.py: all figures side by side, and faces that may be shown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from morph_faces import People
from morph_people import ARCHES, request

from augment.generators.morph import Config, Generator
from augment.images import encode
from augment.planning.donors import DonorPool
from augment.types import Image

_ORDER = (
    *("real", "real_32px", "blend", "warp_two", "warp", "warp_four", "dcgan"),
    "ours",
    *("raw", "aligned", "steadied", "video"),
)
_ROWS, _SCALE, _LINE = 6, 2, 4
_SEED = 3

_ABOUT = """*blend* is the classical morph of two people (bent to their middle, every pixel averaged
at weights of 0.3 to 0.5); *warp_four* is what `kind: morph` does by itself: four people of one bin,
each part of the face from one of them, proportions of its own. *warp_two* and *warp* take two and
three people. Parents are chosen by the plan's own pool, from one half of the people; *fd* and
*kid* are against the other half, in the features of a recogniser that nobody here trained
(MobileFaceNet), at equal n; *real* is real people against real people.

`unlike_parents`: the morph is below the likeness that 1 % of pairs of strangers of a bin reach, to
every parent. `new_identities`: also no liker anybody else than 99 % of real people are to the one
most like them. `confused_pairs`: two morphs without a common parent that the recogniser takes for
one person; 1 % of real pairs are. `new_people_of_three`: of a bin of three people, how many morphs
are new and all different from each other (median, least and most of three bins). Twenty were hoped
for. If a recogniser described a mix of three people who are nothing alike as the mix of their
descriptions, the mix could not be less like all three than 1/√3 = .58, far above what strangers
reach; what little gets below is what mixing adds. Give a bin more people, or take its faces from
elsewhere (`age`, other bins).
"""

_SEEN = """What the eye sees: most faces hold together at 64 px and are as sharp as photos. Where
mouths differ (one open, one closed) or a parent looks aside, mouth or nose may be doubled or bent;
skin around the eyes may keep another tone; glasses of one parent fade out at the temples; a hand or
a fringe may be cut by the edge of its part. Faces of four people have such faults about as often as
those of three.

`gate_pass_rate`: what the product's own plan, generator and gate let pass of morphs ordered for the
women of LFW, thresholds at 5 % false rejection. Of those made of photos' pixels most that is
refused, the check `identity` refuses, and nearly always because of a parent: a morph of two is like
both of them, which border controls know as the morphing attack. Two people are too few; of three
one in five passes, of four, the default, one in four (not told apart: 75 each), no less sharp and
no farther from real faces (`fd`). Order accordingly (`plan.spare`, `plan.most_spare`). A bin of
three faces needs `people: 3`.

Networks learned there from many people with few photos each. Nothing of *dcgan* passes. Of *ours*
one in three does, and nothing is refused by `identity`, but that is no recommendation: by eye
nearly all of them are melted, with mouths out of place. No check sees it; the judge of faults knows
faults that were planted, and this is none of them. Keep `arch: ours` for two people with many
frames each.
"""

_NETS = """## Networks of two people

*dcgan* is Han and Kim's network in the layers of its port, at a quarter of the port's width and
batches of 6; *ours* knows a person (`who`, which mixes by w between 0 and 1) from a moment (pose,
light, expression). Both make 64 pixels. *warp* is the classical morph of a frame of each.
`two_drawn`: two drawn films; `two_clips`: clips A and B. Groups: frames cut by a fixed box (`raw`)
or by their own points (`aligned`), and how many of both people there are at most (those without
exactly one face are not used). Held against later frames that nobody learned from, in
MobileFaceNet's features; a logistic regression on these says who it is.

`fd`, `kid`, `precision`, `recall`: samples of either person. `fd_of_morphs`: the middle of paths.
`real`: learned frames; `real_32px`: the unseen frames themselves with half of their pixels.
`memorisation`: how far samples are from the nearest learned frame, by how far unseen frames are;
below 1 they are copies, far above they are no good faces either. `path_smoothness`: the longest
step by the mean one. `crossing_share`: paths on which the recogniser changes its mind once, in one
direction; of *dcgan* between samples that it is sure about, of *ours* between two given frames that
it has never seen. `health` is the paper's rule on `d_loss` and `g_loss`; it needs 500 steps for a
verdict and three times as many for a failure.

How many images each network saw stands above each table, what that took in `train_minutes`: a few
minutes of one core each, of the 45 minutes of two cores that a training may take.

What the eye sees of *ours*: at once which of the two it is, eyes, nose and mouth in their places,
hair in one piece, soft. Some samples have an edge of the other head's outline, as moments are drawn
for both people together. Mixes of aligned drawn frames are one face; where one person's hair meets
the other's background a fringe of dark dashes stays. Mixes of raw frames have more of these, and
spots below the mouth. Of the clips, either person comes out well from aligned frames; half way the
mouth is doubled and blue shows beside the head, and from raw frames nothing holds together there.
*dcgan* is grainy; in most rows of aligned frames the recogniser is sure of one of the two people in
no sample, so that no path can begin there. The warp is sharper; hair and background of both shine
through.

*ours* is nearer to unseen frames (`fd`, `kid`) than *dcgan* in every row, and nearer on aligned
frames than on raw ones; a hundred drawn frames are about as good as five thousand, at equally many
images seen. All its paths between unseen frames cross once. On aligned drawn frames its
samples are much nearer than the unseen frames themselves are with half of their pixels
(`real_32px`), on raw ones about as near, on clips farther. The warp's morphs lie nearer to real
frames (`fd_of_morphs`) than those of *ours* in every row: its pixels are real ones. Its paths are
less even on aligned frames, more even on raw drawn ones. `precision` and `recall` are 0 nearly
everywhere: nothing is as good as unseen real frames are.

`health`: *dcgan*'s discriminator is ahead of the paper's band (.3 to 1) in every row, not more so
on raw frames than on aligned ones: the paper's pattern (raw fails, aligned learns) does not show,
and the rule says WATCH. The critic of *ours* stays in balance in every row; WATCH there is for a
generator's loss that still moves. The drawn heads move little, and there is one seed.

Sampling (`faces_per_s`) and training were timed while other work ran on the machine. To hold mixes'
tints more (`tint`) took away blue seams between hair and background of drawn people.

**Not run**: trainings of 45 minutes; the port's full width and batch; further seeds. One command,
which may be interrupted, does it: `python benchmarks/morph_nets.py`.

![Networks of two drawn people](morph_nets.jpg)

Drawn people, aligned, up to 500 frames. First *dcgan*: eight samples. Then *ours*: eight samples,
and two paths between frames that it has not seen. Last *warp*: two paths.
"""

_AGAIN = """All of it again, in order: `python benchmarks/morph.py` (hours of one core; with
`--work` a killed run goes on). Which command, commit and seed each row was made with stands in
[morph.json](morph.json)."""


def write_page(people: People, figures: Path) -> None:
    """Write ``morph.md`` and ``morph.jpg`` beside the figures; the picture is of the London set."""
    picture = figures.with_suffix(".jpg")
    picture.write_bytes(encode(sheet(people)))
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    lines = [
        "# Morphs: new people of several\n",
        _ABOUT,
        f"![Morphs]({picture.name})\n",
        "From the left: four people, the classical blend of the first two, and three morphs. "
        "Parents from the Face Research Lab London Set, L. DeBruine and B. Jones (2017), CC BY "
        "4.0, with the signed consent of the pictured; cut, mixed and enlarged here.\n",
        _SEEN,
    ]
    if figures.with_name("morph_nets.jpg").is_file():
        lines.append(_NETS)
    for data in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == data]
        lines += [f"## {data}\n", *_seen_images(own), *_table(own), ""]
    lines.append(_AGAIN)
    figures.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _seen_images(rows: Sequence[dict[str, Any]]) -> list[str]:
    """How long networks were trained, of data that has any."""
    told: dict[str, list[str]] = {}
    for row in rows:
        if row["name"] == "health":
            told.setdefault(row["group"], []).append(f"{row['arch']} {row['n']:,}")
    said = "; ".join(f"{group}: {', '.join(own)}" for group, own in told.items())
    return [f"Images that each network saw while it learned: {said}.\n"] if said else []


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    arches = [arch for arch in _ORDER if any(row["arch"] == arch for row in rows)]
    lines = [f"| figure | group | unit | better | {' | '.join(arches)} | n |"]
    lines += ["|---" * (len(arches) + 5) + "|"]
    for name, group in dict.fromkeys((row["name"], row["group"]) for row in rows):
        own = {row["arch"]: row for row in rows if (row["name"], row["group"]) == (name, group)}
        one = next(iter(own.values()))
        shown = [_number(own.get(arch)) for arch in arches]
        units = " / ".join(dict.fromkeys(row["unit"] for row in own.values()))
        unit = f"{units} | {one['better']}"
        lines.append(f"| {name} | {group} | {unit} | {' | '.join(shown)} | {one['n']} |")
    return lines


def _number(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    ends = row["interval"]
    return f"{row['value']:g}" + ("" if ends is None else f" ({ends[0]:g} to {ends[1]:g})")


def sheet(people: People) -> Image:
    """Families of the largest bins, one a row."""
    bins, sizes = np.unique(people.bins[people.bins != ""], return_counts=True)
    lines = []
    for number in range(_ROWS):
        name = bins[np.argsort(-sizes, kind="stable")][number % min(2, len(bins))]
        members = np.flatnonzero(people.bins == name)
        lines.append(_line(people, members, _SEED + number))
    space = np.full((_LINE, lines[0].shape[1], 3), 255, np.uint8)
    return np.vstack([part for line in lines for part in (line, space)][:-1])


def _line(people: People, members: np.ndarray[Any, Any], seed: int) -> Image:
    """The people, the blend of two of them, morphs of all."""
    looks = people.looks(members)
    names = [people.faces.ids[n] for n in members]
    pool = DonorPool(names, [people.who[n] for n in members], 1, seed, looks=looks)
    morph = Generator(Config())
    family = tuple(int(members[n]) for n in pool.take(1, morph.parents, "page")[0])
    shown = [people.faces.images[n] for n in family]
    blend = Generator(Config(**ARCHES["blend"])).make([request(people, family[:2], seed)])
    made = [*blend, *morph.make([request(people, family, seed, turn) for turn in range(3)])]
    grey = np.full_like(shown[0], 200)
    shown += [grey if one.image is None else one.image for one in made]
    wide = np.full((len(grey), _LINE // 2, 3), 255, np.uint8)
    line = np.hstack([part for face in shown for part in (face, wide)][:-1])
    return np.asarray(cv2.resize(line, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC))
