"""Attributes on the road: python benchmarks/attribute_road.py {drawn,celeba}

One generator of several attributes is taught, and of each attribute the value that fewer faces have
is ordered: the product's own audit, plan, generate and gate, with an axis for the attribute. The
gate asks hand-made features and, where there is one, an embedder that nobody here trained; both
learned on half b of the same faces. ``pass_rate`` is by attribute, ``gate_refused`` by check, of
all orders; ``label_passed`` of *truth*: held-out real faces with the ordered value take the
candidates' places, and so many pass the check of the ordered label. Rows join those of
reports/systems/attribute.json.
"""

import argparse
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from attribute import EMBEDDER, SEED
from attribute_faces import ATTRIBUTES, learnt_faces
from attribute_page import write_page
from attribute_photos import CELEBA, celeba
from folders import add_folders, working_in

from augment.engine import Engine
from augment.figures import Figure, write_figures
from augment.images import encode
from augment.job import Job
from augment.metrics.passes import failed_checks
from augment.metrics.proportion import wilson_interval
from augment.nets.data import load_faces
from augment.nets.weights import sha256
from augment.schema import OK
from augment.shards import read_table, write_bucketed
from augment.stages import audit, gate, generate, pilot, plan, train

_KEY = "attribute"
_STAGES = {"audit": audit, "pilot": pilot, "plan": plan, "generate": generate, "gate": gate}
#: Skin tone is not asked: outside of the region ``confined`` lets nothing change, and inside an
#: attribute may cover the skin.
_CHECKS = ("identity", "label", "kept", "quality", "one_face", "novelty", "confined")
_ORDERED = 100  # of each attribute


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", choices=("drawn", "celeba"))
    parser.add_argument("--images", type=int, default=32_000, help="seen by the generator")
    add_folders(parser, "attribute")
    args = parser.parse_args()
    with working_in(args.work) as folder:
        rows = list(_figures(args, Path(folder)))
    write_figures(args.out, "attribute", SEED, rows)
    write_page(args.out)


def _figures(args: argparse.Namespace, work: Path) -> Iterator[Figure]:
    drawn = args.faces == "drawn"
    aligned = (
        learnt_faces(work / "drawn" / "aligned", 1200, SEED) if drawn else celeba(args.data, work)
    )
    attributes = ATTRIBUTES if drawn else CELEBA
    path = args.data / EMBEDDER
    embedder = {"model": str(path), "sha256": sha256(path)} if path.is_file() else None
    road = _Road(aligned, work / "road" / args.faces, attributes, args.images, embedder)
    failed: list[list[str]] = []
    for name in attributes:
        own = road.failed(name)
        yield _share("pass_rate", "ours", args.faces, name, [not checks for checks in own])
        for arch in ("ours", "truth"):
            words = road.label_passed(name, arch)
            yield _share("label_passed", arch, args.faces, name, words)
        failed += own
    refused = Counter(check for checks in failed for check in checks)
    for check, count in sorted(refused.items()):
        told = Figure("gate_refused", "ours", args.faces, round(count / len(failed), 4),
                      "share of orders", "lower", len(failed), "train", check)  # fmt: skip
        print(told.name, check, told.value, flush=True)
        yield told


def _share(name: str, arch: str, data: str, group: str, passed: Sequence[bool]) -> Figure:
    n, count = len(passed), sum(passed)
    print(name, arch, group, count, n, flush=True)
    low, high = wilson_interval(count, n)
    return Figure(name, arch, data, round(count / n, 4), "share of orders", "higher", n, "train",
                  group, interval=(round(low, 4), round(high, 4)))  # fmt: skip


class _Road:
    """One trained generator, and a small road for each of its attributes."""

    def __init__(
        self, aligned: Path, work: Path, attributes: Sequence[str], images: int,
        embedder: dict[str, str] | None,
    ) -> None:  # fmt: skip
        self._aligned, self._work = aligned, work
        judges: dict[str, Any] = {"handmade": {"kind": "handmade"}}
        if embedder is not None:
            judges["embedding"] = {"kind": "embedding", **embedder}
        entry = {"kind": _KEY, "attributes": list(attributes), "train": {"images": images}}
        self._entries = {_KEY: entry, **judges}
        self._engine = Engine("inline", 1, work / "cache", progress=False)
        for key in self._entries:
            model = work / "models" / key
            if not (model / "config.json").is_file():
                outputs = {f"models/{key}": model, f"history/{key}.json": work / f"{key}.json"}
                params = {"generators": {_KEY: entry}, "judges": judges, "train": self._entries}
                inputs = {"aligned": aligned}
                train.run(Job("train", key, params, SEED, inputs, outputs, self._engine))

    def failed(self, attribute: str) -> list[list[str]]:
        """Orders that make the rarer value commoner: of each candidate the checks it failed."""
        folder, params = self._work / attribute, self._params(attribute)
        for name in ("plan", "candidates", "verdicts"):
            shutil.rmtree(folder / name, ignore_errors=True)
        paths = self._paths(folder)
        for stage, module in _STAGES.items():
            key = _KEY if stage == "generate" else None
            module.run(Job(stage, key, params, SEED, paths, paths, self._engine))
        return list(failed_checks(read_table(folder / "verdicts").to_pylist()).values())

    def label_passed(self, attribute: str, arch: str) -> list[bool]:
        """What the check of the ordered label says of the candidates, or (``truth``) of real
        held-out faces that have the ordered value."""
        folder = self._work / attribute
        if arch == "truth":
            self._pose(attribute, folder / "candidates" / _KEY, folder / "posing" / _KEY)
            changed = {"candidates": folder / "posing", "verdicts": folder / "posing_verdicts"}
            paths = self._paths(folder) | changed
            gate.run(Job("gate", None, self._params(attribute), SEED, paths, paths, self._engine))
        verdicts = folder / ("posing_verdicts" if arch == "truth" else "verdicts")
        rows = read_table(verdicts).to_pylist()
        return [row["passed"] for row in rows if row["check"] == "label"]

    def _pose(self, attribute: str, candidates: Path, target: Path) -> None:
        real, rows = load_faces(self._aligned, ("validation", "test")), read_table(candidates)
        content = rows.to_pylist()
        ordered = content[0][attribute]
        words = real.labels[attribute]
        pictures = [encode(image) for image, word in zip(real.images, words, strict=True)
                    if word == ordered]  # fmt: skip
        for number, row in enumerate(content):
            if row["image"] is not None:
                row["image"]["bytes"] = pictures[number % len(pictures)]
        shutil.rmtree(target, ignore_errors=True)
        write_bucketed(target, pa.Table.from_pylist(content, rows.schema), 4)

    def _params(self, attribute: str) -> dict[str, Any]:
        rows = read_table(self._aligned, ["status", "split", attribute]).to_pylist()
        counts = Counter(
            row[attribute] for row in rows if row["status"] == OK and row["split"] == "train"
        )
        judges = {key: entry for key, entry in self._entries.items() if key != _KEY}
        fewest = min(counts[word] for word in ("no", "yes"))
        return {
            "audit": {"axes": [attribute]},
            "pilot": {"per_bin": 0},
            "plan": {"target": {"kind": "floor", "n": fewest + _ORDERED}, "spare": 1.0,
                     "max_synthetic_share": 1.0},
            "generators": {_KEY: self._entries[_KEY]},
            "judges": judges,
            "gate": {"groups": [], "reference_per_bin": 200,
                     "checks": {name: {"kind": name} for name in _CHECKS}},
        }  # fmt: skip

    def _paths(self, folder: Path) -> dict[str, Path]:
        names = ("audit.json", "pilot.json", "plan", "plan.json", "candidates", "verdicts")
        return {name: folder / name for name in names} | {
            "aligned": self._aligned, "plots/audit": folder / "plots",
            "models": self._work / "models", f"models/{_KEY}": self._work / "models" / _KEY,
            f"plan/{_KEY}.parquet": folder / "plan" / f"{_KEY}.parquet",
            f"candidates/{_KEY}": folder / "candidates" / _KEY,
        }  # fmt: skip


if __name__ == "__main__":
    main()
