"""From a judge's logits to honest probabilities, and how well it does on held-out faces. numpy."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from augment.metrics.proportion import wilson_interval
from augment.types import FloatArray
from augment.vocabulary import AGE_GROUPS, value_order

NOT_KNOWN = -1
#: With fewer faces of known value a temperature would follow their chance.
FEWEST_FOR_TEMPERATURE = 50

Values = Mapping[str, tuple[str, ...]]  # label -> its values, in the order of the logits
Codes = Mapping[str, npt.NDArray[np.int64]]  # label -> each face's value, NOT_KNOWN included


def codes_of(labels: Mapping[str, Sequence[str]], values: Values) -> Codes:
    """label -> the place of each face's value, -1 where it is not among ``values``."""
    found = {}
    for label, known in values.items():
        of_word = {word: place for place, word in enumerate(known)}
        found[label] = np.array([of_word.get(w, NOT_KNOWN) for w in labels[label]], np.int64)
    return found


def temperature(logits: FloatArray, codes: npt.NDArray[np.int64]) -> float:
    """The divisor of logits that makes probabilities honest (C. Guo et al., ICML 2017).

    Every value counts the same, however many faces it has. 1 where there are too few faces.
    """
    if len(codes) < FEWEST_FOR_TEMPERATURE:
        return 1.0
    shares = np.bincount(codes, minlength=logits.shape[1])[codes]

    def cost(log_temperature: float) -> float:
        found = softmax(logits / np.exp(log_temperature))[np.arange(len(codes)), codes]
        return float(np.sum(-np.log(np.maximum(found, 1e-12)) / shares))

    best = minimize_scalar(cost, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return round(float(np.exp(best.x)), 6)


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities of each row, rounded to 1e-6: a threshold never hangs on a last bit."""
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True, initial=-np.inf))
    shares = raised / raised.sum(axis=1, keepdims=True)
    return np.asarray(np.round(shares, 6), dtype=np.float32)


def accuracy_rows(
    label: str, right: npt.NDArray[np.bool_], groups: Mapping[str, npt.NDArray[np.str_]]
) -> list[dict[str, Any]]:
    """Accuracy on all faces and by group, each with n and a 95 % interval.

    Args:
        label: what was judged.
        right: whether each face was judged as labelled.
        groups: grouping label -> each face's word.
    """
    rows = [_accuracy(label, "all", "all", right)]
    for grouping, words in groups.items():
        for word in in_order(grouping, set(words.tolist())):
            rows.append(_accuracy(label, grouping, word, right[words == word]))
    return rows


def _accuracy(
    label: str, grouping: str, group: str, right: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    n, hits = len(right), int(right.sum())
    return {
        "label": label,
        "by": grouping,
        "group": group,
        "n": n,
        "accuracy": round(hits / n, 6) if n else None,
        "interval": [round(end, 6) for end in wilson_interval(hits, n)] if n else None,
    }


def in_order(label: str, words: Iterable[str], age_groups: Sequence[str] = AGE_GROUPS) -> list[str]:
    """In the vocabulary's order; words that it does not list behind, by number where they start
    with one."""
    given = set(words)
    listed = [word for word in value_order(label, age_groups) if word in given]
    return listed + sorted(given - set(listed), key=_by_number)


def _by_number(word: str) -> tuple[int, str]:
    digits = re.match(r"\d+", word)
    return (int(digits[0]) if digits else sys.maxsize, word)
