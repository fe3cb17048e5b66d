"""Randomness that belongs to a row: the same row draws the same numbers wherever it is computed.

A seed depends on the run's seed, the purpose and the row's id only, so that results do not
change with batch size, shard order, number of workers or engine.
"""

import hashlib

import numpy as np


def row_seed(seed: int, purpose: str, row_id: str) -> int:
    """A 63-bit non-negative seed for one row and one purpose (a stage's or operation's name)."""
    text = f"{seed}\x1f{purpose}\x1f{row_id}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def row_generator(seed: int, purpose: str, row_id: str) -> np.random.Generator:
    """A numpy generator seeded by :func:`row_seed`."""
    return np.random.default_rng(row_seed(seed, purpose, row_id))


def row_share(seed: int, purpose: str, row_id: str) -> float:
    """A number in [0, 1) for one row: what share-wise decisions (splits, halves) compare with."""
    return row_seed(seed, purpose, row_id) / 2**63
