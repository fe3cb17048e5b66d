"""Whom the gate refuses: by generator, group and check, and in sentences.

A gate that refuses one group more than others is itself unfair. Groups are compared within one
generator, since a generator that is refused often may be the only one that makes some group. That
a group is refused more does not say whose fault it is: its faces may be made worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augment.metrics.floors import groups_of
from augment.metrics.passes import MADE
from augment.metrics.proportion import difference_interval, wilson_interval
from augment.types import BinSpace
from augment.vocabulary import spoken

#: Groups with fewer candidates are counted, but not compared.
SMALL = 20

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Refusals:
    """Candidates that have a picture, and which checks refused them; entry i is candidate i.

    Attributes:
        generators: the keys, also of those without candidates.
        generator: each candidate's.
        groups: grouping -> each candidate's group; "" where it has none.
        checks: check -> whether it refused.
    """

    generators: tuple[str, ...]
    generator: npt.NDArray[np.str_]
    groups: Mapping[str, npt.NDArray[np.str_]]
    checks: Mapping[str, Flags]

    @classmethod
    def of(
        cls,
        rows: pa.Table,
        failed: Mapping[str, Sequence[str]],
        keys: Sequence[str],
        checks: Sequence[str],
        bins: BinSpace,
        labels: Sequence[str],
    ) -> "Refusals":
        """From candidate rows with a picture, and the checks that each failed, by id."""
        ids = rows.column("id").to_pylist()
        return cls(
            tuple(keys),
            np.array(rows.column("generator").to_pylist(), dtype=np.str_),
            groups_of(rows, bins, labels),
            {c: np.array([c in failed[i] for i in ids], bool) for c in checks if c != MADE},
        )

    @property
    def any_check(self) -> Flags:
        nobody: Flags = np.zeros(len(self.generator), bool)
        found: Flags = np.any([nobody, *self.checks.values()], axis=0)
        return found

    def to_json(self) -> dict[str, Any]:
        """Generator -> grouping -> group -> candidates, refused by any check, and by each."""
        found: dict[str, Any] = {}
        for key in self.generators:
            own = self.generator == key
            found[key] = {"all": {"all": self._part(own)}}
            for grouping, column in self.groups.items():
                names = [name for name in np.unique(column[own]) if name]
                found[key][grouping] = {
                    str(name): self._part(own & (column == name)) for name in names
                }
        return found

    def _part(self, where: Flags) -> dict[str, Any]:
        n = int(where.sum())
        return {
            "candidates": n,
            **_share(int(self.any_check[where].sum()), n),
            "checks": {c: _share(int(refused[where].sum()), n)
                       for c, refused in self.checks.items()},
        }  # fmt: skip

    def findings(self) -> list[str]:
        """Sentences on every generator and grouping (bins apart: their axes are compared)."""
        groupings = [name for name in self.groups if name != "bin"]
        tests = {
            (key, grouping): self._comparable(key, grouping)
            for key in self.generators
            for grouping in groupings
        }
        # Of two groups, one compared with the other is the other compared with the one.
        count = sum(len(names) - (len(names) == 2) for names in tests.values())
        found = []
        for key in self.generators:
            own = self.generator == key
            n, refused = int(own.sum()), int(self.any_check[own].sum())
            if not n:
                found.append(f"{key}: it has no candidate with a picture: nothing to compare.")
            elif refused in (0, n):
                which = "none" if not refused else "every one"
                found.append(f"{key}: {which} of its {n} candidates was refused, in any group.")
            else:
                for grouping in groupings:
                    found += self._sentences(key, grouping, tests[key, grouping], count)
        return found

    def _comparable(self, key: str, grouping: str) -> list[str]:
        """The groups with enough candidates, if there are two or more of them."""
        column = self.groups[grouping][self.generator == key]
        names, counts = np.unique(column, return_counts=True)
        large = [str(n) for n, c in zip(names, counts, strict=True) if n and c >= SMALL]
        return large if len(large) > 1 else []

    def _sentences(self, key: str, grouping: str, names: Sequence[str], count: int) -> list[str]:
        label = grouping.replace("_", " ")
        if not names:
            return [f"{key}: fewer than two groups of {label} have {SMALL} candidates to compare."]
        column = self.groups[grouping]
        own = (self.generator == key) & np.isin(column, names)
        sentences = []
        for name in names:
            here, others = own & (column == name), own & (column != name)
            low = _difference(self.any_check, here, others, NormalDist().inv_cdf(1 - 0.025 / count))
            if low[0] > 0:
                sentences.append(self._more(key, grouping, name, here, others, count))
        sizes = [int((own & (column == name)).sum()) for name in names]
        return sentences or [
            f"{key}: no difference shown between {len(names)} groups of {label} "
            f"({min(sizes)} to {max(sizes)} candidates each)."
        ]

    def _more(
        self, key: str, grouping: str, name: str, here: Flags, others: Flags, count: int
    ) -> str:
        refused = self.any_check
        low, high = _difference(refused, here, others)
        share, other = float(refused[here].mean()), float(refused[others].mean())
        more = {c: float(own[here].mean() - own[others].mean()) for c, own in self.checks.items()}
        most = max(more, key=lambda check: more[check])
        return (
            f"{key}: {100 * share:.1f} % of {grouping.replace('_', ' ')} "
            f"{spoken(grouping, name).removeprefix(grouping.replace('_', ' ') + ' ')} are refused "
            f"(n={int(here.sum())}), {100 * other:.1f} % of the others (n={int(others.sum())}): "
            f"{100 * (share - other):.1f} points more, 95 % interval {100 * low:.1f} to "
            f"{100 * high:.1f}, most of it by {most} ({100 * more[most]:+.1f}). More than chance "
            f"also with {count} comparisons made at once (Bonferroni)."
        )


def is_quiet(finding: str) -> bool:
    """Whether a sentence says that there is nothing to see."""
    return "no difference shown" in finding or "fewer than two groups" in finding


def _difference(
    refused: Flags, here: Flags, others: Flags, z: float = NormalDist().inv_cdf(0.975)
) -> tuple[float, float]:
    one, other = ((int(refused[part].sum()), int(part.sum())) for part in (here, others))
    return difference_interval(one, other, z)


def _share(refused: int, n: int) -> dict[str, Any]:
    """Null where there is nobody."""
    if not n:
        return {"refused": 0, "share": None, "interval": None}
    low, high = wilson_interval(refused, n)
    return {
        "refused": refused,
        "share": round(refused / n, 6),
        "interval": [round(low, 6), round(high, 6)],
    }
