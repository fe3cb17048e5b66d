"""Which faces come when in a training: by images seen, so that a killed one goes on alike."""

import numpy as np
import numpy.typing as npt

from augment.seeds import row_generator
from augment.types import FloatArray

Indices = npt.NDArray[np.int64]


class Order:
    """Which faces come when: a fresh permutation an epoch, or weighted draws."""

    def __init__(
        self, faces: int, batch: int, seed: int, label: str, weights: FloatArray | None
    ) -> None:
        self._faces, self._batch, self._seed, self._label = faces, batch, seed, label
        self._shares: npt.NDArray[np.float64] | None = None
        if weights is not None:
            self._shares = np.cumsum(weights, dtype=np.float64) / np.sum(weights, dtype=np.float64)
        self._epoch, self._permutation = -1, np.zeros(0, np.int64)

    def at(self, seen: int) -> Indices:
        """The places of the batch that begins after ``seen`` images."""
        if self._shares is not None:
            draws = row_generator(self._seed, f"order {self._label}", str(seen)).random(self._batch)
            places = np.searchsorted(self._shares, draws, side="right")
            return np.minimum(places, self._faces - 1).astype(np.int64)
        return np.array([self._place(seen + n) for n in range(self._batch)], dtype=np.int64)

    def _place(self, image: int) -> int:
        epoch, place = divmod(image, self._faces)
        if epoch != self._epoch:
            random = row_generator(self._seed, f"order {self._label}", f"epoch {epoch}")
            self._epoch, self._permutation = epoch, random.permutation(self._faces)
        return int(self._permutation[place])
