"""What is held against candidates whose label was to change."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from augment.protocols import Evidence

Places = npt.NDArray[np.int64]


class Order(NamedTuple):
    """What was ordered of one label; ``before``: the parent's value, "" where not known."""

    label: str
    value: str
    before: str
    rate: float


@dataclass(frozen=True)
class Doubt:
    """What is held against one candidate: it passes where ``score`` >= ``floor``."""

    place: int  # of the candidate
    score: float
    floor: float
    words: str


@dataclass(frozen=True)
class Part:
    """Some candidates, and where the parent of each stands; -1 where there is not just one."""

    faces: Evidence
    places: np.ndarray
    parents: Evidence
    parent_places: np.ndarray
