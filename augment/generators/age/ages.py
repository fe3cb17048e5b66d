"""Age as a number: groups, the years that stand for them, and how far apart two ages are. numpy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from augment.errors import UserError
from augment.types import FloatArray
from augment.vocabulary import UNKNOWN, AgeGroup, parse_age_groups

#: Years at which one bit of the ordinal code turns on. Children change fastest: they lie denser.
KNOTS = np.array([1, 2.5, 5, 8, 12, 16, 20, 26, 33, 41, 50, 59, 68, 78], np.float32)
#: How many years a bit takes to turn on: half the way to its neighbours.
_WIDTHS = np.gradient(KNOTS).astype(np.float32) / 2
#: An open group, such as "70+", is taken to be so many years wide.
OPEN_YEARS = 15
#: Years that nobody passes.
OLDEST = 110
#: Of a group's years, the outer ones look like the neighbours': so much is left out on each side.
_INNER = 0.15


def ordinal_code(years: npt.ArrayLike) -> FloatArray:
    """(n,) years -> (n, len(KNOTS)) in 0..1: bit k says "older than KNOTS[k]", softly.

    Ordered and continuous, where a class number is neither: near ages have near codes.
    """
    distance = (np.asarray(years, np.float32)[..., None] - KNOTS) / _WIDTHS
    return np.asarray(1 / (1 + np.exp(-2 * distance)), dtype=np.float32)


def gap(first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    """How far two ages (years) lie apart to the eye: bits of the code between them, 0..14.

    From one of FairFace's groups to the next it is between 1 and 2.
    """
    change: FloatArray = np.abs(ordinal_code(first) - ordinal_code(second)).sum(-1)
    return change


def years_of(name: str) -> tuple[float, float] | None:
    """First and last year of a group such as "20-29" (20 to 30) or "70+"; None: it is none."""
    try:
        (group,) = parse_age_groups([name])
    except UserError:
        return None
    return _span(group)


def _span(group: AgeGroup) -> tuple[float, float]:
    return float(group.low), float(min(group.high, group.low + OPEN_YEARS - 1)) + 1


@dataclass(frozen=True)
class Ages:
    """The age groups that a network learns, in order of age.

    Attributes:
        names: of the groups.
        faces: how many faces of each it learns on.
    """

    names: tuple[str, ...]
    faces: tuple[int, ...]

    @classmethod
    def learnt(cls, words: Sequence[str], groups: Sequence[str], fewest: int, label: str) -> "Ages":
        """The groups that enough faces show.

        Args:
            words: each face's age group.
            groups: all groups of the data set, in order.
            fewest: groups with fewer faces are left out.
            label: what messages call the training.

        Raises:
            UserError: groups overlap or leave gaps, or fewer than two can be learned.
        """
        parse_age_groups(groups)
        counts = {name: sum(word == name for word in words) for name in groups}
        kept = {name: count for name, count in counts.items() if count >= fewest}
        if len(kept) < 2:
            shown = ", ".join(f"{name}: {count}" for name, count in counts.items() if count)
            raise UserError(
                f"{label} needs two age groups or more with at least {fewest} train faces each "
                f"(of half a), but has {shown or 'no face with an age label'}. Add faces with "
                "other ages, or join groups under ingest.age_groups in params.yaml."
            )
        return cls(tuple(kept), tuple(kept.values()))

    @cached_property
    def spans(self) -> npt.NDArray[np.float64]:
        """(groups, 2): first and last year."""
        return np.array([_span(group) for group in map(_group, self.names)])

    def places(self, words: Sequence[str]) -> npt.NDArray[np.int64]:
        """Number of each word's group, -1 for others."""
        number = {name: place for place, name in enumerate(self.names)}
        return np.array([number.get(word, -1) for word in words], np.int64)

    def draw(self, places: npt.NDArray[np.int64], random: np.random.Generator) -> FloatArray:
        """A year inside of each group, not too near to its ends."""
        low, high = self.spans[places].T
        share = random.uniform(_INNER, 1 - _INNER, len(places))
        return np.asarray(low + share * (high - low), dtype=np.float32)

    def nearest(self, years: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Number of the group whose middle is nearest in ordinal code, (n,)."""
        middles = self.spans.mean(axis=1)
        distance = gap(np.asarray(years, np.float32)[:, None], middles[None])
        return np.asarray(distance.argmin(axis=1), dtype=np.int64)

    def year(self, name: str, random: np.random.Generator) -> float:
        """A year inside of the named group."""
        return float(self.draw(self.places([name]), random)[0])

    def check(self, years: Sequence[float]) -> None:
        """Raises UserError: a year is younger or older than all that was learned."""
        low, high = float(self.spans.min()), float(self.spans.max())
        high = float(OLDEST) if math.isinf(_group(self.names[-1]).high) else high
        wrong = next((year for year in years if not low <= year <= high), None)
        if wrong is not None:
            raise UserError(
                f"An age of {wrong:g} years was asked for, but these weights learned {low:g} to "
                f"{high:g}."
            )

    def refusal(self, name: str) -> str:
        """Why no face of this group can be edited or made; "" if it can."""
        if name == UNKNOWN or not name:
            return "it has no age label"
        if name in self.names:
            return ""
        return f"age group {name} was not learned: the weights know {', '.join(self.names)}"


def _group(name: str) -> AgeGroup:
    return parse_age_groups([name])[0]
