"""Parts of the page about super-resolution: the curve between two stages, how the adversary was
chosen, and what restoring gives a data set."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Plot
from superres_faces import UNSEEN, VALIDATION
from superres_gains import DATA, RARE
from superres_methods import BLENDS

Rows = list[dict[str, Any]]
_STEPS = {0.0: "ours_l1", **{blend: f"ours_blend_{blend:g}" for blend in BLENDS}}
_CURVE = {"psnr_gain_db": 2, "ssim_gain": 4, "fd_ratio": 3, "kid": 4, "identity_cosine": 3,
          "sharpness": 2}  # fmt: skip
_SHIFTS = ("skin_tone_shift", "judged_white_shift", "judged_own_shift")


def curve_part(rows: Rows, path: Path) -> list[str]:
    """Weights between the two stages: a table a set, and a plot of error against likeness."""
    tables, points = [], {}
    for name in dict.fromkeys(row["data"] for row in rows if row["split"] == UNSEEN):
        found = {(row["arch"], row["name"]): row["value"] for row in rows
                 if (row["data"], row["split"], row["group"]) == (name, UNSEEN, "all")}  # fmt: skip
        steps = [(blend, arch) for blend, arch in _STEPS.items() if (arch, "fd_ratio") in found]
        if len(steps) < len(_STEPS):
            continue
        lines = [f"| {name}: share of the second stage | " + " | ".join(_CURVE) + " |",
                 "|---" * (len(_CURVE) + 1) + "|"]  # fmt: skip
        for blend, arch in steps:
            cells = [f"{found[arch, figure]:.{digits}f}" for figure, digits in _CURVE.items()]
            lines.append(f"| {blend:g} | " + " | ".join(cells) + " |")
        tables.append("\n".join(lines))
        points[name] = [(blend, found[arch, "psnr_gain_db"], found[arch, "fd_ratio"])
                        for blend, arch in steps]  # fmt: skip
    if not points:
        return []
    _plot(points, path)
    words = "Weights of the two stages are mixed; nothing is trained for it. Unseen faces."
    return ["## Between the two stages", words, *tables,
            f"![Error against likeness]({path.parent.name}/{path.name})"]  # fmt: skip


def _plot(points: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "superres", "svg.fonttype": "none"}):
        plot = Plot(figsize=(5, 3.6), layout="constrained")
        axes = plot.subplots()
        for name, steps in points.items():
            axes.plot([x for _, x, _ in steps], [y for _, _, y in steps], "o-", label=name)
            for blend, x, y in steps:
                axes.annotate(f"{blend:g}", (x, y), textcoords="offset points", xytext=(5, 4))
        axes.axhline(0.22, color="grey", linestyle=":", label="aimed at")
        axes.set_xlabel("PSNR above bicubic, dB")
        axes.set_ylabel("Fréchet distance, share of bicubic's")
        axes.legend()
        plot.savefig(path, metadata={"Date": None})


def choice_part(rows: Rows) -> list[str]:
    """The adversary's settings on faces of validation."""
    own = [row for row in rows if row["split"] == VALIDATION]
    parts = []
    for name in dict.fromkeys(row["data"] for row in own):
        found = {(row["arch"], row["name"]): row["value"] for row in own if row["data"] == name}
        arches = list(dict.fromkeys(arch for arch, _ in found if arch != "bicubic"))
        lines = [f"| {name} | " + " | ".join(_CURVE) + " |", "|---" * (len(_CURVE) + 1) + "|"]
        for arch in arches:
            cells = [_digits(found.get((arch, figure)), n) for figure, n in _CURVE.items()]
            lines.append(f"| {arch} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    words = (
        "On faces of validation that nothing else is told of here. `blend`: shares of the second "
        "stage. The others: weights of the adversary (default: 3) and of its features (4), after a "
        "quarter of the training. Chosen is the least distance of those with at most 0.5 dB less "
        "than bicubic. Figures above are of other faces."
    )
    return ["## Chosen on faces of validation", words, *parts] if parts else []


def _digits(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def yield_part(rows: Rows) -> list[str]:
    """What the road gains on a data set with shrunken photos."""
    own = {(row["arch"], row["name"], row["group"]): row for row in rows if row["data"] == DATA}
    roads = list(dict.fromkeys(arch for arch, name, _ in own if name == "yield_share"))
    if not roads:
        return []
    title = "| | " + " | ".join(road.removeprefix("road_") for road in roads) + " |"
    lines = [title, "|---" * (len(roads) + 1) + "|"]
    for words, name, group in _yield_lines():
        cells = [_told(own.get((road, name, group))) for road in roads]
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    tasks = [(t, g) for t in ("gender", "age_group") for g in ("all", "rare ages")]
    for task, group in tasks if f"{roads[0]}_balanced" in {arch for arch, _, _ in own} else []:
        for name, arm in (("accuracy", "balanced"), ("accuracy_gain", "balanced")):
            cells = [_told(own.get((f"{road}_{arm}", name, f"{task}, {group}"))) for road in roads]
            words = "less that of `without`" if name == "accuracy_gain" else f"{task}, {group}"
            lines.append(f"| {words} | " + " | ".join(cells) + " |")
    refused = [f"{group} {row['value']:.1%}" for (_, name, group), row in own.items()
               if name == "restored_refused"]  # fmt: skip
    words = (
        "A copy of FairFace in which half of the train photos of the youngest and the oldest were "
        "shrunk to 18 to 45 pixels went down the product's own road: small faces set aside, or "
        "restored. Bins are filled up to 120 faces; more are not "
        "taken. Copies fill what is still missing. Again: `python benchmarks/superres_yield.py "
        "--work WORK`."
    )
    parts = ["## What a data set gains", words, "\n".join(lines)]
    if refused:
        parts.append(f"Of the restored faces the gate refused, by check: {', '.join(refused)}.")
    return parts + _shifts(own)


def _yield_lines() -> list[tuple[str, str, str]]:
    return [
        ("shrunken photos that are in the set", "yield_share", "all"),
        *((f"of ages {age}", "yield_share", age) for age in RARE),
        ("evenness of photos", "evenness", "photos"),
        ("evenness of photos and restored faces", "evenness", "photos and restored"),
        ("evenness with copies", "evenness", "all"),
        ("restored faces", "faces_made", "restore"),
        ("copies", "faces_made", "copies"),
    ]


def _told(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    value = f"{row['value']:g}" if row["unit"] == "faces" else f"{row['value']:.3f}"
    ends = row["interval"]
    return value if ends is None else f"{value} [{ends[0]:.3f}, {ends[1]:.3f}]"


def _shifts(own: dict[tuple[str, str, str], dict[str, Any]]) -> list[str]:
    """Skin tone and judged ethnicity against the photo before it was shrunk."""
    groups = list(dict.fromkeys(g for arch, name, g in own if name == "judged_white_shift"))
    if not groups:
        return []
    kinds = ("enlarged", "restored", "restored_against_enlarged")
    heads = [f"{name}, {kind.replace('_', ' ')}" for name in _SHIFTS for kind in kinds]
    lines = ["| as labelled | n | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]
    for group in groups:
        cells = [_told(own.get((kind, name, group))) for name in _SHIFTS for kind in kinds]
        n = own["restored", "judged_white_shift", group]["n"]
        lines.append(f"| {group} | {n} | " + " | ".join(cells) + " |")
    words = (
        "Do restored faces look lighter, or like people of another group? Against the same photo "
        "before it was shrunk: degrees of typology angle (above 0: lighter), and what the road's "
        "judge gives for `white` and for the group as labelled (probability). `enlarged` is the "
        "small face without restoring; the last is what the restorer itself adds. 95 % intervals. "
        "What a judge says is no statement about a person."
    )
    return [words, "\n".join(lines)]
