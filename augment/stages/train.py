"""train@key: let one generator or judge learn, and leave its weights in ``models/<key>``.

With ``weights: shipped`` those that come with the package are laid there instead.

Checkpoints live outside the stage's outputs, which DVC deletes before each run: a training that
was killed goes on, one that is finished is written out again without training.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from augment.errors import TrainingFailed, UserError
from augment.images import decode
from augment.job import Job
from augment.nets.weights import read_crop
from augment.params import section
from augment.plugins import CLASS_NAME, Kind, configure, names
from augment.protocols import Adopting
from augment.schema import OK
from augment.shards import iterate, read_table, write_json, write_text
from augment.shipped import copy_shipped, wants_shipped

CONFIG = "config.json"
HISTORY = "history.json"
_CROP_DIFFERS = 0.12  # logarithm of the ratio of two crops' scales


def run(job: Job) -> None:
    """Write ``models/<key>/`` (config.json; weights.safetensors where there are any) and
    ``reports/history/<key>.json``, a list of ``{"images": ..., "loss": ...}``.

    config.json says under ``crop`` how the crops were cut that were learned from (_crop_of).

    Raises:
        UserError: the entry's kind is neither a generator nor a judge, its settings are wrong, it
            has no faces to learn from, or shipped weights are damaged or of another network.
        TrainingFailed: see :mod:`augment.nets.health`; the history is left, a model is not.
    """
    key = str(job.key)
    entry = section(job.params, f"train.{key}")
    point = plug_point(entry, key)
    module, config = configure(point, entry, f"{point}.{key}")
    folder = job.outputs[f"models/{key}"]
    work = job.engine.cache.parent / "train" / key
    plugin = getattr(module, CLASS_NAME[point])(config)
    if wants_shipped(entry, f"{point}.{key}"):
        copy_shipped(entry["kind"], folder)
        plugin.load(folder)  # settings of another network than theirs are found now
        print(f"{key}: weights that come with the package; nothing to train")
        if isinstance(plugin, Adopting):
            plugin.adopt(job.inputs["aligned"], folder)
        _compare_crop(key, folder, job.inputs["aligned"])
    else:
        try:
            plugin.train(job.inputs["aligned"], folder, job.seed, work)
        except TrainingFailed as failed:
            # What was learned before, by other settings, must not pass for this training's result.
            shutil.rmtree(folder, ignore_errors=True)
            write_json(job.outputs[f"history/{key}.json"], failed.history)
            raise
        if not (folder / CONFIG).is_file():
            settings = config.model_dump(mode="json")
            write_json(folder / CONFIG, {"config": settings, "images_seen": 0})
        _tell_crop(folder / CONFIG, job.inputs["aligned"])
        _say_health(key, folder / CONFIG)
    learned = folder / HISTORY
    history = learned.read_text(encoding="utf-8") if learned.is_file() else "[]\n"
    learned.unlink(missing_ok=True)
    write_text(job.outputs[f"history/{key}.json"], history)


def _crop_of(aligned: Path) -> list[list[float]] | None:
    """Where the five points lie in the train crops, on average: shares of the side, (5, 2)."""
    ours = (pc.field("status") == OK) & (pc.field("split") == "train")
    rows = read_table(aligned, ["status", "split", "points"]).filter(ours)
    pictures = (row for batch in iterate(aligned, ["image"]) for row in batch.column("image"))
    picture = next((row.as_py() for row in pictures if row.is_valid), None)
    if not rows.num_rows or picture is None:
        return None
    side = decode(picture["bytes"]).shape[0]
    points = np.array(rows.column("points").to_pylist(), np.float64).mean(axis=0)
    shares: list[list[float]] = ((points.reshape(5, 2) + 0.5) / side).round(4).tolist()
    return shares


def _tell_crop(path: Path, aligned: Path) -> None:
    """Add ``crop`` to a model's config.json, so that photos it is used on later are cut alike."""
    crop = _crop_of(aligned)
    if crop is not None:
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), "crop": crop})


def _say_health(key: str, path: Path) -> None:
    """Say how two networks that trained against each other did."""
    told = json.loads(path.read_text(encoding="utf-8")).get("health")
    if told is not None:
        print(f"{key}: health of the training: {told['verdict']}: {told['reason']}")


def _compare_crop(key: str, folder: Path, aligned: Path) -> None:
    """Say so where shipped weights have learned from crops that show more, or less, than these."""
    own, crop = _crop_of(aligned), read_crop(folder)
    if own is None:
        return
    wider = float(np.std(own, axis=0).mean() / np.std(crop, axis=0).mean())
    if abs(np.log(wider)) > _CROP_DIFFERS:
        way = "more" if wider > 1 else "less"
        print(
            f"{key}: these weights know crops that show {way} around the face ({wider:.2f} times): "
            f"set align.margin {'higher' if wider > 1 else 'lower'}, or train"
        )


def plug_point(entry: Any, key: str) -> Kind:
    """Whether an entry of ``train`` is a generator or a judge: which folder its kind lies in."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    points: tuple[Kind, ...] = ("generators", "judges")
    for point in points:
        if kind in names(point):
            return point
    raise UserError(
        f"params.yaml: '{key}' has kind '{kind}', which is neither a generator "
        f"({', '.join(names('generators'))}) nor a judge ({', '.join(names('judges'))})."
    )
