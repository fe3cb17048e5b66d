"""What the audit found, as rows of small tables: counts, shares with n and interval, by group."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.auditing.axes import known_words
from augment.auditing.scan import Faces
from augment.metrics.balance import Counts, count_bins, evenness, imbalance_ratio
from augment.metrics.proportion import wilson_interval
from augment.types import Axis, BinSpace
from augment.vocabulary import LABEL_ORIGINS, UNKNOWN

SPLITS = ("train", "validation", "test")
#: What is balanced: the only split that synthetic faces are added to.
TRAIN = "train"

_SMALLEST = 10


def census(faces: Faces, codes: npt.NDArray[np.int64], bins: int) -> dict[str, Counts]:
    """Usable faces a bin, by split."""
    return {split: count_bins(codes[faces.ok & faces.split.is_(split)], bins) for split in SPLITS}


def census_rows(
    space: BinSpace, counts: dict[str, Counts], faces: Faces, codes: npt.NDArray[np.int64]
) -> list[dict[str, Any]]:
    """One row a bin, with how many different persons its train faces show."""
    persons = _persons(faces, codes, len(space))
    return [
        {
            "bin": space.names[code],
            **{split: int(counts[split][code]) for split in SPLITS},
            "train_persons": None if persons is None else int(persons[code]),
        }
        for code in range(len(space))
    ]


def _persons(faces: Faces, codes: npt.NDArray[np.int64], bins: int) -> Counts | None:
    rows = faces.ok & faces.split.is_(TRAIN) & (codes >= 0) & (faces.person >= 0)
    if not (faces.person >= 0).any():
        return None
    pairs = np.unique(np.stack([codes[rows], faces.person[rows]], axis=1), axis=0)
    return count_bins(pairs[:, 0], bins)


def evenness_rows(space: BinSpace, train: Counts) -> list[dict[str, Any]]:
    """Evenness and imbalance ratio of all bins together, and of each axis by itself."""
    cube = train.reshape(space.shape)
    rows = [_spread(" x ".join(axis.name for axis in space.axes), train)]
    if len(space.axes) > 1:
        for place, axis in enumerate(space.axes):
            others = tuple(other for other in range(len(space.axes)) if other != place)
            rows.append(_spread(axis.name, cube.sum(axis=others)))
    return rows


def _spread(name: str, counts: Counts) -> dict[str, Any]:
    ratio = imbalance_ratio(counts)
    return {
        "over": name,
        "bins": len(counts),
        "empty": int(np.count_nonzero(counts == 0)),
        "evenness": rounded(evenness(counts)),
        # JSON knows no infinity; "empty" says why there is none.
        "imbalance_ratio": rounded(ratio) if np.isfinite(ratio) else None,
    }


def smallest_rows(space: BinSpace, train: Counts) -> list[dict[str, Any]]:
    """The bins with the fewest train faces that are not empty."""
    order = [int(code) for code in np.argsort(train, kind="stable") if train[code] > 0]
    return [{"bin": space.names[code], "train": int(train[code])} for code in order[:_SMALLEST]]


def label_rows(faces: Faces) -> list[dict[str, Any]]:
    """Usable faces with each value of each label column, ``unknown`` included."""
    return [
        {
            "label": name,
            "value": value,
            **{
                split: int(np.count_nonzero(words.is_(value) & faces.ok & faces.split.is_(split)))
                for split in SPLITS
            },
        }
        for name, words in faces.labels.items()
        for value in (*known_words(name, words.words, faces.age_groups), UNKNOWN)
        if value in words.words
    ]


def origin_rows(faces: Faces) -> list[dict[str, Any]]:
    """Where each label column's values come from, over all rows."""
    return [
        {"label": name, **{origin: faces.origins[name, origin] for origin in LABEL_ORIGINS}}
        for name in faces.labels
    ]


def reason_rows(faces: Faces) -> list[dict[str, Any]]:
    """Why rows are not usable, the most frequent first."""
    found = sorted(faces.reasons.items(), key=lambda entry: (-entry[1], entry[0]))
    return [{"status": status, "reason": reason, "rows": rows} for (status, reason), rows in found]


def failure_rows(faces: Faces, space: BinSpace) -> list[dict[str, Any]]:
    """Align-failure rate by group, over the readable pictures of all splits."""
    rows = []
    for axis, value, members in groups_of(faces, space):
        n = int(np.count_nonzero(members & (faces.ok | faces.small | faces.failed)))
        failed = int(np.count_nonzero(members & faces.failed))
        if n:
            low, high = wilson_interval(failed, n)
            rows.append(
                {
                    "axis": axis.name, "value": value, "n": n, "failed": failed,
                    "rate": rounded(failed / n), "interval": [rounded(low), rounded(high)],
                }
            )  # fmt: skip
    return rows


def crop_rows(faces: Faces, space: BinSpace) -> list[dict[str, Any]]:
    """How much of the aligned crops lies outside of their photos, by group."""
    return [
        {
            "axis": axis.name, "value": value, "n": len(share),
            "mean_padded_share": rounded(float(share.mean())),
            "padded_share_90th_percentile": rounded(float(np.quantile(share, 0.9))),
        }
        for axis, value, members in groups_of(faces, space)
        if len(share := _measured(faces.padded_share, members & faces.ok))
    ]  # fmt: skip


def skin_rows(faces: Faces, space: BinSpace) -> list[dict[str, Any]]:
    """Individual typology angle (degrees; higher is lighter) by group."""
    return [
        {
            "axis": axis.name, "value": value, "n": len(angle),
            **{f"ita_{name}": rounded(float(np.quantile(angle, share)), 1)
               for name, share in (("10th_percentile", 0.1), ("median", 0.5),
                                   ("90th_percentile", 0.9))},
        }
        for axis, value, members in groups_of(faces, space)
        if len(angle := _measured(faces.ita, members & faces.ok))
    ]  # fmt: skip


def _measured(
    values: npt.NDArray[np.float32], rows: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    chosen = values[rows].astype(np.float64)
    return chosen[np.isfinite(chosen)]


def groups_of(faces: Faces, space: BinSpace) -> Iterator[tuple[Axis, str, npt.NDArray[np.bool_]]]:
    """Every value of every axis, then the rest: which rows it has, whatever their status."""
    for axis in space.axes:
        places = faces.places(axis)
        for place, value in enumerate(axis.values):
            yield axis, value, places == place
        left_out = [w for w in faces.labels[axis.name].words if axis.value_of(w) is None]
        rest = UNKNOWN if set(left_out) <= {UNKNOWN} else f"{UNKNOWN} or left out"
        yield axis, rest, places == -1


def rounded(value: float, digits: int = 4) -> float:
    """Enough for a person, and the same text whatever the last bits of a sum."""
    return round(value, digits)
