"""ingest: data sets as shipped -> ``data/index``, one row a picture file, usable or not.

Pixels stay where they are. Every file is read once, to know whether it can be: its digest, size
and difference hash say which files are one photo, and people and repeated photos decide what must
share a split. Photos of people who have withdrawn (``forgotten.json``) leave no row. Age groups
that nobody has labelled come from ``predicted.csv``, where it holds any.
"""

import itertools
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from augment.errors import UserError
from augment.intake import Intake, open_sources
from augment.intake.label_tables import joined
from augment.intake.predictions import FILE as PREDICTIONS
from augment.intake.predictions import fill, read_predictions
from augment.intake.reading import ReadPhoto
from augment.intake.same_files import flag_same_files
from augment.intake.splits import assign_splits, photo_groups
from augment.intake.summary import summary
from augment.intake.tombstones import FILE, Tombstones, read_tombstones
from augment.job import Job
from augment.protocols import Record, Source
from augment.rowcache import drop_rows
from augment.schema import (
    OK,
    SET_ASIDE,
    Labels,
    aligned_schema,
    balanced_schema,
    candidate_schema,
    index_schema,
    manifest_schema,
    order_schema,
)
from augment.shards import ROWS_PER_GROUP, write_bucketed
from augment.vocabulary import BASE_LABELS, UNKNOWN

Config = Intake

_SCHEMAS = (aligned_schema, order_schema, candidate_schema, manifest_schema, balanced_schema)
_TAKEN = {name for schema in _SCHEMAS for name in schema(Labels()).names} - set(BASE_LABELS)
_READ_LATER = ("status", "sha256", "width", "height", "photo_hash", "group", "split", "half")


def run(job: Job) -> None:
    """Write ``data/index`` and say on stderr what was found.

    Raises:
        UserError: a source cannot be opened, holds no picture, or none that can be used.
    """
    config = job.config(Config)
    sources = open_sources(config, job.seed)
    labels = labels_of(config, sources)
    # A job that was made without the file knows of nobody who has withdrawn.
    withdrawn = read_tombstones(job.inputs[FILE]) if FILE in job.inputs else Tombstones()
    index = pa.concat_tables(
        _read_source(job, key, source, labels, withdrawn) for key, source in sources.items()
    ).sort_by("id")
    if not index.num_rows:
        raise UserError("all photos of all sources were withdrawn: there is nothing to read.")
    index = flag_same_files(index, labels.columns)
    index = _with_splits(index, config, job.seed)
    index = _with_predictions(index, job, labels)
    print(summary(index), file=sys.stderr)
    _require_usable(index)
    schema = index_schema(labels)
    write_bucketed(job.outputs["index"], index.select(schema.names).cast(schema), config.shards)


def labels_of(config: Intake, sources: Mapping[str, Source]) -> Labels:
    """All label columns: the base ones and each attribute that any source has or assumes.

    Raises:
        UserError: an attribute's name is taken, or an assumed age group is none of params.
    """
    names = [name for source in sources.values() for name in (*source.attributes, *source.assume)]
    attributes = tuple(dict.fromkeys(name for name in names if name not in BASE_LABELS))
    for key, source in sources.items():
        _require_sensible(key, source, config)
    return Labels(attributes, config.age_groups)


def _require_sensible(key: str, source: Source, config: Intake) -> None:
    group = source.assume.get("age_group")
    if group is not None and group not in config.age_groups:
        raise UserError(
            f"ingest.sources.{key}.assume.age_group: '{group}' is none of "
            f"{', '.join(config.age_groups)}."
        )
    taken = [name for name in (*source.attributes, *source.assume) if name in _TAKEN]
    if taken:
        raise UserError(
            f"ingest.sources.{key}: an attribute cannot be called '{taken[0]}', later tables have "
            "a column of that name; give it another name in params.yaml."
        )


def records_of(key: str, source: Source) -> Iterator[Record]:
    """All records of a source, of which there is one at least.

    Raises:
        UserError: a label table is unusable, or (once the first is asked for) there is no picture;
            it says of which source.
    """
    with _naming(key):
        return _some(key, source.records())


def _some(key: str, records: Iterator[Record]) -> Iterator[Record]:
    with _naming(key):
        first = next(records, None)
        if first is None:
            raise UserError(
                "it holds no picture: are ingest.data and the source's root the folders that you "
                "mean?"
            )
    yield first
    yield from records


@contextmanager
def _naming(key: str) -> Iterator[None]:
    """A source does not know what params.yaml calls it."""
    try:
        yield
    except UserError as error:
        raise UserError(f"params.yaml: ingest.sources.{key}: {error}") from None


def _read_source(
    job: Job, key: str, source: Source, labels: Labels, withdrawn: Tombstones
) -> pa.Table:
    """All rows of one source, with what reading its files showed."""
    schema = _listed_schema(labels)
    listed, rows, gone = [], 0, 0
    for records in _batched(records_of(key, source)):
        made = [_row(key, source, record, labels) for record in records]
        kept = [row for row in made if not withdrawn.holds_row(row["id"], row["person"])]
        listed.append(pa.RecordBatch.from_pylist(kept, schema=schema))
        rows, gone = rows + len(kept), gone + len(made) - len(kept)
    read = job.engine.map_batches(ReadPhoto(source), lambda: listed, rows, f"ingest {key}")
    found = pa.Table.from_batches([_settled(batch) for batch in read])
    kept = _without_files(job, key, found, withdrawn)
    gone += found.num_rows - kept.num_rows
    if gone:
        photos = "photo" if gone == 1 else "photos"
        print(f"{key}: {gone:,} {photos} withdrawn, left out", file=sys.stderr)
    return kept


def _without_files(job: Job, key: str, found: pa.Table, withdrawn: Tombstones) -> pa.Table:
    """The rows whose very file was not withdrawn under another name; the row cache, too, must not
    keep what reading such a file showed."""
    digests = set(found.column("sha256").to_pylist())
    gone = {digest for digest in digests if withdrawn.holds("file", digest)}
    if not gone:
        return found
    for path in job.engine.cache.glob(f"ingest {key}-*/*.parquet"):
        drop_rows(path, lambda chunk: [d in gone for d in chunk.column("sha256").to_pylist()])
    kept = [digest not in gone for digest in found.column("sha256").to_pylist()]
    return found.filter(pa.array(kept, pa.bool_()))


def _batched(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(itertools.islice(records, ROWS_PER_GROUP)):
        yield batch


def _listed_schema(labels: Labels) -> pa.Schema:
    fields = [field for field in index_schema(labels) if field.name not in _READ_LATER]
    return pa.schema([*fields, pa.field("_split", pa.string()), pa.field("_version", pa.string())])


def _row(key: str, source: Source, record: Record, labels: Labels) -> dict[str, Any]:
    """A record in the index's columns, before its file is read."""
    values, origins = {}, {}
    for name in labels.columns:
        given = record.labels.get(name, UNKNOWN)
        assumed = source.assume.get(name, UNKNOWN)
        values[name] = given if given != UNKNOWN else assumed
        origin = "given" if given != UNKNOWN else "assumed"
        origins[name] = UNKNOWN if values[name] == UNKNOWN else origin
    return {
        "id": f"{key}/{record.name}",
        "source": key,
        "uri": record.uri,
        "reason": record.reason,
        "note": record.note,
        "person": None if not record.person else f"{key}/{record.person}",
        "_split": record.split,
        "_version": source.version(record.uri),
        "licence": record.licence or source.licence,
        "age": record.age,
        **values,
        "label_origin": origins,
    }


def _settled(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Status and reason, now that the file was read."""
    said, problem = batch.column("reason").to_pylist(), batch.column("_problem").to_pylist()
    reasons = [first or second for first, second in zip(said, problem, strict=True)]
    columns = {name: batch.column(name) for name in batch.schema.names if name != "_problem"}
    columns["reason"] = pa.array(reasons, pa.string())
    columns["status"] = pa.array([SET_ASIDE if reason else OK for reason in reasons], pa.string())
    return pa.RecordBatch.from_pydict(columns)


def _with_splits(index: pa.Table, config: Intake, seed: int) -> pa.Table:
    group = photo_groups(index)
    shares = {"validation": config.split.validation, "test": config.split.test}
    source, own = (index.column(name).to_pylist() for name in ("source", "_split"))
    assigned = assign_splits(source, own, group, shares, seed)
    notes = zip(index.column("note").to_pylist(), assigned.note, strict=True)
    added = {
        "group": group,
        "split": assigned.split,
        "half": assigned.half,
        "note": [joined(pair) for pair in notes],
    }
    kept = [name for name in index.column_names if name not in added]
    index = index.select(kept)
    for name, values in added.items():
        index = index.append_column(name, pa.array(values, pa.string()))
    return index


def _with_predictions(index: pa.Table, job: Job, labels: Labels) -> pa.Table:
    """With the age groups that `augment predict` has guessed; a job made without the file knows
    of none."""
    found = read_predictions(job.inputs[PREDICTIONS]) if PREDICTIONS in job.inputs else []
    if not found:
        return index
    index, told = fill(index, found, labels)
    said = ", ".join(f"{count:,} {what}" for what, count in told.most_common())
    print(f"{PREDICTIONS}: {len(found):,} predicted labels: {said}", file=sys.stderr)
    return index


def _require_usable(index: pa.Table) -> None:
    if OK not in index.column("status").to_pylist():
        reason, rows = Counter(index.column("reason").to_pylist()).most_common(1)[0]
        raise UserError(
            f"none of the {index.num_rows:,} pictures can be used; for {rows:,} of them: {reason}."
        )
