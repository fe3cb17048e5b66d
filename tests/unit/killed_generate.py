"""Makes faces and kills itself after the first hundred: ``python -m ... <folder>``."""

import os
import signal
import sys
from pathlib import Path

import pyarrow as pa

from augment.generating.operation import MakeFaces
from tests.unit.test_generate import generate

make = MakeFaces.__call__
calls = 0


def make_once(self: MakeFaces, batch: pa.RecordBatch) -> pa.RecordBatch:
    global calls
    calls += 1
    if calls == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return make(self, batch)


if __name__ == "__main__":
    MakeFaces.__call__ = make_once  # type: ignore[method-assign]
    generate(Path(sys.argv[1]), "killed")
