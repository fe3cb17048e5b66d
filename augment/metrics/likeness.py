"""Are made faces like the real faces of their own group? Distances with n, floor and interval.

Three precautions, without which these figures mislead:

- *Same bins.* Both sides hold equally many faces of every bin. Otherwise a generator of masks would
  be far from "the faces of 20-29" because they wear none, whatever its masks look like.
- *A floor.* Distances of finite samples are above 0. The real faces are split into halves, persons
  apart, and what lies between the halves is the floor; the ratio takes both at the same n.
- *Not its own parents.* In the ratio no made face is held against a person that it was made of.
"""

from typing import Any

import numpy as np

from augment.metrics.fidelity import (
    FEWEST,
    MOST_IN_PAIRS,
    finite_rows,
    frechet_distance,
    kernel_distance,
    neighbourhoods,
)
from augment.metrics.halves import (
    Features,
    Sample,
    compare_halves,
    digits,
    matched,
    ratios,
    rounded,
    shown,
)


def too_few(n: int) -> dict[str, Any]:
    return {"n": n, "why": f"too few (n={n})"}


def likeness(made: Sample, real: Sample, k: int, random: np.random.Generator) -> dict[str, Any]:
    """All distances between some made faces and the real faces of the same bins.

    Args:
        made: the passed candidates of one generator and group.
        real: real faces of that group.
        k: neighbours for precision, recall, density, coverage; fewer than ``FEWEST``.
        random: draws halves.

    Returns:
        ``n`` (compared, on each side), ``set_aside`` (faces without finite features) and, unless
        there were too few (then ``why``): ``fd``, ``fd_floor``, ``fd_ratio``, ``kid`` and
        ``neighbours``, see :mod:`augment.stages.fidelity`.
    """
    usable = finite_rows(made.features), finite_rows(real.features)
    aside = {"made": int((~usable[0]).sum()), "real": int((~usable[1]).sum())}
    made, real = made.take(usable[0]), real.take(usable[1])
    rows = matched(made.bins, real.bins)
    n = len(rows[0])
    if n < FEWEST:
        return {**too_few(n), "set_aside": aside}
    first, second = made.take(rows[0]), real.take(rows[1])
    distance = frechet_distance(first.features, second.features)
    families = first.families[:, 0], second.families[:, 0]
    kernel = kernel_distance(first.features, second.features, families, random)
    halves = compare_halves([made.features], made, real, random)
    pairs = min(n, MOST_IN_PAIRS)
    neighbours = neighbourhoods(second.features, first.features, k)
    return {
        "n": n,
        "set_aside": aside,
        "made_of_real": int(np.isin(first.families, second.families).any(axis=1).sum()),
        "fd": shown(distance, halves.spread_around(distance, halves.samples[:, 0]), 0.0),
        **halves.against_floor(),
        "kid": shown(kernel.value, kernel) | {"n": pairs},
        "neighbours": rounded(vars(neighbours) | {"k": k, "n": pairs}),
    }


def distance_closed(
    edited: Sample, donors: Features, real: Sample, random: np.random.Generator
) -> dict[str, Any]:
    """How much of the way from donors to the target's real faces an edit goes.

    1 - FD(edited, real) / FD(donors, real): 0 where nothing moved, below 0 where it moved away; a
    perfect edit comes to ``possible``, which has real faces in place of the edited ones.

    Args:
        edited: candidates that one parent and an edit made, in their target bins; one a parent.
        donors: (n, d) features of their parents, row by row.
        real: real faces of the target bins.
        random: draws halves.
    """
    usable = finite_rows(edited.features) & finite_rows(donors)
    aside = int((~usable).sum())
    edited, donors = edited.take(usable), donors[usable]
    real = real.take(finite_rows(real.features))
    n = len(matched(edited.bins, real.bins)[0])
    if n < FEWEST:
        return {**too_few(n), "set_aside": aside}
    halves = compare_halves([edited.features, donors], edited, real, random)
    if not halves.usable:
        return {"n": n, "set_aside": aside, "why": halves.why}
    of_edited, of_donors, floor = (float(part.mean()) for part in (*halves.samples.T, halves.floor))
    found = {
        "n": halves.n,
        "set_aside": aside,
        "fd_edited": of_edited,
        "fd_donors": of_donors,
        "fd_floor": floor,
    }
    if of_donors <= floor:
        why = "the donors are as near to the target's faces as these are to each other"
        return rounded(found) | {"why": why}
    value = 1 - of_edited / of_donors
    each = 1 - ratios(halves.samples[:, 0], halves.samples[:, 1])
    return (
        rounded(found)
        | shown(value, halves.spread_around(value, each, 1 / len(each)))
        | {"possible": digits(1 - floor / of_donors)}
    )
