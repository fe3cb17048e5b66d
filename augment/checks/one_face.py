"""One face is still found, and it lies where an aligned face has it.

A detector looks at the crop, enlarged and with room around it, since detectors miss faces that
touch the edge. What it finds is held against what it finds on real faces of the same groups: a
group whose real faces it misses itself (some detectors do not know masks) is not refused for that.
A face that was restored from a small one must be found in any case: what passed for a face when it
was small may have been none.
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from augment.images import resize
from augment.metrics.floors import Floors, Groups, groups_of, take
from augment.metrics.parents import of_small
from augment.metrics.proportion import wilson_interval
from augment.params import Section
from augment.plugins import configure
from augment.protocols import Detector, Evidence, Reference, Verdict
from augment.types import FloatArray, Image

_LOOK_SIDE = 128  # the crop is enlarged to so many pixels; a larger one stays as it is
_ROOM = 0.25  # around it, as a share of its side
_SECOND = 0.6  # a second face is at least so wide, as a share of the largest one's width
#: Scores of the ways to fail; a face that is found alone scores more than either.
_NONE, _SEVERAL = 0.0, 0.1
_FOUND = 0.05  # between the two: a restored face must be found, whatever its group's floor
#: Points that lie so near to their place are in it, as those of a slightly turned face do.
#: So much farther halves the score. Shares of the crop's side, root mean square of five points.
_NEAR, _FAR = 0.08, 0.1


class Config(Section):
    # Who looks: an entry like align.detector, any kind of augment/align/.
    detector: Mapping[str, Any] = Field(default_factory=lambda: {"kind": "landmarknet"})

    @field_validator("detector")
    @classmethod
    def _known(cls, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        configure("align", entry, "gate.checks.one_face.detector")
        return entry


class Check:
    """Score: 0 without a face, 0.1 with several, else 0.2 to 1: the nearer to its place the more.

    Measures: how many faces there are, the largest one's score, and its five points, shares of the
    crop's side (x, y in turn); all 0 where none is found.
    """

    measures: Mapping[str, int] = {"faces": 1, "score": 1, "points": 10}
    candidates_only = True

    def __init__(self, config: Config) -> None:
        self._entry = dict(config.detector)
        self._detector: Detector | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A worker loads its own network: cheaper than sending it, and no thread's state.
        return self.__dict__ | {"_detector": None}

    def identity(self) -> str:
        """What the measures depend on besides the picture."""
        return self._loaded().identity()

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        side = image.shape[0]
        large = resize(image, _LOOK_SIDE) if side < _LOOK_SIDE else image
        side = large.shape[0]
        room = round(_ROOM * side)
        framed = cv2.copyMakeBorder(large, room, room, room, room, cv2.BORDER_REPLICATE)
        found = self._loaded().detect(np.asarray(framed, dtype=np.uint8))
        if not found:
            return {name: np.zeros(count, np.float32) for name, count in self.measures.items()}
        largest = max(found, key=lambda face: float(face.box[2]))
        # A patch of hair may pass for a small face; a second face worth the name is not small.
        others = [face for face in found if face.box[2] >= _SECOND * largest.box[2]]
        points = (largest.points - room + 0.5).ravel() / side
        return {
            "faces": np.array([len(others)], np.float32),
            "score": np.array([largest.score], np.float32),
            "points": np.asarray(points, dtype=np.float32),
        }

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        unseen = reference.unseen
        groups = groups_of(unseen.rows, reference.bins, reference.groups)
        found = unseen.measures["faces"][:, 0]
        known = np.isfinite(found)
        self._usual = _usual_points(unseen.measures["points"][found > 0])
        self._floors = Floors.fit(
            self._scores(unseen), groups, reference.false_rejection, reference.smallest_group
        )
        self._missed = _missed_groups(
            found[known] == 0,
            take(groups, known),
            reference.false_rejection,
            reference.smallest_group,
        )
        self._counts = int((found == 0).sum()), int((found > 1).sum()), int(known.sum())

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows, reference = candidates.rows, self._reference
        groups = groups_of(rows, reference.bins, reference.groups)
        floors = self._floors.of(groups, rows.num_rows)
        silent = np.zeros(rows.num_rows, bool)
        for name, column in groups.items():
            silent |= np.isin(column, list(self._missed.get(name, {})))
        floors = np.where(silent, -np.inf, floors)
        restored = of_small(rows, reference.parents.rows)
        floors = np.where(restored, np.maximum(floors, _FOUND), floors)
        scores, found = self._scores(candidates), candidates.measures["faces"][:, 0]
        return [
            _verdict(float(score), float(floor), count)
            for score, floor, count in zip(scores, floors, found, strict=True)
        ]

    def _scores(self, faces: Evidence) -> FloatArray:
        """(faces,), nan where the picture is broken."""
        count = faces.measures["faces"][:, 0]
        away = (faces.measures["points"] - self._usual).reshape(-1, 5, 2)
        distance = np.sqrt(np.square(away).sum(axis=2).mean(axis=1))
        placed = 0.2 + 0.8 / (1 + np.maximum(distance - _NEAR, 0) / _FAR)
        score = np.where(count == 1, placed, np.where(count == 0, _NONE, _SEVERAL))
        return np.where(np.isfinite(count), np.round(score, 4), np.nan).astype(np.float32)

    def notes(self) -> list[str]:
        missed, several, faces = self._counts
        if not faces:
            return ["no real faces to compare with: nothing is refused"]
        notes = [
            f"{self._entry['kind']} finds no face on {missed} and several on {several} of {faces} "
            "real faces"
        ]
        for name, groups in self._missed.items():
            told = ", ".join(f"{group} ({n} of {of})" for group, (n, of) in groups.items())
            notes.append(
                f"it misses more real faces of these groups than may be refused, so nothing is "
                f"said about them: {name} {told}"
            )
        return notes

    def _loaded(self) -> Detector:
        if self._detector is None:
            module, settings = configure("align", self._entry, "gate.checks.one_face.detector")
            self._detector = module.Detector(settings)
        return self._detector


def _verdict(score: float, floor: float, found: float) -> Verdict:
    if not np.isfinite(score):
        return Verdict(None, None, False, "the picture cannot be read")
    if score >= floor:
        return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
    words = {_NONE: "no face is found on it", _SEVERAL: f"{found:.0f} faces are found on it"}
    reason = words.get(round(score, 4), "the face does not lie where an aligned face has it")
    return Verdict(score, floor, False, reason)


def _usual_points(points: FloatArray) -> FloatArray:
    """Where real faces have their points, (10,); the middle of the crop where there are none."""
    if not len(points):
        return np.full(10, 0.5, np.float32)
    return np.asarray(np.median(points, axis=0), dtype=np.float32)


def _missed_groups(
    missed: npt.NDArray[np.bool_], groups: Groups, rate: float, smallest: int
) -> dict[str, dict[str, tuple[int, int]]]:
    """grouping -> group -> (missed, faces) where more than the share ``rate`` is missed.

    Of a group with fewer than ``smallest`` faces more than chance must say so: the lower end of a
    95 % interval.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for name, column in groups.items():
        for group in np.unique(column):
            own = missed[column == group]
            n, hits = len(own), int(own.sum())
            share = hits / n if n >= smallest else wilson_interval(hits, n)[0]
            if group and share > rate:
                found.setdefault(name, {})[str(group)] = (hits, n)
    return found
