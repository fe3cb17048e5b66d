"""Where a smaller gap comes from: the worst group rising, or the best one falling.

Both groups are those of the arm that is compared with, and stay the same groups in the other arm:
the gap itself takes each arm's own best and worst. They are chosen on the faces they are measured
on, so part of what the worst gains, and the best loses, may be chance coming back to its mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from augment.metrics.resampling import Array, Finding, Interval, find, interval_of

if TYPE_CHECKING:
    from augment.metrics.fairness import GroupScore

Role = Literal["worst", "best"]


@dataclass(frozen=True)
class GroupChange:
    """How the worst, or best, group of ``against`` fares in ``arm``.

    ``before`` and ``after`` are its accuracies, 0..1, ``value`` their difference, paired over the
    same resampled faces; "better": it rose.
    """

    arm: str
    against: str
    role: Role
    group: str
    n: int
    before: float
    after: float
    value: float
    interval: Interval
    finding: Finding


def changes(
    arm: str,
    against: str,
    after: Sequence["GroupScore"],
    before: Sequence["GroupScore"],
    resampled: Array,
    by_seed: Array,
) -> list[GroupChange]:
    """The worst group, then the best; [] where fewer than two groups are large enough.

    Args:
        arm: the arm looked at.
        against: the one whose groups are looked at.
        after: all groups in ``arm``.
        before: the same groups, in the same order, in ``against``.
        resampled: accuracy of ``arm`` less that of ``against``, shape (resamples, groups).
        by_seed: the same by seed, shape (seeds, groups).
    """
    counted = [place for place, group in enumerate(before) if group.counted]
    if len(counted) < 2:
        return []
    worst = min(counted, key=lambda place: before[place].accuracy)
    best = max((p for p in counted if p != worst), key=lambda place: before[place].accuracy)
    roles: tuple[tuple[Role, int], ...] = (("worst", worst), ("best", best))
    found = []
    for role, place in roles:
        interval = interval_of(resampled[:, place])
        old, new = before[place].accuracy, after[place].accuracy
        found.append(
            GroupChange(
                arm, against, role, before[place].name, before[place].n, old, new, new - old,
                interval, find(interval, by_seed[:, place], lower_is_better=False),
            )
        )  # fmt: skip
    return found
