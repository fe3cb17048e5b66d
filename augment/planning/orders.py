"""From moves and parents to order rows: what each candidate shall be, and with which seed."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from augment.schema import Labels
from augment.seeds import row_seed
from augment.types import Axis, BinSpace
from augment.vocabulary import UNKNOWN, value_order

LabelRow = Mapping[str, str | None]


def order_rows(
    key: str,
    target: int,
    space: BinSpace,
    words: Mapping[str, Sequence[str]],
    families: Sequence[Sequence[tuple[str, LabelRow]]],
    seed: int,
) -> list[dict[str, Any]]:
    """One row of :func:`augment.schema.order_schema` for each family.

    Args:
        key: the generator's.
        target: bin number.
        space: the bins.
        words: axis name -> the label words that may be asked for, in order.
        families: the parents of each candidate, as (id, labels).
        seed: the run's.
    """
    times: Counter[str] = Counter()
    rows = []
    for family in families:
        parents = [name for name, _ in family]
        kin = "\x1f".join(parents)
        # Named after its parents, not by a running number: the order stays the same order when
        # others come or go.
        digest = hashlib.blake2b(f"{kin}\x1f{times[kin]}".encode(), digest_size=8).hexdigest()
        times[kin] += 1
        name = f"{key}/{space.names[target]}/{digest}"
        labels = common_labels([labels for _, labels in family], space)
        moved = moved_labels(labels, target, space, words)
        rows.append(
            {
                "id": name,
                "generator": key,
                "bin": space.names[target],
                "parents": parents,
                "changes": list(moved),
                "seed": row_seed(seed, "generate", name),
                **labels,
                **moved,
            }
        )
    return rows


def common_labels(parents: Sequence[LabelRow], space: BinSpace) -> dict[str, str]:
    """The labels that all parents share; ``unknown`` where they differ.

    On an axis all parents have one value, for they come from one bin; should that value be merged
    of several words, the first parent's word stands.
    """
    first = parents[0]
    axes = {axis.name for axis in space.axes}
    return {
        name: word or UNKNOWN
        if name in axes or all(other[name] == word for other in parents)
        else UNKNOWN
        for name, word in first.items()
    }


def moved_labels(
    labels: LabelRow, target: int, space: BinSpace, words: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """The label columns that must change for a face to be in ``target``, and their new words."""
    values = space.values(target)
    return {
        axis.name: nearest_word(axis, values[axis.name], labels.get(axis.name), words[axis.name])
        for axis in space.axes
        if axis.value_of(labels.get(axis.name)) != values[axis.name]
    }


def nearest_word(axis: Axis, value: str, word: str | None, words: Sequence[str]) -> str:
    """The label word that lies inside an axis value and nearest to ``word`` in order."""
    inside = [other for other in words if axis.value_of(other) == value]
    place = words.index(word) if word in words else 0
    return min(inside, key=lambda other: abs(words.index(other) - place))


def label_words(axis: Axis, labels: Labels, found: Sequence[str]) -> tuple[str, ...]:
    """The words of an axis's label column that a new face may be given, in order.

    A word that nobody has is only used for a value that nobody has: a merged "asian" of a data set
    without the word "indian" is not filled with faces labelled "indian".

    Args:
        axis: the axis.
        labels: the data set's label columns.
        found: the words that occur in it.
    """
    order = value_order(axis.name, labels.age_groups)
    extra = sorted(set(found) - {*order, UNKNOWN})
    taken = {axis.value_of(word) for word in found}
    return tuple(
        word
        for word in (*order, *extra)
        if axis.value_of(word) is not None and (word in found or axis.value_of(word) not in taken)
    )
