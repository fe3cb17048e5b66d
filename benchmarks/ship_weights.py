"""Make the weights that come with the package: benchmarks/ship_weights.py KIND --fairface DIR

With --road DIR they are those of a finished road of FairFace (examples/fairface) instead. Only from
FairFace (CC BY 4.0) and, where its recipe says so, drawn faces. Ingest, align and train are the
pipeline's own: generators learn on half "a" of the train split, judges on half "b" or, where the
recipe says so, on both: they will judge other people's faces, which no generator of theirs has
learned here. The held-out part (FairFace's test split: no photo of it, nor a near duplicate, was
learned from) gives the model card's figures by group; of a generator that a gate can judge they are
its pass rates in the road.

Writes ``augment/weights/<kind>/`` and ``reports/systems/shipped.json``; the digest that it prints
belongs into ``augment/shipped.py``.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.compute as pc
import yaml
from ship_figures import coverage, gains, judged, passes

from augment.engine import Engine
from augment.figures import write_figures
from augment.job import Job
from augment.nets.weights import sha256
from augment.params import read_params
from augment.plugins import Kind
from augment.shards import AtomicFile, read_table, write_bucketed
from augment.stages import align, ingest, train
from augment.vocabulary import NO

SEED = 7
#: FairFace is cut tightly: with more room around its faces, crops are mirrored beyond its edges.
TIGHT = -0.1
#: On photos, a mask reaches below the chin; where it goes, such crops tell all the same.
ROOMY = 0.3


@dataclass(frozen=True)
class Recipe:
    """How a kind's weights are made.

    Attributes:
        point: the plug point.
        entry: as in params.yaml.
        margin: of the crops that it learns from.
        drawn: whether it learns from drawn faces, too.
        whole: whether a judge learns from the generators' half of the train faces, too.
    """

    point: Kind
    entry: Mapping[str, Any]
    margin: float = ROOMY
    drawn: bool = False
    whole: bool = False


RECIPES = {
    "mask": Recipe("generators", {"kind": "mask", "train": {"images": 30_000}}, drawn=True),
    "attributes": Recipe("judges", {"kind": "attributes", "train": {"images": 192_000},
                                    "labels": ["age_group", "gender", "ethnicity"]},
                         TIGHT, whole=True),
    "superres": Recipe("generators", {"kind": "superres", "train": {"images": 32_000},
                                      "adversarial": {"images": 24_000}}, TIGHT),
    "artifacts": Recipe("judges", {"kind": "artifacts", "train": {"images": 48_000}}, TIGHT),
}  # fmt: skip

#: What a road of FairFace has trained.
OF_ROAD = ("age", "artifacts", "attributes")
#: How good weights are; of those not named: how often a judge is right.
MEASURES = {"mask": coverage, "superres": gains, "age": passes}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=sorted({*RECIPES, *OF_ROAD}))
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--fairface", type=Path, help="FairFace as shipped")
    given.add_argument("--road", type=Path, help="a finished road of it")
    parser.add_argument("--drawn", type=int, default=2400, help="so many drawn faces, where wanted")
    parser.add_argument("--images", type=int, help="faces seen in training")
    parser.add_argument("--work", type=Path, default=Path(".augment/ship"), help="kept: it resumes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--to", type=Path, default=Path("augment/weights"))
    parser.add_argument("--out", type=Path, default=Path("reports/systems/shipped.json"))
    args = parser.parse_args()
    found = _of_road(args) if args.road else _trained(args)
    figures = list(MEASURES.get(args.kind, judged)(found.entry, found.model, found.faces))
    for figure in figures:
        print(f"{figure.name:12} {figure.group:40} {figure.value:.3f} (n={figure.n})")
    for name in ("config.json", "weights.safetensors"):
        with AtomicFile(args.to / args.kind / name) as temporary:
            temporary.write_bytes((found.model / name).read_bytes())
    write_figures(args.out, "shipped", SEED, figures)
    digest = sha256(found.model / "weights.safetensors")
    print(f'"{args.kind}": "{digest}"')


@dataclass(frozen=True)
class Trained:
    """A model, how params.yaml asks for it, and the aligned faces it comes from."""

    entry: Mapping[str, Any]
    model: Path
    faces: Path


def _trained(args: argparse.Namespace) -> Trained:
    if args.kind not in RECIPES:
        sys.exit(f"ship_weights: {args.kind} has no recipe of its own: name a --road")
    recipe = RECIPES[args.kind]
    entry = dict(recipe.entry)
    if args.images is not None:
        entry["train"] = {"images": args.images}
    work = args.work / (("both" if recipe.drawn else "photos") + f"{recipe.margin:+g}")
    return Trained(entry, work / "models" / args.kind, _learned(args, entry, work, recipe))


def _of_road(args: argparse.Namespace) -> Trained:
    params = read_params(args.road / "params.yaml")
    kinds = {source["kind"] for source in params["ingest"]["sources"].values()}
    if kinds != {"fairface"}:
        sys.exit(
            f"ship_weights: the road learned from {', '.join(sorted(kinds))}; only FairFace may be"
        )
    entries = {**params["generators"], **params["judges"]}
    if entries.get(args.kind, {}).get("kind") != args.kind:
        sys.exit(f"ship_weights: the road's params.yaml has no {args.kind} of that kind and name")
    return Trained(entries[args.kind], args.road / "models" / args.kind, args.road / "data/aligned")


def _learned(
    args: argparse.Namespace, entry: Mapping[str, Any], work: Path, recipe: Recipe
) -> Path:
    """Run ingest, align and the training; returns the folder of aligned faces."""
    params: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    people = params["ingest"]["sources"]["drawn"] | {"faces": args.drawn, "attributes": {}}
    params["ingest"]["data"] = str(args.fairface.resolve())
    params["ingest"]["sources"] = {"fairface": {"kind": "fairface", "assume": {"mask": NO}}}
    if recipe.drawn:
        params["ingest"]["sources"]["drawn"] = people
    params["align"] |= {"margin": recipe.margin, "max_padded": 0.9}
    params["train"] = {args.kind: entry}
    engine = Engine("pool", args.workers, work / "cache")
    faces = work / "aligned"
    _run(ingest, None, params, {}, {"index": work / "index"}, engine)
    _run(align, None, params, {"index": work / "index"}, {"aligned": faces}, engine)
    if recipe.whole:
        faces = _in_one_half(faces, work / "aligned_whole")
    made = {name: work / name for name in (f"models/{args.kind}", f"history/{args.kind}.json")}
    _run(train, args.kind, params, {"aligned": faces}, made, engine)
    return faces


def _run(
    stage: ModuleType,
    key: str | None,
    params: dict[str, Any],
    inputs: dict[str, Path],
    outputs: dict[str, Path],
    engine: Engine,
) -> None:
    name = stage.__name__.rpartition(".")[2]
    stage.run(Job(name, key, params, SEED, inputs, outputs, engine))


def _in_one_half(faces: Path, folder: Path) -> Path:
    """The same faces, those of the train split all in the judges' half."""
    rows = read_table(faces)
    place = rows.schema.get_field_index("half")
    half = pc.if_else(pc.is_valid(rows.column("half")), "b", rows.column("half"))
    write_bucketed(folder, rows.set_column(place, rows.schema.field(place), half), 8)
    return folder


if __name__ == "__main__":
    main()
