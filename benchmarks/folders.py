"""Where benchmarks find data, keep what they made, and write their figures."""

import argparse
import os
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path


def add_folders(parser: argparse.ArgumentParser, system: str) -> None:
    """The options --data, --work (None: nothing is kept) and --out, all paths."""
    data, kept = os.environ.get("FACES_DATA", "../shared/data"), os.environ.get("BENCH_WORK")
    parser.add_argument("--data", type=Path, default=Path(data))
    parser.add_argument(
        "--work", type=Path, default=Path(kept) if kept else None,
        help="keeps what was drawn and trained; or name it in the environment: BENCH_WORK",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path(f"reports/systems/{system}.json"))


def working_in(work: Path | None) -> AbstractContextManager[str | Path]:
    """The folder given, or one that is gone afterwards."""
    return nullcontext(work) if work else tempfile.TemporaryDirectory()
