from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.errors import UserError
from augment.params import validate
from augment.planning.targets import Target, target_counts
from augment.types import Axis, BinSpace

AGE = Axis("age_group", ("young", "old"))
GENDER = Axis("gender", ("female", "male", "other"))
SPACE = BinSpace((AGE, GENDER))  # young f, m, o; old f, m, o


def targets(counts: list[int], space: BinSpace = SPACE, **target: Any) -> list[int]:
    wanted = validate(Target, target, "plan.target")
    return target_counts(space, np.array(counts), wanted).tolist()


def test_equal_fills_every_bin_up_to_the_fullest() -> None:
    assert targets([5, 1, 0, 2, 2, 2]) == [5] * 6


def test_equal_is_the_default() -> None:
    assert targets([3, 1, 1, 1, 1, 1], kind="equal") == targets([3, 1, 1, 1, 1, 1])


def test_control_axes_keep_their_shares() -> None:
    space = BinSpace((Axis("age_group", AGE.values, sensitive=False), GENDER))
    assert targets([5, 1, 0, 2, 2, 1], space) == [5, 5, 5, 2, 2, 2]


def test_control_axes_alone_lack_nothing() -> None:
    space = BinSpace((Axis("age_group", AGE.values, sensitive=False),))
    assert targets([5, 1], space) == [5, 1]


def test_floor() -> None:
    assert targets([5, 1, 0, 2, 3, 2], kind="floor", n=3) == [5, 3, 3, 3, 3, 3]


def test_shares_of_one_axis_keep_the_other_axis_as_it_is() -> None:
    # 30 of 40 are young; half and half needs 20 more old ones, in their own 3:1:1 mix.
    wanted = targets([10, 10, 10, 6, 2, 2], kind="share", share={"young": 0.5, "old": 0.5})
    assert wanted == [10, 10, 10, 18, 6, 6]


def test_a_share_of_one_group_counts_what_is_added() -> None:
    # 10 of 100: 30 more make it 40 of 130, which is just at least 0.3; 29 would not.
    wanted = targets([90, 0, 0, 10, 0, 0], kind="share", share={"old": 0.3})
    assert wanted[3] == 39  # 39 / 129 = 0.302; 38 / 128 = 0.297
    assert wanted[0] == 90


def test_shares_of_bins() -> None:
    wanted = targets([8, 0, 0, 0, 2, 0], kind="share", share={"old · male": 0.5})
    assert wanted == [8, 0, 0, 0, 8, 0]


def test_an_empty_group_is_filled_evenly() -> None:
    wanted = targets([4, 4, 1, 0, 0, 0], kind="share", share={"young": 0.5, "old": 0.5})
    assert wanted == [4, 4, 1, 3, 3, 3]


def test_a_group_above_its_share_stays_as_it_is() -> None:
    wanted = targets([80, 0, 0, 20, 0, 0], kind="share", share={"young": 0.5, "old": 0.1})
    assert wanted == [80, 0, 0, 20, 0, 0]


def test_value_of_several_axes_needs_its_axis() -> None:
    smile, hat = Axis("smile", ("no", "yes")), Axis("hat", ("no", "yes"))
    space = BinSpace((smile, hat))
    assert targets([4, 0, 0, 4], space, kind="share", share={"smile=yes": 0.5}) == [4, 0, 0, 4]
    with pytest.raises(UserError, match=r"several axes.*smile=yes"):
        targets([4, 0, 0, 4], space, kind="share", share={"yes": 0.5})


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"kind": "floor"}, "'n' belongs to kind 'floor'"),
        ({"kind": "equal", "n": 3}, "'n' belongs to kind 'floor'"),
        ({"kind": "share"}, "'share' belongs to kind 'share'"),
        ({"kind": "share", "share": {"old": 1.5}}, "above 0 and at most 1"),
        ({"kind": "share", "share": {"old": 0.7, "young": 0.7}}, "more than 1"),
        ({"kind": "share", "share": {"elder": 0.2}}, "'elder', which is neither"),
        ({"kind": "share", "share": {"old": 0.2, "female": 0.2}}, "overlap.*old · female"),
        ({"kind": "share", "share": {"young": 0.5, "old · male": 0.5}}, "cannot be reached"),
        ({"kind": "most"}, "plan.target.kind"),
    ],
)  # fmt: skip
def test_wrong_targets_say_so(target: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        targets([1, 2, 3, 1, 1, 1], **target)


shares = st.floats(0.05, 0.9)


@given(st.lists(st.integers(0, 60), min_size=6, max_size=6).filter(any), shares, shares)
def test_every_named_group_gets_its_share_and_no_face_too_many(
    counts: list[int], young: float, part: float
) -> None:
    old = (1 - young) * part
    wanted = np.array(targets(counts, kind="share", share={"young": young, "old": old}))
    assert (wanted >= counts).all()
    total = wanted.sum()
    # Rounding up in the other group can take up to one face a group from the share.
    assert wanted[:3].sum() >= young * (total - 2)
    assert wanted[3:].sum() >= old * (total - 2)
    groups = [(wanted[:3].sum(), sum(counts[:3]), young), (wanted[3:].sum(), sum(counts[3:]), old)]
    assert any(have == n for n, have, _ in groups), "the smallest whole leaves one group as it is"
