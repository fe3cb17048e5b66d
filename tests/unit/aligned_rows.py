"""Small aligned folders without pictures, for stages that look at rows only."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from augment.engine import Engine
from augment.job import Job
from augment.schema import Labels, aligned_schema, table
from augment.shards import write_bucketed

#: What a row of :func:`write_aligned` has unless it says otherwise.
DEFAULTS: dict[str, Any] = {
    "source": "made_up",
    "status": "ok",
    "reason": "",
    "note": "",
    "split": "train",
    "half": "a",
    "licence": "CC0-1.0",
    "age_group": "20-29",
    "gender": "female",
    "ethnicity": "white",
    "skin_tone": "3",
    "padded_share": 0.0,
    "ita": 30.0,
}


def row(name: str, **values: Any) -> dict[str, Any]:
    """A usable train face called ``name``; its file and photo hash are its own."""
    number = abs(hash_of(name))
    digest = number.to_bytes(32, "little")
    own = {"id": name, "uri": name, "sha256": f"{number:064x}", "photo_hash": digest}
    return {**DEFAULTS, **own, **values}


def hash_of(name: str) -> int:
    """256 bits that differ from any other name's in about half of them."""
    import hashlib

    return int.from_bytes(hashlib.sha256(name.encode()).digest(), "little")


def rows(n: int, prefix: str, **values: Any) -> list[dict[str, Any]]:
    return [row(f"{prefix}{number:04d}", **values) for number in range(n)]


def write_aligned(
    folder: Path,
    content: Sequence[Mapping[str, Any]],
    attributes: tuple[str, ...] = (),
    age_groups: Sequence[str] | None = None,
    shards: int = 3,
) -> Path:
    """A finished ``data/aligned`` with these rows; every label counts as given."""
    labels = Labels(attributes) if age_groups is None else Labels(attributes, tuple(age_groups))
    origin = dict.fromkeys(labels.columns, "given")
    filled: list[dict[str, Any]] = [{"label_origin": origin, **entry} for entry in content]
    write_bucketed(folder, table(filled, aligned_schema(labels)), shards)
    return folder


def audit_job(folder: Path, axes: Sequence[Any], **settings: Any) -> Job:
    """The audit of ``folder/aligned``."""
    return Job(
        stage="audit",
        key=None,
        params={"audit": {"axes": list(axes), **settings}},
        seed=7,
        inputs={"aligned": folder / "aligned"},
        outputs={"audit.json": folder / "audit.json", "plots/audit": folder / "plots"},
        engine=Engine("inline"),
    )


def plan_job(folder: Path, **settings: Any) -> Job:
    """The plan of ``folder/aligned`` after its audit, and after a pilot where there is one."""
    return Job(
        stage="plan",
        key=None,
        params={"plan": settings, "generators": {}},
        seed=7,
        inputs={
            "aligned": folder / "aligned",
            "audit.json": folder / "audit.json",
            "pilot.json": folder / "pilot.json",
        },
        outputs={"plan.json": folder / "plan.json", "plan": folder / "plan"},
        engine=Engine("inline"),
    )


def counted(column: pa.ChunkedArray) -> dict[str, int]:
    """Value -> how often."""
    return {entry["values"]: entry["counts"] for entry in column.value_counts().to_pylist()}
