"""Apparent skin tone is the parents': individual typology angle (ITA) and lightness of the
upper face.

The lower half does not count, or every mask would. How far they move without any reason is taken
from real faces, group by group: each is measured twice, the second time mirrored and a little
closer. ITA: A. Chardon et al., International Journal of Cosmetic Science 1991.

Near the lower end of its scale (below about -60 degrees) the angle hardly moves however much darker
a face becomes. Lightness (CIELAB L*) does, so either may refuse, each at half of the rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from augment.measure import skin_colour, typology_angle
from augment.metrics.floors import Floors, groups_of
from augment.metrics.parents import mean_of_parents, parent_places
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image

_LOST = 180.0  # a skin colour that is gone has moved as far as any can
_SKIN = 1  # the class of skin in the parsing maps that skin_colour reads


class Config(Section):
    # Keys of generators whose work it is to change skin tone: theirs is not looked at.
    may_change: tuple[str, ...] = ()


#: What is measured, and in which unit words tell it.
_UNITS = {"ita": "degrees of ITA", "lightness": "units of lightness L*"}


class Check:
    """Score: minus the difference of the candidate to its parents' mean, in ITA (degrees) or in
    lightness (L*, 0..100), whichever moved more in what real faces show; -180 if it shows no skin
    colour any more."""

    measures: Mapping[str, int] = {**dict.fromkeys(_UNITS, 1), "looked": 1}

    def __init__(self, config: Config) -> None:
        self._config = config
        self._unseen_skin = 0

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """Of the upper face: ITA, degrees -90..90, and lightness, L* 0..100; nan where too little
        skin is seen.

        ``looked`` is 1: a picture that nobody could look at differs from one without skin.
        """
        colour = skin_colour(image, parsing=_upper_face(image.shape[0]))
        found = (np.nan, np.nan) if colour is None else (typology_angle(colour), colour[0])
        numbers = {name: np.array([n], np.float32) for name, n in zip(_UNITS, found, strict=True)}
        return {**numbers, "looked": np.ones(1, np.float32)}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        groups = groups_of(reference.unseen.rows, reference.bins, reference.groups)
        again, first = reference.again.measures, reference.unseen.measures
        self._floors = {
            name: Floors.fit(
                _scores(again[name], first[name]),
                groups,
                # Together they shall not refuse more than the stated share.
                reference.false_rejection / len(_UNITS),
                reference.smallest_group,
            )
            for name in _UNITS
        }

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows, reference = candidates.rows, self._reference
        places = parent_places(rows, reference.parents.rows)
        looked = candidates.measures["looked"][:, 0]
        groups = groups_of(rows, reference.bins, reference.groups)
        moved = {}
        for name in _UNITS:
            parents = mean_of_parents(reference.parents.measures[name], places)
            floors = self._floors[name].of(groups, rows.num_rows)
            own = candidates.measures[name]
            moved[name] = _Moved(name, _scores(own, parents), floors, (own > parents)[:, 0])
        self._unseen_skin = int(np.isnan(parents).sum())
        exempt = [key in self._config.may_change for key in rows.column("generator").to_pylist()]
        verdicts = []
        for place in range(rows.num_rows):
            if not np.isfinite(looked[place]):
                verdicts.append(Verdict(None, None, False, "the picture cannot be read"))
            elif exempt[place] or np.isnan(moved["ita"].scores[place]):
                verdicts.append(Verdict(None, None, passed=True))
            else:
                worst = max(moved.values(), key=lambda found: found.excess(place))
                verdicts.append(worst.verdict(place))
        return verdicts

    def notes(self) -> list[str]:
        angle, lightness = (self._floors[name].overall for name in _UNITS)
        if angle is None or lightness is None:
            return ["no real faces to compare with: nothing is refused"]
        notes = [
            f"apparent skin tone (uncalibrated light) may move by {-angle:.1f} degrees of ITA and "
            f"{-lightness:.1f} units of lightness, or by what its group shows (from "
            f"{self._floors['ita'].faces} real faces measured twice)"
        ]
        if self._unseen_skin:
            notes.append(
                f"of the parents of {self._unseen_skin} candidates no skin colour could be "
                "measured: nothing is said about these"
            )
        return notes


@dataclass(frozen=True)
class _Moved:
    """How far one measure of some candidates moved, (candidates,), and how far it may."""

    name: str
    scores: FloatArray
    floors: FloatArray
    lighter: npt.NDArray[np.bool_]

    def excess(self, place: int) -> float:
        """How many times as far as it may."""
        score, floor = float(self.scores[place]), float(self.floors[place])
        if not np.isfinite(floor):
            return 0.0
        # A group may show no movement at all.
        return score / floor if floor else np.inf if score else 1.0

    def verdict(self, place: int) -> Verdict:
        score, floor = float(self.scores[place]), float(self.floors[place])
        if score >= floor:
            return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
        if score == -_LOST:
            reason = "no skin colour can be measured on it, as it could on its parent"
        else:
            way = "lighter" if self.lighter[place] else "darker"
            reason = (
                f"apparent skin tone moved: {-score:.0f} {_UNITS[self.name]} {way} than the "
                "parent's"
            )
        return Verdict(score, floor, False, reason)


def _scores(own: FloatArray, parents: FloatArray) -> FloatArray:
    """Minus the difference of two measures (faces, 1), (faces,).

    nan where none was taken of the parents, minus :data:`_LOST` where it was of these only.
    """
    moved = np.abs(own - parents)[:, 0]
    lost = np.isnan(own[:, 0]) & np.isfinite(parents[:, 0])
    return np.where(lost, -_LOST, -moved).astype(np.float32)


def _upper_face(size: int) -> Image:
    """Where an aligned face shows forehead, nose bridge and upper cheeks, as a parsing map."""
    parsing = np.zeros((size, size), np.uint8)
    box = ((0.5 * size, 0.42 * size), (0.44 * size, 0.24 * size), 0.0)
    cv2.ellipse(parsing, box, _SKIN, cv2.FILLED)
    return parsing
