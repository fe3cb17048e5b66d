"""What roads made of a data set with shrunken photos: who is in it, how even it is, who profits."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from mask_measures import interval

from augment.figures import Figure
from augment.gating.candidates import read_verdicts
from augment.metrics.balance import count_bins, evenness
from augment.metrics.passes import failed_checks
from augment.metrics.proportion import wilson_interval
from augment.shards import read_table
from augment.types import BinSpace

DATA = "fairface_shrunken"
RARE = ("0-2", "60-69", "70+")
RESTORED, COPIED = "restore", "copies"
MAIN, ORIGINAL = "balanced", "original"
_ARMS = (ORIGINAL, MAIN)


def road_rows(road: str, work: Path) -> Iterator[Figure]:
    """Figures of one road; ``arch`` is ``road_<name>``."""
    folder, arch = work / road, f"road_{road}"
    faces = pq.read_table(folder / "data/balanced/manifest.parquet").to_pylist()
    train = [row for row in faces if row["split"] == "train"]
    yield from _yield(arch, work, folder, train)
    yield from _evenness(arch, folder, train)
    if (folder / "data/candidates" / RESTORED).is_dir():
        yield from _refusals(arch, folder)
    if evaluated(work, road):
        yield from _below_target(arch, folder)
        yield from _accuracies(arch, folder, faces)


def evaluated(work: Path, road: str) -> bool:
    """Whether the road's last stage has been run."""
    return (work / road / "data/predictions/test.parquet").is_file()


def _yield(arch: str, work: Path, folder: Path, train: list[dict[str, Any]]) -> Iterator[Figure]:
    """How many of the shrunken photos are in the train split, as they are or restored."""
    shrunken = {f"fairface/{file}" for file in json.loads((work / "shrunk.json").read_text())}
    aligned = read_table(folder / "data/aligned", ["id", "status", "split", "age_group"])
    rows = [row for row in aligned.to_pylist()
            if row["id"] in shrunken and row["split"] == "train"]  # fmt: skip
    used = {row["id"] for row in train if not row["synthetic"]}
    used |= {row["parents"][0] for row in train if row["generator"] == RESTORED}
    for group in ("all", *RARE):
        own = [row for row in rows if group in ("all", row["age_group"])]
        found = sum(row["id"] in used for row in own)
        low, high = wilson_interval(found, len(own))
        yield Figure("yield_share", arch, DATA, round(found / len(own), 4),
                     "of the shrunken photos", "higher", len(own), "train", group,
                     interval=(round(low, 4), round(high, 4)))  # fmt: skip
    states = Counter(row["status"] for row in rows)
    for status, count in sorted(states.items()):
        yield Figure("shrunken_status", arch, DATA, count, "photos", "lower", len(rows), "train",
                     status)  # fmt: skip


def _evenness(arch: str, folder: Path, train: list[dict[str, Any]]) -> Iterator[Figure]:
    audit = json.loads((folder / "reports/audit.json").read_text())
    names = BinSpace.from_json(audit["bin_space"]).names
    place = {name: number for number, name in enumerate(names)}
    kinds = {
        "photos": [row for row in train if not row["synthetic"]],
        "photos and restored": [row for row in train if row["generator"] in ("", RESTORED)],
        "all": train,
    }
    for group, rows in kinds.items():
        codes = np.array([place.get(row["bin"], -1) for row in rows])
        yield Figure("evenness", arch, DATA, round(evenness(count_bins(codes, len(names))), 4),
                     "Pielou's J over bins", "higher", len(rows), "train", group)  # fmt: skip
    for generator in (RESTORED, COPIED):
        count = sum(row["generator"] == generator for row in train)
        yield Figure("faces_made", arch, DATA, count, "faces", "lower", len(train), "train",
                     generator)  # fmt: skip


def _below_target(arch: str, folder: Path) -> Iterator[Figure]:
    audit = json.loads((folder / "reports/metrics.json").read_text())["audit"]
    yield Figure("bins_below_target", arch, DATA, audit["bins_below_target_after"], "bins",
                 "lower", audit["bins"], "train")  # fmt: skip


def _refusals(arch: str, folder: Path) -> Iterator[Figure]:
    """Of the restored faces: how many the gate refuses, and for what."""
    columns = ["id", "generator", "check", "passed"]
    rows = read_verdicts(folder / "data/verdicts", folder / "data/topup", columns).to_pylist()
    failed = failed_checks(row for row in rows if row["generator"] == RESTORED)
    causes = Counter(name for names in failed.values() for name in names)
    causes["all"] = sum(bool(names) for names in failed.values())
    for check, count in sorted(causes.items()):
        low, high = wilson_interval(count, len(failed))
        yield Figure("restored_refused", arch, DATA, round(count / len(failed), 4),
                     "share of restored faces", "lower", len(failed), "train", check,
                     interval=(round(low, 4), round(high, 4)))  # fmt: skip


def _accuracies(arch: str, folder: Path, faces: list[dict[str, Any]]) -> Iterator[Figure]:
    ages = {row["id"]: row["age_group"] for row in faces}
    for (task, arm), correct in sorted(_correct(folder).items()):
        if arm not in _ARMS:
            continue
        for group in ("all", "rare ages"):
            values = [value for name, value in correct.items()
                      if group == "all" or ages[name] in RARE]  # fmt: skip
            yield Figure("accuracy", f"{arch}_{arm}", DATA, round(float(np.mean(values)), 4),
                         "share of test faces", "higher", len(values), "test",
                         f"{task}, {group}", seeds=3)  # fmt: skip


def _correct(folder: Path) -> dict[tuple[str, str], dict[str, float]]:
    """(task, arm) -> test face -> in which share of the trainings it was told right."""
    rows = pq.read_table(folder / "data/predictions/test.parquet").to_pylist()
    found: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for row in rows:
        faces = found.setdefault((row["task"], row["arm"]), {})
        faces.setdefault(row["id"], []).append(row["truth"] == row["predicted"])
    return {key: {name: float(np.mean(hits)) for name, hits in faces.items()}
            for key, faces in found.items()}  # fmt: skip


def difference_rows(road: str, base: str, work: Path, seed: int) -> Iterator[Figure]:
    """Accuracy of one road's set less another's, on the same test faces, in pairs."""
    table = pq.read_table(work / road / "data/balanced/manifest.parquet",
                          columns=["id", "age_group"]).to_pylist()  # fmt: skip
    ages = {row["id"]: row["age_group"] for row in table}
    one, other = _correct(work / road), _correct(work / base)
    for key in sorted(one):
        task, arm = key
        if arm not in _ARMS:
            continue
        for group in ("all", "rare ages"):
            names = [name for name in sorted(one[key].keys() & other[key].keys())
                     if group == "all" or ages[name] in RARE]  # fmt: skip
            gains = np.array([one[key][name] - other[key][name] for name in names])
            yield Figure("accuracy_gain", f"road_{road}_{arm}", DATA,
                         round(float(gains.mean()), 4), f"of test faces, against road_{base}",
                         "higher", len(gains), "test", f"{task}, {group}", seeds=3,
                         interval=interval(gains, names, seed, lambda means: means))  # fmt: skip
