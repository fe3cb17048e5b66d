"""The tables that stages hand to each other, as Arrow schemas. Column meanings are said here once.

Every table is a folder of Parquet shards (see :mod:`augment.shards`). Its schema metadata key
``augment`` holds JSON with ``labels`` (label columns in order), ``attributes`` (those a source
added) and ``age_groups``, so that later stages need no parameters of earlier ones.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from augment.vocabulary import AGE_GROUPS, BASE_LABELS, UNKNOWN

#: Raised when a column changes its meaning; written into manifest.json.
SCHEMA_VERSION = 1

#: Row states. A row that is not ``ok`` keeps its place and says why in ``reason``.
OK = "ok"
SET_ASIDE = "set_aside"  # ingest could not read it or its labels contradict each other
ALIGN_FAILED = "align_failed"  # no usable face was found in the picture
SMALL = "small"  # the face has too few pixels to be used as it is; it may be restored
GENERATE_FAILED = "generate_failed"  # a generator could not make this candidate

#: In ``label_origin``: a network guessed the label (see intake/predictions.py).
PREDICTED = "predicted"

#: Hugging Face's picture convention: encoded bytes and a name.
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
POINTS = pa.list_(pa.float32(), 10)


@dataclass(frozen=True)
class Labels:
    """Which label columns a data set has."""

    attributes: tuple[str, ...] = ()
    age_groups: tuple[str, ...] = AGE_GROUPS

    @property
    def columns(self) -> tuple[str, ...]:
        return BASE_LABELS + self.attributes

    def metadata(self) -> dict[bytes, bytes]:
        content = {
            "labels": self.columns,
            "attributes": self.attributes,
            "age_groups": self.age_groups,
        }
        return {b"augment": json.dumps(content).encode()}

    @classmethod
    def of(cls, schema: pa.Schema) -> "Labels":
        """Read back what :meth:`metadata` wrote."""
        content: Mapping[str, Any] = json.loads((schema.metadata or {})[b"augment"])
        return cls(tuple(content["attributes"]), tuple(content["age_groups"]))

    def fields(self) -> list[pa.Field]:
        return [pa.field(name, pa.string()) for name in self.columns]

    def origin_field(self) -> pa.Field:
        return pa.field("label_origin", pa.struct([(name, pa.string()) for name in self.columns]))


def index_schema(labels: Labels) -> pa.Schema:
    """What ``ingest`` writes: one row per picture file of the sources, usable or not."""
    return pa.schema(
        [
            pa.field("id", pa.string()),  # "<source key>/<path or number in the source>"
            pa.field("source", pa.string()),  # key under ingest.sources
            pa.field("uri", pa.string()),  # what the source's read() takes
            pa.field("status", pa.string()),
            pa.field("reason", pa.string()),  # why the row is not ok, else ""
            pa.field("note", pa.string()),  # what was repaired or is odd, else ""
            pa.field("sha256", pa.string()),  # of the file's bytes, hex; "" when unreadable
            pa.field("width", pa.int32()),  # pixels, EXIF orientation applied; 0 when unreadable
            pa.field("height", pa.int32()),
            pa.field("photo_hash", pa.binary(32)),  # 256-bit difference hash; null when unreadable
            pa.field("person", pa.string()),  # "<source key>/<person>", null when not known
            pa.field("group", pa.string()),  # rows of one group share a split (person, duplicates)
            pa.field("split", pa.string()),  # train | validation | test
            pa.field("half", pa.string()),  # train rows: generators learn on "a", judges on "b"
            pa.field("licence", pa.string()),
            pa.field("age", pa.float32()),  # years, null when not known
            *labels.fields(),
            labels.origin_field(),
        ],
        metadata=labels.metadata(),
    )


def aligned_columns() -> list[pa.Field]:
    """What ``align`` adds to every index row.

    Null where there is nothing to say: of a face that was found but refused, box, score, number of
    faces and padded share stay.
    """
    return [
        pa.field("image", IMAGE),  # the aligned crop, size x size, encoded
        pa.field("points", POINTS),  # x, y of both eyes, nose tip, mouth corners, crop pixels
        pa.field("parsing", pa.binary()),  # PNG of the 19-class map in crop geometry, or null
        pa.field("box", pa.list_(pa.float32(), 4)),  # x, y, width, height in the photo, pixels
        pa.field("detector_score", pa.float32()),
        pa.field("faces_found", pa.int16()),
        pa.field("padded_share", pa.float32()),  # share of the crop that lies outside the photo
        pa.field("native_side", pa.float32()),  # pixels that the crop's side has in the photo
        *measured_columns(),
    ]


def measured_columns() -> list[pa.Field]:
    """What is measured on every crop, real or synthetic, by the same code."""
    return [
        pa.field("face_hash", pa.binary(32)),  # 256-bit difference hash of the crop
        pa.field("ita", pa.float32()),  # individual typology angle of skin pixels, degrees
        pa.field("sharpness", pa.float32()),  # variance of the Laplacian, grey levels squared
        pa.field("brightness", pa.float32()),  # mean luma of the face's centre, 0..255
    ]


def aligned_schema(labels: Labels) -> pa.Schema:
    return pa.schema([*index_schema(labels), *aligned_columns()], metadata=labels.metadata())


def order_schema(labels: Labels) -> pa.Schema:
    """What ``plan`` writes for one generator: one row per candidate to be made."""
    return pa.schema(
        [
            pa.field("id", pa.string()),  # "<generator key>/<bin>/<digest of parents>"
            pa.field("generator", pa.string()),
            pa.field("bin", pa.string()),  # the target bin's name
            pa.field("parents", pa.list_(pa.string())),  # ids of real train faces
            pa.field("changes", pa.list_(pa.string())),  # label columns that the generator moves
            pa.field("seed", pa.int64()),
            *labels.fields(),  # the labels that the candidate shall have
        ],
        metadata=labels.metadata(),
    )


def candidate_schema(labels: Labels) -> pa.Schema:
    """What ``generate`` writes: every order row with its picture, or with a reason."""
    return pa.schema(
        [
            *order_schema(labels),
            pa.field("status", pa.string()),
            pa.field("reason", pa.string()),
            pa.field(
                "weights", pa.string()
            ),  # sha256 of the generator's weights; "" when it has none
            pa.field("steps", pa.list_(pa.string())),  # what was done, in order, readable
            pa.field("licence", pa.string()),  # licences of the parents, joined
            pa.field("digital_source_type", pa.string()),  # IPTC's term, as in the picture's XMP
            pa.field("image", IMAGE),
            pa.field("points", POINTS),
            *measured_columns(),
        ],
        metadata=labels.metadata(),
    )


def verdict_schema() -> pa.Schema:
    """What ``gate`` writes: one row per candidate and check; nothing is deleted."""
    return pa.schema(
        [
            pa.field("id", pa.string()),  # the candidate's
            pa.field("generator", pa.string()),
            pa.field("check", pa.string()),
            pa.field("score", pa.float32()),  # higher is better; null when it could not be taken
            pa.field("threshold", pa.float32()),
            pa.field("passed", pa.bool_()),
            pa.field("reason", pa.string()),  # why it did not pass, else ""
        ]
    )


CHECK_SCORE = pa.struct(
    [
        ("check", pa.string()),
        ("score", pa.float32()),
        ("threshold", pa.float32()),
        ("passed", pa.bool_()),
    ]
)


def manifest_schema(labels: Labels) -> pa.Schema:
    """``data/balanced/manifest.parquet``: where each face of the data set comes from."""
    return pa.schema(
        [
            pa.field("id", pa.string()),
            pa.field("split", pa.string()),
            pa.field("synthetic", pa.bool_()),
            pa.field("person", pa.string()),
            pa.field("age", pa.float32()),
            *labels.fields(),
            labels.origin_field(),
            pa.field("bin", pa.string()),
            pa.field("source", pa.string()),  # sources of the face or of its parents, joined
            pa.field("parents", pa.list_(pa.string())),  # [] for a real face
            pa.field("generator", pa.string()),  # "" for a real face, as the next three
            pa.field("weights", pa.string()),
            pa.field("steps", pa.list_(pa.string())),
            pa.field("digital_source_type", pa.string()),  # IPTC's term; "" for a real face
            pa.field("order", pa.string()),
            pa.field("seed", pa.int64()),
            pa.field("checks", pa.list_(CHECK_SCORE)),
            pa.field("licence", pa.string()),
            pa.field("sha256", pa.string()),  # of the picture's bytes in this data set
            pa.field("source_sha256", pa.string()),  # of the source file; "" for synthetic ones
        ],
        metadata=labels.metadata(),
    )


def balanced_schema(labels: Labels) -> pa.Schema:
    """The shards that people load: picture, labels and the columns needed every day."""
    features = {"info": {"features": {"image": {"_type": "Image"}}}}
    return pa.schema(
        [
            pa.field("image", IMAGE),
            pa.field("id", pa.string()),
            pa.field("age", pa.float32()),
            *labels.fields(),
            pa.field("synthetic", pa.bool_()),
            pa.field("generator", pa.string()),
            pa.field("digital_source_type", pa.string()),
            pa.field("parents", pa.list_(pa.string())),
            pa.field("person", pa.string()),
            pa.field("licence", pa.string()),
        ],
        metadata={**labels.metadata(), b"huggingface": json.dumps(features).encode()},
    )


def table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows to a table of exactly this schema; a missing key becomes null."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)


def without_predicted(rows: pa.Table) -> pa.Table:
    """Rows whose guessed labels are unknown again: nothing learns from a guess, or is measured by
    one. ``rows`` must have a column ``label_origin``, and keeps it."""
    origins = rows.column("label_origin")
    for name in (field.name for field in origins.type):
        if name not in rows.column_names:
            continue
        guessed = pc.equal(pc.struct_field(origins, name), PREDICTED)
        if pc.any(guessed).as_py():
            place = rows.schema.get_field_index(name)
            values = pc.if_else(pc.fill_null(guessed, False), UNKNOWN, rows.column(name))
            rows = rows.set_column(place, rows.schema.field(place), values)
    return rows
