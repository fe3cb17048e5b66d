"""How evenly faces are spread over bins. numpy only; a census is an array of counts, one a bin."""

import math

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def count_bins(codes: npt.NDArray[np.integer], bins: int) -> Counts:
    """Faces a bin, shape (bins,). Negative codes stand for faces in no bin and are left out."""
    return np.bincount(codes[codes >= 0], minlength=bins).astype(np.int64)


def evenness(counts: Counts) -> float:
    """Normalised entropy (Pielou's J, 1966): 1 where all bins hold the same, 0 where one has all.

    Empty bins count as bins. A single bin is even by definition.

    Raises:
        ValueError: no bin, or no face in any.
    """
    total = int(counts.sum())
    if total <= 0:
        raise ValueError("evenness of no faces is not defined")
    if len(counts) == 1:
        return 1.0
    shares = counts[counts > 0] / total
    entropy = max(0.0, -float(np.sum(shares * np.log(shares))))
    return min(1.0, entropy / math.log(len(counts)))


def imbalance_ratio(counts: Counts) -> float:
    """Largest bin by smallest bin (He & Garcia 2009, section 3): 1 is balanced, inf: one is empty.

    Raises:
        ValueError: no bin, or no face in any.
    """
    if counts.sum() <= 0:
        raise ValueError("the imbalance ratio of no faces is not defined")
    smallest = int(counts.min())
    return math.inf if smallest == 0 else int(counts.max()) / smallest


def deficits(counts: Counts, targets: Counts) -> Counts:
    """Faces that each bin lacks. One above its target lacks none: real faces are never dropped."""
    lacking: Counts = np.maximum(targets - counts, 0)
    return lacking


def bins_below(counts: Counts, targets: Counts) -> int:
    """How many bins hold fewer faces than their target."""
    return int(np.count_nonzero(counts < targets))
