"""How much a judge's word is worth, from how often it was right on real held-out faces."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

#: One-sided 95 % quantile of the normal distribution.
_Z = 1.6448536269514722


def skill(rows: Sequence[Mapping[str, Any]], label: str, values: Sequence[str]) -> float:
    """Accuracy above chance of one label, 0 (guesses) to 1 (always right); 1 where not measured.

    Every value counts the same: (balanced accuracy - 1/k) / (1 - 1/k), with k values. 0 where
    that is not above chance beyond doubt (95 %, one-sided).

    Args:
        rows: of ``metrics.calibration.accuracy_rows``.
        label: which label.
        values: all that the judge tells apart.
    """
    of_values = [
        row for row in rows if row["label"] == row["by"] == label and row["group"] in values
    ]
    known = [row for row in of_values if row["n"]]
    if not known:
        return 1.0
    chance = 1 / len(values)
    mean: float = sum(row["accuracy"] for row in known) / len(known)
    # Of few faces the textbook variance of 0 or all hits would be 0: one of each is added.
    shares = [(row["accuracy"] * row["n"] + 1) / (row["n"] + 2) for row in known]
    variance = sum(s * (1 - s) / row["n"] for s, row in zip(shares, known, strict=True))
    if mean - _Z * math.sqrt(variance) / len(known) <= chance:
        return 0.0
    return (mean - chance) / (1 - chance)


def skills(
    accuracy: Mapping[str, Sequence[Mapping[str, Any]]],
    values: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> dict[tuple[str, str], float]:
    """(judge key, label) -> :func:`skill`, of all that judges say they know."""
    return {
        (judge, label): skill(accuracy.get(judge, ()), label, known)
        for judge, labels in values.items()
        for label, known in labels.items()
    }


def left_out(found: Mapping[tuple[str, str], float]) -> list[str]:
    """A note on each label that a judge only guesses."""
    return [
        f"{judge} is not asked about {label}: on held-out faces it is not shown to be right more "
        "often than a guess"
        for (judge, label), worth in found.items()
        if not worth
    ]
