"""Linear judgement of described faces: standardised numbers, one multinomial logistic head a label.

Free of torch. What a face gets depends on that face alone, to the last bit: each goes through
sums of one fixed order, which matrix products, several threads and batches do not promise.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.metrics.calibration import NOT_KNOWN, Codes, Values
from augment.nets.weights import Arrays
from augment.types import FloatArray

#: No number counts for more than this many standard deviations: one that hardly ever moves on
#: real faces would outweigh all others where it does.
_FARTHEST = 6.0
_MOST_ITERATIONS = 2000


@dataclass(frozen=True)
class LinearHeads:
    """Fitted heads.

    Attributes:
        mean, scale: (numbers,), of the faces that were learned on.
        weights: label -> (values, numbers).
        biases: label -> (values,).
    """

    mean: FloatArray
    scale: FloatArray
    weights: Mapping[str, FloatArray]
    biases: Mapping[str, FloatArray]

    def standardised(self, described: FloatArray) -> FloatArray:
        """(faces, numbers) -> the same shape, in standard deviations from the mean."""
        steps = described - self.mean
        steps /= self.scale
        return np.clip(steps, -_FARTHEST, _FARTHEST, out=steps)

    def logits(self, described: FloatArray) -> dict[str, FloatArray]:
        """(faces, numbers) -> label -> float32 (faces, values)."""
        steps = self.standardised(described)
        return {
            label: products(steps, weights) + self.biases[label]
            for label, weights in self.weights.items()
        }

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """For :func:`augment.nets.weights.export_arrays`."""
        return (
            {"mean": self.mean, "scale": self.scale}
            | {f"weights.{label}": weights for label, weights in self.weights.items()}
            | {f"biases.{label}": biases for label, biases in self.biases.items()}
        )

    @classmethod
    def of(cls, arrays: Arrays, values: Values) -> "LinearHeads":
        """Read back what :meth:`arrays` gave."""
        return cls(
            arrays["mean"],
            arrays["scale"],
            {label: arrays[f"weights.{label}"] for label in values},
            {label: arrays[f"biases.{label}"] for label in values},
        )


def products(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """rows @ matrix.T, (faces, numbers) and (outputs, numbers) -> float32 (faces, outputs)."""
    found = np.zeros((len(rows), len(matrix)), np.float32)
    for place, row in enumerate(rows):
        found[place] = np.einsum("on,n->o", matrix, row)
    return found


def fit_heads(described: FloatArray, codes: Codes, values: Values, penalty: float) -> LinearHeads:
    """Logistic heads in which all values of a label weigh the same, however many faces they have.

    Each minimises the mean cross entropy plus ``penalty`` / 2 times the squared weights (of two
    values: times the square of their difference).

    Args:
        described: (faces, numbers).
        codes: label -> each face's value, -1 where it is not known.
        values: label -> its values; each has a face.
        penalty: on standardised numbers; independent of how many faces there are.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    scale = described.std(axis=0, dtype=np.float64).astype(np.float32)
    scale[scale < 1e-6] = 1.0
    heads = LinearHeads(described.mean(axis=0, dtype=np.float64).astype(np.float32), scale, {}, {})
    steps = heads.standardised(described)
    weights, biases = {}, {}
    for label in values:
        known = codes[label] != NOT_KNOWN
        regression = LogisticRegression(
            C=1 / (penalty * int(known.sum())), class_weight="balanced", max_iter=_MOST_ITERATIONS
        )
        # One thread: the weights must not depend on how many cores there are.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # near enough by then
            regression.fit(steps if known.all() else steps[known], codes[label][known])
        weights[label], biases[label] = _rows_of(regression.coef_, regression.intercept_)
    return LinearHeads(heads.mean, heads.scale, weights, biases)


def _rows_of(
    coefficients: npt.NDArray[np.floating], intercepts: npt.NDArray[np.floating]
) -> tuple[FloatArray, FloatArray]:
    """One row a value: of two values scikit-learn keeps the difference alone."""
    if len(coefficients) == 1:
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    rows = np.ascontiguousarray(coefficients, dtype=np.float32)
    return rows, np.asarray(intercepts, dtype=np.float32)


def principal_axes(steps: FloatArray, most: int) -> FloatArray:
    """The directions in which standardised descriptions differ most, float32 (axes, numbers).

    At most ``most``, and fewer than there are faces.
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    count = max(1, min(most, len(steps) - 1, steps.shape[1]))
    with threadpool_limits(1):
        # Randomised (N. Halko et al., SIAM Review 2011), but always alike.
        found = PCA(count, svd_solver="randomized", random_state=0).fit(steps)
    return np.ascontiguousarray(found.components_, dtype=np.float32)
