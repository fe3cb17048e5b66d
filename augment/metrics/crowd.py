"""Whether a made face is somebody who is in the data set already. numpy.

Likeness is the cosine of two descriptions of faces by one judge. Among many people everybody finds
somebody quite like: a new face is held against what real people are to the one that is most like
them, not against what two people are to each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.metrics.floors import Floors, Groups, groups_of
from augment.protocols import Evidence, Reference
from augment.types import FloatArray

_BLOCK = 4_000_000  # cosines computed at a time: 16 MB


@dataclass(frozen=True)
class Crowd:
    """The people of a data set, in one judge's description.

    Attributes:
        name: of the judge.
        ids: of the faces.
        numbers: descriptions, float32 (faces, numbers).
        floors: minus the likeness of real people to the one most like them, by group.
    """

    name: str
    ids: Sequence[str]
    numbers: FloatArray
    floors: Floors

    @classmethod
    def fit(cls, reference: Reference, judge: str, feature: str, rate: float) -> "Crowd":
        """From the real faces that no judge learned on, against everybody else.

        Args:
            reference: its ``parents`` are the crowd, its ``unseen`` the faces that are held
                against it.
            judge: the judge's key.
            feature: of it, that is compared.
            rate: share of the unseen faces of each group that may be found too like somebody.
        """
        crowd, unseen = reference.parents, reference.unseen
        numbers = crowd.features[judge][feature]
        who, own = _people(crowd), _people(unseen)
        themselves = [np.flatnonzero(who == person) for person in own]
        found, _ = most_like(unseen.features[judge][feature], numbers, themselves)
        groups = groups_of(unseen.rows, reference.bins, reference.groups)
        nearest = np.where(np.isfinite(found), -found, np.nan).astype(np.float32)
        floors = Floors.fit(nearest, groups, rate, reference.smallest_group)
        return cls(judge, crowd.rows.column("id").to_pylist(), numbers, floors)

    def judged(
        self, faces: FloatArray, parents: Sequence[Sequence[int]], groups: Groups
    ) -> list[tuple[float, float, str]]:
        """(score, threshold, id of the one most like) of each face; its parents are left out.

        Args:
            faces: descriptions, (n, numbers).
            parents: of each, places in the crowd.
            groups: of each.
        """
        likeness, place = most_like(faces, self.numbers, [np.array(own, int) for own in parents])
        floors = self.floors.of(groups, len(faces))
        return [
            (-float(score), float(floor), self.ids[where])
            for score, floor, where in zip(likeness, floors, place, strict=True)
        ]

    def note(self) -> str:
        """What a new face must stay below."""
        if self.floors.overall is None:
            return f"{self.name}: nobody to compare new faces with: they pass unseen"
        return (
            f"{self.name}: a face of several parents may be as like any of {len(self.ids)} train "
            f"faces as real people are to the one most like them: {-self.floors.overall:.2f} "
            f"(from {self.floors.faces} faces)"
        )


def most_like(
    faces: FloatArray, crowd: FloatArray, but: Sequence[npt.NDArray[np.int64]]
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Likeness and place of the one of ``crowd`` most like each face; -inf and 0 if there is none.

    Args:
        faces: descriptions of length 1, (n, numbers).
        crowd: the same, (m, numbers).
        but: for each face the places in ``crowd`` that do not count.
    """
    best = np.full(len(faces), -np.inf, dtype=np.float32)
    place = np.zeros(len(faces), dtype=np.int64)
    step = max(1, _BLOCK // max(1, len(crowd)))
    for start in range(0, len(faces) if len(crowd) else 0, step):
        cosines = faces[start : start + step] @ crowd.T
        for row, left_out in enumerate(but[start : start + step]):
            cosines[row, left_out] = -np.inf
        cosines[np.isnan(cosines)] = -np.inf  # a description that is no number is like nobody
        place[start : start + step] = cosines.argmax(axis=1)
        best[start : start + step] = cosines.max(axis=1)
    return best, place


def _people(faces: Evidence) -> npt.NDArray[np.str_]:
    """Who is on each face; where that is not known, the face's own id."""
    ids = faces.rows.column("id").to_pylist()
    known = faces.rows.column_names
    persons = faces.rows.column("person").to_pylist() if "person" in known else [None] * len(ids)
    return np.array(
        [person or f"\x01{name}" for person, name in zip(persons, ids, strict=True)], np.str_
    )
