"""The arms of the downstream comparison: which faces a training draws, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.types import FloatArray

#: original: the real train faces as they are. resampled: the same, every bin drawn equally often.
#: classical: as resampled, but repeats of a face are augmented. balanced: the whole balanced set.
ARMS = ("original", "resampled", "classical", "balanced")
REFERENCE = "original"
MAIN = "balanced"


@dataclass(frozen=True)
class Arm:
    """How one arm draws from the train faces.

    Attributes:
        places: the faces it draws from, shape (k,).
        weights: how often each is drawn, shape (k,); None: each once an epoch.
        augmented: chance that a drawn face is augmented, shape (k,).
    """

    places: npt.NDArray[np.int64]
    weights: FloatArray | None
    augmented: FloatArray


def make_arm(name: str, bins: Sequence[str], synthetic: npt.NDArray[np.bool_]) -> Arm:
    """One of :data:`ARMS` over train faces.

    Args:
        name: which.
        bins: each face's bin; "" for a face in none, which is drawn as often as in a plain epoch.
        synthetic: whether a face is synthetic, shape (faces,).

    Raises:
        ValueError: no such arm.
    """
    if name not in ARMS:
        raise ValueError(f"no arm {name!r}")
    if name == MAIN:
        return _plain(np.arange(len(synthetic)))
    places = np.flatnonzero(~synthetic)
    if name == REFERENCE:
        return _plain(places)
    repeats = _repeats([bins[int(place)] for place in places])
    augmented = 1.0 - 1.0 / repeats if name == "classical" else np.zeros_like(repeats)
    return Arm(places, repeats.astype(np.float32), augmented.astype(np.float32))


def _plain(places: npt.NDArray[np.int64]) -> Arm:
    return Arm(places, None, np.zeros(len(places), np.float32))


def _repeats(bins: Sequence[str]) -> npt.NDArray[np.float64]:
    """How often each face must come for all bins to be as large as the largest, >= 1."""
    names, code, sizes = np.unique(np.array(bins), return_inverse=True, return_counts=True)
    largest = max((int(n) for name, n in zip(names, sizes, strict=True) if name), default=1)
    of_bin = np.where(names == "", 1.0, largest / sizes)
    repeats: npt.NDArray[np.float64] = of_bin[code]
    return repeats
