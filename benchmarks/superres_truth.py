"""Restored faces of a road whose photos had been shrunk, and the photos as they were, cut alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from superres_gains import RESTORED

from augment import plugins
from augment.crop import choose, cut, reference_points, similarity
from augment.images import decode
from augment.metrics.pairs import likeness
from augment.nets.embedder import Embedder
from augment.nets.weights import sha256
from augment.schema import OK
from augment.shards import read_table
from augment.types import Image


@dataclass(frozen=True)
class Truth:
    """Crops are uint8 (64, 64, 3).

    Attributes:
        row: the candidate's.
        parent: the small face's, of data/aligned.
        restored: the candidate's picture.
        small: the small face, enlarged by alignment.
        photo: the photo before it was shrunk, cut where the small one's points lie.
        psnr: of the restored face to ``photo``, dB.
        cosine: the same by the embedder.
    """

    row: dict[str, Any]
    parent: dict[str, Any]
    restored: Image
    small: Image
    photo: Image
    psnr: float
    cosine: float


def truths(road: Path, params: dict[str, Any], data: Path) -> Iterator[Truth]:
    """Of each restored face of the road, in the order of their ids."""
    aligned = {row["id"]: row for row in read_table(road / "data/aligned").to_pylist()}
    module, settings = plugins.configure("align", params["align"]["detector"], "align.detector")
    detector = module.Detector(settings)
    weights = Path(params["judges"]["embedding"]["model"])
    embedder = Embedder(weights, sha256(weights), 112, "rgb", 127.5, 127.5, "the benchmark")
    size, margin = params["align"]["size"], params["align"]["margin"]
    made = read_table(road / "data/candidates" / RESTORED).to_pylist()
    for row in sorted((row for row in made if row["status"] == OK), key=lambda row: str(row["id"])):
        parent = aligned[row["parents"][0]]
        tiny = decode((Path(params["ingest"]["data"]) / _name(parent)).read_bytes())
        photo = decode((data / parent["id"]).read_bytes())
        found = choose(detector.detect(tiny), tiny.shape).points
        points = (found + 0.5) * (len(photo) / len(tiny)) - 0.5  # pixels' middles lie at integers
        true = cut(photo, similarity(points, reference_points(size, margin)), size)
        restored = decode(row["image"]["bytes"])
        error = float(np.square(restored.astype(np.float64) - true).mean())
        described = embedder.describe(np.stack([restored, true]), 1.0)
        yield Truth(
            row, parent, restored, decode(parent["image"]["bytes"]), np.asarray(true, np.uint8),
            10 * np.log10(255.0**2 / max(error, 1e-6)),
            float(likeness(described[:1], described[1:])[0]),
        )  # fmt: skip


def _name(row: dict[str, Any]) -> str:
    return str(row["id"]).split("/", 1)[1]
