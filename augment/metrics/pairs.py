"""Pairs of faces: of one person, or of two; and how well a likeness tells which. numpy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.metrics.calibration import accuracy_rows
from augment.seeds import row_share
from augment.types import FloatArray
from augment.vocabulary import UNKNOWN

Pairs = npt.NDArray[np.int64]  # (n, 2): places of faces
Words = npt.NDArray[np.str_]  # a word a face, "" where it has none

#: A face is paired with so many others of its person, and of its group, at most on each side.
REACH = 5
_FOLDS = 5  # of people, for thresholds that did not see whom they are tried on


def shuffled(ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """Places in an order that has to do with nothing, but is always the same."""
    order = sorted(range(len(ids)), key=lambda place: row_share(0, "pairs", ids[place]))
    return np.array(order, dtype=np.int64)


def ring_pairs(order: npt.NDArray[np.int64], words: Words, reach: int = REACH) -> Pairs:
    """Pairs of faces with the same word: the faces of each word stand in a ring, and each is
    paired with the ``reach`` that follow it. No pair comes twice; faces without a word in none.
    """
    found = [np.zeros((0, 2), dtype=np.int64)]
    sorted_places = order[np.argsort(words[order], kind="stable")]
    _, starts = np.unique(words[sorted_places], return_index=True)
    for ring in np.split(sorted_places, starts[1:]):
        if not len(ring) or not words[ring[0]]:
            continue
        for step in range(1, min(reach, len(ring) // 2) + 1):
            pairs = np.stack([ring, np.roll(ring, -step)], axis=1)
            # Half around the ring, each pair would come from both of its ends.
            found.append(pairs[: len(ring) // 2] if 2 * step == len(ring) else pairs)
    return np.concatenate(found)


def same_person(ids: Sequence[str], persons: Sequence[str]) -> Pairs:
    """Pairs of photos of one person, at most :data:`REACH` times as many as there are photos."""
    return ring_pairs(shuffled(ids), np.array(persons, dtype=np.str_))


def strangers(ids: Sequence[str], persons: Sequence[str], words: Words) -> Pairs:
    """Pairs of different people with the same word; who is not known counts as somebody else."""
    pairs = ring_pairs(shuffled(ids), words)
    who = np.array([person or f"\x01{place}" for place, person in enumerate(persons)], np.str_)
    return pairs[who[pairs[:, 0]] != who[pairs[:, 1]]] if len(pairs) else pairs


def likeness(one: FloatArray, other: FloatArray) -> FloatArray:
    """Cosines of descriptions of length 1, row by row: (n, numbers) twice -> float32 (n,)."""
    return np.asarray(np.einsum("nc,nc->n", one, other), dtype=np.float32)


def best_threshold(same: FloatArray, different: FloatArray) -> float:
    """The likeness from which "the same person" is right most often, both kinds counting alike.

    It lies in the middle between two likenesses that occur. (n,) and (m,) with n, m > 0.
    """
    tried = np.unique(np.concatenate([same, different]))
    kept = 1 - np.searchsorted(np.sort(same), tried, side="left") / len(same)
    refused = np.searchsorted(np.sort(different), tried, side="left") / len(different)
    best = int(np.argmax(kept + refused))
    return float((tried[max(best - 1, 0)] + tried[best]) / 2)


def thresholds_by_fold(
    likenesses: FloatArray, same: npt.NDArray[np.bool_], folds: Pairs, count: int
) -> FloatArray:
    """For each fold of people, the best threshold on pairs without anybody of that fold.

    Args:
        likenesses: (n,).
        same: (n,), whether a pair shows one person.
        folds: (n, 2), the fold of each pair's people, 0..count-1.
        count: of folds, at least 2.

    Returns:
        (count,); that of all pairs for a fold which the others say nothing about.
    """
    found = []
    for fold in range(count):
        other = ~np.any(folds == fold, axis=1)
        if not (same & other).any() or not (~same & other).any():
            other = np.ones(len(same), dtype=bool)
        found.append(best_threshold(likenesses[same & other], likenesses[~same & other]))
    return np.array(found, dtype=np.float32)


def fold_of(name: str, count: int) -> int:
    """The fold, 0..count-1, of a person (or of a face whose person is not known)."""
    return int(row_share(0, "fold", name) * count)


@dataclass(frozen=True)
class Described:
    """Some faces, and how a judge describes them.

    Attributes:
        ids: row ids.
        persons: who is on them, "" where not known.
        labels: grouping -> each face's word.
        numbers: (faces, numbers), each of length 1.
        varied: the same of each face's harmless variation.
    """

    ids: Sequence[str]
    persons: Sequence[str]
    labels: Mapping[str, Sequence[str]]
    numbers: FloatArray
    varied: FloatArray


def verification_rows(faces: Described, label: str) -> list[dict[str, Any]]:
    """How often a pair of faces is rightly told to show one person or two.

    As many pairs of one kind as of the other. Thresholds come from folds of other people, over all
    groups; pairs of a group are of people of that group, which is harder. Where no person has
    two photos, a face and its variation stand for two photos, and the label says so.

    Returns:
        Rows of :func:`augment.metrics.calibration.accuracy_rows`, of all and by ``faces.labels``;
        n counts pairs. None where there are no two faces to compare.
    """
    one_person, second = same_person(faces.ids, faces.persons), faces.numbers
    if not len(one_person):
        label, second = f"{label} (varied photos)", faces.varied
        one_person = np.repeat(np.arange(len(faces.ids))[:, None], 2, axis=1)
    everyone = np.full(len(faces.ids), "all")
    pairs, same = _both_kinds(faces, one_person, everyone)
    if not same.any() or same.all():
        return []
    people = [person or row_id for person, row_id in zip(faces.persons, faces.ids, strict=True)]
    folds = np.array([fold_of(person, _FOLDS) for person in people], dtype=np.int64)

    def judged(pairs: Pairs, same: npt.NDArray[np.bool_]) -> FloatArray:
        other = np.where(same[:, None], second[pairs[:, 1]], faces.numbers[pairs[:, 1]])
        return likeness(faces.numbers[pairs[:, 0]], other)

    thresholds = thresholds_by_fold(judged(pairs, same), same, folds[pairs], _FOLDS)

    def right(pairs: Pairs, same: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        return np.equal(judged(pairs, same) >= thresholds[folds[pairs[:, 0]]], same)

    rows = accuracy_rows(label, right(pairs, same), {})
    for grouping, column in faces.labels.items():
        words = np.array(["" if word == UNKNOWN else word for word in column], dtype=np.str_)
        pairs, same = _both_kinds(faces, one_person, words)
        by = {grouping: words[pairs[:, 0]]}
        rows += accuracy_rows(label, right(pairs, same), by)[1:]
    return rows


def _both_kinds(
    faces: Described, one_person: Pairs, words: Words
) -> tuple[Pairs, npt.NDArray[np.bool_]]:
    """Pairs within each word, as many of strangers as of one person or fewer, and which is which.

    Words without pairs of both kinds are left out.
    """
    within = words[one_person[:, 0]] == words[one_person[:, 1]]
    one = one_person[within & (words[one_person[:, 0]] != "")]
    two = strangers(faces.ids, faces.persons, words)
    kept_one, kept_two = [one[:0]], [two[:0]]
    for word in np.unique(words[one[:, 0]]):
        ones, twos = one[words[one[:, 0]] == word], two[words[two[:, 0]] == word]
        count = min(len(ones), len(twos))
        kept_one.append(ones[:count])
        kept_two.append(twos[:count])
    chosen = [np.concatenate(kept_one), np.concatenate(kept_two)]
    same = np.repeat([True, False], [len(part) for part in chosen])
    return np.concatenate(chosen), same
