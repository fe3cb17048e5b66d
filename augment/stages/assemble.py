"""assemble: the data set that people load, its manifest, its card, and what was set aside.

Validation and test hold real faces only, as they came. The train split is filled up with candidates
that passed every check, to the number that the plan and its top-ups settled on and no further.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

import augment
from augment.assembling.choose import TRAIN, Selection, select
from augment.assembling.write import SPLITS, Written, source_digest, with_digests, write_splits
from augment.cards import limits_of, write_card
from augment.croissant import write_croissant
from augment.errors import UserError
from augment.gating.candidates import all_candidate_folders, read_summary, read_topup, read_verdicts
from augment.job import Job
from augment.metrics.balance import Counts, bins_below, count_bins, evenness
from augment.metrics.calibration import in_order
from augment.params import Section
from augment.schema import SCHEMA_VERSION, Labels
from augment.shards import read_json, write_json, write_marker, write_table
from augment.types import BinSpace
from augment.vocabulary import UNKNOWN


class Config(Section):
    """Section ``assemble`` of params.yaml."""

    title: str = "Balanced faces"
    #: whom to write to about a face in the data set; stands in its card
    contact: str = ""
    rows_per_shard: int = Field(5000, ge=1)


def run(job: Job) -> None:
    """Write ``data/balanced``.

    Raises:
        UserError: a folder of candidates belongs to no generator, or no real face is usable.
    """
    config = job.config(Config)
    keys, extra = list(job.params["generators"] or {}), job.inputs["topup"]
    folders = all_candidate_folders(job.inputs["candidates"], extra, keys)
    verdicts = read_verdicts(job.inputs["verdicts"], extra).to_pylist()
    audit, plan = (read_json(job.inputs[name]) for name in ("audit.json", "plan.json"))
    topup = read_topup(extra)
    bins = BinSpace.from_json(audit["bin_space"])
    wanted = {(cell["bin"], key): n for cell in topup["cells"] for key, n in cell["orders"].items()}
    aligned, target = job.inputs["aligned"], job.outputs["balanced"]
    chosen = select(aligned, folders, verdicts, bins, wanted)
    if not chosen.manifest.num_rows:
        raise UserError("no usable face: nothing to assemble. reports/audit.json says why.")
    shutil.rmtree(target, ignore_errors=True)  # of an earlier run, should one be there
    written = write_splits(target, chosen.manifest, aligned, folders, config.rows_per_shard)
    manifest = with_digests(chosen.manifest, written.pictures)
    content = _manifest_json(job, chosen, written, bins, plan, topup)
    write_table(target / "manifest.parquet", manifest)
    write_table(target / "set_aside.parquet", chosen.set_aside)
    write_json(target / "manifest.json", content)
    card = target / "README.md"
    write_card(card, config.title, config.contact, manifest, content, read_summary(extra))
    limits = limits_of(manifest, content)
    write_croissant(target / "croissant.json", config.title, manifest, content, limits)
    shards = [{"file": shard["file"], "rows": shard["rows"]} for shard in written.shards]
    write_marker(target, {"shards": shards})
    _tell(content)


def _manifest_json(
    job: Job,
    chosen: Selection,
    written: Written,
    bins: BinSpace,
    plan: Mapping[str, Any],
    topup: Mapping[str, Any],
) -> dict[str, Any]:
    manifest = chosen.manifest
    train = manifest.filter(pc.equal(manifest.column("split"), TRAIN))
    real = train.filter(pc.invert(train.column("synthetic")))
    before = count_bins(bins.codes(real), len(bins))
    after = count_bins(bins.codes(train), len(bins))
    targets = _targets(bins, plan)
    reasons = Counter(chosen.set_aside.column("status").to_pylist())
    return {
        "schema_version": SCHEMA_VERSION,
        "made_by": {"augment": augment.__version__, "source_sha256": source_digest()},
        "rows": {
            "in": chosen.rows_in,
            "out": manifest.num_rows,
            "set_aside": chosen.set_aside.num_rows,
            "set_aside_as": dict(sorted(reasons.items())),
        },
        "splits": _splits(manifest),
        "generators": _generators(manifest, list(job.params["generators"] or {})),
        "evenness": {"before": _evenness(before), "after": _evenness(after)},
        "bins_below_target": {
            "bins": len(bins),
            "before": bins_below(before, targets),
            "after": bins_below(after, targets),
        },
        "census": [
            {
                "bin": name,
                "target": int(targets[code]),
                "before": int(before[code]),
                "after": int(after[code]),
            }
            for code, name in enumerate(bins.names)
        ],
        "still_missing": topup["still_missing"],
        "bin_space": bins.to_json(),
        "classes": classes_of(manifest),
        "shards": written.shards,
        "parameters": {"seed": job.seed, **job.params},
    }


def _targets(bins: BinSpace, plan: Mapping[str, Any]) -> Counts:
    by_name = {cell["bin"]: int(cell["target"]) for cell in plan["cells"]}
    return np.array([by_name.get(name, 0) for name in bins.names], dtype=np.int64)


def _evenness(counts: Counts) -> float | None:
    return round(evenness(counts), 6) if counts.sum() else None


def _splits(manifest: pa.Table) -> dict[str, dict[str, int]]:
    found = {}
    for split in SPLITS:
        rows = manifest.filter(pc.equal(manifest.column("split"), split))
        synthetic = int(pc.sum(rows.column("synthetic")).as_py() or 0)
        found[split] = {
            "rows": rows.num_rows,
            "real": rows.num_rows - synthetic,
            "synthetic": synthetic,
        }
    return found


def _generators(manifest: pa.Table, keys: list[str]) -> dict[str, int]:
    counts = Counter(manifest.column("generator").to_pylist())
    return {key: counts[key] for key in keys}


def classes_of(manifest: pa.Table) -> dict[str, list[str]]:
    """label -> its known values in any split, in the vocabulary's order: class numbers."""
    labels = Labels.of(manifest.schema)
    return {
        label: in_order(
            label,
            [w for w in pc.unique(manifest.column(label)).to_pylist() if w not in (None, UNKNOWN)],
            labels.age_groups,
        )
        for label in labels.columns
    }


def _tell(content: Mapping[str, Any]) -> None:
    train, below = content["splits"][TRAIN], content["bins_below_target"]
    print(
        f"assemble: {train['real']} real and {train['synthetic']} synthetic train faces; "
        f"evenness {content['evenness']['before']} -> {content['evenness']['after']}; "
        f"bins below target {below['before']} -> {below['after']} of {below['bins']}",
        file=sys.stderr,
    )
