"""Are badly restored faces refused? python benchmarks/superres_gate.py --work WORK

WORK is that of benchmarks/superres_yield.py, whose road `restored` has been run: its judges, real
faces and settings are used. Photos were shrunk there, so the truth is known. Candidates:

    good        restored faces that came near to the photo as it was: error and likeness of person
    others      restored faces that came less near
    (spoils)    a fault in each: see `superres_spoils.py`

Reported: which share the gate refuses, and each check. Half of the small faces (by a hash of their
names) choose what checks demand, figures are of the other half (`--half choose` shows the first).
"""

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from superres_gains import DATA, RESTORED
from superres_nearness import HALVES, of_half
from superres_spoils import SPOILS, no_faces
from superres_truth import truths

from augment.engine import Engine
from augment.figures import Figure, write_figures
from augment.gating.faces import read_bin_space
from augment.gating.verdicts import Config, gate_candidates
from augment.images import decode, encode
from augment.measure import measure
from augment.metrics.passes import failed_checks
from augment.metrics.proportion import wilson_interval
from augment.params import validate
from augment.schema import Labels, candidate_schema, table
from augment.seeds import row_generator
from augment.shards import read_schema, read_table, write_bucketed

SEED = 7
#: A restored face is good that comes so near to the truth (dB, cosine of the embedder).
GOOD_PSNR, GOOD_COSINE = 24.0, 0.6

Row = dict[str, Any]


def candidates(road: Path, data: Path, seed: int, half: str) -> tuple[list[Row], list[Row]]:
    """Candidate rows, ``kind`` among their columns; and aligned rows of small "faces" that are
    none."""
    params = yaml.safe_load((road / "params.yaml").read_text())
    known = of_half(truths(road, params, data), seed, half)
    rows: list[Row] = []
    for place, truth in enumerate(known):
        near = truth.psnr >= GOOD_PSNR and truth.cosine >= GOOD_COSINE
        rows.append(_row(truth.row, truth.restored, "good" if near else "others"))
        for kind, spoil in SPOILS.items():
            random = row_generator(seed, f"superres gate {kind}", truth.row["id"])
            image = spoil(truth, known[(place + 7) % len(known)], random)
            rows.append(_row(truth.row, image, kind))
    small = []
    for number, (parent, made) in enumerate(no_faces(road, params, data, known, seed)):
        own = f"no_face/{half}/{number}"
        small.append({**parent, "id": own, "image": _stored(encode(made["small"]), own)})
        rows.append(_row({**known[number].row, "parents": [own]}, made["restored"], "no_face"))
    return rows, small


def _row(row: Mapping[str, Any], image: Any, kind: str) -> Row:
    content = encode(np.ascontiguousarray(image))
    points = np.array(row["points"], np.float32).reshape(5, 2)
    name = f"{row['id']}/{kind}"
    measured = measure(decode(content), points).columns()
    return {**row, **measured, "id": name, "kind": kind, "image": _stored(content, name)}


def _stored(content: bytes, name: str) -> Row:
    return {"bytes": content, "path": f"{name}.jpg"}


def refusals(road: Path, rows: list[Row], small: list[Row], engine: Engine) -> dict[str, set[str]]:
    """Candidate -> the checks that refuse it."""
    params = yaml.safe_load((road / "params.yaml").read_text())
    aligned = road / "data/aligned"
    schema = candidate_schema(Labels.of(read_schema(aligned)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = [{key: row[key] for key in schema.names} for row in rows]
        write_bucketed(folder / RESTORED, table(plain, schema), 4)
        everyone = read_table(aligned).to_pylist()
        write_bucketed(folder / "aligned", table(everyone + small, read_schema(aligned)), 4)
        gated = gate_candidates(
            engine, folder / "aligned", [folder / RESTORED],
            read_bin_space(road / "reports/audit.json"), params["judges"], road / "models",
            validate(Config, params["gate"], "gate"),
        )  # fmt: skip
    return {name: set(checks) for name, checks in failed_checks(gated.rows).items()}


def figures(rows: list[Row], refused: Mapping[str, set[str]]) -> Iterator[Figure]:
    """Shares of each kind that the gate refuses, in all and by check."""
    for kind in dict.fromkeys(row["kind"] for row in rows):
        names = [row["id"] for row in rows if row["kind"] == kind]
        counts = Counter(check for name in names for check in refused[name])
        counts["all"] = sum(bool(refused[name]) for name in names)
        for check, count in sorted(counts.items()):
            low, high = wilson_interval(count, len(names))
            yield Figure("gate_refused", kind, DATA, round(count / len(names), 4),
                         "share of candidates", "lower" if kind == "good" else "higher",
                         len(names), "train", check,
                         interval=(round(low, 4), round(high, 4)))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("FACES_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of the data sets")
    parser.add_argument("--work", type=Path, required=True, help="of superres_yield.py")
    parser.add_argument("--half", choices=list(HALVES), default="report")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/superres.json"))
    args = parser.parse_args()
    road, data = (args.work / "restored").resolve(), args.data.resolve()
    rows, small = candidates(road, data, SEED, args.half)
    engine = Engine("inline", 1, args.work / "augment/cache", progress=False)
    found = list(figures(rows, refusals(road, rows, small, engine)))
    for row in found:
        print(f"{row.arch} ({row.group}): {row.value} {row.interval} n = {row.n}", flush=True)
    if args.half == "report":  # what chose is no result
        write_figures(args.out, "superres", SEED, found)


if __name__ == "__main__":
    main()
