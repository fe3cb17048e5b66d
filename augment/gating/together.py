"""One false-rejection rate for the gate as a whole, however many checks it has.

Eight checks that each refuse 2 % of the real faces refuse up to 15 % together. So all of them take
their thresholds at one lower rate, the highest one at which the real faces, posing as candidates,
are refused by any check no more often than stated: overall and in every group that has enough
faces. That is the min-P method (P. H. Westfall and S. S. Young, "Resampling-Based Multiple
Testing", 1993, section 2.5), read off a ladder of rates; it makes use of checks that refuse the
same faces, where Bonferroni's (the rate over the number of checks, the ladder's lowest step) would
not.

A real face poses as its own harmless variation: same labels, itself as its parent, and in turn
each set of labels that candidates change as its order. Nobody is held to thresholds that he was
taken for: one half of the real faces poses for thresholds from the other half, and the other way
round. A group counts as refused too often where that is more than chance (95 % interval).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augment.metrics.floors import Groups, groups_of
from augment.metrics.proportion import wilson_interval
from augment.protocols import Check, Evidence, Reference
from augment.seeds import row_share

#: Steps of the ladder from the lowest rate to the whole gate's.
_STEPS = 9
#: So many real faces pose, at most.
_MOST = 4000

Refused = npt.NDArray[np.bool_]  # (checks, posing faces), or (posing faces,)


@dataclass(frozen=True)
class Entrant:
    """A check, and the evidence that it measured for itself."""

    check: Check
    reference: Reference
    candidates: Evidence


@dataclass(frozen=True)
class Shared:
    """What the gate as a whole refuses of real faces.

    Attributes:
        rate: each check's own share, which makes up the whole gate's.
        faces: how many real faces posed.
        refused: grouping ("all" first) -> group -> (refused, faces) of them.
        by_check: check -> how many of them it refused.
    """

    rate: float
    faces: int
    refused: Mapping[str, Mapping[str, tuple[int, int]]]
    by_check: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Shares of real faces refused, with n and a 95 % interval; null where there are none."""
        return {
            "rate_of_each_check": round(self.rate, 6),
            "faces": self.faces,
            "refused_by_check": dict(self.by_check),
            "refused": {
                grouping: {group: _share(*counts) for group, counts in groups.items()}
                for grouping, groups in self.refused.items()
            },
        }

    def in_words(self, stated: float) -> str:
        """One sentence; names the check that refuses most where it is more than ``stated``."""
        if not self.faces:
            return (
                "no real faces to compare with: nothing is known of what the checks refuse of them"
            )
        refused, faces = self.refused["all"]["all"]
        share = refused / faces
        told = (
            f"all checks together refuse {refused} of {faces} real faces that pose as candidates "
            f"({100 * share:.1f} %; {100 * stated:g} % are allowed), each by itself up to "
            f"{100 * self.rate:.1f} %"
        )
        if share <= stated:
            return told
        most = max(self.by_check, key=lambda name: self.by_check[name])
        return f"{told}; {self.by_check[most]} are refused by {most}"


def _share(refused: int, faces: int) -> dict[str, Any]:
    low, high = wilson_interval(refused, faces)
    return {
        "faces": faces,
        "refused": refused,
        "share": round(refused / faces, 6),
        "interval": [round(low, 6), round(high, 6)],
    }


def share_rate(
    entrants: Mapping[str, Entrant], terms: Reference, orders: Sequence[tuple[str, ...]]
) -> Shared:
    """The rate for each check at which all of them together keep ``terms.false_rejection``.

    Args:
        entrants: check name -> check with what it measured.
        terms: groups, the whole gate's rate, and from how many faces on a group counts.
        orders: the sets of labels that candidates change.
    """
    whole = terms.false_rejection
    lowest = whole / max(1, len(entrants))
    rows = _posing(terms.unseen.rows, orders)
    if not len(rows) or not entrants:
        return Shared(lowest, 0, {}, dict.fromkeys(entrants, 0))
    groups = groups_of(rows, terms.bins, terms.groups)
    ladder = np.geomspace(lowest, whole, _STEPS if len(entrants) > 1 else 1)
    seen: dict[int, Refused] = {}

    def keeps(step: int) -> bool:
        seen[step] = _rehearse(entrants, rows, float(ladder[step]))
        anybody: Refused = np.any(seen[step], axis=0)
        counts = _count(anybody, groups)
        return anybody.mean() <= whole and not any(
            wilson_interval(refused, faces)[0] > whole
            for parts in counts.values()
            for refused, faces in parts.values()
            if faces >= terms.smallest_group
        )

    step = _highest(len(ladder), keeps)
    refused = seen[step] if step in seen else _rehearse(entrants, rows, float(ladder[step]))
    by_check = {name: int(own.sum()) for name, own in zip(entrants, refused, strict=True)}
    anybody: Refused = np.any(refused, axis=0)
    counts = _count(anybody, groups)
    return Shared(float(ladder[step]), len(rows), counts, by_check)


def _highest(steps: int, keeps: Callable[[int], bool]) -> int:
    """The highest step that keeps the rate; 0 where none does (the lowest is Bonferroni's)."""
    low, high = 0, steps - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if keeps(middle) else (low, middle - 1)
    return low


def _posing(rows: pa.Table, orders: Sequence[tuple[str, ...]]) -> pa.Table:
    """Real faces as candidates: each the child of itself."""
    rows = rows.slice(0, _MOST)
    ids = rows.column("id").to_pylist()
    sets = sorted(set(orders)) or [()]
    changes = [list(sets[int(row_share(0, "pose", name) * len(sets))]) for name in ids]
    names = pa.list_(pa.string())
    added = {
        "generator": pa.array([""] * len(ids), pa.string()),
        "bin": pa.array([""] * len(ids), pa.string()),
        "parents": pa.array([[name] for name in ids], names),
        "changes": pa.array(changes, names),
    }
    for name, column in added.items():
        if name in rows.column_names:
            rows = rows.drop_columns([name])
        rows = rows.append_column(name, column)
    return rows


def _rehearse(entrants: Mapping[str, Entrant], rows: pa.Table, rate: float) -> Refused:
    """Which posing faces each check refuses, fitted at ``rate`` to faces that do not pose."""
    refused = np.zeros((len(entrants), len(rows)), bool)
    known = (
        rows.column("person").to_pylist() if "person" in rows.column_names else [None] * len(rows)
    )
    # Photos of one person stay together.
    names = [person or name for person, name in zip(known, rows["id"].to_pylist(), strict=True)]
    half = np.array([row_share(0, "pose against", name) < 0.5 for name in names], bool)
    for place, entrant in enumerate(entrants.values()):
        posing = replace(entrant.reference.again, rows=rows)
        for part in (half, ~half):
            if part.any():
                entrant.check.fit(_fitting(entrant.reference, ~part, rate))
                verdicts = entrant.check.judge(_taken(posing, part))
                refused[place, part] = [not verdict.passed for verdict in verdicts]
    return refused


def _fitting(reference: Reference, part: Refused, rate: float) -> Reference:
    """A reference of some of the first real faces, all of whom are parents."""
    return replace(
        reference,
        false_rejection=rate,
        # Half of the faces: a group that has thresholds of its own keeps them.
        smallest_group=max(2, reference.smallest_group // 2),
        parents=reference.unseen,
        unseen=_taken(reference.unseen, part),
        again=_taken(reference.again, part),
    )


def _taken(faces: Evidence, part: Refused) -> Evidence:
    """Some of the first ``len(part)`` faces."""
    places = np.flatnonzero(part)

    def cut(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        return {
            judge: {name: numbers[places] for name, numbers in own.items()}
            for judge, own in found.items()
        }

    measures = {name: numbers[places] for name, numbers in faces.measures.items()}
    return Evidence(faces.rows.take(places), cut(faces.opinions), measures, cut(faces.features))


def _count(refused: Refused, groups: Groups) -> dict[str, dict[str, tuple[int, int]]]:
    """Grouping -> group -> (refused, faces)."""
    found = {"all": {"all": (int(refused.sum()), len(refused))}}
    for grouping, column in groups.items():
        names = [name for name in np.unique(column) if name]
        found[grouping] = {
            str(name): (int(refused[column == name].sum()), int((column == name).sum()))
            for name in names
        }
    return found
