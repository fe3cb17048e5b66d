"""How unusual a number is among those of real faces: one scale for all judges. numpy only.

A rank is the share of real faces that score lower still. The lowest ranks are what thresholds
hang on, and where the fewest real faces lie: there an exponential tail goes on for them (excesses
over a threshold; J. Pickands, Annals of Statistics 3, 1975, with shape 0).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augment.types import FloatArray

#: The lowest tenth of the real faces is the tail; of few faces, at least so many are.
_TAIL, _FEWEST = 0.1, 8
#: A rank below this is as good as impossible, and says nothing more.
_LOWEST = 1e-12


@dataclass(frozen=True)
class Ranks:
    """Ranks among the scores of some real faces; made by :meth:`fit`.

    Attributes:
        scores: of the real faces, ascending, shape (faces,).
        share: of the faces that lie in the tail.
        edge: where the tail begins.
        scale: how far a score of the tail lies below ``edge``, on average.
    """

    scores: FloatArray
    share: float
    edge: float
    scale: float

    @classmethod
    def fit(cls, scores: FloatArray, least_scale: float = 1e-3) -> "Ranks":
        """From real faces.

        Args:
            scores: (faces,), higher is better; those that are not finite are left out.
            least_scale: scores that differ by much less than this are the same.
        """
        known = np.sort(scores[np.isfinite(scores)])
        if not len(known):
            return cls(known, 0.0, -np.inf, least_scale)
        share = min(0.5, max(_TAIL, _FEWEST / len(known)))
        edge = float(np.quantile(known, share))
        below = edge - known[known < edge]
        scale = float(below.mean()) if len(below) else 0.0
        return cls(known, share, edge, max(scale, least_scale))

    def of(self, scores: FloatArray) -> FloatArray:
        """Ranks, above 0 to 1, same shape; nan where a score is nan, 1 without real faces."""
        if not len(self.scores):
            return np.where(np.isnan(scores), np.nan, 1.0).astype(np.float32)
        places = np.searchsorted(self.scores, scores, side="left") / len(self.scores)
        depth = np.maximum(self.edge - scores, 0) / self.scale
        tail = self.share * np.exp(-np.minimum(depth, 1e3))
        ranks = np.where(depth > 0, tail, np.maximum(places, self.share))
        clipped = np.clip(ranks, _LOWEST, 1.0)
        return np.where(np.isnan(scores), np.nan, clipped).astype(np.float32)


def weakest_word(ranks: Sequence[FloatArray], weights: Sequence[float], faces: int) -> FloatArray:
    """The smallest rank that any of several judges gives each face, (faces,); 1 without judges.

    Real faces have a smallest rank too, and the threshold for it is taken from theirs (min-P;
    P. H. Westfall and S. S. Young, "Resampling-Based Multiple Testing", 1993, section 2.5): more
    judges refuse no more real faces than one does. A rank is divided by its judge's weight, 0 to 1,
    so a weak judge refuses only what is far out and hardly lowers the threshold of the others.

    Returns:
        float32, above 0 to 1; nan where any judge's is.
    """
    words = [rank / np.float32(weight) for rank, weight in zip(ranks, weights, strict=True)]
    smallest = np.min([np.ones(faces, np.float32), *words], axis=0)
    return np.asarray(smallest, dtype=np.float32)
