"""The page about super-resolution: tables of all figures, and pictures that may be shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from superres_extras import choice_part, curve_part, yield_part
from superres_faces import SEEN, UNSEEN, Faces
from superres_methods import BLENDS, Method
from superres_sections import gate_part, profit_part, training_part

from augment.images import encode
from augment.types import Image

_TITLE = "# Face super-resolution: four times the size, without a face in high resolution"
_ARCHES = ("bicubic", "bicubic_grain", "lanczos", "paper", "ours_l1", "ours_l1_adapted", "ours_gan",
           "ours_gan_grain", "supervised")  # fmt: skip
_COLUMNS = {
    "psnr": 2, "psnr_gain_db": 2, "ssim": 4, "ssim_gain": 4, "fd": 4, "fd_ratio": 3, "kid": 4,
    "identity_cosine": 3, "sharpness": 2, "skin_tone_shift": 2, "shrunken_psnr": 1,
}  # fmt: skip
#: The sets of which pictures may be shown, and what to write below.
_SHOWN = {
    "drawn": "Drawn faces that no method has seen, 256 from 64 pixels.",
    "london_hr": "Unseen people, 1,024 from 256 pixels; the middle of each photo. Face Research "
    "Lab London Set, L. DeBruine and B. Jones (2017), CC BY 4.0, with the signed consent of the "
    "pictured; enlarged and cut.",
}
_PICTURED = ("bicubic", "paper", "ours_l1", "ours_gan", "supervised")


def write_page(
    faces: Callable[[str], Faces],
    methods: Callable[[Path, str], dict[str, Method]],
    models: Path,
    figures: Path,
) -> None:
    """Beside the figures: superres.md and superres/*.jpg."""
    content = json.loads(figures.read_text())
    rows = content["rows"]
    sets = list(dict.fromkeys(row["data"] for row in rows if row["split"] == UNSEEN))
    parts = [
        _TITLE,
        _introduction(content["seed"]),
        "## Expected, and found",
        _expected(rows, sets),
    ]
    for name in sets:
        parts.append(f"## {name}")
        for split in (SEEN, UNSEEN):
            own = [row for row in rows if (row["data"], row["split"]) == (name, split)]
            parts += [f"### {split.capitalize()} faces", _table(own), _groups(own)]
        parts += [_trainings(rows, name)]
        if name in _SHOWN:
            target = figures.with_suffix("") / f"{name}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            if (models / name).is_dir():  # else the picture of an earlier run stays
                sheet = _sheet(faces(name).of(UNSEEN, 3), methods(models, name))
                target.write_bytes(encode(sheet))
            picture = f"![{name}]({target.parent.name}/{target.name})"
            order = f"From the left: {', '.join(_PICTURED)}, the original."
            parts += [picture, f"{_SHOWN[name]} {order}"]
    parts += curve_part(rows, figures.with_suffix("") / "curve.svg")
    parts += training_part(rows, figures.with_suffix("") / "training.svg")
    parts += choice_part(rows) + yield_part(rows) + profit_part(rows) + gate_part(rows)
    parts += ["## Cost", _cost(rows)]
    text = "\n\n".join(part for part in parts if part)
    figures.with_suffix(".md").write_text(text + "\n", encoding="utf-8")


def _introduction(seed: int) -> str:
    return (
        "Given is the original shrunken four times by area averaging. Methods are trained on the "
        "seen faces as they are given, `supervised` (an oracle) on the originals; it has the first "
        "stage of `ours` alone, as many pictures. The paper's network takes three to five times as "
        "long for a picture; it had a smaller share of the time, told below each table, so its "
        "figures are of a short training. Gains and ratios are against bicubic on the same faces. "
        "FD and KID are taken on hand-made features (edges, texture, colour) of 64-pixel pieces: "
        "they are no FID, and grain alone moves them far: `bicubic_grain` is bicubic with noise of "
        "half a grey level, which finds no detail; `ours_gan_grain` (`make.grain`) has it, too. "
        "The adversary's weight was chosen on FairFace's faces of validation, and is used on all "
        "sets; `ours_gan` lies between the two stages, at the share that was best on the set's own "
        "faces of validation. **Looked at, that share is too high**: from 0.75 on, strong edges "
        "are set with beads of four pixels, plainly on drawn faces, hardly on photos, and the "
        "distance likes their sharpness. The generator's default is a share of 0.5 "
        "(`ours_blend_0.5`), where photos show none. `ours_l1_adapted` learned 50 steps on each "
        "face before it enlarged it (measured on 20 faces). Shift of skin tone is in degrees of "
        "typology angle (above 0: lighter), uncalibrated light. Intervals are of 95 %, people "
        "drawn with replacement (FD: halves of the people). "
        f"Seed {seed}. The figures, with commit, command and interval: `superres.json`. Again: "
        "`python benchmarks/superres.py --work WORK`."
    )


def _expected(rows: list[dict[str, Any]], sets: list[str]) -> str:
    """On unseen faces: what was aimed at, what was found, whether it is met."""
    found = {(row["data"], row["split"], row["arch"], row["name"]): row["value"]
             for row in rows if row["group"] == "all"}  # fmt: skip
    lines = ["| set | aimed at | found | met |", "|---|---|---|---|"]
    for name in sets:
        psnr = {part: found[name, part, "ours_l1", "psnr"] for part in (SEEN, UNSEEN)}
        aims = [
            ("ours_l1: at least 1 dB above bicubic", "ours_l1", "psnr_gain_db", 1.0, 1),
            ("ours_l1: higher SSIM than bicubic", "ours_l1", "ssim_gain", 0.0, 1),
            ("ours_gan: at most 0.5 dB below bicubic", "ours_gan", "psnr_gain_db", -0.5, 1),
            ("ours_gan: FD at most 0.22 of bicubic's", "ours_gan", "fd_ratio", 0.22, -1),
            ("the default, ours_blend_0.5", "ours_blend_0.5", "fd_ratio", 0.22, -1),
            ("ours_gan with grain", "ours_gan_grain", "fd_ratio", 0.22, -1),
            ("ours_l1 after 50 steps on the face", "ours_l1_adapted", "fd_ratio", 0.22, -1),
        ]
        for aim, arch, figure, limit, sign in aims:
            value = found.get((name, UNSEEN, arch, figure))
            if value is not None:
                met = "yes" if sign * value >= sign * limit else "no"
                lines.append(f"| {name} | {aim} | {value:.3f} | {met} |")
        apart = abs(psnr[UNSEEN] / psnr[SEEN] - 1)
        lines.append(f"| {name} | ours_l1: PSNR of unseen faces within 5 % of seen ones' | "
                     f"{apart:.1%} apart | {'yes' if apart <= 0.05 else 'no'} |")  # fmt: skip
    return "\n".join(lines)


def _table(rows: list[dict[str, Any]]) -> str:
    found = {(row["arch"], row["name"]): row for row in rows if row["group"] == "all"}
    arches = [a for a in _ARCHES if (a, "psnr") in found]
    curve = [f"ours_blend_{blend:g}" for blend in BLENDS]
    arches[arches.index("ours_gan") : arches.index("ours_gan")] = [
        arch for arch in curve if (arch, "psnr") in found
    ]
    names = [name for name in _COLUMNS if ("bicubic", name) in found]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for arch in arches:
        cells = [_cell(found.get((arch, name)), _COLUMNS[name]) for name in names]
        lines.append(f"| {arch} | " + " | ".join(cells) + " |")
    lines.append(f"\nn = {found['bicubic', 'psnr']['n']} faces.")
    return "\n".join(lines)


def _cell(row: dict[str, Any] | None, digits: int) -> str:
    if row is None:
        return "–"
    paper = f" (paper: {row['paper']:g})" if row["paper"] is not None else ""
    return f"{row['value']:.{digits}f}{paper}"


def _groups(rows: list[dict[str, Any]]) -> str:
    """Shift of skin tone by group."""
    shown = [row for row in rows if row["name"] == "skin_tone_shift" and row["group"] != "all"
             and row["arch"] in ("bicubic", "ours_l1", "ours_gan")]  # fmt: skip
    if not shown:
        return ""
    arches = list(dict.fromkeys(row["arch"] for row in shown))
    groups = sorted({row["group"] for row in shown}, key=lambda word: (len(word), word))
    found = {(row["group"], row["arch"]): row for row in shown}
    lines = ["Shift of skin tone by group, degrees of typology angle [95 %]:", ""]
    lines += ["| group | n | " + " | ".join(arches) + " |", "|---" * (len(arches) + 2) + "|"]
    for group in groups:
        cells = [
            "{value:+.2f} [{low:+.2f}, {high:+.2f}]".format(
                value=row["value"], low=row["interval"][0], high=row["interval"][1]
            )
            for row in (found[group, arch] for arch in arches)
        ]
        count = found[group, arches[0]]["n"]
        lines.append(f"| {group} | {count} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _trainings(rows: list[dict[str, Any]], name: str) -> str:
    own = {(row["arch"], row["name"]): row for row in rows
           if row["data"] == name and row["split"] == "train"}  # fmt: skip
    told = [
        f"{arch}: {found['n']:,} pictures seen, {found['value']:.0f} s of one core"
        for (arch, what), found in own.items()
        if what == "train_seconds_cpu"
    ]
    return f"Trainings: {'; '.join(told)}." if told else ""


def _cost(rows: list[dict[str, Any]]) -> str:
    names = ("seconds_256_to_1024", "faces_per_s_32_to_128")
    found = {(row["arch"], row["name"]): row for row in rows if row["name"] in names}
    arches = [arch for arch in _ARCHES if (arch, names[0]) in found]
    lines = ["| | 256 → 1024, s of one core | 32 → 128, faces/s on 2 cores |", "|---|---|---|"]
    for arch in arches:
        one, other = found[arch, names[0]], found.get((arch, names[1]))
        rate = "–" if other is None else f"{other['value']:.0f}"
        lines.append(f"| {arch} | {one['value']:.3f} | {rate} |")
    adapted = [row for row in rows if (row["arch"], row["data"]) == ("ours_l1_adapted", "noise")]
    if adapted:
        told = ", ".join(f"{row['name'].removeprefix('seconds_').replace('_to_', ' → ')}: "
                         f"{row['value']:.1f} s" for row in adapted)  # fmt: skip
        lines += ["", f"50 steps of learning on the face and enlarging it, one core: {told}."]
    memory = [row for row in rows if row["name"] == "memory_over_result"]
    if memory:
        told = ", ".join(f"{row['group']}: {row['value']:.0f} MB" for row in memory)
        lines += [
            "",
            f"Memory at most, beside the face and its result, by the face's side: {told}.",
        ]
    return "\n".join(lines)


def _sheet(faces: Faces, compared: dict[str, Method]) -> Image:
    rows = []
    for original, given in zip(faces.originals, faces.given(), strict=True):
        pictures = [*(compared[arch](given) for arch in _PICTURED), original]
        rows.append(np.hstack([_middle(picture) for picture in pictures]))
    return np.vstack(rows)


def _middle(picture: Image) -> Image:
    """256 pixels a side around the eyes of a photo that is larger: at their true size."""
    side = len(picture)
    if side <= 256:
        return picture
    top, left = int(0.45 * side) - 128, side // 2 - 128
    piece = picture[top : top + 256, left : left + 256]
    return np.asarray(cv2.copyMakeBorder(piece, 2, 2, 2, 2, cv2.BORDER_CONSTANT), dtype=np.uint8)
