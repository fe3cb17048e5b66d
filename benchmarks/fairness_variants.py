"""Training sets for benchmarks/fairness.py to compare: selections of a finished road's faces."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from augment.errors import UserError
from augment.gating.candidates import all_candidate_folders
from augment.metrics.arms import ARMS, BASELINES, LOGIT_ADJUSTED, MAIN, MAIN_ADJUSTED, REFERENCE
from augment.schema import IMAGE, OK, Labels, without_predicted
from augment.seeds import row_share
from augment.shards import iterate, write_table
from augment.vocabulary import UNKNOWN

DOSES = (0.1, 0.25, 0.5)
PARTS = ("arms", "dose", "adjusted", "generators", "gate", "strength")
_COLUMNS = ("id", "person", "bin", "synthetic", "generator", "sha256")


@dataclass(frozen=True)
class Variant:
    """A training set, and how a training draws from it.

    Attributes:
        name: as in the figures: ``balanced``, ``dose 0.25``, ``only mask``, ``ungated``.
        rows: of the manifest's columns that trainings need.
        arm: one of :data:`augment.metrics.arms.ARMS`. Its baselines see no synthetic face: a set
            that is resampled with its synthetic faces calls them all real.
    """

    name: str
    rows: pa.Table
    arm: str


@dataclass(frozen=True)
class Road:
    """A finished road: its folder, the train rows of its balanced set, its label columns."""

    project: Path
    train: pa.Table
    labels: tuple[str, ...]

    @classmethod
    def of(cls, project: Path) -> "Road":
        manifest = pq.read_table(project / "data/balanced/manifest.parquet").sort_by("id")
        labels = Labels.of(manifest.schema).columns
        train = without_predicted(manifest.filter(pc.equal(manifest.column("split"), "train")))
        return cls(project, train.select([*_COLUMNS, *labels]), labels)


def variants(road: Road, parts: Sequence[str], ungated: pa.Table | None) -> Iterator[Variant]:
    """All training sets of these parts; the arms of the pipeline always.

    Args:
        road: whose faces.
        parts: of :data:`PARTS`; ``strength`` needs no set of its own.
        ungated: what :func:`first_candidates` gives; needed for ``gate``.
    """
    everyone = road.train
    for arm in ARMS:
        yield Variant(arm, everyone, arm)
    if "arms" in parts:
        yield Variant(f"{MAIN}, resampled", _all_real(everyone), "resampled")
    if "dose" in parts:
        for dose in DOSES:
            yield Variant(f"dose {dose:g}", with_dose(everyone, dose), MAIN)
    if "adjusted" in parts:
        for dose in DOSES[1:]:
            yield _adjusted(f"dose {dose:g}", with_dose(everyone, dose))
    if "generators" in parts:
        keys = sorted(set(everyone.column("generator").to_pylist()) - {""})
        for key in keys if len(keys) > 1 else ():
            mine = pc.is_in(everyone.column("generator"), pa.array(["", key]))
            yield from _both_losses(f"only {key}", everyone.filter(mine))
    if "gate" in parts and ungated is not None:
        real = everyone.filter(pc.invert(everyone.column("synthetic")))
        yield from _both_losses(
            "ungated", pa.concat_tables([real, ungated.select(real.column_names)])
        )


def _both_losses(name: str, rows: pa.Table) -> Iterator[Variant]:
    yield Variant(name, rows, MAIN)
    yield _adjusted(name, rows)


def _adjusted(name: str, rows: pa.Table) -> Variant:
    return Variant(f"{name}, {LOGIT_ADJUSTED}", rows, MAIN_ADJUSTED)


def chosen(every: Sequence[Variant], names: Sequence[str]) -> list[Variant]:
    """``original``, and those that are named; no names: all.

    Raises:
        UserError: a name is none of theirs.
    """
    known = [variant.name for variant in every]
    if wrong := [name for name in names if name not in known]:
        raise UserError(f"--only {wrong[0]}: there are {'; '.join(known)}")
    return [one for one in every if not names or one.name in {REFERENCE, *names}]


def whole(road: Road) -> list[Variant]:
    """The real train faces of another road, with both losses."""
    real = road.train.filter(pc.invert(road.train.column("synthetic")))
    return [
        Variant("whole", real, REFERENCE),
        Variant(f"whole, {LOGIT_ADJUSTED}", real, LOGIT_ADJUSTED),
    ]


def learned(variant: Variant, labels: Sequence[str]) -> dict[str, dict[str, dict[str, int]]]:
    """Whom it learns from: "real" or "synthetic" -> label -> known class -> faces."""
    rows = variant.rows
    if variant.arm in BASELINES:  # these leave out what the rows call synthetic
        rows = rows.filter(pc.invert(rows.column("synthetic")))
    made = pc.not_equal(pc.fill_null(rows.column("generator"), ""), "")
    return {
        kind: {label: _counts(part.column(label)) for label in labels}
        for kind, part in (("real", rows.filter(pc.invert(made))), ("synthetic", rows.filter(made)))
    }


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    found = Counter(column.to_pylist())
    return {word: found[word] for word in sorted(set(found) - {UNKNOWN, None})}


def with_dose(rows: pa.Table, dose: float) -> pa.Table:
    """At most such a share of synthetic faces in each bin, 0..1; which ones, their ids' hashes say.

    A bin without real faces stays as it is: there would be nothing in it.
    """
    bins, synthetic = rows.column("bin").to_pylist(), rows.column("synthetic").to_pylist()
    ids = rows.column("id").to_pylist()
    keep = np.ones(rows.num_rows, dtype=bool)
    of_bin: dict[str, list[int]] = {}
    for place, (name, made) in enumerate(zip(bins, synthetic, strict=True)):
        if made:
            of_bin.setdefault(name, []).append(place)
    for name, places in of_bin.items():
        real = sum(1 for one, made in zip(bins, synthetic, strict=True) if one == name and not made)
        allowed = int(dose * real / (1 - dose)) if real and dose < 1 else len(places)
        order = sorted(places, key=lambda place: row_share(0, "dose", ids[place]))
        keep[order[allowed:]] = False
    return rows.filter(pa.array(keep))


def first_candidates(road: Road, keys: Sequence[str], folder: Path) -> pa.Table:
    """As many candidates of each bin and generator as the balanced set holds, whatever the gate
    said of them: first come, first served by seed, as `assemble` does among those that passed.

    Their pictures are written to ``folder`` as shards that a training finds.
    """
    made = road.train.filter(road.train.column("synthetic")).select(["bin", "generator"])
    room = Counter((row["bin"], row["generator"]) for row in made.to_pylist())
    data = road.project / "data"
    folders = all_candidate_folders(data / "candidates", data / "topup", keys)
    columns = ["id", "status", "generator", "bin", "seed", *road.labels]
    rows = [
        row | {"folder": number}
        for number, place in enumerate(folders)
        for batch in iterate(place, columns)
        for row in batch.to_pylist()
        if row["status"] == OK
    ]
    taken = {}
    for row in sorted(rows, key=lambda row: (row["seed"], row["id"])):
        cell = row["bin"], row["generator"]
        if room[cell] > 0:
            room[cell] -= 1
            taken[row["id"]] = row
    for number, place in enumerate(folders):
        _write_pictures(place, taken, folder / f"train-ungated-{number:02d}.parquet")
    schema = pa.schema([road.train.schema.field(name) for name in (*_COLUMNS, *road.labels)])
    content = [
        {**row, "synthetic": True, "person": None, "sha256": f"candidate {row['id']}"}
        for row in taken.values()
    ]
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in schema.names} for row in content], schema
    )


def _write_pictures(place: Path, taken: dict[str, dict[str, object]], path: Path) -> None:
    wanted = pa.array(sorted(taken), pa.string())
    parts = [
        batch.filter(pc.is_in(batch.column("id"), wanted))
        for batch in iterate(place, ["id", "image"])
    ]
    schema = pa.schema([("id", pa.string()), ("image", IMAGE)])
    write_table(path, pa.Table.from_batches([part.select(schema.names) for part in parts], schema))


def _all_real(rows: pa.Table) -> pa.Table:
    place = rows.schema.get_field_index("synthetic")
    return rows.set_column(place, "synthetic", pa.array([False] * rows.num_rows))


def check_parts(text: str) -> list[str]:
    """``"arms,dose"`` -> its words.

    Raises:
        ValueError: a word is none of the parts.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if wrong := [word for word in words if word not in PARTS]:
        raise ValueError(f"{', '.join(wrong)}: parts are {', '.join(PARTS)}")
    return words
