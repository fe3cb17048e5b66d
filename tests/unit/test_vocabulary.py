import math

import pytest

from augment.errors import UserError
from augment.vocabulary import (
    AGE_GROUPS,
    GENDERS,
    UNKNOWN,
    group_of_interval,
    group_of_years,
    parse_age_groups,
    value_order,
)

GROUPS = parse_age_groups(AGE_GROUPS)


def test_groups_cover_their_years() -> None:
    assert (GROUPS[0].low, GROUPS[0].high) == (0, 2)
    assert (GROUPS[-1].low, GROUPS[-1].high) == (70, math.inf)


@pytest.mark.parametrize(
    ("years", "group"),
    [(0, "0-2"), (2.9, "0-2"), (3, "3-9"), (19, "10-19"), (70, "70+"), (116, "70+")],
)
def test_years_fall_into_one_group(years: float, group: str) -> None:
    assert group_of_years(years, GROUPS) == group


def test_years_outside_of_all_groups_are_unknown() -> None:
    assert group_of_years(12, parse_age_groups(["18-39", "40+"])) == UNKNOWN


@pytest.mark.parametrize(
    ("low", "high", "group"),
    [(3, 6, "3-9"), (70, 120, "70+"), (70, math.inf, "70+"), (50, 69, UNKNOWN), (0, 3, UNKNOWN)],
)
def test_an_interval_needs_one_group_that_holds_all_of_it(
    low: int, high: float, group: str
) -> None:
    assert group_of_interval(low, high, GROUPS) == group


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "empty"),
        (["young"], "'young'"),
        (["9-3"], "ends before it starts"),
        (["0-9", "9-19"], "overlaps"),
        (["0-9", "11-19"], "leaves a gap"),
        (["0+", "10-19"], "overlaps"),
    ],
)
def test_wrong_groups_are_explained(names: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        parse_age_groups(names)


def test_value_order() -> None:
    assert value_order("gender") == GENDERS
    assert value_order("age_group", ("0-17", "18+")) == ("0-17", "18+")
    assert value_order("skin_tone") == tuple(str(step) for step in range(1, 11))
    assert value_order("glasses") == ("no", "yes")
