"""The one vocabulary that every source's label words are mapped to.

All values are *as labelled* by the data set or *apparent*; none says what a person is.
``unknown`` is a real value: it is counted, shown, and never guessed away.
"""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from augment.errors import UserError

UNKNOWN = "unknown"
YES = "yes"
NO = "no"

GENDERS = ("female", "male")
#: The seven FairFace words, and the two wider ones of UTKFace, which fit none of the seven.
ETHNICITIES = (
    "white", "black", "east asian", "southeast asian", "indian", "middle eastern", "latino",
    "asian", "other",
)  # fmt: skip
#: Monk skin tone scale, light to dark, as measured from pixels (apparent, uncalibrated light).
SKIN_TONES = tuple(str(step) for step in range(1, 11))
#: FairFace's nine groups; params may name others.
AGE_GROUPS = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")

#: The labels every data set has a column for; a source adds its attributes.
BASE_LABELS = ("age_group", "gender", "ethnicity", "skin_tone")
#: Labels whose values are steps of one scale: neighbours are nearly the same.
ORDERED_LABELS = ("age_group", "skin_tone")
#: given: in the data set; assumed: by params for a whole source; measured: from pixels; predicted;
#: ordered: what a synthetic face was made to show.
LABEL_ORIGINS = ("given", "assumed", "measured", "predicted", "ordered", UNKNOWN)


@dataclass(frozen=True)
class AgeGroup:
    """Whole years ``low`` to ``high``, both included; ``high`` is infinite for "70+"."""

    name: str
    low: int
    high: float

    def holds(self, years: float) -> bool:
        """Whether a person of ``years`` (fractions allowed: 2.9 is still 2) belongs here."""
        return self.low <= math.floor(years) <= self.high


#: Labels that name a colour: a picture in other colours does not show them any more.
COLOUR_LABELS = frozenset(
    ("skin_tone", "black_hair", "blond_hair", "brown_hair", "gray_hair", "pale_skin", "rosy_cheeks")
)

#: Terms of IPTC's controlled vocabulary "Digital Source Type" that a generator may claim.
DigitalSourceType = Literal[
    "algorithmicallyEnhanced",  # a photo with small changes: light, crop, sharpness
    "compositeWithTrainedAlgorithmicMedia",  # a photo that a trained model changed in part
    "trainedAlgorithmicMedia",  # all of it comes from a trained model
    "compositeCapture",  # several photos in one
    "compositeSynthetic",  # several pictures in one, some of them made
]
SOURCE_TYPES: tuple[str, ...] = get_args(DigitalSourceType)


def parse_age_groups(names: Sequence[str]) -> tuple[AgeGroup, ...]:
    """Read group names such as ``"20-29"`` and ``"70+"``, which must follow without gap or overlap.

    Raises:
        UserError: a name is not of that form, or two neighbours overlap or leave a gap.
    """
    groups = [_parse_age_group(name) for name in names]
    if not groups:
        raise UserError("ingest.age_groups is empty: name at least one group, such as '0-17'.")
    for before, after in itertools.pairwise(groups):
        if after.low != before.high + 1:
            problem = "overlaps" if after.low <= before.high else "leaves a gap after"
            raise UserError(
                f"ingest.age_groups: '{after.name}' {problem} '{before.name}'; "
                "list groups in order, each starting one year after the one before it ends."
            )
    return tuple(groups)


def _parse_age_group(name: str) -> AgeGroup:
    match = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3})|(\+))", name.strip())
    if match is None:
        raise UserError(f"ingest.age_groups: '{name}' is neither like '20-29' nor like '70+'.")
    low = int(match[1])
    high = math.inf if match[3] else float(match[2])
    if high < low:
        raise UserError(f"ingest.age_groups: '{name}' ends before it starts.")
    return AgeGroup(name.strip(), low, high)


def group_of_years(years: float, groups: Sequence[AgeGroup]) -> str:
    """The name of the group that holds ``years``, or ``unknown`` where none does."""
    return next((group.name for group in groups if group.holds(years)), UNKNOWN)


def group_of_interval(low: int, high: float, groups: Sequence[AgeGroup]) -> str:
    """The one group that holds all of ``low``..``high`` years, else ``unknown``: never a guess."""
    inside = (group.name for group in groups if group.low <= low and high <= group.high)
    return next(inside, UNKNOWN)


def spoken(label: str, value: str) -> str:
    """How a value is called where its label is not beside it: "mask yes", but simply "female"."""
    return f"{label.replace('_', ' ')} {value}" if value in (YES, NO) else value


def value_order(label: str, age_groups: Sequence[str] = AGE_GROUPS) -> tuple[str, ...]:
    """The vocabulary's order of a label's values, without ``unknown``; yes/no for attributes."""
    known = {
        "age_group": tuple(age_groups),
        "gender": GENDERS,
        "ethnicity": ETHNICITIES,
        "skin_tone": SKIN_TONES,
    }
    return known.get(label, (NO, YES))
