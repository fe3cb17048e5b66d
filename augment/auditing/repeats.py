"""Pictures that a data set holds more than once, and what their labels say about each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.auditing.scan import Faces
from augment.duplicates import groups, near_duplicate_pairs, same_value_pairs
from augment.vocabulary import UNKNOWN

#: How many examples of each finding the report lists: enough to look at, and the file stays small.
EXAMPLES = 10

Groups = npt.NDArray[np.int64]  # for each row the smallest row number of its group


@dataclass(frozen=True)
class Repeats:
    """Rows joined by equal files (``exact``) and by equal or nearly equal pictures (``near``)."""

    exact: Groups
    near: Groups


def find_repeats(faces: Faces, max_bits: int) -> Repeats:
    """Group all readable rows, whatever their status.

    Args:
        faces: the data set.
        max_bits: photos whose 256-bit hashes differ in at most so many bits count as one.
    """
    same = same_value_pairs(faces.content)
    hashed = np.flatnonzero(faces.has_hash)
    near = hashed[near_duplicate_pairs(faces.photo_hash[hashed], max_bits)].reshape(-1, 2)
    return Repeats(
        groups(len(faces), same),
        groups(len(faces), np.concatenate([same, near])),
    )


def repeats_rows(faces: Faces, repeats: Repeats) -> list[dict[str, Any]]:
    """One row a kind: how many groups and pictures, how many groups reach over splits."""
    rows = []
    for kind, group in (("exact", repeats.exact), ("near or exact", repeats.near)):
        multiple = _in_groups(group)
        across = _differing(group, faces.split.codes.astype(np.int64), faces.ok)
        rows.append(
            {
                "kind": kind,
                "groups": len(np.unique(group[multiple])),
                "pictures": int(multiple.sum()),
                "groups_across_splits": len(across),
                "examples_across_splits": _examples(faces, group, across, faces.ok),
            }
        )
    return rows


def conflict_rows(faces: Faces, repeats: Repeats) -> list[dict[str, Any]]:
    """One row a label that was given: groups of one picture with different known values.

    Measured labels are left out: a measurement may differ by a step between two encodings.
    """
    rows: list[dict[str, Any]] = []
    for name, words in faces.labels.items():
        if not faces.origins[name, "given"]:
            continue
        known = ~words.is_(UNKNOWN)
        codes = words.codes.astype(np.int64)
        exact = _differing(repeats.exact, codes, known)
        near = _differing(repeats.near, codes, known)
        rows.append(
            {
                "label": name,
                "exact_groups": len(exact),
                "near_or_exact_groups": len(near),
                "examples": _examples(faces, repeats.near, near, known),
            }
        )
    return rows


def conflicting_groups(faces: Faces, repeats: Repeats) -> int:
    """Pictures that come more than once with different values of any given label."""
    found: set[int] = set()
    for name, words in faces.labels.items():
        if faces.origins[name, "given"]:
            known = ~words.is_(UNKNOWN)
            found |= set(_differing(repeats.near, words.codes.astype(np.int64), known).tolist())
    return len(found)


def _in_groups(group: Groups) -> npt.NDArray[np.bool_]:
    """Which rows share their group with another row."""
    members = np.bincount(group, minlength=len(group))
    together: npt.NDArray[np.bool_] = members[group] > 1
    return together


def _differing(group: Groups, codes: Groups, counted: npt.NDArray[np.bool_]) -> Groups:
    """Groups whose counted rows hold more than one code; their numbers in ascending order."""
    rows = np.flatnonzero(_in_groups(group) & counted)
    distinct = np.unique(np.stack([group[rows], codes[rows]], axis=1), axis=0)
    numbers, kinds = np.unique(distinct[:, 0], return_counts=True)
    return numbers[kinds > 1]


def _examples(
    faces: Faces, group: Groups, numbers: Groups, counted: npt.NDArray[np.bool_]
) -> list[list[str]]:
    rows = (np.flatnonzero((group == number) & counted) for number in numbers[:EXAMPLES])
    return [[faces.ids[int(row)].as_py() for row in members[:EXAMPLES]] for members in rows]
