"""From moves and parents to order rows: what each candidate shall be, and with which seed."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from augment.schema import Labels
from augment.seeds import row_seed
from augment.types import Axis, BinSpace
from augment.vocabulary import UNKNOWN, value_order

LabelRow = Mapping[str, str | None]
_KIN = "\x1f"


@dataclass(frozen=True)
class Earlier:
    """What was ordered before: further children of the same parents shall be other faces.

    Attributes:
        children: face id -> children that it already has.
        families: (generator, bin name, parents' ids joined) -> how often.
        mark: put before the digest in the ids of further orders. It starts with a letter behind
            "f": of two equal candidates a check lets the first pass, and that is the earlier one.
    """

    children: Mapping[str, int] = field(default_factory=Counter)
    families: Mapping[tuple[str, str, str], int] = field(default_factory=Counter)
    mark: str = ""

    @classmethod
    def of(cls, tables: Iterable[pa.Table], mark: str) -> "Earlier":
        """From rows with columns generator, bin, parents."""
        children: Counter[str] = Counter()
        families: Counter[tuple[str, str, str]] = Counter()
        for content in tables:
            columns = [content.column(n).to_pylist() for n in ("generator", "bin", "parents")]
            for key, name, parents in zip(*columns, strict=True):
                children.update(parents)
                families[key, name, _KIN.join(parents)] += 1
        return cls(children, families, mark)


def order_rows(
    key: str,
    target: int,
    space: BinSpace,
    words: Mapping[str, Sequence[str]],
    families: Sequence[Sequence[tuple[str, LabelRow]]],
    seed: int,
    earlier: Earlier | None = None,
) -> list[dict[str, Any]]:
    """One row of :func:`augment.schema.order_schema` for each family.

    Args:
        key: the generator's.
        target: bin number.
        space: the bins.
        words: axis name -> the label words that may be asked for, in order.
        families: the parents of each candidate, as (id, labels).
        seed: the run's.
        earlier: what was ordered before, if anything was.
    """
    earlier = earlier or Earlier()
    times: Counter[str] = Counter()
    rows = []
    for family in families:
        parents = [name for name, _ in family]
        kin = _KIN.join(parents)
        turn = times[kin] + earlier.families[key, space.names[target], kin]
        # Named after its parents, not by a running number: the order stays the same order when
        # others come or go.
        digest = hashlib.blake2b(f"{kin}\x1f{turn}".encode(), digest_size=8).hexdigest()
        times[kin] += 1
        name = f"{key}/{space.names[target]}/{earlier.mark}{digest}"
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
