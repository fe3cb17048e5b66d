"""What judges of labels share: what they learn on, which values, and how good they are."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from augment.errors import UserError
from augment.metrics.calibration import (
    NOT_KNOWN,
    Codes,
    Values,
    accuracy_rows,
    codes_of,
    in_order,
    softmax,
    temperature,
)
from augment.nets.config import LabelJudgeConfig
from augment.schema import OK, Labels
from augment.shards import read_schema, read_table
from augment.types import FloatArray
from augment.vocabulary import BASE_LABELS, UNKNOWN

if TYPE_CHECKING:
    from augment.nets.data import FaceSet


@dataclass(frozen=True)
class Knowledge:
    """What a trained judge of labels knows of itself; lies in its config.json.

    Attributes:
        values: label -> its values, in the order of the logits.
        heads: the same, with labels that it has learned but is not asked about.
        temperatures: label -> the divisor of its logits.
        accuracy: rows of :func:`augment.metrics.calibration.accuracy_rows`.
    """

    values: Values
    heads: Values
    temperatures: Mapping[str, float]
    accuracy: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Knowledge":
        """Read back what :func:`resolved` made."""
        values, heads = (
            {label: tuple(words) for label, words in found.items()}
            for found in (content["values"], content.get("heads", content["values"]))
        )
        return cls(values, heads, content["temperatures"], content["accuracy"])

    def opinions(self, logits: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """label -> calibrated probabilities, float32 (faces, values)."""
        return {label: softmax(logits[label] / self.temperatures[label]) for label in self.values}


def gather(folder: Path, config: LabelJudgeConfig, key: str) -> "tuple[FaceSet, Values, Codes]":
    """The train faces that a judge learns on, label -> its values, and label -> each face's value.

    Args:
        folder: ``data/aligned``.
        config: which labels, which half, how many faces.
        key: what params.yaml calls the judge, for messages.

    Raises:
        UserError: there are no such faces, or nothing can be judged by them.
    """
    from augment.nets.data import load_faces

    learned = load_faces(folder, ("train",), (config.half,), config.faces)
    if not len(learned):
        raise UserError(
            f"{key} has no faces to train on: data/aligned holds no usable train row of half "
            f"{config.half}. Check reports/audit.json (aligned, failed) and ingest.split."
        )
    values = choose_values(learned, config.labels, config.smallest_class, config.half)
    return learned, values, codes_of(learned.labels, values)


def choose_values(
    faces: "FaceSet", labels: Sequence[str], smallest: int, half: str
) -> dict[str, tuple[str, ...]]:
    """The labels and values that there are enough faces of; says on stderr which are left out.

    Args:
        faces: what a judge learns on; at least one.
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
    if not chosen:
        raise UserError(
            f"no label has two values among the faces that this judge learns on (train split, half "
            f"{half}), so nothing can be judged: use a data set with more labels, or remove the "
            "judge from params.yaml."
        )
    return chosen


def resolved(
    config: LabelJudgeConfig,
    values: Values,
    codes: Codes,
    held_out: "FaceSet",
    logits: Mapping[str, FloatArray],
) -> dict[str, Any]:
    """What config.json says of a trained judge of labels, JSON values.

    Args:
        config: its settings.
        values: label -> its values.
        codes: label -> the value of each face that it learned on.
        held_out: the validation split.
        logits: what it says of ``held_out``: label -> (faces, values).
    """
    temperatures, accuracy = hold_up(held_out, values, logits)
    return {
        "settings": config.model_dump(mode="json"),
        "values": values,
        "faces": {label: count(codes[label], words) for label, words in values.items()},
        "temperatures": temperatures,
        "accuracy": accuracy,
    }


def in_common(heads: Values, faces: Path) -> Values:
    """The labels that a judge from elsewhere can judge of a data set: those all of whose words in
    the train split it has learned. Says on stderr which are left out.

    Args:
        heads: label -> the values that were learned.
        faces: ``data/aligned``.

    Raises:
        UserError: there is none.
    """
    columns = Labels.of(read_schema(faces)).columns
    rows = read_table(faces, ["status", "split", *columns])
    rows = rows.filter((pc.field("status") == OK) & (pc.field("split") == "train"))
    chosen: dict[str, tuple[str, ...]] = {}
    for label in [name for name in heads if name in columns]:
        words = set(rows.column(label).to_pylist()) - {UNKNOWN, None}
        strange = sorted(words.difference(heads[label]))
        if strange:
            _say(f"judge: {label} is left out: it was taught {', '.join(heads[label])}, "
                 f"not {', '.join(strange)}")  # fmt: skip
        elif words:
            chosen[label] = heads[label]
    if not chosen:
        raise UserError(
            f"the weights that come with the package judge {', '.join(heads)}, in other words than "
            "this data set's or not at all labelled in it: leave `weights: shipped` out to train."
        )
    return chosen


def hold_up(
    faces: "FaceSet", values: Values, logits: Mapping[str, FloatArray]
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
    for label in values:
        found = logits[label]
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
