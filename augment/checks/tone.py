"""Apparent skin tone is the parents': individual typology angle (ITA) of the upper face.

The lower half does not count, or every mask would. How far the angle moves without any reason is
taken from real faces, group by group: each is measured twice, the second time mirrored and a little
closer. ITA: A. Chardon et al., International Journal of Cosmetic Science 1991.

Near the ends of its scale (below about -60 degrees) the angle hardly moves however much darker a
face becomes: there the check sees faces made lighter, and few of those made darker.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from augment.measure import skin_colour, typology_angle
from augment.metrics.floors import Floors, groups_of
from augment.metrics.parents import mean_of_parents, parent_places
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image

_LOST = 180.0  # degrees: a skin colour that is gone has moved as far as any can
_SKIN = 1  # the class of skin in the parsing maps that skin_colour reads


class Config(Section):
    # Keys of generators whose work it is to change skin tone: theirs is not looked at.
    may_change: tuple[str, ...] = ()


class Check:
    """Score: minus the difference of the candidate's angle to its parents' mean, degrees; -180 if
    it shows no skin colour any more."""

    measures: Mapping[str, int] = {"ita": 1, "looked": 1}

    def __init__(self, config: Config) -> None:
        self._config = config
        self._unseen_skin = 0

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """ITA of the upper face, degrees -90..90; nan where too little skin is seen.

        ``looked`` is 1: a picture that nobody could look at differs from one without skin.
        """
        colour = skin_colour(image, parsing=_upper_face(image.shape[0]))
        angle = np.nan if colour is None else typology_angle(colour)
        return {"ita": np.array([angle], np.float32), "looked": np.ones(1, np.float32)}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        self._floors = Floors.fit(
            _scores(reference.again.measures["ita"], reference.unseen.measures["ita"]),
            groups_of(reference.unseen.rows, reference.bins, reference.groups),
            reference.false_rejection,
            reference.smallest_group,
        )

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows, reference = candidates.rows, self._reference
        places = parent_places(rows, reference.parents.rows)
        own, looked = candidates.measures["ita"], candidates.measures["looked"][:, 0]
        parents = mean_of_parents(reference.parents.measures["ita"], places)
        scores = _scores(own, parents)
        groups = groups_of(rows, reference.bins, reference.groups)
        floors = self._floors.of(groups, rows.num_rows)
        exempt = [key in self._config.may_change for key in rows.column("generator").to_pylist()]
        self._unseen_skin = int(np.isnan(parents).sum())
        verdicts = []
        for place in range(rows.num_rows):
            if not np.isfinite(looked[place]):
                verdicts.append(Verdict(None, None, False, "the picture cannot be read"))
            elif exempt[place] or np.isnan(scores[place]):
                verdicts.append(Verdict(None, None, passed=True))
            else:
                lighter = bool(own[place, 0] > parents[place, 0])
                verdicts.append(_verdict(float(scores[place]), float(floors[place]), lighter))
        return verdicts

    def notes(self) -> list[str]:
        floor = self._floors.overall
        if floor is None:
            return ["no real faces to compare with: nothing is refused"]
        notes = [
            f"apparent skin tone (uncalibrated light) may move by {-floor:.1f} degrees of ITA, or "
            f"by what its group shows (from {self._floors.faces} real faces measured twice)"
        ]
        if self._unseen_skin:
            notes.append(
                f"of the parents of {self._unseen_skin} candidates no skin colour could be "
                "measured: nothing is said about these"
            )
        return notes


def _scores(own: FloatArray, parents: FloatArray) -> FloatArray:
    """Minus the difference of two angles (faces, 1), degrees, (faces,).

    nan where none was measured on the parents, minus :data:`_LOST` where it was on these only.
    """
    moved = np.abs(own - parents)[:, 0]
    lost = np.isnan(own[:, 0]) & np.isfinite(parents[:, 0])
    return np.where(lost, -_LOST, -moved).astype(np.float32)


def _verdict(score: float, floor: float, lighter: bool) -> Verdict:
    if score >= floor:
        return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
    if score == -_LOST:
        reason = "no skin colour can be measured on it, as it could on its parent"
    else:
        way = "lighter" if lighter else "darker"
        reason = f"apparent skin tone moved: {-score:.0f} degrees of ITA {way} than the parent's"
    return Verdict(score, floor, False, reason)


def _upper_face(size: int) -> Image:
    """Where an aligned face shows forehead, nose bridge and upper cheeks, as a parsing map."""
    parsing = np.zeros((size, size), np.uint8)
    box = ((0.5 * size, 0.42 * size), (0.44 * size, 0.24 * size), 0.0)
    cv2.ellipse(parsing, box, _SKIN, cv2.FILLED)
    return parsing
