"""The page of benchmarks/age.py: all figures side by side, and drawn faces at all ages."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from age_faces import YEARS, Held
from age_measures import STEPS, Edit, whole
from PIL import Image as Picture

from augment.types import Image

_ORDER = (
    "truth", "unchanged", "mirrored", "ragan", "hrfae", "decompose", "ours_once", "ours_half_again",
    "ours_unplaced", "ours_alike", "ours_steady", "ours_varied", "ours",
)  # fmt: skip
_ON_SHEET = ("ours",)
_SHOWN = (3, 10, 15, 25, 44, 62, 71)  # people of the sheet, of all ages
_SCALE = 2

_ABOUT = """Drawn faces have true pictures at other ages, so `error_to_true` is against the truth:
the mean absolute difference inside of the face, of levels 0 to 1. *unchanged* is what doing nothing
scores. *Ours* lays faces on each other by their five points and does to a face what age does to the
average face, in shape, shading and strength of detail, apart from each other to what looks like the
face's own skin and to what does not; hair it looks for in each picture, and gives it the colour
that such hair has at the other age; what faces differ by (beards, wrinkles) is spread as it is
there. All of it is fitted in one minute, nothing is trained. Shading and detail are exaggerated
twice on photos, detail beyond 45 years half as much again, and nothing on drawn faces; *ours_once*
exaggerates nothing. Figures of *ours* are of faces that age as people do on average; in the
pipeline each order's seed draws how this face ages: *ours_varied*. `repeated` is how often the same
face asked for twice is one picture to the gate's check, of *ours_steady* if the seed draws the year
alone.

Networks saw so many faces at 64 px as row `train_images` says. `seeds` in the figures: how many
trainings a row is the mean of; in ours nothing is random but the years of photos of which only the
age group is known, the years that are ordered, and the ways of *ours_varied*.
Target accuracies are the weakest judge's, and a mean is the mean of the five merged
groups. L1 is of levels 0 to 1: the double on -1 to 1. *Perceptual* figures are cosine distances of
a judge's features, not LPIPS. *Ours* leaves a face that is asked for its own age as it is by its
design. `gender_kept` of *truth*: how often the judge would take two true pictures of one person at
two ages for the same gender; of *mirrored*: the parent and its mirror image. `frechet_distance` is
to real faces of the group, of *truth* between two sets of these: the floor. `pass_rate`: what the
gate lets through of the two age groups that have fewest faces, made of others; `label_passed`: what
its check of the ordered age lets through, of *truth* when held-out real faces of that age take the
places of those that were made. Orders go to the donors whose faces passed in the pilot. Both were
taken before that check asked that few real faces of other ages look as much like the ordered one
(`false_acceptance`): on photos old faces were let through that do not look it, and fewer pass now.
"""

_WRONG = """*Photos* (20 of the test split at five ages, looked at; none is shown). At 8 to 75 years
faces seen from the front change as one expects and stay who they are: cheeks and jaws fill and
sink, brows get heavier, folds beside the nose and below the eyes come and go, children get creased
foreheads. Turned faces stay turned, smiles stay smiles, beards fade in part towards childhood;
no halo appears around heads. What is wrong: adults made older get too few wrinkles, and some
change so little that one must look twice; dark hair gets greyer at its edges at best (these crops
show little hair, and what is learned of its colour is mixed with what lies behind); nobody grows
bald. At 1 year a brown or grey shade lies on many foreheads, narrow eyes and glasses become dark
pools, lips too red or dark, and on heads turned far a cheek swells into the background. A baby made
old is an old skin on a baby's head, rough and spotted at 75; there are ripples where a tight photo
was mirrored. With hats, dark glasses and profiles little is right.

*Drawn faces*: heads become a child's or an old person's in shape, cheeks and brows follow; hair
turns grey as far as it reaches, at the sides and on the shoulders, too. Grey hair becomes brown
again on some; where it has the colour of what lies behind, it stays grey, and a shade falls beside
it. Black hair becomes dark grey where the truth is light, beards keep their colour and fade on
children in part, a bald head gets no hair; at 1 year eyes darken and wrinkles of the forehead stay
as a shade; where a head grows, hair and background are bent along with it.

Targets that are missed: judges see the age asked for less often than on real faces of that age, by
the embedding most of all, and distances hardly close. Donors lie nearly as near to real faces of a
group as these to each other (*truth*): little of the distance is left that could be closed.
The gate passes about as many babies made of photos as it would real ones (`label_passed`), and most
drawn faces made 70 or older, but a fifth of the photos: judges must see a face move further towards
70 than a mirror image moves, and real people over 70 in their places pass that check three times as
often. Whose faces pass is found out by the pilot: people of the next group hardly do, so that
the plan asks others. Drawn babies fail by `identity`, which sees somebody else in them.
Ethnicity as judged is unsteady by itself (*mirrored*), and gender on children too (*truth*).
Networks have seen few faces: two cores did not give time for more than row `train_images` says, nor
for more than one training of each on photos (two on drawn faces).

What was tried and dropped:

- *Starting from the age that one sees.* An edit starts from the age of the label. Started from what
  `classify` reads in the picture, the face is moved by as much as it lacks; but a reading is drawn
  to the middle, and judges saw the age asked for less often on photos. With that bias taken out
  they saw it a little more often on drawn faces and as often on photos; but the gate passed far
  fewer drawn faces made 70 or older, hardly more photos, and reading takes time.
- *A mirror image as another way to age*: `novelty` compares candidates with each other unmirrored,
  so it would have hidden copies, not avoided them.
- *A refiner*, a small U-Net that drew onto the result what a robust guide asked for: red skin,
  black eyes, a fine grid; no wrinkle, no grey hair. *Detail of a real face* laid on cheeks and
  forehead: somebody else's nose, and it would carry real faces along in the weights.
- *As much exaggeration as hand-made descriptors ask for*, in two ways: the error to the truth grew
  both times. Bends look like caricatures on large photos as soon as they are exaggerated.
- *A correction by a U-Net with an adversary*, and *an encoder taught to tell ages*: worse than
  without, and than hand-made features.
"""

_HEADINGS = {
    "drawn": "On drawn faces",
    "fairface": "On photos (FairFace's test split; judges learned on UTKFace)",
}


def write_page(figures: Path) -> None:
    """Write ``age.md`` beside the figures."""
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    lines = ["# Age: what was measured\n", _ABOUT]
    for data, heading in _HEADINGS.items():
        of_data = [row for row in rows if row["data"] == data]
        if of_data:
            lines += [f"\n## {heading}\n"]
            lines += _picture(figures.stem, of_data) if data == "drawn" else []
            lines += _table(of_data)
    made = sorted({str(row["command"]) for row in rows})
    lines += ["\n## What is wrong with the pictures\n", _WRONG]
    lines += ["\nPrint them again:\n", *(f"    {command}" for command in made)]
    figures.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _picture(stem: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = [arch for arch in _ON_SHEET if any(row["arch"] == arch for row in rows)]
    ages = ", ".join(f"{year:.0f}" for year in YEARS)
    return [
        f"![Drawn faces at nine ages]({stem}.jpg)\n",
        f"Each person: the truth (first row), then {', '.join(shown)}; first column the face as "
        f"given, then {ages} years.\n",
        f"![Drawn faces at sixteen ages]({stem}_strip.jpg)\n",
        "The same people by ours at sixteen ages from 1 to 78 years, in equal steps.\n",
    ]


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    archs = [arch for arch in _ORDER if any(row["arch"] == arch for row in rows)]
    found = {(row["name"], row["group"], row["arch"]): row for row in rows}
    lines = [f"| figure | group | better | {' | '.join(archs)} | n |"]
    lines += ["|---" * (len(archs) + 4) + "|"]
    for name, group in dict.fromkeys((row["name"], row["group"]) for row in rows):
        of_archs = [found.get((name, group, arch)) for arch in archs]
        shown = [_number(row) for row in of_archs]
        one: Mapping[str, Any] = next(row for row in of_archs if row)
        lines.append(f"| {name} | {group} | {one['better']} | {' | '.join(shown)} | {one['n']} |")
    return lines


def _number(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    value = float(row["value"])
    return f"{value:,.0f}" if value.is_integer() else f"{value:,.4g}"


def write_strips(path: Path, people: Sequence[Held], edit: Edit) -> None:
    """Some people at the sixteen ages of the slider."""
    lines = [np.concatenate(whole(edit, held, list(STEPS)), axis=1)
             for held in (people[place] for place in _SHOWN if place < len(people))]  # fmt: skip
    _save(path, np.concatenate(lines))


def _save(path: Path, sheet: Image) -> None:
    size = (sheet.shape[1] * _SCALE, sheet.shape[0] * _SCALE)
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(sheet).resize(size, Picture.Resampling.BICUBIC).save(path, quality=88)


def write_sheet(path: Path, people: Sequence[Held], edits: Mapping[str, Edit]) -> None:
    """People x ages, truth first."""
    lines = []
    for held in (people[place] for place in _SHOWN if place < len(people)):
        lines.append(np.concatenate([held.image, *held.truth], axis=1))
        for arch in (arch for arch in _ON_SHEET if arch in edits):
            made = whole(edits[arch], held, YEARS)
            lines.append(np.concatenate([held.image, *made], axis=1))
    _save(path, np.concatenate(lines))
