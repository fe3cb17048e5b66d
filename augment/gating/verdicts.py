"""One run of the gate over folders of candidates: its settings, its verdict rows, its summary.

``false_rejection`` is of the gate as a whole: all checks get one lower rate, at which real faces
are refused by any of them no more often than that (see :mod:`augment.gating.together`).
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator

from augment.engine import Engine
from augment.gating.examine import Entries, Examined, Terms, examine
from augment.gating.faces import GateFaces, read_faces
from augment.metrics.passes import MADE, Tally, failed_checks, tally
from augment.metrics.refusals import Refusals, is_quiet
from augment.metrics.reliability import rows_of_group, widened_interval
from augment.params import Section, require_known
from augment.plugins import configure
from augment.schema import Labels
from augment.shards import read_schema
from augment.types import BinSpace

_CHECKS = ("label", "kept", "quality", "novelty")


class Config(Section):
    """Section ``gate`` of params.yaml."""

    checks: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=lambda: {name: {"kind": name} for name in _CHECKS}
    )
    #: share of the real faces of each group that all checks together may refuse
    false_rejection: float = Field(0.05, gt=0, lt=0.5)
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


def check_groups(config: Config, columns: Sequence[str]) -> None:
    """Refuse groups that no face could be in: nobody would be held to thresholds of their own.

    Raises:
        UserError: ``gate.groups`` names a column that is none of the label ``columns``.
    """
    lack = "the data set has no such label column"
    require_known(config.groups, columns, "gate.groups", lack)


@dataclass(frozen=True)
class Gated:
    """What the gate said of some folders of candidates.

    Attributes:
        faces: whom it looked at.
        examined: verdicts and notes of each check.
        rows: rows of :func:`augment.schema.verdict_schema`, sorted by id, those of one candidate in
            the order of the checks.
    """

    faces: GateFaces
    examined: Examined
    rows: list[dict[str, Any]]

    @property
    def candidates(self) -> pa.Table:
        """All candidates, also those without a picture; no pictures."""
        columns = self.faces.not_made.column_names
        return pa.concat_tables([self.faces.candidates.rows.select(columns), self.faces.not_made])


def gate_candidates(
    engine: Engine,
    aligned: Path,
    folders: Sequence[Path],
    bins: BinSpace,
    judges: Entries,
    models: Path,
    config: Config,
) -> Gated:
    """Every check's verdict on every candidate of some finished folders.

    Args:
        engine: where pictures are judged and measured.
        aligned: ``data/aligned``.
        folders: finished folders of candidates.
        bins: of the audit.
        judges: entries of ``judges`` in params.yaml.
        models: the folder that holds ``<judge key>/``.
        config: the section ``gate``.

    Raises:
        UserError: a judge has not been trained, or its weights do not fit; or the section names a
            label that the data set has not.
    """
    check_groups(config, Labels.of(read_schema(aligned)).columns)
    faces = read_faces(aligned, tuple(folders), bins, config.reference_per_bin)
    terms = Terms(bins, config.groups, config.false_rejection, config.smallest_group)
    examined = examine(engine, faces, judges, models, config.checks, terms)
    rows = sorted(_rows(faces, examined), key=lambda row: str(row["id"]))
    return Gated(faces, examined, rows)


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


def summarise(
    gated: Gated,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    bins: BinSpace,
    config: Config,
) -> dict[str, Any]:
    """The content of ``summary.json``, told on stderr as well.

    Beside the counts it holds how good the judges are (``judges``), what the gate refuses of real
    faces (``real_faces``), and whom it refuses more (``refusals``, ``findings``).

    Args:
        gated: the run of the gate.
        rows: the verdicts that count, of all of its candidates.
        keys: of all generators, also those without candidates.
        bins: of the audit.
        config: the section ``gate``.
    """
    examined, failed = gated.examined, failed_checks(rows)
    made = gated.faces.candidates.rows
    found = tally(gated.candidates, failed, keys, bins, config.groups)
    refusals = Refusals.of(made, failed, keys, list(config.checks), bins, config.groups)
    findings = refusals.findings()
    shared = [] if examined.shared is None else [examined.shared.in_words(config.false_rejection)]
    _tell(found["generator"], [*shared, *(f for f in findings if not is_quiet(f))])
    ordered = _labels_asked(made, examined)
    return {
        "false_rejection": config.false_rejection,
        "real_faces_compared_with": len(gated.faces.unseen),
        "real_faces": None if examined.shared is None else examined.shared.to_json(),
        "checks": {name: list(notes) for name, notes in examined.notes.items()},
        "judges": dict(examined.judges),
        "passes": {
            grouping: {
                name: part.to_json() | _widened(part, grouping, name, examined, ordered, bins)
                for name, part in parts.items()
            }
            for grouping, parts in found.items()
        },
        "refusals": refusals.to_json(),
        "findings": findings,
    }


def _labels_asked(candidates: pa.Table, examined: Examined) -> list[str]:
    """The labels that verdicts hang on: those ordered to change; where none is, all judged."""
    judged = {row["label"]: None for told in examined.judges.values() for row in told["accuracy"]}
    changed = {label for labels in candidates.column("changes").to_pylist() for label in labels}
    return [label for label in judged if label in changed] or list(judged)


def _widened(
    part: Tally,
    grouping: str,
    group: str,
    examined: Examined,
    labels: Sequence[str],
    bins: BinSpace,
) -> dict[str, Any]:
    """The pass rate's interval with the judges' own uncertainty on the group in it."""
    if not part.made:
        return {"interval_with_judges": None}
    accuracy = {key: told["accuracy"] for key, told in examined.judges.items()}
    rows = rows_of_group(accuracy, labels, grouping, group, bins)
    ends = widened_interval(part.passed, part.made, rows)
    return {"interval_with_judges": [round(end, 6) for end in ends]}


def _tell(generators: Mapping[str, Tally], sentences: Sequence[str]) -> None:
    """What decides whether to read on; notes of checks and judges are in the report."""
    for sentence in sentences:
        print(f"gate: {sentence}", file=sys.stderr)
    for key, part in generators.items():
        print(f"gate: {key}: {part.in_words()}", file=sys.stderr)
    if generators and not any(part.passed for part in generators.values()):
        print("gate: no candidate passed: the data set will hold real faces only", file=sys.stderr)
