"""What judges of labels share: which values they learn, and how good they are."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.errors import UserError
from augment.metrics.calibration import (
    NOT_KNOWN,
    Values,
    accuracy_rows,
    codes_of,
    in_order,
    temperature,
)
from augment.nets.data import FaceSet
from augment.types import FloatArray
from augment.vocabulary import BASE_LABELS, UNKNOWN


def choose_values(
    faces: FaceSet, labels: Sequence[str], smallest: int, half: str
) -> dict[str, tuple[str, ...]]:
    """The labels and values that there are enough faces of; says on stderr which are left out.

    Args:
        faces: what a judge learns on.
        labels: label columns; empty: all.
        smallest: a value with fewer faces is not learned.
        half: of the train split, for the message.

    Raises:
        UserError: ``labels`` names a column that there is not, or no label has two values.
    """
    missing = [label for label in labels if label not in faces.labels]
    if missing:
        raise UserError(
            f"params.yaml: a judge's labels name '{missing[0]}', which the data set has no "
            f"column for; it has: {', '.join(faces.labels)}."
        )
    chosen: dict[str, tuple[str, ...]] = {}
    for label in labels or faces.labels:
        words, counts = np.unique(np.array(faces.labels[label]), return_counts=True)
        known = {str(w): int(n) for w, n in zip(words, counts, strict=True) if w != UNKNOWN}
        few = [word for word, n in known.items() if n < smallest]
        values = tuple(word for word in in_order(label, known) if word not in few)
        if few and values:
            _say(f"judge: {label}: too few faces to learn {', '.join(sorted(few))}")
        if len(values) < 2:
            _say(f"judge: {label} is left out: it has {len(values)} value(s) to learn")
            continue
        chosen[label] = values
    if not chosen and len(faces):
        raise UserError(
            f"no label has two values among the faces that this judge learns on (train split, half "
            f"{half}), so nothing can be judged: use a data set with more labels, or remove the "
            "judge from params.yaml."
        )
    return chosen


def hold_up(
    faces: FaceSet, values: Values, logits: Mapping[str, FloatArray]
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Temperatures, and accuracy by label and group, on faces that nobody learned on.

    Args:
        faces: the validation split.
        values: label -> its values.
        logits: label -> (faces, values).

    Returns:
        label -> temperature, and rows of :func:`augment.metrics.calibration.accuracy_rows`.
    """
    codes = codes_of(faces.labels, values)
    temperatures: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    for label, found in logits.items():
        known = codes[label] != NOT_KNOWN
        temperatures[label] = temperature(found[known], codes[label][known])
        right = (found.argmax(axis=1) == codes[label])[known]
        by = {name: np.array(faces.labels[name])[known] for name in sorted({*BASE_LABELS, label})}
        rows += accuracy_rows(label, right, by)
    return temperatures, rows


def count(codes: npt.NDArray[np.int64], values: Sequence[str]) -> dict[str, int]:
    """How many faces of each value a judge learned on."""
    counts = np.bincount(codes[codes != NOT_KNOWN], minlength=len(values))
    return {value: int(n) for value, n in zip(values, counts, strict=True)}


def _say(note: str) -> None:
    print(note, file=sys.stderr)
