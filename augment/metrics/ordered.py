"""How much a face looks like an ordered value of a label, held against real faces that carry it.

What the check of ordered labels is made of; see there for the method.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from augment.metrics.doubts import Doubt, Order, Part, Places
from augment.metrics.floors import Floors, Groups, take
from augment.metrics.ranks import Ranks, weakest_word
from augment.protocols import Evidence, Reference
from augment.types import FloatArray
from augment.vocabulary import ORDERED_LABELS, UNKNOWN

#: Probabilities below this are all the same: log ratios end here.
_TINY = 1e-3
#: And from this probability on a judge is sure: it is no doubt that real faces make it surer still.
_SURE = 0.9
#: A judge that never wavers still does by so much.
_LEAST_WAVERING = 0.05
#: Values so near on an ordered scale are taken for each other: they will do.
_REACH = 1
#: From so many real faces of a value on, thresholds come from them.
_FEWEST = 8


class Threshold:
    """What real faces of the ordered value score, and real faces of another one: see the check."""

    def __init__(
        self,
        order: Order,
        judges: Mapping[str, float],
        reference: Reference,
        groups: Groups,
        least_change: float,
        false_acceptance: float,
    ) -> None:
        self._order, self._least_change = order, least_change
        self._false_acceptance = false_acceptance
        # The best judge's word counts as it is.
        self.judges = {judge: worth / max(judges.values()) for judge, worth in judges.items()}
        self._values = {judge: reference.values[judge][order.label] for judge in judges}
        self._way = self._find_way()
        words = np.array(reference.unseen.rows.column(order.label).to_pylist(), dtype=np.str_)
        unseen = self._of(reference.unseen, slice(None))
        is_own = words == order.value
        real = self._taken(unseen, is_own)
        self._own = int(is_own.sum())
        self._ratios = {j: Ranks.fit(self._ratio(j, found)) for j, found in real.items()}
        own = self._weakest(self._ranks(real), self._own)
        self._floors = Floors.fit(own, take(groups, is_own), order.rate, reference.smallest_group)
        unlike = self._other = self._unlike()
        is_other = words == unlike if unlike else ~is_own & (words != UNKNOWN)
        others = self._taken(unseen, is_other)
        self._limit = self._of_most(others)
        self._next = self._next_to()
        self._half_way = self._between(real, self._taken(unseen, words == self._next))
        self._others = self._passing(others, int(is_other.sum()))
        self._own_unlike = int((self._likeness(real) < self._least_likeness).sum()) if judges else 0
        self._wavering = self._usual_wavering(unseen, self._of(reference.again, slice(None)))

    @property
    def _least_likeness(self) -> float:
        """How far on its way judges must see a candidate, at least."""
        return max(self._limit, self._half_way)

    @property
    def _floor(self) -> float | None:
        overall = self._floors.overall
        return None if overall is None else min(overall, self._order.rate)

    def _of(self, faces: Evidence, places: Places | slice) -> dict[str, FloatArray]:
        """What the judges say of some faces."""
        return {judge: faces.opinions[judge][self._order.label][places] for judge in self.judges}

    def _usual_wavering(
        self, unseen: Mapping[str, FloatArray], again: Mapping[str, FloatArray]
    ) -> dict[str, float]:
        """By how much what each judge says moves where nothing has changed: the median."""
        found = {}
        for judge in self.judges:
            moved = np.abs(self._towards(judge, again[judge]) - self._towards(judge, unseen[judge]))
            known = moved[np.isfinite(moved)]
            found[judge] = max(float(np.median(known)) if len(known) else 0.0, _LEAST_WAVERING)
        return found

    def _change(
        self, faces: Mapping[str, FloatArray], parents: Mapping[str, FloatArray]
    ) -> FloatArray:
        """How much nearer to the ordered value than its parent each face is, in waverings."""
        moved = [
            (self._towards(judge, faces[judge]) - self._towards(judge, parents[judge]))
            / self._wavering[judge]
            for judge in self.judges
        ]
        weights = list(self.judges.values())
        return np.asarray(np.average(moved, axis=0, weights=weights), dtype=np.float32)

    def _towards(self, judge: str, opinion: FloatArray) -> FloatArray:
        """How far a judge sees each face on its way to the ordered value, (faces,): on an ordered
        scale the mean of its places, else the log ratio of the two values."""
        if not self._way:
            return self._unbounded(judge, opinion)
        places = np.arange(opinion.shape[1], dtype=np.float32)
        return np.asarray(self._way * (opinion @ places), dtype=np.float32)

    def _find_way(self) -> int:
        """Up (1) or down (-1) an ordered scale; 0: the label is not ordered, or the parents' value
        not known to every judge."""
        value, before = self._order.value, self._order.before
        scales = list(self._values.values())
        if self._order.label not in ORDERED_LABELS or not scales:
            return 0
        if any(before not in scale for scale in scales):
            return 0
        return 1 if scales[0].index(value) > scales[0].index(before) else -1

    def _unlike(self) -> str:
        """The value that a candidate must not look like: the parents', or, on an ordered scale, the
        one nearest to the ordered value on the parents' side that is not its neighbour. "": any
        other, for the parents' is not known."""
        if not self._way:
            return self._order.before
        scale = next(iter(self._values.values()))
        place = scale.index(self._order.value) - (_REACH + 1) * self._way
        return scale[place] if 0 <= place < len(scale) else self._order.before

    def _next_to(self) -> str:
        """The value next to the ordered one on the parents' side; "": there is no such side."""
        if not self._way:
            return ""
        scale = next(iter(self._values.values()))
        return scale[scale.index(self._order.value) - self._way]

    def _between(self, own: Mapping[str, FloatArray], nexts: Mapping[str, FloatArray]) -> float:
        """Half way from real faces of the value next to the ordered one to those of the ordered
        one (medians of how far judges see them on the way)."""
        if not self._next or self._false_acceptance == 1:
            return -np.inf
        sides = [self._likeness(faces) for faces in (own, nexts)]
        known = [likeness[np.isfinite(likeness)] for likeness in sides]
        if min(map(len, known)) < _FEWEST:
            return -np.inf
        middles = [float(np.median(likeness)) for likeness in known]
        return sum(middles) / 2 if middles[0] > middles[1] else -np.inf

    def _likeness(self, faces: Mapping[str, FloatArray]) -> FloatArray:
        """How far all judges see each face on its way: their weighted mean, (faces,)."""
        said = [self._towards(judge, faces[judge]) for judge in self.judges]
        weights = list(self.judges.values())
        return np.asarray(np.average(said, axis=0, weights=weights), dtype=np.float32)

    def _of_most(self, others: Mapping[str, FloatArray]) -> float:
        """What all but few of the real faces of the other value stay below."""
        if not self._order.before or not self.judges or self._false_acceptance == 1:
            return -np.inf
        likeness = self._likeness(others)
        known = likeness[np.isfinite(likeness)]
        if len(known) < _FEWEST:
            return -np.inf
        return float(np.quantile(known, 1 - self._false_acceptance, method="higher"))

    @staticmethod
    def _taken(
        faces: Mapping[str, FloatArray], which: npt.NDArray[np.bool_]
    ) -> dict[str, FloatArray]:
        return {judge: opinion[which] for judge, opinion in faces.items()}

    def _passing(self, others: Mapping[str, FloatArray], count: int) -> tuple[int, int]:
        """How many of these real faces would pass, of all."""
        floor = self._floor
        if floor is None:
            return 0, count
        passed = self._weakest(self._ranks(others), count) >= floor
        if np.isfinite(self._least_likeness):
            passed &= self._likeness(others) >= self._least_likeness
        return int(passed.sum()), count

    def _ratio(self, judge: str, opinion: FloatArray) -> FloatArray:
        """log P(ordered value) - log P(parents' value, or any other), (faces,), up to where a judge
        is sure."""
        ratio = self._unbounded(judge, opinion)
        return np.asarray(np.minimum(ratio, np.log(_SURE / (1 - _SURE))), dtype=np.float32)

    def _unbounded(self, judge: str, opinion: FloatArray) -> FloatArray:
        own = self._near(judge, opinion, self._order.value)
        known = self._order.before in self._values[judge]
        other = self._near(judge, opinion, self._order.before) if known else 1 - own
        return np.asarray(np.log(own + _TINY) - np.log(other + _TINY), dtype=np.float32)

    def _near(self, judge: str, opinion: FloatArray, value: str) -> FloatArray:
        """The probability of a value; of an ordered label, of its neighbours as well."""
        values = self._values[judge]
        reach = _REACH if self._order.label in ORDERED_LABELS else 0
        near = np.abs(np.arange(len(values)) - values.index(value)) <= reach
        return np.asarray(opinion[:, near].sum(axis=1), dtype=np.float32)

    def _ranks(self, faces: Mapping[str, FloatArray]) -> list[FloatArray]:
        return [self._ratios[j].of(self._ratio(j, opinion)) for j, opinion in faces.items()]

    def _weakest(self, ranks: list[FloatArray], faces: int) -> FloatArray:
        return weakest_word(ranks, list(self.judges.values()), faces)

    def doubts(self, part: Part, groups: Groups) -> list[Doubt]:
        """Up to four for each candidate of ``part``: what it looks like, what it no longer looks
        like (twice), whether it changed."""
        count = len(part.places)
        faces = self._of(part.faces, part.places)
        if self._own < _FEWEST:
            found = self._without_reference(faces, count)
        else:
            found = self._among_real(faces, groups, count)
        if self._order.before:
            parents = self._of(part.parents, part.parent_places)
            likeness, change = self._likeness(faces), self._change(faces, parents)
            many = f"more than {self._false_acceptance:.0%} of the real faces of {self._other} look"
            found += self._each(likeness, self._limit, f"{many} like that, too")
            found += self._each(likeness, self._half_way, f"nearer to real faces of {self._next}")
            unmoved = f"hardly a change from the parent's {self._order.before}"
            found += self._each(change, self._least_change, unmoved)
        return found

    def _among_real(
        self, faces: Mapping[str, FloatArray], groups: Groups, count: int
    ) -> list[Doubt]:
        ranks = self._ranks(faces)
        scores = self._weakest(ranks, count)
        # Of few real faces the lowest is no sign of what others may be: the rate itself is.
        floors = np.minimum(self._floors.of(groups, count), np.float32(self._order.rate))
        weighed = [rank / worth for rank, worth in zip(ranks, self.judges.values(), strict=True)]
        worst = np.argmin(np.nan_to_num(weighed, nan=0.0), axis=0)
        names = list(self.judges)
        return [
            Doubt(n, float(scores[n]), float(floors[n]), self._words(faces, names[worst[n]], n))
            for n in range(count)
        ]

    def _each(self, scores: FloatArray, floor: float, why: str) -> list[Doubt]:
        """The same doubt of every candidate."""
        order = self._order
        words = f"{order.label} should be {order.value}; {why} ({', '.join(self.judges)})"
        return [Doubt(place, float(score), floor, words) for place, score in enumerate(scores)]

    def _without_reference(self, faces: Mapping[str, FloatArray], count: int) -> list[Doubt]:
        """Too few real faces of this value: it must be more likely than by chance."""
        found = []
        for n in range(count):
            chances = {j: self._near(j, opinion[n : n + 1], self._order.value)[0]
                       * len(self._values[j]) for j, opinion in faces.items()}  # fmt: skip
            worst = min(chances, key=lambda judge: float(np.nan_to_num(chances[judge])))
            score = float(chances[worst]) / len(self._values[worst])
            floor = 1 / len(self._values[worst])
            found.append(Doubt(n, score, floor, self._words(faces, worst, n)))
        return found

    def _words(self, faces: Mapping[str, FloatArray], judge: str, place: int) -> str:
        opinion, values = np.nan_to_num(faces[judge][place]), self._values[judge]
        chance = opinion[values.index(self._order.value)]
        return (
            f"{self._order.label} should be {self._order.value}; {judge} sees "
            f"{values[int(np.argmax(opinion))]} ({chance:.2f})"
        )

    def in_words(self) -> str:
        label, value, before, _ = self._order
        what = f"{label} = {value}" + (f" instead of {before}" if before else "")
        if self._own < _FEWEST:
            return f"{what}: {self._own} real faces of it, so better than chance must do"
        reached, of = self._others
        told = (
            f"{what}: {', '.join(self.judges)} must rank it above {self._floor or 0:.3f} of "
            f"{self._own} real faces of it; {reached} of {of} real faces of "
            f"{self._other or 'other values'} would pass"
        )
        if not np.isfinite(self._least_likeness):
            return told
        unlike = [self._other] if np.isfinite(self._limit) else []
        unlike += [self._next] if np.isfinite(self._half_way) else []
        return f"{told}, and {self._own_unlike} of its own look too much like {' or '.join(unlike)}"
