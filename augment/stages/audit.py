"""audit: who is in the data set, by group; what failed for whom; what comes more than once.

Counts rows of ``data/aligned`` without looking at a pixel. Balance is judged on the train split,
the only one that is ever filled up.
"""

from typing import Any

import numpy as np
from pydantic import Field

from augment.auditing.axes import AxisEntry, bin_space
from augment.auditing.plots import write_plots
from augment.auditing.repeats import (
    conflict_rows,
    conflicting_groups,
    find_repeats,
    repeats_rows,
)
from augment.auditing.scan import Faces, scan
from augment.auditing.tables import (
    TRAIN,
    census,
    census_rows,
    crop_rows,
    evenness_rows,
    failure_rows,
    label_rows,
    origin_rows,
    reason_rows,
    skin_rows,
    smallest_rows,
)
from augment.duplicates import NEAR_DUPLICATE_BITS
from augment.errors import UserError
from augment.job import Job
from augment.params import Section
from augment.shards import write_json
from augment.types import BinSpace

SKIN_TONE_NOTE = (
    "apparent, uncalibrated light: measured on skin pixels of photos whose light, white balance "
    "and camera are not known; it says how a face looks in this picture, not what it is"
)


class Config(Section):
    """Section ``audit`` of params.yaml."""

    axes: list[AxisEntry] = Field(min_length=1)
    #: photos whose 256-bit difference hashes differ in at most so many bits count as one
    near_duplicate_bits: int = Field(default=NEAR_DUPLICATE_BITS, ge=0, le=30)


def run(job: Job) -> None:
    """Write ``reports/audit.json`` and the plot files.

    Raises:
        UserError: no usable face, none in any bin of the train split, or an axis that is not there.
    """
    config = job.config(Config)
    faces = scan(job.inputs["aligned"])
    _require_faces(faces)
    words = {name: column.words for name, column in faces.labels.items()}
    space = bin_space(config.axes, words, faces.age_groups)
    report, counts = _report(faces, space, config.near_duplicate_bits)
    write_plots(job.outputs["plots/audit"], space, counts, faces, report["align_failures"])
    write_json(job.outputs["audit.json"], report)


def _require_faces(faces: Faces) -> None:
    if not len(faces):
        raise UserError("data/aligned holds no row: the sources under ingest gave no picture.")
    if not faces.ok.any():
        (status, reason), rows = faces.reasons.most_common(1)[0]
        raise UserError(
            f"none of the {len(faces):,} faces is usable; most often ({rows:,} rows): {status}, "
            f"'{reason}'. Look at ingest.sources and align.detector."
        )


def _report(
    faces: Faces, space: BinSpace, near_duplicate_bits: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    codes = faces.bins(space)
    counts = census(faces, codes, len(space))
    train = counts[TRAIN]
    if not train.sum():
        raise UserError(
            "no usable face of the train split has a known value on every axis of audit.axes "
            f"({', '.join(axis.name for axis in space.axes)}): name other axes."
        )
    repeats = find_repeats(faces, near_duplicate_bits)
    repeated = repeats_rows(faces, repeats)
    spread = evenness_rows(space, train)
    # Numbers stand in mappings and tables in lists: `dvc metrics show` prints the former only.
    report = {
        "audit": {
            "faces": len(faces),
            "aligned": int(faces.ok.sum()),
            "failed": int(faces.failed.sum()),
            "small": int(faces.small.sum()),
            "set_aside": int((~faces.ok & ~faces.failed & ~faces.small).sum()),
            "in_no_bin": int((faces.ok & (codes < 0)).sum()),
            "train_faces": int(train.sum()),
            "evenness_before": spread[0]["evenness"],
            "imbalance_ratio_before": spread[0]["imbalance_ratio"],
            "bins": len(space),
            "empty_bins": spread[0]["empty"],
            "persons": _persons(faces),
            "exact_duplicates": repeated[0]["pictures"],
            "near_duplicates": repeated[1]["pictures"] - repeated[0]["pictures"],
            "duplicates_across_splits": repeated[1]["groups_across_splits"],
            "label_conflicts": conflicting_groups(faces, repeats),
        },
        "bin_space": space.to_json(),
        "evenness": spread,
        "census": census_rows(space, counts, faces, codes),
        "smallest_bins": smallest_rows(space, train),
        "empty_bins": [space.names[code] for code in np.flatnonzero(train == 0)],
        "labels": label_rows(faces),
        "label_origins": origin_rows(faces),
        "not_usable": reason_rows(faces),
        "align_failures": failure_rows(faces, space),
        "crops": crop_rows(faces, space),
        "skin_tone": skin_rows(faces, space),
        "skin_tone_notes": [SKIN_TONE_NOTE],
        "duplicates": repeated,
        "label_conflicts": conflict_rows(faces, repeats),
    }
    return report, counts


def _persons(faces: Faces) -> int | None:
    """How many people the usable faces show; None where no source says who they are."""
    known = faces.person[faces.ok & (faces.person >= 0)]
    return len(np.unique(known)) if len(known) else None
