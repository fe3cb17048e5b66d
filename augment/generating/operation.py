"""The operation that turns order rows into candidate rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from augment.errors import RowError
from augment.generating.donors import DONORS
from augment.images import decode, encode
from augment.measure import measure
from augment.plugins import load
from augment.protocols import Face, Generator, Made, Request
from augment.schema import GENERATE_FAILED, OK, Labels, candidate_schema, order_schema
from augment.vocabulary import UNKNOWN
from augment.xmp import embed, term_uri


@dataclass(frozen=True)
class MakeFaces:
    """Asks a generator for every order; a row that it cannot make keeps its place and says why.

    Attributes:
        kind: the generator's plug-in name.
        settings: its configuration, JSON.
        folder: where its training left weights.
        weights: their sha256, "" for a generator that has none.
        labels: the data set's label columns.
        parents: how many parents each order must have.
    """

    kind: str
    settings: str
    folder: Path
    weights: str
    labels: Labels
    parents: int

    @property
    def needs(self) -> tuple[str, ...]:
        return ("id", "seed", "changes", "parents", *self.labels.columns, DONORS)

    @property
    def adds(self) -> pa.Schema:
        known = set(order_schema(self.labels).names)
        return pa.schema(
            [field for field in candidate_schema(self.labels) if field.name not in known]
        )

    def identity(self) -> str:
        return json.dumps([self.kind, self.settings, self.weights, self.labels.columns])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.to_pylist()
        asked: list[Request | str] = [self._request(row) for row in rows]
        requests = [request for request in asked if isinstance(request, Request)]
        generator = _generator(self.kind, self.settings, self.folder, self.weights)
        made = iter(generator.make(requests) if requests else [])
        results = [
            self._row(row, Made(None, reason=request) if isinstance(request, str) else next(made))
            for row, request in zip(rows, asked, strict=True)
        ]
        return pa.RecordBatch.from_pylist(results, schema=self.adds)

    def _request(self, row: Mapping[str, Any]) -> Request | str:
        """What to ask the generator for, or the reason why it cannot be asked."""
        donors = row[DONORS]
        missing = set(row["parents"]) - {donor["id"] for donor in donors}
        if missing:
            return f"parent '{min(missing)}' is no usable aligned face"
        if len(donors) != self.parents:
            return f"the order names {len(donors)} parents, the generator takes {self.parents}"
        try:
            parents = tuple(_face(donor) for donor in donors)
        except RowError as error:
            return f"a parent's picture cannot be read: {error}"
        labels = {name: row[name] or UNKNOWN for name in self.labels.columns}
        return Request(row["id"], parents, labels, tuple(row["changes"]), row["seed"])

    def _row(self, row: Mapping[str, Any], made: Made) -> dict[str, Any]:
        source_type = _generator(
            self.kind, self.settings, self.folder, self.weights
        ).digital_source_type
        result: dict[str, Any] = {
            "status": GENERATE_FAILED if made.image is None else OK,
            "reason": made.reason,
            "weights": self.weights,
            "steps": list(made.steps),
            "digital_source_type": term_uri(source_type),
            "licence": " AND ".join(sorted({donor["licence"] for donor in row[DONORS]})),
        }
        if made.image is None:
            return result
        content = embed(encode(made.image), source_type)
        result["image"] = {"bytes": content, "path": f"{row['id']}.jpg"}
        if made.points is not None:
            result["points"] = made.points.astype(np.float32).ravel().tolist()
        return result | measure(made.image, made.points).columns()


def _face(donor: Mapping[str, Any]) -> Face:
    return Face(
        id=donor["id"],
        image=decode(donor["image"]["bytes"]),
        points=np.asarray(donor["points"], np.float32).reshape(5, 2),
        labels={name: word or UNKNOWN for name, word in donor["labels"].items()},
        age=donor["age"],
        native_side=donor["native_side"],
    )


@lru_cache(maxsize=2)
def _generator(kind: str, settings: str, folder: Path, weights: str) -> Generator:
    """Loaded once a process; another digest of the weights is another generator."""
    module = load("generators", kind)
    generator: Generator = module.Generator(module.Config.model_validate_json(settings))
    generator.load(folder)
    return generator
