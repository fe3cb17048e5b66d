"""Does the gate catch faults, and spare good faces? python benchmarks/gate.py

Drawn faces, where the truth is known. Ingest, align, audit, the training of judges and the gate are
the pipeline's own, with the settings of params.yaml; checks and judges that it does not name, but
that there are, take part with their defaults. Each candidate has a parent of its own.

Faultless candidates are the true results of orders: the same person drawn years older or younger,
or with a mask, in the same picture otherwise. Others have one planted fault each (see
``gate_candidates.py``). Reported: the share of each fault that any check refuses, and that each
check does, and the share of the faultless that is refused: overall and by group.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from gate_candidates import FAULTS, MEANT_FOR, candidates

from augment.engine import Engine
from augment.figures import Figure, write_figures
from augment.gating.faces import read_bin_space, read_faces
from augment.job import Job
from augment.metrics.proportion import wilson_interval
from augment.params import section
from augment.plugins import Kind, names
from augment.schema import Labels, candidate_schema, table
from augment.shards import read_schema, read_table, write_bucketed
from augment.stages import align, audit, gate, ingest, train

SEED = 11  # not 7, with which settings of the checks were chosen
KEYS = ("age", "mask", "copies")  # the generators that candidates are said to come from
FAULTLESS = ("good_age", "good_mask")
BANDS = {"light (1-3)": "123", "medium (4-6)": "456", "dark (7-10)": "78910"}

Row = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=1500, help="drawn, of all splits")
    parser.add_argument("--each", type=int, default=40, help="candidates of each fault")
    parser.add_argument("--good", type=int, default=200, help="faultless candidates")
    parser.add_argument("--checks", nargs="*", default=None, help="only these kinds")
    parser.add_argument("--judges", nargs="*", default=None, help="only these kinds")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path, help="keep what was drawn and trained in this folder")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/judges.json"))
    args = parser.parse_args()
    params = _params(args)
    with tempfile.TemporaryDirectory() as name:
        folder = args.work or Path(name)
        engine = Engine("pool", args.workers, folder / "cache", progress=False)
        faces = _prepare(folder, params, engine, args.seed)
        made = candidates(faces, params, args.seed, args.each, args.good, args.workers)
        schema = candidate_schema(Labels.of(read_schema(folder / "aligned")))
        for key in KEYS:
            own = [row for row in made if row["generator"] == key]
            write_bucketed(folder / "candidates" / key, table(own, schema), 4)
        looked_at, seconds = _gate(folder, params, args.workers, args.seed)
        verdicts = read_table(folder / "verdicts").to_pylist()
    data = f"drawn, {args.faces:,} faces"
    print(f"{looked_at} pictures in {seconds:.0f} s")
    figures = list(_figures(data, made, verdicts, list(params["gate"]["checks"])))
    rate = round(looked_at / seconds, 1)
    figures.append(
        Figure("gate_faces_per_s", "all checks", data, rate, "1/s", "higher", looked_at,
               group=f"{params['align']['size']}px, {args.workers} processes")
    )  # fmt: skip
    for figure in figures:
        if figure.group == "all" or figure.name == "gate_faces_per_s":
            print(f"{figure.name:28} {figure.split:22} {figure.arch:12} {figure.value:8.3f} "
                  f"(n={figure.n}) {figure.interval or ''}")  # fmt: skip
    write_figures(args.out, "judges", args.seed, figures)


def _params(args: argparse.Namespace) -> dict[str, Any]:
    """params.yaml, with so many drawn faces, and with every check and gate judge that there is."""
    params: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["ingest"]["sources"]["drawn"]["faces"] = args.faces
    params["judges"] = {
        key: entry for key, entry in params["judges"].items() if entry.get("family") != "score"
    }
    parts: tuple[tuple[Kind, dict[str, Any], list[str] | None], ...] = (
        ("judges", params["judges"], args.judges),
        ("checks", params["gate"]["checks"], args.checks),
    )
    for plug_in, entries, only in parts:
        kinds = {entry["kind"] for entry in entries.values()}
        # A foreign embedding needs a file that is not part of the project.
        missing = [kind for kind in names(plug_in) if kind not in kinds | {"embedding"}]
        entries |= {kind: {"kind": kind} for kind in missing}
        for key in [k for k, entry in entries.items() if only is not None
                    and entry["kind"] not in only]:  # fmt: skip
            del entries[key]
    return params


def _prepare(folder: Path, params: Mapping[str, Any], engine: Engine, seed: int) -> Path:
    """Drawn faces, aligned and counted, and trained judges. Returns the folder of faces."""

    def job(stage: str, key: str | None, inputs: list[str], outputs: Mapping[str, str]) -> Job:
        return Job(stage, key, {**params, "train": params["judges"]}, seed,
                   {name: folder / name for name in inputs},
                   {name: folder / path for name, path in outputs.items()}, engine)  # fmt: skip

    ingest.run(job("ingest", None, [], {"index": "index"}))
    align.run(job("align", None, ["index"], {"aligned": "aligned"}))
    audit.run(job("audit", None, ["aligned"],
                  {"plots/audit": "plots", "audit.json": "audit.json"}))  # fmt: skip
    for key in params["judges"]:
        started = time.perf_counter()
        outputs = {f"models/{key}": f"models/{key}", f"history/{key}.json": "history.json"}
        train.run(job("train", key, ["aligned"], outputs))
        print(f"{key} trained in {time.perf_counter() - started:.0f} s")
    return folder / "aligned"


def _gate(folder: Path, params: Mapping[str, Any], workers: int, seed: int) -> tuple[int, float]:
    """Run the gate stage with nothing kept from before: pictures looked at, and seconds."""
    with tempfile.TemporaryDirectory() as cache:
        job = Job(
            "gate", None, {**params, "generators": {key: {} for key in KEYS}}, seed,
            {"candidates": folder / "candidates", "aligned": folder / "aligned",
             "models": folder / "models", "audit.json": folder / "audit.json"},
            {"verdicts": folder / "verdicts"}, Engine("pool", workers, Path(cache), progress=False),
        )  # fmt: skip
        started = time.perf_counter()
        gate.run(job)
        seconds = time.perf_counter() - started
    per_bin = section(params, "gate").get("reference_per_bin", gate.Config().reference_per_bin)
    bins = read_bin_space(folder / "audit.json")
    folders = tuple(folder / "candidates" / key for key in KEYS)
    faces = read_faces(folder / "aligned", folders, bins, per_bin)
    # Real faces are looked at twice: as they are, and varied.
    return len(faces.candidates) + len(faces.parents) + 2 * len(faces.unseen), seconds


def _figures(
    data: str, made: list[dict[str, Any]], verdicts: list[Row], checks: list[str]
) -> Iterator[Figure]:
    refused: dict[str, set[str]] = {row["id"]: set() for row in made}
    for row in verdicts:
        if not row["passed"]:
            refused[row["id"]].add(row["check"])
    for fault in FAULTS:
        own = [row for row in made if row["fault"] == fault]
        yield from _shares("gate_recall", data, fault, "all checks", own,
                           [bool(refused[row["id"]]) for row in own])  # fmt: skip
        for check in checks:
            flags = [check in refused[row["id"]] for row in own]
            if check in MEANT_FOR[fault] or any(flags):
                yield from _shares("gate_recall", data, fault, check, own, flags,
                                   groups=check in MEANT_FOR[fault])  # fmt: skip
    for kinds in (FAULTLESS, *((kind,) for kind in FAULTLESS)):
        own = [row for row in made if row["fault"] in kinds]
        what = kinds[0] if len(kinds) == 1 else "faultless"
        yield from _shares("gate_false_rejection", data, what, "all checks", own,
                           [bool(refused[row["id"]]) for row in own])  # fmt: skip
        for check in checks:
            flags = [check in refused[row["id"]] for row in own]
            yield from _shares("gate_false_rejection", data, what, check, own, flags, groups=False)


def _shares(
    name: str,
    data: str,
    split: str,
    arch: str,
    rows: list[dict[str, Any]],
    flags: list[bool],
    groups: bool = True,
) -> Iterator[Figure]:
    """A share overall and by group, each with its n and Wilson's interval."""
    parts: dict[str, list[bool]] = {"all": flags}
    for row, flag in zip(rows, flags, strict=True):
        for group in _groups(row) if groups else ():
            parts.setdefault(group, []).append(flag)
    for group, own in sorted(parts.items(), key=lambda part: (part[0] != "all", part[0])):
        if own:
            ends = wilson_interval(sum(own), len(own))
            yield Figure(name, arch, data, round(float(np.mean(own)), 4), "ratio",
                         "higher" if name == "gate_recall" else "lower", len(own),
                         split=split, group=group,
                         interval=(round(ends[0], 4), round(ends[1], 4)))  # fmt: skip


def _groups(row: Row) -> Iterator[str]:
    # Judges learn on half "b" of the train faces, and know these by heart.
    yield f"parent of half {row['half']}"
    yield f"age {row['age_group']}"
    yield str(row["gender"])
    yield f"mask {row['mask']}"
    for band, tones in BANDS.items():
        if row["skin_tone"] in ({"7", "8", "9", "10"} if tones == "78910" else set(tones)):
            yield f"skin tone {band}"


if __name__ == "__main__":
    main()
