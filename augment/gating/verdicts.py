"""One run of the gate over folders of candidates: its settings, its verdict rows, its summary."""

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
from augment.params import Section
from augment.plugins import configure
from augment.types import BinSpace

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
    """
    faces = read_faces(aligned, tuple(folders), bins, config.reference_per_bin)
    examined = Examined({}, {})
    if len(faces.candidates):
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

    Args:
        gated: the run of the gate.
        rows: the verdicts that count, of all of its candidates.
        keys: of all generators, also those without candidates.
        bins: of the audit.
        config: the section ``gate``.
    """
    found = tally(gated.candidates, failed_checks(rows), keys, bins, config.groups)
    _tell(found["generator"], gated.examined)
    return {
        "false_rejection": config.false_rejection,
        "real_faces_compared_with": len(gated.faces.unseen),
        "checks": {name: list(notes) for name, notes in gated.examined.notes.items()},
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
