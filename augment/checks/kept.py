"""All labels that were not to change are judged as they were on the parent.

The judge's own word on the parent is the yardstick, so a label that it misjudges counts for
nothing. How far its word moves without any reason is taken from real faces: each is judged twice,
the second time mirrored and a little closer. But an edit does move judges a little, so a label has
moved only where its value is also less likely than on real faces that carry it. A judge's word on a
label is thus the better of two ranks, among those losses and among those probabilities; the
smallest word of all counts, see :func:`augment.metrics.ranks.weakest_word`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from pydantic import Field

from augment.metrics.floors import Floors, groups_of
from augment.metrics.parents import mean_of_parents, parent_places
from augment.metrics.ranks import Ranks, weakest_word
from augment.metrics.skill import left_out, skills
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image
from augment.vocabulary import ORDERED_LABELS

#: Probabilities move by so much without meaning: a judge that never wavers refuses no sooner.
LEAST_SCALE = 0.05


class Config(Section):
    # Generator key -> label -> by how much less likely than on the parent (0..1) it may become,
    # above what real faces judged twice show. 1: it may change, as a mask may hide a beard.
    allowed: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
    # A label that becomes less likely by less than this has not moved, however sure the judge is.
    least_loss: float = Field(0.25, ge=0, le=1)


class Check:
    """Score: the smallest rank, among real faces judged twice, of what a kept label has lost."""

    measures: Mapping[str, int] = {}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        self._skills = skills(reference.accuracy, reference.values)
        self._voices = [voice for voice, worth in self._skills.items() if worth]
        rows = reference.unseen.rows
        losses = [
            self._chance(reference.unseen, voice) - self._chance(reference.again, voice)
            for voice in self._voices
        ]
        self._usual_losses = [Ranks.fit(-loss, LEAST_SCALE) for loss in losses]
        self._usual_odds = [
            _by_value(_log_odds(self._chance(reference.unseen, voice)), rows, voice[1])
            for voice in self._voices
        ]
        self._floors = Floors.fit(
            self._weakest(self._words(reference.again, losses), rows.num_rows),
            groups_of(rows, reference.bins, reference.groups),
            reference.false_rejection,
            reference.smallest_group,
        )

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows = candidates.rows
        losses = self._losses(candidates)
        counted = [
            loss - self._allowance(rows, label)
            for loss, (_, label) in zip(losses, self._voices, strict=True)
        ]
        ranks = self._words(candidates, counted)
        scores = self._weakest(ranks, rows.num_rows)
        groups = groups_of(rows, self._reference.bins, self._reference.groups)
        # A word that more than the stated share of real faces get refuses nobody by itself.
        most = np.float32(self._reference.false_rejection)
        floors = np.minimum(self._floors.of(groups, rows.num_rows), most)
        return [
            self._verdict(float(scores[place]), float(floors[place]), losses, ranks, place)
            for place in range(rows.num_rows)
        ]

    def _words(self, faces: Evidence, losses: Sequence[FloatArray]) -> list[FloatArray]:
        """Each voice's rank of each face: of its loss, or of its probability if that is better."""
        found = []
        for place, (voice, loss) in enumerate(zip(self._voices, losses, strict=True)):
            words = np.array(faces.rows.column(voice[1]).to_pylist(), dtype=np.str_)
            odds = _log_odds(self._chance(faces, voice))
            usual = np.zeros(len(words), np.float32)  # of a value that no real face has
            for value, ranks in self._usual_odds[place].items():
                usual[words == value] = ranks.of(odds[words == value])
            word = np.maximum(self._usual_losses[place].of(-loss), usual)
            found.append(np.where(loss < self._config.least_loss, np.float32(1), word))
        return found

    def _weakest(self, ranks: list[FloatArray], faces: int) -> FloatArray:
        return weakest_word(ranks, [self._skills[voice] for voice in self._voices], faces)

    def _losses(self, candidates: Evidence) -> list[FloatArray]:
        """Per judge and label: how much less likely its value is than on the parents."""
        reference = self._reference
        parents = parent_places(candidates.rows, reference.parents.rows)
        found = []
        for judge, label in self._voices:
            before = mean_of_parents(reference.parents.opinions[judge][label], parents)
            values = reference.values[judge][label]
            chance = _of_value(before, candidates.rows, label, values)
            found.append(chance - self._chance(candidates, (judge, label)))
        return found

    def _chance(self, faces: Evidence, voice: tuple[str, str]) -> FloatArray:
        """The probability that a judge gives each face's own value."""
        judge, label = voice
        values = self._reference.values[judge][label]
        return _of_value(faces.opinions[judge][label], faces.rows, label, values)

    def _allowance(self, rows: pa.Table, label: str) -> FloatArray:
        """The loss that each candidate may show in a label; 1 where it was ordered to change."""
        pairs = zip(
            rows.column("generator").to_pylist(), rows.column("changes").to_pylist(), strict=True
        )
        allowed = {key: labels.get(label, 0.0) for key, labels in self._config.allowed.items()}
        return np.array(
            [1.0 if label in changes else allowed.get(key, 0.0) for key, changes in pairs],
            dtype=np.float32,
        )

    def _verdict(
        self,
        score: float,
        floor: float,
        losses: list[FloatArray],
        ranks: list[FloatArray],
        place: int,
    ) -> Verdict:
        if not self._voices:
            return Verdict(None, None, passed=True)
        if not np.isfinite(score):
            return Verdict(
                None, None, False, "the judge's answer on it or on its parent is not a number"
            )
        if score >= floor:
            return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
        weighed = [r[place] / self._skills[v] for r, v in zip(ranks, self._voices, strict=True)]
        worst = int(np.argmin(weighed))
        judge, label = self._voices[worst]
        more = losses[worst][place]
        reason = f"{label} moved: {judge} finds it {more:.2f} less likely than on the parent"
        return Verdict(score, floor, False, reason)

    def notes(self) -> list[str]:
        notes = left_out(self._skills)
        if self._floors.overall is None:
            return ["no real faces to compare with: nothing is refused", *notes]
        if not self._voices:
            return ["no judge of labels: nothing is refused", *notes]
        losses = []
        for (judge, label), ranks in zip(self._voices, self._usual_losses, strict=True):
            floor = min(self._floors.overall, self._reference.false_rejection)
            least = floor * self._skills[judge, label]
            lost = float(np.log(ranks.share / least)) * ranks.scale - ranks.edge
            losses.append(f"{label} {min(max(lost, 0.0), 1.0):.2f} ({judge})")
        return [
            f"by how much less likely a kept label may become, from {self._floors.faces} real "
            f"faces judged twice: {', '.join(losses)}; more, where it stays as likely as on real "
            "faces that carry it",
            *notes,
        ]


def _of_value(
    opinion: FloatArray, rows: pa.Table, label: str, values: tuple[str, ...]
) -> FloatArray:
    """The probability of each row's own value; 0 where that is unknown to the judge.

    Of an ordered label its neighbours count as well: a step of age or skin tone is no change.
    """
    words = rows.column(label).to_pylist()
    places = np.array([values.index(word) if word in values else -1 for word in words], np.int64)
    reach = 1 if label in ORDERED_LABELS else 0
    near = np.abs(np.arange(len(values)) - places[:, None]) <= reach
    own = np.sum(opinion, axis=1, where=near)
    return np.where(places >= 0, own, np.float32(0)).astype(np.float32)


def _log_odds(chance: FloatArray) -> FloatArray:
    return np.asarray(np.log(chance + 1e-3) - np.log(1 - chance + 1e-3), dtype=np.float32)


def _by_value(odds: FloatArray, rows: pa.Table, label: str) -> dict[str, Ranks]:
    """The ranks among real faces of each value."""
    words = np.array(rows.column(label).to_pylist(), dtype=np.str_)
    return {str(value): Ranks.fit(odds[words == value]) for value in np.unique(words)}
