"""The arms of the downstream comparison: which faces a training draws, how often, which loss.

``logit-adjusted`` is A. K. Menon et al. 2021, section 4.2 ("logit adjusted softmax cross-entropy",
tau = 1): in training, each class's logit is raised by the log of the class's share of the train
faces, and at test time it is not. Cross entropy then aims at the mean accuracy over classes
instead of the accuracy over faces. As in that paper the shares are those of the predicted label
alone, over all faces of the training: bins and groups play no part, which is what the other arms
are for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.types import FloatArray

REFERENCE = "original"
LOGIT_ADJUSTED = "logit-adjusted"
MAIN = "balanced"
MAIN_ADJUSTED = f"{MAIN}, {LOGIT_ADJUSTED}"
#: Arms that need no synthetic face. original: the real train faces as they are. resampled: the
#: same, every bin drawn equally often. classical: as resampled, but repeats of a face are
#: augmented. logit-adjusted: the original faces with another loss.
BASELINES = (REFERENCE, "resampled", "classical", LOGIT_ADJUSTED)
#: And the whole balanced set, with either loss.
ARMS = (*BASELINES, MAIN, MAIN_ADJUSTED)


@dataclass(frozen=True)
class Arm:
    """How one arm draws from the train faces.

    Attributes:
        places: the faces it draws from, shape (k,).
        weights: how often each is drawn, shape (k,); None: each once an epoch.
        augmented: chance that a drawn face is augmented, shape (k,).
        adjusted: whether the loss is adjusted by :func:`log_shares`.
    """

    places: npt.NDArray[np.int64]
    weights: FloatArray | None
    augmented: FloatArray
    adjusted: bool = False


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
    if name in (MAIN, MAIN_ADJUSTED):
        return _plain(np.arange(len(synthetic)), adjusted=name == MAIN_ADJUSTED)
    places = np.flatnonzero(~synthetic)
    if name in (REFERENCE, LOGIT_ADJUSTED):
        return _plain(places, adjusted=name == LOGIT_ADJUSTED)
    repeats = _repeats([bins[int(place)] for place in places])
    augmented = 1.0 - 1.0 / repeats if name == "classical" else np.zeros_like(repeats)
    return Arm(places, repeats.astype(np.float32), augmented.astype(np.float32))


def _plain(places: npt.NDArray[np.int64], adjusted: bool = False) -> Arm:
    return Arm(places, None, np.zeros(len(places), np.float32), adjusted)


def log_shares(codes: npt.NDArray[np.int64], classes: int) -> FloatArray:
    """The natural log of each class's share of the faces whose class is known, shape (classes,).

    A class without any face counts as half a face: the log of nothing is no number.

    Args:
        codes: class numbers; negative where not known, shape (faces,).
        classes: how many classes there are.
    """
    counts = np.maximum(np.bincount(codes[codes >= 0], minlength=classes), 0.5)
    return np.asarray(np.log(counts / counts.sum()), dtype=np.float32)


def _repeats(bins: Sequence[str]) -> npt.NDArray[np.float64]:
    """How often each face must come for all bins to be as large as the largest, >= 1."""
    names, code, sizes = np.unique(np.array(bins), return_inverse=True, return_counts=True)
    largest = max((int(n) for name, n in zip(names, sizes, strict=True) if name), default=1)
    of_bin = np.where(names == "", 1.0, largest / sizes)
    repeats: npt.NDArray[np.float64] = of_bin[code]
    return repeats
