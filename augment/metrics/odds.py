"""Equalised odds: are faces with the same true label predicted alike in all groups?

M. Hardt, E. Price & N. Srebro 2016; the difference is fairlearn's ``equalized_odds_difference``
(worst case): the larger of the spreads of true and false positive rates over groups. A label of
more than two classes is asked class by class, one against the rest, and the largest counts. Whoever
gives everybody the same answer has a difference of 0: read it beside the accuracy.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from augment.vocabulary import UNKNOWN

Words = npt.NDArray[np.str_]
Array = npt.NDArray[np.float64]

#: A group takes part in a class's rates only with so many faces of that class, and of the others:
#: one face more or less would move a rate of fewer by more than five points.
SMALLEST_RATE = 20


@dataclass(frozen=True)
class Odds:
    """Who belongs to which group and class.

    Attributes:
        classes: the label's words, sorted.
        asked: places in ``classes`` of the classes taken as positive: the last of two, else all
            that at least two groups have faces enough for.
        counted: which groups take part, shape (asked, groups).
        group: each face's group, shape (faces,).
        cells: membership of groups x classes, sparse (groups * classes, faces).
    """

    classes: Words
    asked: tuple[int, ...]
    counted: npt.NDArray[np.bool_]
    group: npt.NDArray[np.int64]
    cells: Any

    @classmethod
    def of(cls, truth: Words, groups: Words | None, separator: str) -> "Odds | None":
        """None where there are no two groups to compare.

        Args:
            truth: true words, shape (faces,).
            groups: intersections of columns other than the label, shape (faces,); None: no such
                column. (Given the true label, a group by the label itself holds one class only.)
            separator: between the values that a group's name is made of.
        """
        if groups is None:
            return None
        classes, label = np.unique(truth, return_inverse=True)
        names, group = np.unique(groups, return_inverse=True)
        faces = np.zeros((len(names), len(classes)), dtype=np.int64)
        np.add.at(faces, (group, label), 1)
        rest = faces.sum(1, keepdims=True) - faces
        known = np.array([UNKNOWN not in str(name).split(separator) for name in names])
        counted = (np.minimum(faces, rest) >= SMALLEST_RATE).T & known
        candidates = range(len(classes))[1:] if len(classes) == 2 else range(len(classes))
        asked = tuple(place for place in candidates if counted[place].sum() > 1)
        if not asked:
            return None
        ones = np.ones(len(truth))
        places = (group * len(classes) + label, np.arange(len(truth)))
        cells = sparse.csr_matrix((ones, places), (faces.size, len(truth)))
        return cls(classes, asked, counted[list(asked)], group.astype(np.int64), cells)

    def chosen(self, predicted: Words) -> npt.NDArray[np.bool_]:
        """Where each asked class was predicted: (seeds, faces) -> (asked, seeds, faces)."""
        return np.stack([predicted == self.classes[place] for place in self.asked])

    def differences(self, weights: Array, chosen: npt.NDArray[Any]) -> Array:
        """The difference, 0..1, for every row of ``weights`` or of ``chosen``, shape (k,).

        Args:
            weights: how often each face counts, shape (1 or k, faces).
            chosen: share of predictions of each asked class, shape (asked, 1 or k, faces).
        """
        totals = self._by_cell(weights)
        found: list[Array] = []
        for place, taking_part, share in zip(self.asked, self.counted, chosen, strict=True):
            hits = self._by_cell(weights * share)
            with np.errstate(invalid="ignore"):
                true_rates = hits[:, place] / totals[:, place]
                false_rates = (hits.sum(1) - hits[:, place]) / (totals.sum(1) - totals[:, place])
            # A resample may lack a group's faces of a class: fmax and fmin pass over it.
            found += [_spread(rates[taking_part]) for rates in (true_rates, false_rates)]
        largest: Array = np.fmax.reduce(found)
        return largest

    def _by_cell(self, values: Array) -> Array:
        sums: Array = (self.cells @ values.T).reshape(self.counted.shape[1], len(self.classes), -1)
        return sums

    def of_fairlearn(self, truth: Words, predicted: Words) -> float:
        """The same figure, taken by fairlearn over all seeds together.

        Args:
            truth: shape (faces,).
            predicted: shape (seeds, faces).
        """
        from fairlearn.metrics import equalized_odds_difference  # takes a second

        found = []
        for place, taking_part in zip(self.asked, self.counted, strict=True):
            faces = taking_part[self.group]
            seeds = len(predicted)
            found.append(
                equalized_odds_difference(
                    np.tile((truth == self.classes[place])[faces], seeds).astype(int),
                    (predicted == self.classes[place])[:, faces].ravel().astype(int),
                    sensitive_features=np.tile(self.group[faces], seeds),
                )
            )
        return float(max(found))


def _spread(rates: Array) -> Array:
    spread: Array = np.fmax.reduce(rates, axis=0) - np.fmin.reduce(rates, axis=0)
    return spread
