"""Which rows must stay together, and which split and half each group of them goes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from augment.duplicates import groups, near_duplicate_pairs, same_value_pairs
from augment.intake.same_files import file_codes
from augment.seeds import row_share

#: From weakest to strongest: a group goes to the strongest split that any of its rows belongs to,
#: so that nothing which a test face shows is ever trained on.
SPLITS = ("train", "validation", "test")
HALVES = ("a", "b")


def photo_groups(index: pa.Table) -> list[str]:
    """The group of each row: rows of one person, one file or one photo have one.

    A group is called like its first person or, where nobody is known, like its first row.

    Args:
        index: rows sorted by id, with ``id``, ``person``, ``sha256`` and ``photo_hash``.
    """
    rows = index.num_rows
    people = file_codes(index.column("person"))
    hashed = np.flatnonzero(pc.is_valid(index.column("photo_hash")).to_numpy())
    content = b"".join(pc.drop_null(index.column("photo_hash")).to_pylist())
    hashes = np.frombuffer(content, dtype=np.uint8).reshape(-1, 32)
    pairs = [
        same_value_pairs(people),
        same_value_pairs(file_codes(index.column("sha256"))),
        hashed[near_duplicate_pairs(hashes)].reshape(-1, 2),
    ]
    first = groups(rows, np.concatenate(pairs))
    ids, names = index.column("id").to_pylist(), index.column("person").to_pylist()
    called: dict[int, str] = {}
    for row in np.flatnonzero(people >= 0).tolist():
        root = int(first[row])
        called[root] = min(called.get(root, names[row]), names[row])
    return [called.get(root) or ids[root] for root in first.tolist()]


@dataclass(frozen=True)
class Assigned:
    """Split and half of each row (no half outside of train), and a note where a row was moved."""

    split: list[str]
    half: list[str | None]
    note: list[str]


def assign_splits(
    source: Sequence[str],
    own: Sequence[str | None],
    group: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> Assigned:
    """Decide for each row, always for whole groups.

    A data set's own validation and test splits stay. What it lacks of them is drawn from its other
    rows, a share of the groups each. Where a group then lies in several splits, all of it goes to
    the strongest.

    Args:
        source: the source of each row.
        own: the split that the data set itself gives each row, None where it gives none.
        group: the group of each row.
        shares: ``{"validation": 0.1, "test": 0.2}``.
        seed: the run's.
    """
    present = {(key, split) for key, split in zip(source, own, strict=True)}
    lacking = {
        key: [name for name in ("test", "validation") if (key, name) not in present]
        for key in set(source)
    }
    drawn = {name: row_share(seed, "split", name) for name in set(group)}
    wanted = [
        split if split in ("test", "validation") else _draw(drawn[name], lacking[key], shares)
        for key, split, name in zip(source, own, group, strict=True)
    ]
    strongest: dict[str, str] = {}
    for name, want in zip(group, wanted, strict=True):
        strongest[name] = max(strongest.get(name, want), want, key=SPLITS.index)
    split = [strongest[name] for name in group]
    half = {name: HALVES[row_share(seed, "half", name) >= 0.5] for name in strongest}
    moved = "moved to {}, where the person or the same photo is"
    return Assigned(
        split=split,
        half=[half[n] if s == "train" else None for n, s in zip(group, split, strict=True)],
        note=[moved.format(s) if s != w else "" for s, w in zip(split, wanted, strict=True)],
    )


def _draw(number: float, splits: Sequence[str], shares: Mapping[str, float]) -> str:
    """Cut 0..1 into the shares of ``splits``, the rest is train."""
    for name in splits:
        if number < shares[name]:
            return name
        number -= shares[name]
    return "train"
