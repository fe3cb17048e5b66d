"""The page of the mask benchmark: all figures side by side, and pictures of drawn faces."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mask_bench import ARCHS, Bench
from mask_faces import smaller
from mask_methods import Method, points_of
from mask_truth import DRAWN_KIND, PEOPLE, PICTURES
from mask_words import ABOUT, WRONG

from augment.types import Image

_COLUMNS = ("true", *ARCHS)
_SHOWN = ("polygon", "mean_mask", "cae", "unet")
_SIDE = 96  # pixels of a face on the sheet
_FACES = 12
_QUALITY = 90

Row = Mapping[str, Any]

_OF_PAIRS = (
    ("psnr_whole", "PSNR, dB"),
    ("psnr_inside", "PSNR inside the mask, dB"),
    ("psnr_outside", "PSNR outside, dB (99: no level differs)"),
    ("ssim_whole", "SSIM"),
    ("ssim_inside", "SSIM inside"),
    ("ssim_outside", "SSIM outside"),
    ("iou", "IoU of the changed region and the true mask"),
    ("iou_changed", "IoU of the changed regions of both"),
    ("sharpness_inside", "sharpness inside, made / true (1 is right)"),
    ("sharpness_outside", "sharpness outside"),
    ("changed_outside", "share of far pixels that changed (0 is right)"),
    ("coverage", "coverage"),
)


def write_page(bench: Bench, figures: Path) -> None:
    """Write ``<figures without suffix>.md`` and ``….jpg`` beside the figures."""
    content = json.loads(figures.read_text(encoding="utf-8"))
    rows: list[Row] = content["rows"]
    sheet = figures.with_suffix(".jpg")
    shown = [arch for arch in _SHOWN if arch in bench.archs]
    _write_sheet(bench, shown, sheet)
    parts = [
        "# Masks: what was measured\n",
        ABOUT,
        f"![Drawn faces]({sheet.name})\n",
        f"From top to bottom: input, true mask, {', '.join(shown)}; then masks of all types and "
        "colours by the network. Every face is drawn by code.\n",
        *_pair_tables(rows),
        *_photo_tables(rows),
        *_other_tables(rows),
        "## What is wrong with the pictures\n",
        WRONG,
        "## Print them again\n",
        "```\npython benchmarks/mask.py --work WORK\n```\n",
        "The figures above are from shorter runs where the machine was too busy for that:\n",
        "```\n" + "\n".join(sorted({row["command"] for row in rows})) + "\n```\n",
        "Each figure, with its n, interval, commit and seed, stands in "
        f"[{figures.name}]({figures.name}).\n",
    ]
    figures.with_suffix(".md").write_text("\n".join(parts), encoding="utf-8")


def _pair_tables(rows: Sequence[Row]) -> list[str]:
    found = ["## Beside true masks\n"]
    for data, split, words in (
        ("drawn", PEOPLE, "Drawn pairs, people never seen"),
        ("drawn", PICTURES, "Drawn pairs, new pictures of people who were learned from"),
        ("masked_pairs", PEOPLE, "Overlays on real photos, people never seen"),
    ):
        part = [row for row in rows if row["data"] == data and row["split"] == split]
        found += [f"### {words}\n", _table(part, _OF_PAIRS, _COLUMNS, "all")]
    drawn = [row for row in rows if row["data"] == "drawn" and row["split"] == PEOPLE]
    variants = [row for row in rows if row["name"] == "iou" and row["split"] == PEOPLE
                and row["arch"].startswith(("polygon_wide", "polygon_round"))]  # fmt: skip
    found += ["### The polygon's variants: IoU\n", *_plain(variants, ("arch", "data", "group"))]
    found.append("### Other types of mask, on drawn people never seen\n")
    kinds = sorted({row["group"] for row in drawn if row["name"] == "iou"} - {"all"})
    for kind in kinds:
        names = (("iou", f"IoU, {kind}"), ("sharpness_inside", f"sharpness inside, {kind}"))
        found.append(_table(drawn, names, ("true", "masktheface", "unet", "unet_told_kind"), kind))
    return found


def _photo_tables(rows: Sequence[Row]) -> list[str]:
    found = ["## On real photos without masks\n"]
    for data in ("fairface", "lfw"):
        part = [row for row in rows if row["data"] == data]
        found.append(f"### {data}\n")
        groups = list(dict.fromkeys(row["group"] for row in part if row["name"] == "coverage"))
        archs = ("unmasked", "polygon_frontal_detector", *_COLUMNS)
        for name, words in (
            ("coverage", "coverage"),
            ("judged_masked", "judged masked"),
            ("judged_masked_of_real", "the same, relative to real masks"),
        ):
            table = [(group, f"{words}, {group}") for group in groups]
            chosen = [{**row, "name": row["group"], "group": "all"} for row in part
                      if row["name"] == name]  # fmt: skip
            found.append(_table(chosen, table, archs, "all"))
        found.append(_table(part, (("identity_cosine", "upper face, cosine"),), _COLUMNS, "all"))
    judges = [row for row in rows if row["name"] == "judge_accuracy"]
    found.append("The judges on real photos that they did not learn from:\n")
    found += _plain(judges, ("arch", "group"))
    return found


def _other_tables(rows: Sequence[Row]) -> list[str]:
    found: list[str] = []
    names = (
        "seconds_50_faces_64px", "stage_faces_per_s", "train_seconds", "train_processor_seconds",
        "parameters", "bottleneck", "epochs", "images", "train_step_seconds",
        "peak_memory_mib", "output_error", "output_psnr",
    )  # fmt: skip
    for name in names:
        found += _plain([row for row in rows if row["name"] == name],
                        ("name", "arch", "data", "group"))  # fmt: skip
    found = ["## Time, memory, size\n", *found] if found else []
    known = [row for row in rows if row["name"] == "verify_accuracy"]
    if known:
        found += ["## Are people still recognised?\n", *_plain(known, ("group", "arch"))]
    return found


def _table(
    rows: Sequence[Row], names: Sequence[tuple[str, str]], archs: Sequence[str], group: str
) -> str:
    """Names down, methods across; intervals under the figures, n in the first column."""
    cells = {(row["name"], row["arch"]): row for row in rows if row["group"] == group}
    archs = [arch for arch in archs if any(key[1] == arch for key in cells)]
    lines = ["| | " + " | ".join(archs) + " |", "|---" * (len(archs) + 1) + "|"]
    for name, words in names:
        found = [cells.get((name, arch)) for arch in archs]
        if any(found):
            n = max(row["n"] for row in found if row)
            lines.append(f"| {words} (n = {n}) | " + " | ".join(map(_cell, found)) + " |")
    return "\n".join(lines) + "\n"


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    ends = row["interval"]
    return _short(row["value"]) + (f" ({_short(ends[0])}–{_short(ends[1])})" if ends else "")


def _short(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _plain(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """A table with a line a figure; nothing where there is none."""
    if not rows:
        return []
    lines = ["| " + " | ".join(columns) + " | value | unit | n |",
             "|---" * (len(columns) + 3) + "|"]  # fmt: skip
    for row in rows:
        words = " | ".join(str(row[column]) for column in columns)
        lines.append(f"| {words} | {_cell(row)} | {row['unit']} | {row['n']} |")
    return ["\n".join(lines) + "\n"]


def _write_sheet(bench: Bench, shown: Sequence[str], path: Path) -> None:
    pairs = bench.pairs("drawn")
    pairs = pairs.of((pairs.part == PEOPLE) & (pairs.kind == DRAWN_KIND))
    pairs = pairs.of(np.arange(len(pairs.faces)) < _FACES)
    faces, points = list(pairs.faces), points_of(pairs)
    methods: dict[str, Method] = bench.methods("drawn")
    lines = [faces, list(pairs.targets)]
    for arch in shown:
        made = methods[arch](faces, points)
        lines.append([face * 0 if image is None else image for face, image in zip(faces, made,
                     strict=True)])  # fmt: skip
    varied = bench.unet("drawn")
    lines += [_shown(varied(faces)), _shown(varied(list(reversed(faces))))]
    tiles = [np.hstack([*smaller(np.stack(line), _SIDE)]) for line in lines]
    cv2.imwrite(str(path), np.vstack(tiles)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


def _shown(made: Sequence[Image | None]) -> list[Image]:
    blank = np.zeros((64, 64, 3), np.uint8)
    return [blank if image is None else image for image in made]
