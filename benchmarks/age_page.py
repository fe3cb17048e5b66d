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
scores. *Ours* lays faces on each other by their five points, does to a face what age does to the
average face, in shape, shading and strength of detail, to what looks like the face's own skin and
to what does not apart from each other, and spreads what faces differ by (beards, wrinkles, hair) as
it is spread at the other age; all of it is fitted in one minute, nothing is trained. Shading and
detail are exaggerated twice on photos, not at all on drawn faces; *ours_once* exaggerates nothing,
*ours_half_again* 1.5 times, *ours_unplaced* does not look at the points, *ours_alike* does not
spread what faces differ by. Networks saw so many faces at 64 px as row `train_images` says.
Target accuracies are the weakest judge's, and a mean is the mean of the five merged
groups. L1 is of levels 0 to 1: the double on -1 to 1. *Perceptual* figures are cosine distances of
a judge's features, not LPIPS. *Ours* leaves a face that is asked for its own age as it is by its
design. `gender_kept` of *truth*: how often the judge would take two true pictures of one person at
two ages for the same gender; of *mirrored*: the parent and its mirror image. `frechet_distance` is
to real faces of the group, of *truth* between two sets of these: the floor. `pass_rate`: what the
gate lets through of the two age groups that have fewest faces, made of others; `label_passed`: what
its check of the ordered age lets through, of *truth* when held-out real faces of that age take the
places of those that were made.
"""

_WRONG = """*Photos* (18 of the test split at five ages, looked at; none is shown). At 8 to 75 years
faces seen from the front change as one expects and stay who they are: cheeks and jaws fill and
sink, brows get heavier, folds beside the nose and below the eyes come and go, children get creased
foreheads. Turned faces stay turned, with eyes and mouth where they were, smiles stay smiles, and
beards fade towards childhood, by half at most. Grain and blur are left as they are. At 1 year
foreheads stay skin, where a grey cap was before skin and hair changed apart; a shade of it is left
on some. What is wrong: adults made older get too few wrinkles, and some change so little that one
must look twice; at 1 year narrow eyes and glasses become dark pools, lips too red or dark, and on
heads turned far a cheek swells into the background; at 75 years a few ripples where a tight photo
was mirrored; dark hair hardly turns grey and nobody grows bald (these crops show little hair); a
baby made old is an old skin on a baby's head; with hats, dark glasses and profiles little is right.
On three large portraits (Face Research Lab London Set, changed at their own size) ages from 8 to 50
look natural, 72 like a tired person of 50, and at 1 year the head stays an adult's, with a shade on
the forehead and eyes too dark. So no weights of it come with the package.

Targets that are missed: judges see the age asked for less often than on real faces of that age, by
the embedding most of all, and distances hardly close. Donors lie nearly as near to real faces of a
group as these to each other (*truth*): about a seventh of the distance is all that could be closed.
The gate passes as many babies as it would real ones (`label_passed`), but refuses nearly all that
shall be 70 or older: they are made of people over 60, and judges must see them move further towards
70 than a mirror image moves. Real people over 70 in their places pass that check far more often,
but not half of them either, so half is out of reach with these judges. Ethnicity as judged is
unsteady by itself (*mirrored*), and gender on children too (*truth*). Networks have seen few faces:
two cores did not give time for more than row `train_images` says, and not for the same number for
all.

A refiner was tried and dropped. A small U-Net drew onto ours' result what a guide asked for, a
network that had learned ages on half a against changes meant to fool it (A. Madry et al. 2018, E.
Wong et al. 2020). From a few thousand photos at 64 px such a guide learns little within minutes:
changed by its slopes, old skin gets red and babies' eyes black, and a fine grid appears; no
wrinkle, no grey hair. The network among the judges was pleased far more than the others, and
apparent ethnicity was kept much less often: what the spec of this system warns of. Detail of a real
face of the age asked for, laid on cheeks and forehead, gave wrinkles to some faces seen from the
front, and the nose of somebody else to others; judges saw next to nothing of it, and it would carry
real faces along in the weights.

Two estimates of how much to exaggerate were tried and dropped. As much as a guess of the age by
hand-made descriptors asks for: on drawn faces it asked for 1.7 times the shape and twice the
detail, and the error to the truth grew by a fifth, since it makes up for hair and skin that no edit
reaches. As much as makes descriptors' means those of real faces (least squares, weighted by what
faces differ by): half of the shape, and again the error grew. The averages themselves are nearest
to the truth. Bends look like caricatures on large photos as soon as they are exaggerated, and
around the mouth, where averages differ by who smiles, even if not: there the points lead alone. A
correction by a U-Net with an adversary undid a part of the change, at more cost in likeness than it
saved; an encoder taught to tell ages was right on 13 % of the photos after a minute's training,
hand-made features as row `exact_accuracy` says. Both are gone.

*Drawn faces*: heads become a child's or an old person's in shape, cheeks and brows follow; hair
turns grey in the middle alone, since colours change inside of an ellipse around the face and drawn
hair reaches beyond it; grey hair is not all brown again, and a bald head gets no hair; where a head
grows, hair and background are bent along with it; beards fade on children in part. Judges see the
age less often than they did before colours were kept to the head, the network most of all (it had
gone by what lies around a head, too), and a little less often than before skin and hair changed
apart, though pictures are nearer to the truth (`error_to_true`).
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
