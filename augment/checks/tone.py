"""Apparent skin tone is the parents': individual typology angle (ITA) of the upper face.

The lower half does not count, or every mask would. How far the angle moves without any reason is
taken from real faces, group by group: each is measured twice, the second time mirrored and a little
closer. ITA: A. Chardon et al., International Journal of Cosmetic Science 1991.
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

_SKIN = 1  # the class of skin in the parsing maps that skin_colour reads


class Config(Section):
    # Keys of generators whose work it is to change skin tone: theirs is not looked at.
    may_change: tuple[str, ...] = ()


class Check:
    """Score: minus the difference of the candidate's angle to its parents' mean, degrees."""

    measures: Mapping[str, int] = {"ita": 1}

    def __init__(self, config: Config) -> None:
        self._config = config
        self._unseen_skin = 0

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """ITA of the upper face, degrees -90..90; nan where too little skin is seen."""
        colour = skin_colour(image, parsing=_upper_face(image.shape[0]))
        angle = np.nan if colour is None else typology_angle(colour)
        return {"ita": np.array([angle], dtype=np.float32)}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        again = reference.again.measures["ita"][:, 0]
        moved = np.abs(again - reference.unseen.measures["ita"][:, 0])
        self._floors = Floors.fit(
            -moved,
            groups_of(reference.unseen.rows, reference.bins, reference.groups),
            reference.false_rejection,
            reference.smallest_group,
        )

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows, reference = candidates.rows, self._reference
        places = parent_places(rows, reference.parents.rows)
        parents = mean_of_parents(reference.parents.measures["ita"], places)[:, 0]
        own = candidates.measures["ita"][:, 0]
        groups = groups_of(rows, reference.bins, reference.groups)
        floors = self._floors.of(groups, len(own))
        exempt = [key in self._config.may_change for key in rows.column("generator").to_pylist()]
        self._unseen_skin = int(np.isnan(parents).sum())
        return [
            Verdict(None, None, passed=True)
            if exempt[place]
            else _verdict(float(own[place]), float(parents[place]), float(floors[place]))
            for place in range(len(own))
        ]

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


def _verdict(own: float, parents: float, floor: float) -> Verdict:
    if not np.isfinite(own):
        return Verdict(None, None, False, "no skin colour can be measured on it")
    if not np.isfinite(parents):
        return Verdict(None, None, passed=True)
    score = -abs(own - parents)
    if score >= floor:
        return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
    lighter = "lighter" if own > parents else "darker"
    reason = f"apparent skin tone moved: {-score:.0f} degrees of ITA {lighter} than the parent's"
    return Verdict(score, floor, False, reason)


def _upper_face(size: int) -> Image:
    """Where an aligned face shows forehead, nose bridge and upper cheeks, as a parsing map."""
    parsing = np.zeros((size, size), np.uint8)
    box = ((0.5 * size, 0.42 * size), (0.44 * size, 0.24 * size), 0.0)
    cv2.ellipse(parsing, box, _SKIN, cv2.FILLED)
    return parsing
