"""The row operation of ingest: read and decode each file once, keep what tells it from others."""

import hashlib
from typing import Any

import pyarrow as pa

from augment.errors import RowError
from augment.images import decode, difference_hash
from augment.protocols import Source


class ReadPhoto:
    """Op: digest, size and difference hash of each picture, or what is wrong with it."""

    needs = ("uri", "_version")
    adds = pa.schema(
        [
            pa.field("sha256", pa.string()),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            pa.field("photo_hash", pa.binary(32)),
            pa.field("_problem", pa.string()),
        ]
    )

    def __init__(self, source: Source) -> None:
        self.source = source

    def identity(self) -> str:
        # The version names the very file, or all that a picture is drawn from: other settings of
        # the source, such as its words, read no file again.
        return "read photo"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = [self._read(uri) for uri in batch.column("uri").to_pylist()]
        return pa.RecordBatch.from_pylist(rows, schema=self.adds)

    def _read(self, uri: str) -> dict[str, Any]:
        found = {"sha256": "", "width": 0, "height": 0, "photo_hash": None, "_problem": ""}
        try:
            content = self.source.read(uri)
            found["sha256"] = hashlib.sha256(content).hexdigest()
            image = decode(content)
        except RowError as error:
            return found | {"_problem": str(error)}
        return found | {
            "width": image.shape[1],
            "height": image.shape[0],
            "photo_hash": difference_hash(image),
        }
