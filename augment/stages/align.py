"""align: find the face in every photo and cut it out upright, at one size, in one codec.

Rows in = rows out, in the same order. A photo without a usable face keeps its row, with status
``align_failed`` and a reason; rows that ingest set aside pass through.
"""

import hashlib
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from pydantic import Field

from augment import images, plugins
from augment.align.film import film_points
from augment.crop import (
    choose,
    cut,
    cut_map,
    native_side,
    outside_share,
    reference_points,
    similarity,
    transform,
)
from augment.errors import RowError, UserError
from augment.intake import Intake, open_sources
from augment.job import Job
from augment.measure import measure
from augment.params import Section
from augment.protocols import Detector, Source
from augment.schema import ALIGN_FAILED, OK, SMALL, Labels, aligned_columns, table
from augment.shards import read_schema, read_table
from augment.types import Image
from augment.vocabulary import UNKNOWN


class Config(Section):
    """Section ``align`` of params.yaml."""

    detector: dict[str, Any]  # kind and its settings: augment/align/<kind>.py
    size: int = Field(64, ge=32, le=1024)
    margin: float = Field(0.0, ge=-0.2, le=1)
    max_padded: float = Field(0.5, ge=0, le=1)
    smallest: int = Field(0, ge=0, le=1024)  # pixels a side that a crop has in its photo, at least


def run(job: Job) -> None:
    """Write ``data/aligned``.

    Raises:
        UserError: the detector or a source cannot be used, or no photo at all could be aligned.
    """
    config = job.config(Config)
    module, settings = plugins.configure("align", config.detector, "align.detector")
    detector: Detector = module.Detector(settings)
    # A weights file that cannot be loaded shows here and not in the middle of a long run.
    detector.detect(np.full((96, 96, 3), 128, np.uint8))
    labels = Labels.of(read_schema(job.inputs["index"]))
    sources = open_sources(job.config(Intake, "ingest"), job.seed)
    op = Align(detector, config, sources, labels)
    started = time.monotonic()
    job.engine.map_folder(op, job.inputs["index"], job.outputs["aligned"], "align")
    _tell(job.outputs["aligned"], config.detector["kind"], time.monotonic() - started)


@dataclass(frozen=True)
class Align:
    """Rows of ``data/index`` -> their crops, measures and states (an ``engine.Op``)."""

    detector: Detector
    config: Config
    sources: Mapping[str, Source]
    labels: Labels

    @property
    def needs(self) -> tuple[str, ...]:
        return (
            "id", "source", "uri", "sha256", "status", "reason", "skin_tone", "label_origin",
        )  # fmt: skip

    @property
    def adds(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field("status", pa.string()),
                pa.field("reason", pa.string()),
                pa.field("skin_tone", pa.string()),
                self.labels.origin_field(),
                *aligned_columns(),
            ]
        )

    def identity(self) -> str:
        config = self.config
        return (
            f"align {self.detector.identity()} {config.size} {config.margin} {config.max_padded} "
            f"{config.smallest} opencv {cv2.__version__}"
        )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = [self._row(row) for row in batch.to_pylist()]
        return table(rows, self.adds).combine_chunks().to_batches()[0]

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: row[name] for name in ("status", "reason", "skin_tone", "label_origin")}
        if row["status"] != OK:
            return kept
        found: dict[str, Any] = {}
        try:
            self._align(row, found)
        except RowError as error:
            return {**kept, **found, "status": ALIGN_FAILED, "reason": str(error)}
        return {**kept, **found}

    def _align(self, row: Mapping[str, Any], found: dict[str, Any]) -> None:
        """Fill ``found`` with what is known of the row, up to where it fails."""
        source = self.sources[row["source"]]
        photo = _read(source, row)
        faces = self.detector.detect(photo)
        found["faces_found"] = len(faces)
        if not faces:
            raise RowError("no face was found")
        face = choose(faces, photo.shape)
        found |= {"box": face.box.tolist(), "detector_score": face.score}
        points = face.points
        if (around := getattr(source, "around", None)) is not None:
            points = film_points(face, faces, photo, around(row["uri"]), self.detector)
        size = self.config.size
        matrix = similarity(points, reference_points(size, self.config.margin))
        found["native_side"] = native_side(matrix, size)
        found["padded_share"] = outside_share(photo.shape, matrix, size)
        if found["padded_share"] > self.config.max_padded:
            # How much is in padded_share: one wording for all rows, so that audits can count it.
            raise RowError(
                "too much of the crop lies outside of the photo "
                f"(more than max_padded: {self.config.max_padded:g})"
            )
        crop = cut(photo, matrix, size)
        points = transform(points, matrix)
        parsing = _parsing(source, row["uri"], photo, matrix, size)
        measured = measure(crop, points, parsing)
        found |= {
            "image": {"bytes": images.encode(crop), "path": f"{row['id']}.jpg"},
            "points": points.ravel().tolist(),
            "parsing": None if parsing is None else _png(parsing),
            **measured.columns(),
        }
        if row["skin_tone"] == UNKNOWN and measured.skin_tone != UNKNOWN:
            found["skin_tone"] = measured.skin_tone
            found["label_origin"] = {**row["label_origin"], "skin_tone": "measured"}
        if found["native_side"] < self.config.smallest:
            found["status"] = SMALL
            found["reason"] = (
                f"fewer than {self.config.smallest} pixels across (align.smallest): a generator of "
                "the kind superres may restore it"
            )


def _read(source: Source, row: Mapping[str, Any]) -> Image:
    content = source.read(row["uri"])
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise RowError("the file has changed since ingest read it: run ingest again")
    return images.decode(content)


def _parsing(source: Source, uri: str, photo: Image, matrix: np.ndarray, size: int) -> Image | None:
    parsing = source.parsing(uri)
    return None if parsing is None else cut_map(parsing, photo.shape, matrix, size)


def _png(parsing: Image) -> bytes:
    done, content = cv2.imencode(".png", parsing)
    if not done:
        raise ValueError("a parsing map could not be encoded as PNG")
    return bytes(content)


def _tell(folder: Path, detector: str, seconds: float) -> None:
    """A short summary on stderr; the figures by group are the audit's.

    Raises:
        UserError: there were photos, and not one of them could be aligned.
    """
    states = read_table(folder, ["status", "reason"]).to_pylist()
    tried = [row for row in states if row["status"] in (OK, SMALL, ALIGN_FAILED)]
    reasons = Counter((row["status"], row["reason"]) for row in tried if row["status"] != OK)
    aligned = len(tried) - reasons.total()
    words = {ALIGN_FAILED: "failed", SMALL: "are too small"}
    failed = "; ".join(
        f"{count:,} {words[status]}: {reason}" for (status, reason), count in reasons.most_common()
    )
    if tried and not aligned:
        raise UserError(
            f"align: none of {len(tried):,} photos gave a face with detector '{detector}' "
            f"({failed}); look at some of the photos, try another align.detector, or raise "
            "align.max_padded."
        )
    told = f"{aligned:,} of {len(tried):,} photos aligned with {detector} in {seconds:.0f} s"
    print("align: " + "; ".join(filter(None, [told, failed])), file=sys.stderr)
