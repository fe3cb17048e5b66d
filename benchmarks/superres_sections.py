"""More parts of the page about super-resolution: what longer training gives, what the gate refuses,
and who learns better with restored faces."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Plot
from superres_curve import NAMES, SECONDS
from superres_gains import DATA

Rows = list[dict[str, Any]]
_LENGTH = "length of training"
_SPOILS = {
    "good": "restored, and near to the photo as it was",
    "others": "restored, and less near",
    "not_restored": "enlarged and no more",
    "slight_blur": "restored, then blurred a little",
    "blur": "restored, then blurred",
    "noise": "with noise",
    "harsh": "with overdrawn edges",
    "weave": "with a woven pattern",
    "lighter": "9 to 14 grey levels lighter",
    "somebody_else": "somebody else in the small face's colours",
    "paste": "with a pasted patch",
    "closed": "without eyes, nose, mouth",
    "cut": "half out of the picture",
    "no_face": "a corner of a photo without a face",
}


def training_part(rows: Rows, path: Path) -> list[str]:
    """A table a set, and a plot of distance against seconds of training."""
    own = {(row["data"], row["name"], row["group"]): row["value"]
           for row in rows if row["split"] == _LENGTH}  # fmt: skip
    tables, points = [], {}
    for data in dict.fromkeys(name for name, _, _ in own):
        shares = [share for name, what, share in own if (name, what) == (data, SECONDS)]
        lines = [f"| {data}: s of one core | " + " | ".join(NAMES) + " |",
                 "|---" * (len(NAMES) + 1) + "|"]  # fmt: skip
        for share in shares:
            cells = [f"{own[data, name, share]:.4g}" for name in NAMES]
            lines.append(f"| {own[data, SECONDS, share]:.0f} | " + " | ".join(cells) + " |")
        tables.append("\n".join(lines))
        points[data] = [(own[data, SECONDS, s], own[data, "fd_ratio", s]) for s in shares]
    if not tables:
        return []
    _plot(points, path)
    words = (
        "Both stages shortened alike, each length a training of its own. Short ones with the whole "
        "of the second stage, the longest, which overshoots with it, with the share that was "
        "chosen on faces of validation. Unseen faces."
    )
    return ["## Longer training", words, *tables,
            f"![Distance against training time]({path.parent.name}/{path.name})"]  # fmt: skip


def _plot(points: dict[str, list[tuple[float, float]]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "superres", "svg.fonttype": "none"}):
        plot = Plot(figsize=(5, 3.6), layout="constrained")
        axes = plot.subplots()
        for name, steps in points.items():
            axes.plot([x for x, _ in steps], [y for _, y in steps], "o-", label=name)
        axes.axhline(0.22, color="grey", linestyle=":", label="aimed at")
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("training, seconds of one core")
        axes.set_ylabel("Fréchet distance, share of bicubic's")
        axes.legend()
        plot.savefig(path, metadata={"Date": None})


def gate_part(rows: Rows) -> list[str]:
    """Which share of good and of spoiled restorations the gate refuses."""
    own: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row["name"] == "gate_refused":
            own.setdefault(row["arch"], {})[row["group"]] = row
    if not own:
        return []
    lines = ["| candidates | n | refused | by |", "|---|---|---|---|"]
    for kind, words in _SPOILS.items():
        if kind not in own:
            continue
        checks = {name: row["value"] for name, row in own[kind].items() if name != "all"}
        most = sorted(checks, key=lambda name: -checks[name])[:3]
        told = ", ".join(f"{name} {checks[name]:.0%}" for name in most)
        whole = own[kind]["all"]
        low, high = whole["interval"]
        lines.append(f"| {words} | {whole['n']} | {whole['value']:.1%} [{low:.0%}, {high:.0%}] | "
                     f"{told or '–'} |")  # fmt: skip
    words = (
        "Faces that the road restored, and the same spoiled. They were photos before they were "
        "shrunk, so the truth is known: near are those with at least 24 dB and a cosine of 0.6 to "
        "it. What checks demand was chosen on half of the small faces; the table is of the other "
        "half. Whether corners of photos show a face was asked of a detector that the road does "
        "not use. Again: `python benchmarks/superres_gate.py --work WORK`."
    )
    return ["## What the gate refuses", words, "\n".join(lines)]


def profit_part(rows: Rows) -> list[str]:
    """Accuracies of linear heads that learned with and without restored faces."""
    own = {(row["arch"], row["name"], row["group"]): row for row in rows if row["data"] == DATA}
    arms = list(dict.fromkeys(arch for arch, name, _ in own
                              if name == "accuracy" and arch.startswith("heads_")))  # fmt: skip
    if not arms:
        return []
    groups = list(dict.fromkeys(g for a, name, g in own if (a, name) == (arms[0], "accuracy")))
    heads = [arm.removeprefix("heads_") for arm in arms]
    more = [f"{name} less {heads[0]}" for name in heads[1:]]
    lines = ["| | " + " | ".join(heads + more) + " |", "|---" * (2 * len(heads)) + "|"]
    for group in groups:
        cells = [f"{own[arm, 'accuracy', group]['value']:.3f}" for arm in arms]
        for arm in arms[1:]:
            row = own[arm, "accuracy_gain", group]
            low, high = row["interval"]
            cells.append(f"{row['value']:+.3f} [{low:+.3f}, {high:+.3f}]")
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    near = [_near(own, name) for name in ("truth_psnr", "truth_cosine", "truth_sharpness")]
    words = (
        "Who learns better? Linear heads on a frozen face embedder, taught with the real train "
        "photos alone (`photos`), with the small faces that the road restored and the gate passed, "
        "merely enlarged (`as_is`), or with these restored; five trainings each, on faces drawn "
        "with replacement; tested on the road's real test photos; differences in pairs, with 95 % "
        "intervals. The network of `evaluate` was not trained: 40,000 faces a training, three of "
        "each arm and road, are hours of a core (`--evaluate` does it)."
    )
    return [*(_nearness(near) if all(near) else []), words, "\n".join(lines)]


_KINDS = ("enlarged", "restored", "restored_against_enlarged")


def _near(own: dict[tuple[str, str, str], dict[str, Any]], name: str) -> list[str]:
    rows = [own.get((arch, name, "all")) for arch in _KINDS]
    told = []
    for row in rows:
        if row is None:
            return []
        low, high = row["interval"]
        told.append(f"{row['value']:.3f} [{low:.3f}, {high:.3f}]")
    return [f"{name.removeprefix('truth_')} ({rows[0]['unit'] if rows[0] else ''})", *told]


def _nearness(table: list[list[str]]) -> list[str]:
    lines = [
        "| | " + " | ".join(kind.replace("_", " ") for kind in _KINDS) + " |",
        "|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(cells) + " |" for cells in table]
    words = (
        "Do restored faces come nearer to the photo as it was than the small face merely enlarged? "
        "Of the half of them that chose nothing; the middle of the crop, because small photos are "
        "mirrored about another line at their edges."
    )
    return [words, "\n".join(lines)]
