"""How many faces each bin shall hold: a named target, turned into counts before anything is made.

A target never asks for fewer faces than there are: real faces are not dropped to look balanced.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from augment.errors import UserError
from augment.metrics.balance import Counts
from augment.params import Section
from augment.types import BinSpace

Mask = npt.NDArray[np.bool_]

_TOLERANCE = 1e-9


class Target(Section):
    """``plan.target`` in params.yaml.

    ``equal``: every bin as full as the fullest one (of its stratum, where there are control axes).
    ``floor``: at least ``n`` faces in every bin.
    ``share``: named groups hold at least these shares of all faces. A group is an axis value
    (``female``, or ``gender=female`` where two axes have that word) or a bin (``0-2 · female``).
    """

    kind: Literal["equal", "floor", "share"] = "equal"
    n: int | None = Field(default=None, ge=1)
    share: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Target":
        if (self.kind == "floor") != (self.n is not None):
            raise ValueError("'n' belongs to kind 'floor', and to no other")
        if (self.kind == "share") != bool(self.share):
            raise ValueError("'share' belongs to kind 'share', and to no other")
        if any(not 0 < share <= 1 for share in self.share.values()):
            raise ValueError("each share must be above 0 and at most 1")
        if sum(self.share.values()) > 1 + _TOLERANCE:
            raise ValueError("the shares add up to more than 1")
        return self


def target_counts(space: BinSpace, counts: Counts, target: Target) -> Counts:
    """Faces that each bin shall hold, shape (bins,); never below ``counts``.

    Args:
        space: the bins.
        counts: train faces a bin now.
        target: what is wanted.

    Raises:
        UserError: a share names no group of this data set, groups overlap, or the shares cannot be
            reached by adding faces.
    """
    if target.kind == "equal":
        return np.maximum(counts, _equal(space, counts))
    if target.kind == "floor":
        return np.maximum(counts, target.n or 0)
    return _shares(space, counts, target.share)


def _equal(space: BinSpace, counts: Counts) -> Counts:
    cube = counts.reshape(space.shape)
    balanced = tuple(place for place, axis in enumerate(space.axes) if axis.sensitive)
    fullest = cube.max(axis=balanced, keepdims=True) if balanced else cube
    everywhere: Counts = np.broadcast_to(fullest, space.shape).reshape(-1)
    return everywhere


def _shares(space: BinSpace, counts: Counts, shares: dict[str, float]) -> Counts:
    groups = [_group(space, name) for name in shares]
    covered = np.sum(groups, axis=0)
    if covered.max() > 1:
        raise UserError(
            "params.yaml: plan.target.share names groups that overlap, both holding bin "
            f"'{space.names[int(covered.argmax())]}': name values of one axis, or single bins."
        )
    wanted = np.array(list(shares.values()))
    have = np.array([int(counts[group].sum()) for group in groups])
    total = _total(have, wanted, int(counts[covered == 0].sum()))
    targets = counts.copy()
    for group, n, share in zip(groups, have, wanted, strict=True):
        missing = max(0, int(np.ceil(total * share - _TOLERANCE * total)) - int(n))
        targets[group] += _spread(missing, counts[group])
    return targets


def _total(have: npt.NDArray[np.int64], wanted: npt.NDArray[np.float64], rest: int) -> float:
    """The smallest size of the whole in which every group, only growing, has its share.

    Groups above their share stay as they are, so with O the groups that stay and U those that
    grow, ``total = rest + have[O] + total * wanted[U]``. Which ones stay follows from the order of
    ``have / wanted``.
    """
    order = np.argsort(-have / wanted, kind="stable")
    for stay in range(len(order) + 1):
        kept, growing = order[:stay], order[stay:]
        free = 1 - wanted[growing].sum()
        if free <= _TOLERANCE:
            continue
        total = float((rest + have[kept].sum()) / free)
        enough = (have[kept] >= wanted[kept] * total * (1 - _TOLERANCE)).all()
        if enough and (have[growing] <= wanted[growing] * total * (1 + _TOLERANCE)).all():
            return total
    raise UserError(
        "params.yaml: plan.target.share cannot be reached by adding faces: the shares leave no "
        "room for the faces that are in no named group; lower a share, or name all groups."
    )


def _group(space: BinSpace, name: str) -> Mask:
    """Which bins a name stands for, shape (bins,)."""
    named: dict[str, list[Mask]] = {}
    places = np.stack(np.unravel_index(np.arange(len(space)), space.shape))
    for axis, place in zip(space.axes, places, strict=True):
        for number, value in enumerate(axis.values):
            named.setdefault(value, []).append(place == number)
            named[f"{axis.name}={value}"] = [place == number]
    if len(space.axes) > 1:
        named |= {bin_name: [np.arange(len(space)) == code] for code, bin_name in
                  enumerate(space.names)}  # fmt: skip
    found = named.get(name, [])
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"params.yaml: plan.target.share names '{name}', which is a value of several axes: "
            f"write '{space.axes[0].name}={name}', say."
        )
    values = ", ".join(value for axis in space.axes for value in axis.values)
    raise UserError(
        f"params.yaml: plan.target.share names '{name}', which is neither an axis value ({values}) "
        f"nor a bin such as '{space.names[0]}'."
    )


def _spread(n: int, counts: Counts) -> Counts:
    """``n`` faces over bins in proportion to their counts (largest remainder), so that the other
    axes keep their shares inside the group; evenly where the group is empty."""
    weights = counts if counts.sum() else np.ones(len(counts), dtype=np.int64)
    exact = n * weights / weights.sum()
    whole: Counts = np.floor(exact).astype(np.int64)
    remainder = np.argsort(whole - exact, kind="stable")[: n - int(whole.sum())]
    whole[remainder] += 1
    return whole
