"""How good the weights that come with the package are on FairFace's test photos, by group."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from augment.figures import Figure
from augment.images import decode
from augment.metrics.proportion import wilson_interval
from augment.plugins import CLASS_NAME, configure
from augment.protocols import Adopting, Face, Request
from augment.schema import OK
from augment.seeds import row_seed
from augment.shards import read_table
from augment.vocabulary import NO, YES

SEED = 7
GROUPS = ("age_group", "gender", "ethnicity")
BATCH = 64

Row = Mapping[str, Any]


def coverage(entry: Mapping[str, Any], model: Path, faces: Path) -> Iterator[Figure]:
    """The share of held-out photos on which a generator made something, by group."""
    generator = _loaded("generators", entry, model)
    rows = [
        row
        for row in read_table(faces).to_pylist()
        if row["status"] == OK and row["split"] == "test" and row["source"] == "fairface"
    ]
    made: list[bool] = []
    for start in range(0, len(rows), BATCH):
        found = generator.make([_request(row) for row in rows[start : start + BATCH]])
        made += [one.image is not None for one in found]
    flags = np.array(made)
    yield _share("coverage", flags, entry["kind"], "all")
    for label in GROUPS:
        words = np.array([row[label] for row in rows])
        for word in np.unique(words):
            yield _share("coverage", flags[words == word], entry["kind"], f"{label} {word}")


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


def _request(row: Row) -> Request:
    points = np.array(row["points"], np.float32).reshape(5, 2)
    face = Face(row["id"], decode(row["image"]["bytes"]), points, {"mask": NO})
    return Request(row["id"], (face,), {"mask": YES}, ("mask",), row_seed(SEED, "ship", row["id"]))


def _share(name: str, flags: Any, kind: str, group: str) -> Figure:
    low, high = wilson_interval(int(flags.sum()), len(flags))
    return Figure(name, kind, "fairface", round(float(flags.mean()), 4), "ratio", "higher",
                  len(flags), split="test", group=group,
                  interval=(round(low, 4), round(high, 4)))  # fmt: skip
