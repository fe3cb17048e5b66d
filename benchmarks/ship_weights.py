"""Train the weights that come with the package. python benchmarks/ship_weights.py --fairface DIR

Only from FairFace (CC BY 4.0) and drawn faces. Ingest, align and train are the pipeline's own;
half "a" of the train split is learned from. The held-out part (FairFace's test split: no photo of
it, nor a near duplicate, was learned from) gives the model card's figures by group.

Writes ``augment/weights/<kind>/`` and ``reports/systems/shipped.json``; the digest that it prints
belongs into ``augment/shipped.py``.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from augment.engine import Engine
from augment.figures import Figure, write_figures
from augment.images import decode
from augment.job import Job
from augment.metrics.proportion import wilson_interval
from augment.nets.weights import sha256
from augment.plugins import configure
from augment.protocols import Face, Request
from augment.schema import OK
from augment.seeds import row_seed
from augment.shards import AtomicFile, read_table
from augment.stages import align, ingest, train
from augment.vocabulary import NO, YES

SEED = 7
#: More room than the road's crops have: on photos, a mask reaches below the chin. FairFace is cut
#: tightly, so that much of its crops is mirrored; where the mask goes, its faces tell all the same.
MARGIN = 0.3
KINDS = {"mask": {"kind": "mask", "train": {"images": 30_000}}}
GROUPS = ("age_group", "gender", "ethnicity")
BATCH = 64

Row = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", nargs="?", choices=sorted(KINDS), default="mask")
    parser.add_argument("--fairface", type=Path, required=True, help="FairFace as shipped")
    parser.add_argument("--drawn", type=int, default=2400, help="drawn faces beside them")
    parser.add_argument("--images", type=int, help="faces seen in training")
    parser.add_argument("--work", type=Path, default=Path(".augment/ship"), help="kept: it resumes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--to", type=Path, default=Path("augment/weights"))
    parser.add_argument("--out", type=Path, default=Path("reports/systems/shipped.json"))
    args = parser.parse_args()
    entry = dict(KINDS[args.kind])
    if args.images is not None:
        entry["train"] = {"images": args.images}
    faces = _faces(args, entry)
    model = args.work / "models" / args.kind
    module, config = configure("generators", entry, args.kind)
    generator = module.Generator(config)
    generator.load(model)
    figures = list(_coverage(generator, faces, args.kind))
    for figure in figures:
        print(f"{figure.group:24} {figure.value:.3f} (n={figure.n})")
    for name in ("config.json", "weights.safetensors"):
        with AtomicFile(args.to / args.kind / name) as temporary:
            temporary.write_bytes((model / name).read_bytes())
    write_figures(args.out, "shipped", SEED, figures)
    digest = sha256(model / "weights.safetensors")
    print(f'"{args.kind}": "{digest}"')


def _faces(args: argparse.Namespace, entry: Mapping[str, Any]) -> Path:
    """Run ingest, align and the training; returns the folder of aligned faces."""
    params: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    drawn = params["ingest"]["sources"]["drawn"] | {"faces": args.drawn, "attributes": {}}
    params["ingest"]["data"] = str(args.fairface.resolve())
    params["ingest"]["sources"] = {
        "drawn": drawn,
        "fairface": {"kind": "fairface", "assume": {"mask": NO}},
    }
    params["align"] |= {"margin": MARGIN, "max_padded": 0.9}
    params["train"] = {args.kind: entry}
    engine = Engine("pool", args.workers, args.work / "cache")
    stages = [
        (ingest, None, [], {"index": "index"}),
        (align, None, ["index"], {"aligned": "aligned"}),
        (train, args.kind, ["aligned"],
         {f"models/{args.kind}": f"models/{args.kind}",
          f"history/{args.kind}.json": f"history/{args.kind}.json"}),
    ]  # fmt: skip
    for stage, key, inputs, outputs in stages:
        stage.run(
            Job(stage.__name__.rpartition(".")[2], key, params, SEED,
                {name: args.work / name for name in inputs},
                {name: args.work / path for name, path in outputs.items()}, engine)
        )  # fmt: skip
    return Path(args.work / "aligned")


def _coverage(generator: Any, faces: Path, kind: str) -> Iterator[Figure]:
    """The share of held-out photos on which the generator made something, by group."""
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
    yield _figure(flags, kind, "all")
    for label in GROUPS:
        words = np.array([row[label] for row in rows])
        for word in np.unique(words):
            yield _figure(flags[words == word], kind, f"{label} {word}")


def _request(row: Row) -> Request:
    points = np.array(row["points"], np.float32).reshape(5, 2)
    face = Face(row["id"], decode(row["image"]["bytes"]), points, {"mask": NO})
    return Request(row["id"], (face,), {"mask": YES}, ("mask",), row_seed(SEED, "ship", row["id"]))


def _figure(flags: Any, kind: str, group: str) -> Figure:
    low, high = wilson_interval(int(flags.sum()), len(flags))
    return Figure("coverage", kind, "fairface", round(float(flags.mean()), 4), "ratio", "higher",
                  len(flags), split="test", group=group,
                  interval=(round(low, 4), round(high, 4)))  # fmt: skip


if __name__ == "__main__":
    main()
