"""How many candidates were made and passed, by generator, bin and group, and what refused them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from augment.metrics.floors import groups_of
from augment.metrics.proportion import wilson_interval
from augment.types import BinSpace

#: The first verdict on every candidate: whether there is a picture at all.
MADE = "made"


@dataclass
class Tally:
    """Counts of one part of the candidates."""

    candidates: int = 0
    made: int = 0
    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # check -> candidates it refused

    def add(self, failed: Sequence[str]) -> None:
        """One candidate and the checks that it failed."""
        self.candidates += 1
        self.made += MADE not in failed
        self.passed += not failed
        self.refused.update(failed)

    def to_json(self) -> dict[str, Any]:
        """Counts; ``pass_rate`` and its 95 % interval are of those made, null where none was."""
        rate = self.passed / self.made if self.made else None
        interval = wilson_interval(self.passed, self.made) if self.made else None
        return {
            "candidates": self.candidates,
            "made": self.made,
            "passed": self.passed,
            "pass_rate": None if rate is None else round(rate, 6),
            "interval": None if interval is None else [round(end, 6) for end in interval],
            "refused": dict(sorted(self.refused.items())),
        }

    def in_words(self) -> str:
        if not self.candidates:
            return "no candidates"
        reasons = ", ".join(f"{check} {count}" for check, count in self.refused.most_common())
        made = "" if self.made == self.candidates else f" ({self.made} made)"
        return (
            f"{self.passed} of {self.candidates}{made} passed"
            f"{'; refused by ' + reasons if reasons else ''}"
        )


def failed_checks(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Candidate id -> names of the checks it failed, from verdict rows."""
    failed: dict[str, list[str]] = {}
    for row in verdicts:
        names = failed.setdefault(row["id"], [])
        if not row["passed"]:
            names.append(row["check"])
    return failed


def tally(
    rows: pa.Table,
    failed: Mapping[str, Sequence[str]],
    keys: Sequence[str],
    bins: BinSpace,
    labels: Sequence[str] = (),
) -> dict[str, dict[str, Tally]]:
    """Grouping -> group -> counts. Groupings: ``generator`` (all ``keys``, also those without
    candidates), ``bin``, every axis, and ``labels``; for each the groups the candidates shall have.
    """
    groups = dict(groups_of(rows, bins, labels))
    found: dict[str, dict[str, Tally]] = {"generator": {key: Tally() for key in keys}}
    found |= {name: {} for name in groups}
    ids = rows.column("id").to_pylist()
    generators = rows.column("generator").to_pylist()
    for place, (row_id, generator) in enumerate(zip(ids, generators, strict=True)):
        found["generator"].setdefault(generator, Tally()).add(failed[row_id])
        for name, column in groups.items():
            if column[place]:
                found[name].setdefault(str(column[place]), Tally()).add(failed[row_id])
    return found
