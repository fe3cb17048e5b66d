"""Ages on the road: the product's own audit, pilot, plan, generate and gate, for benchmarks/age.py.

The two age groups with fewest faces are to have more, made of other ages alone. The gate asks
hand-made features and, where there is one, an embedder that nobody here trained; both learned on
half b of the same set. Thresholds are the gate's own, at 5 % false rejection.

How far can an edit come? Held-out real faces of the ordered group take the candidates' places: what
the check of the ordered label, which is most of what refuses, says of them is row ``label_passed``
of *truth*.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from augment.engine import Engine
from augment.figures import Figure
from augment.images import encode
from augment.job import Job
from augment.metrics.passes import failed_checks
from augment.metrics.proportion import wilson_interval
from augment.nets.data import load_faces
from augment.schema import OK
from augment.shards import read_table, write_bucketed
from augment.stages import audit, gate, generate, pilot, plan, train
from augment.types import Image

_MORE = 25  # faces ordered of the second smallest age group; the smallest gets as many as it
_STAGES = {"audit": audit, "pilot": pilot, "plan": plan, "generate": generate, "gate": gate}
_CHECKS = ("identity", "label", "kept", "tone", "quality", "one_face", "novelty")


def road_figures(
    data: str,
    aligned: Path,
    model: Path,
    folder: Path,
    embedder: Mapping[str, Any] | None,
    config: Mapping[str, Any],
    seed: int,
) -> Iterator[Figure]:
    """``pass_rate`` by check and age group, and ``stage_faces_per_s``.

    Args:
        data: what rows call the set.
        aligned: the set.
        model: the trained generator.
        folder: to work in.
        embedder: settings of the judge ``embedding``; None: there is none.
        config: the generator's entry, as it was trained.
        seed: the run's seed.
    """
    params = _params(aligned, embedder, config)
    paths = _paths(folder, aligned)
    for name in ("plan", "candidates", "verdicts"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(model, folder / "models/age", dirs_exist_ok=True)
    engine = Engine("inline", 1, folder / "cache", progress=False)
    for key in params["judges"]:
        outputs = {f"models/{key}": folder / "models" / key, f"history/{key}.json": folder / "h"}
        if not (folder / "models" / key / "config.json").is_file():
            train.run(Job("train", key, params, seed, {"aligned": aligned}, outputs, engine))
    seconds = 0.0
    for stage, module in _STAGES.items():
        key = "age" if stage == "generate" else None
        if key is not None:
            for kept in (folder / "cache").glob("generate*"):
                shutil.rmtree(kept)  # how long it takes is a figure
        started = time.process_time()
        module.run(Job(stage, key, params, seed, paths, paths, engine))
        if stage == "generate":
            seconds = time.process_time() - started
    made = sum(row == OK for row in read_table(folder / "candidates/age")["status"].to_pylist())
    yield Figure("stage_faces_per_s", "ours", data, round(made / seconds, 1),
                 "faces a second of one core", "higher", made, "train", "64px")  # fmt: skip
    yield from _passed(folder, data)
    yield from _label_passed(folder, "ours", data)
    _pose(aligned, folder / "candidates/age", folder / "posing/age")
    posing = paths | {"candidates": folder / "posing", "verdicts": folder / "posing_verdicts"}
    gate.run(Job("gate", None, params, seed, posing, posing, engine))
    yield from _label_passed(folder, "truth", data, "posing", "posing_verdicts")


def _pose(aligned: Path, candidates: Path, target: Path) -> None:
    """Candidates with pictures of real held-out faces that are as was ordered."""
    real, rows = load_faces(aligned, ("validation", "test")), read_table(candidates)
    pictures: dict[str, list[Image]] = {}
    for group, image in zip(real.labels["age_group"], real.images, strict=True):
        pictures.setdefault(group, []).append(image)
    taken: Counter[str] = Counter()
    content = rows.to_pylist()
    for row in content:
        group, there = row["age_group"], row["image"]
        if there is not None and there["bytes"] is not None and group in pictures:
            there["bytes"] = encode(pictures[group][taken[group] % len(pictures[group])])
            taken[group] += 1
    shutil.rmtree(target, ignore_errors=True)
    write_bucketed(target, pa.Table.from_pylist(content, rows.schema), 4)


def _label_passed(
    folder: Path, arch: str, data: str, made: str = "candidates", verdicts: str = "verdicts"
) -> Iterator[Figure]:
    rows = read_table(folder / made / "age", ["id", "age_group"]).to_pylist()
    group_of = {row["id"]: row["age_group"] for row in rows}
    words = [row for row in read_table(folder / verdicts).to_pylist() if row["check"] == "label"]
    for group in sorted(set(group_of.values())):
        passed = [row["passed"] for row in words if group_of[row["id"]] == group]
        if passed:
            yield Figure("label_passed", arch, data, round(sum(passed) / len(passed), 4),
                         "share of orders", "higher", len(passed), "train", group,
                         interval=wilson_interval(sum(passed), len(passed)))  # fmt: skip


def _params(
    aligned: Path, embedder: Mapping[str, Any] | None, config: Mapping[str, Any]
) -> dict[str, Any]:
    rows = read_table(aligned, ["status", "split", "age_group"]).to_pylist()
    counts = Counter(
        row["age_group"] for row in rows if row["status"] == OK and row["split"] == "train"
    )
    judges: dict[str, Any] = {"handmade": {"kind": "handmade"}}
    if embedder is not None:
        judges["embedding"] = {"kind": "embedding", **embedder}
    return {
        "audit": {"axes": ["age_group"]},
        "pilot": {"per_bin": 24},
        "plan": {"target": {"kind": "floor", "n": sorted(counts.values())[1] + _MORE}},
        "generators": {"age": {"kind": "age", **config}},
        "judges": judges,
        "train": judges,
        "gate": {
            "groups": [],
            "reference_per_bin": 100,
            "checks": {name: {"kind": name} for name in _CHECKS}
            | {"identity": {"kind": "identity", "strangers_of": {"age": 0.1}}},
        },
    }


def _paths(folder: Path, aligned: Path) -> dict[str, Path]:
    names = ("audit.json", "pilot.json", "plan", "plan.json", "candidates", "verdicts", "models")
    return {name: folder / name for name in names} | {
        "aligned": aligned, "plots/audit": folder / "plots", "plan/age.parquet":
        folder / "plan/age.parquet", "models/age": folder / "models/age",
        "candidates/age": folder / "candidates/age",
    }  # fmt: skip


def _passed(folder: Path, data: str) -> Iterator[Figure]:
    failed = failed_checks(read_table(folder / "verdicts").to_pylist())
    candidates = read_table(folder / "candidates/age", ["id", "age_group"]).to_pylist()
    group_of = {row["id"]: row["age_group"] for row in candidates}
    for group in ("all", *sorted(set(group_of.values()))):
        some = [names for name, names in failed.items() if group in ("all", group_of[name])]
        if not some:
            continue
        passed, n = sum(not names for names in some), len(some)
        low, high = wilson_interval(passed, n)
        yield Figure("pass_rate", "ours", data, round(passed / n, 4), "share of orders", "higher",
                     n, "train", group, interval=(round(low, 4), round(high, 4)))  # fmt: skip
    refused = Counter(name for names in failed.values() for name in names)
    for name, count in sorted(refused.items()):
        yield Figure("gate_refused", "ours", data, round(count / len(failed), 4), "share of orders",
                     "lower", len(failed), "train", name)  # fmt: skip
