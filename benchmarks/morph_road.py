"""Morphs on the road: the product's own train, audit, plan, generate and gate, on photos of LFW.

The bin with fewer faces (women) is to get 60 more, from morphs alone. The gate asks all checks of
the default road: an embedder that nobody here trained says who is who (``kind: embedding``), a
judge looks for faults of making; thresholds are the gate's own, at 5 % false rejection.
Networks learn on half of the train split, which holds many people with few photos each.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from morph_faces import SOURCES, bench_align
from morph_nets import NARROW, RATE

from augment.engine import Engine
from augment.errors import TrainingFailed
from augment.figures import Figure
from augment.job import Job
from augment.metrics.passes import failed_checks
from augment.metrics.proportion import wilson_interval
from augment.nets.weights import sha256
from augment.shards import read_table
from augment.stages import audit, gate, generate, pilot, plan, train

_MORE = 60
#: arch -> the generator's entry.
_TRAIN = {"images": 18_000, "batch": 6}
ENTRIES: dict[str, dict[str, Any]] = {
    "warp_two": {"people": 2},
    "warp": {"people": 3},
    "warp_four": {},
    "ours": {"people": 2, "arch": "ours", "network": NARROW[64],
             "train": _TRAIN | {"learning_rate": RATE}},
    "dcgan": {"people": 2, "arch": "dcgan", "network": {"width": 16}, "train": _TRAIN},
}  # fmt: skip
_CHECKS = ("label", "kept", "identity", "tone", "quality", "artifact", "realism", "one_face",
           "novelty")  # fmt: skip
_STAGES = {"audit": audit, "pilot": pilot, "plan": plan, "generate": generate, "gate": gate}


def road_figures(
    data: Path, work: Path, seed: int, workers: int, arches: Sequence[str] = tuple(ENTRIES)
) -> Iterator[Figure]:
    """Pass rates of morphs, by check."""
    aligned = bench_align(work / "lfw", SOURCES["lfw"], data, seed, workers)
    rows = read_table(aligned, ["status", "split", "gender"])
    usable = pc.and_(pc.equal(rows["status"], "ok"), pc.equal(rows["split"], "train"))
    women = int(pc.sum(pc.equal(rows.filter(usable)["gender"], "female")).as_py())
    for arch in arches:
        folder = work / f"road_{arch}"
        shutil.rmtree(folder, ignore_errors=True)
        params = _params(data / "weights/mobilefacenet_112.onnx", ENTRIES[arch], women + _MORE)
        try:
            _run(folder, aligned, params, seed, work / "road_models")
        except TrainingFailed as failed:
            print(f"{arch}: {failed}", flush=True)
            continue
        yield from _passed(folder, arch)


def _params(model: Path, entry: dict[str, Any], wanted: int) -> dict[str, Any]:
    morph = {"kind": "morph"} | entry
    judges = {
        "who": {"kind": "embedding", "model": str(model), "sha256": sha256(model),
                "labels": ["gender"]},
        "made": {"kind": "artifacts", "train": {"images": 20_000}},
    }  # fmt: skip
    return {
        "audit": {"axes": ["gender"]},
        "pilot": {"per_bin": 0},
        "plan": {"target": {"kind": "floor", "n": wanted}, "spare": 1.25,
                 "max_children_per_parent": 20},
        "generators": {"morph": morph},
        "judges": judges,
        "train": {**judges, "morph": morph},
        "gate": {
            "groups": [],
            "reference_per_bin": 100,
            "checks": {name: {"kind": name} for name in _CHECKS},
        },
    }  # fmt: skip


def _run(folder: Path, aligned: Path, params: dict[str, Any], seed: int, models: Path) -> None:
    names = ("audit.json", "pilot.json", "plan", "plan.json", "candidates", "verdicts")
    paths = {name: folder / name for name in names}
    paths |= {"aligned": aligned, "models": models, "plots/audit": folder / "plots",
              "plan/morph.parquet": folder / "plan/morph.parquet",
              "models/morph": folder / "models/morph",
              "candidates/morph": folder / "candidates/morph"}  # fmt: skip
    engine = Engine("inline", 1, models.parent / "road_cache", progress=False)
    for judge in params["judges"]:
        if not (models / judge).is_dir():
            outputs = {f"models/{judge}": models / judge,
                       f"history/{judge}.json": models / f"{judge}.json"}  # fmt: skip
            train.run(Job("train", judge, params, seed, {"aligned": aligned}, outputs, engine))
    outputs = {name: folder / name for name in ("models/morph", "history/morph.json")}
    train.run(Job("train", "morph", params, seed, {"aligned": aligned}, outputs, engine))
    for stage, module in _STAGES.items():
        key = "morph" if stage == "generate" else None
        module.run(Job(stage, key, params, seed, paths, paths, engine))


def _passed(folder: Path, arch: str) -> Iterator[Figure]:
    verdicts = read_table(folder / "verdicts").to_pylist()
    failed = failed_checks(verdicts)
    n, refused = len(failed), Counter(name for names in failed.values() for name in names)
    passed = sum(not names for names in failed.values())
    low, high = wilson_interval(passed, n)
    yield Figure("gate_pass_rate", arch, "lfw", round(passed / n, 4), "share of orders", "higher",
                 n, group="women", interval=(round(low, 4), round(high, 4)))  # fmt: skip
    for name, count in sorted(refused.items()):
        yield Figure("gate_refused", arch, "lfw", round(count / n, 4), "share of orders", "lower",
                     n, group=f"women, {name}")  # fmt: skip
    said = json.loads((folder / "verdicts/summary.json").read_text())
    for note in said.get("notes", {}).get("identity", []):
        print(f"{arch}: {note}")
