"""What age does to the average face: the classical start of face ageing.

D. M. Burt & D. I. Perrett, "Perception of age in adult Caucasian male faces", Proc. R. Soc. B 1995,
add the difference of two group averages to a face. Here a linear model of the pixels gives these
averages for any year, with all other labels held: a set whose children are girls must not make
girls of everybody.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from augment.generators.age.ages import KNOTS, ordinal_code
from augment.types import FloatArray
from augment.vocabulary import UNKNOWN

_RIDGE = 3.0  # in faces: so many faces' worth of doubt about each number
_LABEL = "age_group"


def average_change(
    images: npt.NDArray[np.uint8],
    years: FloatArray,
    labels: Mapping[str, Sequence[str]],
    weights: FloatArray,
) -> FloatArray:
    """Ridge regression of pixels on age and all other labels.

    Args:
        images: (n, size, size, 3); each counts mirrored, too.
        years: (n,).
        labels: column -> each face's word; age_group is not looked at.
        weights: (n,), how much each face counts.

    Returns:
        (len(KNOTS), 3 * size * size): by how much each pixel (levels span 2) of the average face
        changes when a bit of the ordinal code turns on.
    """
    both = (images.astype(np.float32) + images[:, :, ::-1].astype(np.float32)) / 255.0 - 1.0
    pixels = both.transpose(0, 3, 1, 2).reshape(len(images), -1)
    others = [_one_hot(words) for name, words in labels.items() if name != _LABEL]
    inputs = np.concatenate([ordinal_code(years), *others], axis=1)
    share = (weights / weights.sum()).astype(np.float32)[:, None]
    inputs, pixels = inputs - (share * inputs).sum(0), pixels - (share * pixels).sum(0)
    weighted = inputs * share * len(images)
    doubt = _RIDGE * np.eye(inputs.shape[1], dtype=np.float32)
    slopes = np.linalg.solve(weighted.T @ inputs + doubt, weighted.T @ pixels)
    return np.asarray(slopes[: len(KNOTS)], dtype=np.float32)


def _one_hot(words: Sequence[str]) -> FloatArray:
    values = sorted(set(words) - {UNKNOWN})
    found = [[word == value for value in values] for word in words]
    return np.array(found, np.float32).reshape(len(words), len(values))
