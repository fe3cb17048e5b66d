"""What does restoring small faces give a data set? python benchmarks/superres_yield.py --work WORK

Writes a copy of FairFace in which half of the rare train photos (ages 0-2 and 60 and over) are
shrunk to 18 to 45 pixels, and sends it down the product's own road, each time with the same aligned
faces and judges:

    without    small faces are set aside; varied copies fill what bins lack
    restored   small faces are restored first (`superres`), copies fill the rest
    as_is      `align.smallest` 0: small faces are used as they are, with copies

Settings are those of examples/fairface with smaller budgets. A finished stage is not run again:
killed, the same command goes on. `evaluate` runs on request; linear heads on a frozen embedder
tell sooner who learns better (`superres_profit.py`). Figures: reports/systems/superres.json.
"""

import argparse
import copy
import importlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from superres_copy import write_copy
from superres_gains import difference_rows, evaluated, road_rows
from superres_nearness import nearness_rows
from superres_profit import profit_rows
from superres_shift import shift_rows

from augment.engine import Engine
from augment.figures import Figure, write_figures
from augment.params import read_params
from augment.road import make_job, read_road

SEED = 7
ROADS = ("without", "restored", "as_is")
SMALLEST = 48  # of `align`, pixels
_ROOT = Path(__file__).resolve().parents[1]
_LEFT_OUT = ("fidelity", "report")
LAST = "evaluate"
#: Rare bins of a sixth of a road's people each want so many faces.
_FLOOR = 120
_AGES = {"name": "age_group", "merge": {"20-39": ["20-29", "30-39"], "40-59": ["40-49", "50-59"],
                                        "60+": ["60-69", "70+"]}}  # fmt: skip


def settings(road: str, photos: Path, data: Path, scale: float) -> dict[str, Any]:
    """params.yaml of one road."""
    params = copy.deepcopy(read_params(_ROOT / "examples/fairface/params.yaml"))
    params["ingest"]["data"] = str(photos)
    params["align"]["smallest"] = 0 if road == "as_is" else SMALLEST
    params["audit"]["axes"] = [_AGES, "gender"]
    params["pilot"]["per_bin"] = 6
    params["gate"]["reference_per_bin"] = 60
    params["plan"]["target"] = {"kind": "floor", "n": round(_FLOOR * scale)}
    generators = {"copies": params["generators"]["copies"]}
    if road == "restored":
        restore = {"kind": "superres", "train": {"images": 8_000}, "adversarial": {"images": 4_000}}
        generators = {"restore": restore, **generators}
        params["gate"]["checks"]["restored"] = {"kind": "restored"}
    names = ("attributes", "handmade", "identity", "artifacts", "embedding")
    judges = {name: params["judges"][name] for name in names}
    judges["embedding"]["model"] = str(data / "weights/mobilefacenet_112.onnx")
    judges["attributes"]["train"] = {"images": round(4_000 * scale)}
    judges["identity"]["train"] = {"images": round(1_000 * scale)}
    judges["artifacts"]["train"] = {"images": round(8_000 * scale)}
    params["evaluate"]["tasks"] = {
        "gender": {"label": "gender", "groups": ["age_group", "gender"]},
        "age_group": {"label": "age_group", "groups": ["age_group"]},
    }
    params["evaluate"]["train"] = {"images": round(40_000 * scale), "batch": 64}
    train = {**judges, **generators}
    return params | {"generators": generators, "judges": judges, "train": train}


def run_road(road: str, params: dict[str, Any], work: Path, last: bool) -> None:
    """Every stage but those of the report, in a folder of its own; ``last``: the long one, too."""
    folder = work / road
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    shutil.copy(_ROOT / "forgotten.json", folder)
    done = folder / "done.txt"
    finished = done.read_text().split() if done.is_file() else []
    before = Path.cwd()
    os.chdir(folder)
    try:
        for address, stage in read_road(params, _ROOT / "dvc.yaml").items():
            if stage.name in _LEFT_OUT or address in finished:
                continue
            if stage.name == LAST and not last:
                continue
            # One cache for all roads: what they have in common is trained and made once.
            job = make_job(stage, params, Engine("inline", 1, work / "augment/cache"))
            for path in job.outputs.values():
                path.parent.mkdir(parents=True, exist_ok=True)
            start = time.perf_counter()
            print(f"== {road} {address}", flush=True)
            importlib.import_module(f"augment.stages.{stage.name}").run(job)
            print(f"== {road} {address}: {time.perf_counter() - start:.0f} s", flush=True)
            with done.open("a") as file:
                file.write(f"{address}\n")
    finally:
        os.chdir(before)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("FACES_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of the data sets")
    parser.add_argument("--work", type=Path, required=True, help="everything is made here")
    parser.add_argument("--roads", nargs="+", choices=ROADS, default=["without", "restored"])
    parser.add_argument("--evaluate", action="store_true",
                        help="the stage evaluate, too: hours of a core")  # fmt: skip
    parser.add_argument("--scale", type=float, default=1.0, help="smaller: does it run at all?")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/superres.json"))
    args = parser.parse_args()
    data, work = args.data.resolve(), args.work.resolve()
    photos = work / "photos"
    if not (work / "shrunk.json").is_file():
        shutil.rmtree(photos, ignore_errors=True)
        write_copy(data / "fairface", photos, SEED, args.scale)
    # What costs most comes when all sets are made.
    for last in (False, True) if args.evaluate else (False,):
        for road in args.roads:
            run_road(road, settings(road, photos, data, args.scale), work, last)
    figures = []
    for row in _figures(args.roads, work, data):
        figures.append(row)
        print(f"{row.arch} {row.name} ({row.group}): {row.value} {row.unit} {row.interval} "
              f"n = {row.n}", flush=True)  # fmt: skip
    write_figures(args.out, "superres", SEED, figures)


def _figures(roads: list[str], work: Path, data: Path) -> Iterator[Figure]:
    for road in roads:
        yield from road_rows(road, work)
    for road in roads:
        if road != "without" and evaluated(work, road) and evaluated(work, "without"):
            yield from difference_rows(road, "without", work, SEED)
    if "restored" in roads:
        yield from shift_rows(work, data, SEED)
        yield from nearness_rows(work, data, SEED)
        yield from profit_rows(work, SEED)


if __name__ == "__main__":
    main()
