"""One process at a time: two that train the very same would only slow each other down."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm


@contextmanager
def only_one(folder: Path, label: str) -> Iterator[None]:
    """Hold a folder's lock; wait, and say so, while another process holds it.

    The system lets go of a killed process's lock.

    Args:
        folder: is made if it does not exist.
        label: what is waited with, for the message.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tqdm.write(
            f"{label}: another process is training the very same in {folder}; waiting for it.",
            file=sys.stderr,
        )
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
