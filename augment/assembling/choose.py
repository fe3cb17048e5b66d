"""Which rows the data set holds, and why the others are not in it. No pixels are read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from augment.metrics.passes import failed_checks
from augment.schema import OK, SMALL, Labels, candidate_schema, manifest_schema, table
from augment.shards import read_schema, read_table
from augment.types import BinSpace
from augment.vocabulary import UNKNOWN

TRAIN = "train"
SURPLUS = "surplus"
REJECTED = "rejected"

SET_ASIDE = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("synthetic", pa.bool_()),
        pa.field("split", pa.string()),
        pa.field("source", pa.string()),  # "" for a synthetic face
        pa.field("generator", pa.string()),  # "" for a real one
        pa.field("status", pa.string()),  # of its row, or rejected, or surplus
        pa.field("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Selection:
    """Every row of the inputs, once.

    Attributes:
        manifest: rows of the data set, as :func:`augment.schema.manifest_schema`, sorted by id;
            ``sha256`` is null until the pictures have been written.
        set_aside: all other rows, as :data:`SET_ASIDE`, sorted by id.
        rows_in: how many there were.
    """

    manifest: pa.Table
    set_aside: pa.Table
    rows_in: int


def select(
    aligned: Path,
    folders: Sequence[Path],
    verdicts: Sequence[Mapping[str, Any]],
    bins: BinSpace,
    wanted: Mapping[tuple[str, str], int],
) -> Selection:
    """Real faces that are usable, and of each bin and generator the wanted number of candidates.

    Args:
        aligned: ``data/aligned``.
        folders: finished folders of candidates.
        verdicts: rows of :func:`augment.schema.verdict_schema` on all of them.
        bins: of the audit.
        wanted: (bin name, generator key) -> how many faces are wanted of it.

    Raises:
        ValueError: a row would be lost or doubled: a defect of the program.
    """
    labels = Labels.of(read_schema(aligned))
    real = read_table(aligned, [*_REAL_COLUMNS, *labels.columns])
    usable = pc.equal(real.column("status"), OK)
    candidates = _read_candidates(folders, labels)
    kept = real.filter(usable)
    parents = real.filter(pc.or_(usable, pc.equal(real.column("status"), SMALL)))
    taken, refused = _choose(candidates, verdicts, parents, wanted)
    manifest = pa.concat_tables(
        [_real_rows(kept, labels, bins), _synthetic_rows(taken, verdicts, parents, labels, bins)]
    ).sort_by("id")
    aside = pa.concat_tables([_real_aside(real.filter(pc.invert(usable))), refused]).sort_by("id")
    rows_in = real.num_rows + candidates.num_rows
    if len(pc.unique(manifest.column("id"))) + aside.num_rows != rows_in:
        raise ValueError(
            f"{rows_in} rows came in, {manifest.num_rows} are in the data set and "
            f"{aside.num_rows} were set aside, or two rows have one id"
        )
    return Selection(manifest, aside, rows_in)


_REAL_COLUMNS = ("id", "status", "reason", "split", "source", "sha256", "person", "licence", "age",
                 "label_origin")  # fmt: skip
_CANDIDATE_COLUMNS = ("id", "status", "reason", "generator", "bin", "parents", "changes", "seed",
                      "weights", "steps", "licence", "digital_source_type")  # fmt: skip


def _read_candidates(folders: Sequence[Path], labels: Labels) -> pa.Table:
    columns = [*_CANDIDATE_COLUMNS, *labels.columns]
    empty = candidate_schema(labels).empty_table().select(columns)
    return pa.concat_tables([empty, *(read_table(folder, columns) for folder in folders)])


def _choose(
    candidates: pa.Table,
    verdicts: Sequence[Mapping[str, Any]],
    real: pa.Table,
    wanted: Mapping[tuple[str, str], int],
) -> tuple[list[dict[str, Any]], pa.Table]:
    """The candidates taken, and the others as :data:`SET_ASIDE` rows.

    First come, first served by seed, which knows nothing of the picture: taking the best-scored
    would favour what the gate's judges like. But a restored face goes before a made one.
    """
    failed = failed_checks(verdicts)
    reasons = {(row["id"], row["check"]): row["reason"] for row in verdicts if not row["passed"]}
    train = set(real.filter(pc.equal(real.column("split"), TRAIN)).column("id").to_pylist())
    rows = sorted(candidates.to_pylist(), key=lambda row: (row["seed"], row["id"]))
    refusals = [_refusal(row, failed, reasons, train) for row in rows]
    places = _before_made(wanted, rows, refusals, real)
    room = Counter(places)
    taken, aside = [], []
    for row, (status, reason) in zip(rows, refusals, strict=True):
        cell = row["bin"], row["generator"]
        if not status and room[cell] <= 0:
            status = SURPLUS
            reason = f"{row['bin']} already has the {places.get(cell, 0)} faces wanted of it"
        if status:
            aside.append(_aside(row, status, reason))
        else:
            room[cell] -= 1
            taken.append(row)
    return taken, table(aside, SET_ASIDE)


def _before_made(
    wanted: Mapping[tuple[str, str], int],
    rows: Sequence[Mapping[str, Any]],
    refusals: Sequence[tuple[str, str]],
    real: pa.Table,
) -> dict[tuple[str, str], int]:
    """``wanted``, with places of made faces given to restored ones that passed beyond their number.

    The plan orders some to spare. A copy of somebody who is in the set already tells less than one
    more person does; how many faces a bin gets stays the same.
    """
    states = dict(zip(real["id"].to_pylist(), real["status"].to_pylist(), strict=True))
    passed = Counter(
        (row["bin"], row["generator"])
        for row, (status, _) in zip(rows, refusals, strict=True)
        if not status and all(states.get(parent) == SMALL for parent in row["parents"])
    )
    places = dict(wanted)
    for cell in sorted(cell for cell in places if cell in passed):
        others = [other for other in places if other[0] == cell[0] and other not in passed]
        for other in sorted(others, key=lambda one: (-places[one], one)):
            more = max(0, min(passed[cell] - places[cell], places[other]))
            places[cell] += more
            places[other] -= more
    return places


def _refusal(
    row: Mapping[str, Any],
    failed: Mapping[str, Sequence[str]],
    reasons: Mapping[tuple[str, str], str],
    train: set[str],
) -> tuple[str, str]:
    """(status, reason) of a candidate that may not go in, else two empty strings."""
    if row["status"] != OK:
        return row["status"], row["reason"]
    if row["id"] not in failed:
        return REJECTED, "the gate gave no verdict on it"
    if failed[row["id"]]:
        checks = failed[row["id"]]
        return REJECTED, "; ".join(f"{check}: {reasons[row['id'], check]}" for check in checks)
    strangers = [parent for parent in row["parents"] or () if parent not in train]
    if strangers or not row["parents"]:
        parent = strangers[0] if strangers else "none"
        return REJECTED, f"its parent ({parent}) is not a usable face of the train split"
    return "", ""


def _aside(row: Mapping[str, Any], status: str, reason: str) -> dict[str, Any]:
    return {
        "id": row["id"],
        "synthetic": True,
        "split": TRAIN,
        "source": "",
        "generator": row["generator"],
        "status": status,
        "reason": reason,
    }


def _real_aside(rows: pa.Table) -> pa.Table:
    constant = {"synthetic": pa.scalar(False), "generator": pa.scalar("")}
    return _with_columns(rows, constant, SET_ASIDE)


def _real_rows(rows: pa.Table, labels: Labels, bins: BinSpace) -> pa.Table:
    names = np.array([*bins.names, ""], dtype=object)  # code -1: in no bin
    added = {
        "synthetic": pa.scalar(False),
        "bin": pa.array(names[bins.codes(rows)], pa.string()),
        "parents": pa.scalar([], pa.list_(pa.string())),
        "generator": pa.scalar(""),
        "weights": pa.scalar(""),
        "digital_source_type": pa.scalar(""),
        "steps": pa.scalar([], pa.list_(pa.string())),
        "order": pa.scalar(""),
        "source_sha256": rows.column("sha256"),
        "sha256": pa.scalar(None, pa.string()),
    }
    return _with_columns(rows, added, manifest_schema(labels))


def _with_columns(rows: pa.Table, added: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """A table of ``schema``: columns from ``added`` (scalars are repeated), else from ``rows``,
    else null."""
    if not len(rows):
        return schema.empty_table()
    columns = []
    for field in schema:
        value = added.get(field.name)
        if value is None and field.name in rows.column_names:
            value = rows.column(field.name)
        elif value is None or isinstance(value, pa.Scalar):
            value = pa.repeat(pa.scalar(None, field.type) if value is None else value, len(rows))
        columns.append(value.cast(field.type))
    return pa.table(columns, schema=schema)


def _synthetic_rows(
    taken: Sequence[Mapping[str, Any]],
    verdicts: Sequence[Mapping[str, Any]],
    real: pa.Table,
    labels: Labels,
    bins: BinSpace,
) -> pa.Table:
    checks: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in taken}
    for verdict in verdicts:
        if verdict["id"] in checks:
            checks[verdict["id"]].append(
                {name: verdict[name] for name in ("check", "score", "threshold", "passed")}
            )
    wanted = pa.array(sorted({p for row in taken for p in row["parents"]}), pa.string())
    known = real.filter(pc.is_in(real.column("id"), wanted)).to_pylist()
    families = {row["id"]: row for row in known}
    rows = [
        _synthetic_row(row, [families[p] for p in row["parents"]], labels, bins)
        | {"checks": checks[row["id"]]}
        for row in taken
    ]
    return table(rows, manifest_schema(labels))


def _synthetic_row(
    row: Mapping[str, Any], parents: Sequence[Mapping[str, Any]], labels: Labels, bins: BinSpace
) -> dict[str, Any]:
    one = parents[0] if len(parents) == 1 else None
    code = bins.code(row)
    return {
        **{name: row[name] for name in labels.columns},
        **{name: row[name] for name in ("id", "parents", "generator", "weights", "steps", "seed")},
        "order": row["id"],
        "split": TRAIN,
        "synthetic": True,
        "person": one["person"] if one else None,
        # A face at another age has no known number of years.
        "age": one["age"] if one and "age_group" not in row["changes"] else None,
        "label_origin": {name: _origin(name, row["changes"], parents) for name in labels.columns},
        "bin": "" if code < 0 else bins.name(code),
        "source": "; ".join(sorted({parent["source"] for parent in parents})),
        "licence": row["licence"],
        "digital_source_type": row["digital_source_type"],
        "source_sha256": "",
    }


def _origin(label: str, changes: Sequence[str], parents: Sequence[Mapping[str, Any]]) -> str:
    """Where a synthetic face's label comes from: the order, or its parents."""
    if label in changes:
        return "ordered"
    origins = {(parent["label_origin"] or {}).get(label) or UNKNOWN for parent in parents}
    return origins.pop() if len(origins) == 1 else UNKNOWN
