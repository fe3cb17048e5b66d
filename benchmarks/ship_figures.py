"""How good the weights that come with the package are on FairFace's test photos, by group."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from augment.figures import Figure
from augment.gating.candidates import read_verdicts
from augment.images import decode
from augment.metrics.proportion import wilson_interval
from augment.plugins import CLASS_NAME, configure
from augment.protocols import Adopting, Face, Request
from augment.schema import OK
from augment.seeds import row_seed
from augment.shards import read_table
from augment.types import FloatArray, Image
from augment.vocabulary import NO, YES

SEED = 7
GROUPS = ("age_group", "gender", "ethnicity")
BATCH = 64
_NATIVE = 24  # pixels a side of the shrunken copies

Row = Mapping[str, Any]


def coverage(entry: Mapping[str, Any], model: Path, faces: Path) -> Iterator[Figure]:
    """The share of held-out photos on which a generator made something, by group."""
    generator = _loaded("generators", entry, model)
    rows = _held_out(faces)
    made: list[bool] = []
    for start in range(0, len(rows), BATCH):
        found = generator.make([_request(row) for row in rows[start : start + BATCH]])
        made += [one.image is not None for one in found]
    flags = np.array(made)
    for group, chosen in _groups(rows):
        yield _share("coverage", flags[chosen], entry["kind"], group)


def gains(entry: Mapping[str, Any], model: Path, faces: Path) -> Iterator[Figure]:
    """Held-out photos shrunk to 24 pixels and restored: by how much nearer they are to the photos
    than what is merely enlarged, dB (peak signal-to-noise ratio), by group."""
    generator = _loaded("generators", entry, model)
    rows = _held_out(faces)
    found = []
    for row in rows:
        true = decode(row["image"]["bytes"])
        side = len(true)
        small = cv2.resize(true, (_NATIVE, _NATIVE), interpolation=cv2.INTER_AREA)
        given = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
        face = Face(row["id"], given, _points(row), {}, native_side=_NATIVE)
        (made,) = generator.make([Request(row["id"], (face,), {}, (), SEED)])
        found.append(_psnr(made.image, true) - _psnr(given, true))
    gained = np.array(found)
    for group, chosen in _groups(rows):
        part = gained[chosen]
        spread = 1.96 * part.std(ddof=1) / np.sqrt(len(part))
        yield Figure("psnr_gain", entry["kind"], "fairface", round(float(part.mean()), 4),
                     "dB over the same enlarged by cubic weights", "higher", len(part), "test",
                     group, interval=(round(float(part.mean() - spread), 4),
                                      round(float(part.mean() + spread), 4)))  # fmt: skip


def passes(entry: Mapping[str, Any], model: Path, faces: Path) -> Iterator[Figure]:
    """The share of a road's candidates that its gate let through, by group as ordered."""
    data, key = faces.parent, model.name
    folders = (data / "candidates" / key, data / "topup/candidates" / key)
    columns = ["id", "generator", "status", *GROUPS]
    rows = [row for folder in folders for row in read_table(folder, columns).to_pylist()]
    verdicts = read_verdicts(data / "verdicts", data / "topup", ["id", "passed"])
    refused = set(verdicts.filter(pc.invert(verdicts.column("passed"))).column("id").to_pylist())
    passed = np.array([row["status"] == OK and row["id"] not in refused for row in rows])
    for group, chosen in _groups(rows):
        yield _share("pass_rate", passed[chosen], entry["kind"], group, "train")


def judged(entry: Mapping[str, Any], model: Path, faces: Path) -> Iterator[Figure]:
    """How often a judge is right on the test split: what it judges, then by whom it judged."""
    judge = _loaded("judges", entry, model)
    assert isinstance(judge, Adopting)
    with tempfile.TemporaryDirectory() as name:
        copied = Path(shutil.copytree(model, Path(name) / "model"))
        judge.adopt(faces, copied, "test")
    for row in judge.accuracy():
        if row["n"]:
            group = row["label"] if row["by"] == "all" else " ".join(
                [row["label"], "of", row["by"], row["group"]]
            )  # fmt: skip
            low, high = row["interval"]
            yield Figure("accuracy", entry["kind"], "fairface", round(row["accuracy"], 4), "ratio",
                         "higher", row["n"], "test", group,
                         interval=(round(low, 4), round(high, 4)))  # fmt: skip


def _loaded(point: Any, entry: Mapping[str, Any], model: Path) -> Any:
    module, config = configure(point, entry, entry["kind"])
    plugin = getattr(module, CLASS_NAME[point])(config)
    plugin.load(model)
    return plugin


def _held_out(faces: Path) -> list[dict[str, Any]]:
    return [
        row
        for row in read_table(faces).to_pylist()
        if row["status"] == OK and row["split"] == "test" and row["source"] == "fairface"
    ]


def _groups(rows: Sequence[Row]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Everybody, and each value of each label: its name and who is in it."""
    yield "all", np.ones(len(rows), dtype=bool)
    for label in GROUPS:
        words = np.array([row[label] for row in rows])
        for word in np.unique(words):
            yield f"{label} {word}", words == word


def _psnr(one: Image, other: Image) -> float:
    error = np.square(one.astype(np.float64) - other).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-6)))


def _points(row: Row) -> FloatArray:
    return np.array(row["points"], np.float32).reshape(5, 2)


def _request(row: Row) -> Request:
    face = Face(row["id"], decode(row["image"]["bytes"]), _points(row), {"mask": NO})
    return Request(row["id"], (face,), {"mask": YES}, ("mask",), row_seed(SEED, "ship", row["id"]))


def _share(name: str, flags: Any, kind: str, group: str, split: str = "test") -> Figure:
    low, high = wilson_interval(int(flags.sum()), len(flags))
    return Figure(name, kind, "fairface", round(float(flags.mean()), 4), "ratio", "higher",
                  len(flags), split=split, group=group,
                  interval=(round(low, 4), round(high, 4)))  # fmt: skip
