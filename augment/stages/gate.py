"""gate: every check's verdict on every candidate, with thresholds taken from real faces.

Nothing is deleted here: ``assemble`` reads the verdicts. What judges say of a picture is computed
once, so another run with other thresholds or checks takes seconds.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator

from augment.gating.examine import Examined, Terms, examine
from augment.gating.faces import GateFaces, candidate_folders, read_bin_space, read_faces
from augment.job import Job
from augment.metrics.passes import MADE, Tally, failed_checks, tally
from augment.params import Section
from augment.plugins import configure
from augment.schema import table, verdict_schema
from augment.shards import shard_paths, write_bucketed, write_json
from augment.types import BinSpace

SUMMARY = "summary.json"
_CHECKS = ("label", "kept", "quality", "novelty")


class Config(Section):
    """Section ``gate`` of params.yaml."""

    checks: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=lambda: {name: {"kind": name} for name in _CHECKS}
    )
    #: share of the real faces of each group that a check may refuse
    false_rejection: float = Field(0.02, gt=0, lt=0.5)
    #: label columns that have thresholds of their own, besides the axes of the audit
    groups: tuple[str, ...] = ("ethnicity", "skin_tone")
    #: a group with fewer real faces is held to the thresholds of the wider ones it is part of
    smallest_group: int = Field(50, ge=2)
    #: of each bin, so many real faces are judged to take thresholds from
    reference_per_bin: int = Field(200, ge=1)

    @field_validator("checks")
    @classmethod
    def _known(cls, entries: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        if MADE in entries:
            raise ValueError(f"'{MADE}' is the name of the verdict on the making itself")
        for name, entry in entries.items():
            configure("checks", entry, f"gate.checks.{name}")
        return entries


def run(job: Job) -> None:
    """Write ``data/verdicts``: one row per candidate and check, and ``summary.json`` beside.

    Raises:
        UserError: a folder of candidates belongs to no generator of params.yaml.
    """
    config = job.config(Config)
    keys = list(job.params["generators"] or {})
    folders = candidate_folders(job.inputs["candidates"], keys)
    bins = read_bin_space(job.inputs["audit.json"])
    faces = read_faces(job.inputs["aligned"], folders, bins, config.reference_per_bin)
    examined = Examined({}, {})
    if len(faces.candidates):
        terms = Terms(bins, config.groups, config.false_rejection, config.smallest_group)
        examined = examine(
            job.engine,
            faces,
            job.params["judges"] or {},
            job.inputs["models"],
            config.checks,
            terms,
        )
    rows = sorted(_rows(faces, examined), key=lambda row: str(row["id"]))
    target = job.outputs["verdicts"]
    write_json(target / SUMMARY, _summary(faces, rows, examined, keys, bins, config))
    verdicts = table(rows, verdict_schema())
    write_bucketed(target, verdicts, len(shard_paths(job.inputs["aligned"])))


def _rows(faces: GateFaces, examined: Examined) -> list[dict[str, Any]]:
    """Verdict rows; those of one candidate in the order of the checks."""
    made = faces.candidates.rows
    rows = [
        _row(candidate, MADE, passed=False, reason=candidate["reason"] or "no picture")
        for candidate in faces.not_made.select(["id", "generator", "reason"]).to_pylist()
    ]
    for place, candidate in enumerate(made.select(["id", "generator"]).to_pylist()):
        rows.append(_row(candidate, MADE, passed=True))
        for name, verdicts in examined.verdicts.items():
            given = verdicts[place]
            rows.append(_row(candidate, name, given.passed, given.reason)
                        | {"score": given.score, "threshold": given.threshold})  # fmt: skip
    return rows


def _row(
    candidate: Mapping[str, Any], check: str, passed: bool, reason: str = ""
) -> dict[str, Any]:
    return {
        "id": candidate["id"],
        "generator": candidate["generator"],
        "check": check,
        "passed": passed,
        "reason": reason,
    }


def _summary(
    faces: GateFaces,
    rows: Sequence[Mapping[str, Any]],
    examined: Examined,
    keys: Sequence[str],
    bins: BinSpace,
    config: Config,
) -> dict[str, Any]:
    columns = faces.not_made.column_names
    everyone = pa.concat_tables([faces.candidates.rows.select(columns), faces.not_made])
    found = tally(everyone, failed_checks(rows), keys, bins, config.groups)
    _tell(found["generator"], examined)
    return {
        "false_rejection": config.false_rejection,
        "real_faces_compared_with": len(faces.unseen),
        "checks": {name: list(notes) for name, notes in examined.notes.items()},
        "passes": {
            grouping: {name: part.to_json() for name, part in parts.items()}
            for grouping, parts in found.items()
        },
    }


def _tell(generators: Mapping[str, Tally], examined: Examined) -> None:
    for name, notes in examined.notes.items():
        for note in notes:
            print(f"gate: {name}: {note}", file=sys.stderr)
    for key, part in generators.items():
        print(f"gate: {key}: {part.in_words()}", file=sys.stderr)
    if generators and not any(part.passed for part in generators.values()):
        print("gate: no candidate passed: the data set will hold real faces only", file=sys.stderr)
