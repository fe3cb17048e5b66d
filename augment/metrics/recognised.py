"""Do judges see in made faces what was ordered, as often as they see it in real ones?

A judge that is right about 60 % of real faces cannot be asked for more on made ones: its accuracy
on real faces of the same values stands beside each share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.metrics.calibration import NOT_KNOWN, codes_of
from augment.metrics.fidelity import FEWEST, Codes, finite_rows
from augment.metrics.proportion import wilson_interval
from augment.types import FloatArray


@dataclass(frozen=True)
class Seen:
    """What one judge makes of one label of some faces; arrays of shape (faces,).

    Attributes:
        codes: the place of the face's word (as labelled, or ordered) among the judge's values;
            ``NOT_KNOWN`` where the judge does not know it, or could not look.
        right: whether the judge says that word.
        families: the person shown, or the (first) parent's.
    """

    codes: Codes
    right: npt.NDArray[np.bool_]
    families: Codes

    @classmethod
    def of(
        cls, words: Sequence[str], values: Sequence[str], opinions: FloatArray, families: Codes
    ) -> "Seen":
        """From probabilities (faces, values)."""
        codes = codes_of({"": words}, {"": tuple(values)})[""]
        usable = finite_rows(opinions)
        codes = np.where(usable, codes, NOT_KNOWN)
        said = np.where(usable[:, None], opinions, 0).argmax(axis=1)
        return cls(codes, said == codes, families)

    def take(self, rows: Codes) -> "Seen":
        """Those of ``rows`` that the judge has a word on."""
        rows = rows[self.codes[rows] != NOT_KNOWN]
        return Seen(self.codes[rows], self.right[rows], self.families[rows])


def recognised(
    made: Mapping[str, Seen], made_rows: Codes, real: Mapping[str, Seen], real_rows: Codes
) -> dict[str, Any]:
    """For one label: each judge's share of made faces judged as ordered, and of real ones.

    Args:
        made: judge key -> what it sees in all candidates.
        made_rows: the ones to look at.
        real: the same of real faces that no judge learned on.
        real_rows: those of the same group.

    Returns:
        ``judges``: key -> ``{n, value, interval, real: {n, value, interval}, of_real}``, or
        ``{n, why}`` where there were too few; the real share is weighted to the values of the made
        faces, and ``of_real`` is the one share by the other. ``weakest``: the key of the judge with
        the lowest ``of_real`` (the lowest share where there is none), or None.
    """
    judges = {key: _shares(made[key].take(made_rows), real[key].take(real_rows)) for key in made}
    return {"judges": judges, "weakest": _weakest(judges)}


def _shares(made: Seen, real: Seen) -> dict[str, Any]:
    n = len(made.right)
    if n < FEWEST:
        return {"n": n, "why": f"too few (n={n})"}
    share = float(made.right.mean())
    families = len(np.unique(made.families))
    found: dict[str, Any] = {
        "n": n,
        "value": round(share, 6),
        "interval": share_interval(share, families),
        "real": _as_made(made, real),
    }
    of_real = found["real"].get("value")
    found["of_real"] = round(share / of_real, 6) if of_real else None
    return found


def _as_made(made: Seen, real: Seen) -> dict[str, Any]:
    """The share of real faces, had their values the made faces' frequencies."""
    count = int(max(made.codes.max(initial=0), real.codes.max(initial=0))) + 1
    frequency = np.bincount(made.codes, minlength=count).astype(np.float64)
    have = np.bincount(real.codes, minlength=count)
    frequency[have == 0] = 0  # no real face to ask about
    n = int(have[frequency > 0].sum())
    if n < FEWEST:
        return {"n": n, "why": f"too few (n={n})"}
    frequency /= frequency.sum()
    hits = np.bincount(real.codes, weights=real.right, minlength=count)
    asked = frequency > 0
    share = float(np.sum(frequency[asked] * hits[asked] / have[asked]))
    # Kish's effective size: a rare real value that stands for many made faces weighs more.
    witnesses = 1 / float(np.sum(frequency[asked] ** 2 / have[asked]))
    persons = len(np.unique(real.families)) / max(1, len(real.families))
    interval = share_interval(share, int(witnesses * persons))
    return {"n": n, "value": round(share, 6), "interval": interval}


def share_interval(share: float, witnesses: int) -> list[float]:
    """95 % interval of a share that so many independent witnesses gave (at least one counts)."""
    witnesses = max(1, witnesses)
    low, high = wilson_interval(round(share * witnesses), witnesses)
    return [round(min(low, share), 6), round(max(high, share), 6)]


def _weakest(judges: Mapping[str, Mapping[str, Any]]) -> str | None:
    asked = {key: found for key, found in judges.items() if "value" in found}
    compared = {key: found["of_real"] for key, found in asked.items()}
    if not asked:
        return None
    if all(share is not None for share in compared.values()):
        return min(compared, key=lambda key: (compared[key], key))
    return min(asked, key=lambda key: (asked[key]["value"], key))
