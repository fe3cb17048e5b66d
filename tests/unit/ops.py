"""Operations for the tests of the engine, in a module of their own so that workers find them."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from augment.errors import UserError
from augment.seeds import row_generator


@dataclass(frozen=True)
class Draw:
    """Adds a random number and a few random bytes that belong to the row."""

    factor: float = 1.0
    log: str = ""  # a folder: one file appears in it per row that is computed

    needs = ("id", "image")
    adds = pa.schema([("number", pa.float64()), ("content", pa.binary()), ("status", pa.string())])

    def identity(self) -> str:
        return f"draw {self.factor}"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = []
        for row in batch.to_pylist():
            generator = row_generator(7, "draw", row["id"])
            rows.append(
                {
                    "number": self.factor * generator.random(),
                    "content": generator.bytes(20) + row["image"]["bytes"],
                    "status": "drawn",
                }
            )
            if self.log:
                (Path(self.log) / f"{row['id']}.{os.getpid()}").touch()
        return pa.RecordBatch.from_pylist(rows, schema=self.adds)


@dataclass(frozen=True)
class Die(Draw):
    """Ends its process without a word at one row, as the kernel does when memory runs out."""

    at: str = "row 150"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.at in batch.column("id").to_pylist():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


@dataclass(frozen=True)
class Refuse(Draw):
    """Finds that the whole run cannot go on."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        raise UserError("the weights do not fit.")


@dataclass(frozen=True)
class Forget(Draw):
    """Loses a row."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return super().__call__(batch).slice(1)


@dataclass(frozen=True)
class Other(Draw):
    """Depends on fewer columns."""

    needs = ("image",)
