"""From ``audit.axes`` and the words that occur in a data set to a :class:`BinSpace`."""

from collections.abc import Mapping, Sequence, Set
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from augment.errors import UserError
from augment.params import Section, require_known
from augment.types import Axis, BinSpace
from augment.vocabulary import BASE_LABELS, UNKNOWN, value_order

#: Above this the bins cannot be looked at by a person, and nearly all of them would be empty.
MOST_BINS = 2_000


class AxisConfig(Section):
    """One axis; in params.yaml either its label column's name alone, or a mapping."""

    name: str
    merge: dict[str, list[str]] = Field(default_factory=dict)  # new value -> label words
    values: list[str] | None = None  # these, in this order; others are in no bin
    sensitive: bool = True


def _named(entry: Any) -> Any:
    return {"name": entry} if isinstance(entry, str) else entry


AxisEntry = Annotated[AxisConfig, BeforeValidator(_named)]


def bin_space(
    axes: Sequence[AxisConfig], words: Mapping[str, Sequence[str]], age_groups: Sequence[str]
) -> BinSpace:
    """The bins that params ask for.

    Args:
        axes: the checked parameters, in order.
        words: label column -> the words that occur in it, over all rows.
        age_groups: the data set's age groups, in order.

    Raises:
        UserError: a column or a word does not exist, a word is merged twice, an axis has no value.
    """
    check_axes(axes, list(words))
    space = BinSpace(tuple(_axis(axis, words, age_groups) for axis in axes))
    if len(space) > MOST_BINS:
        raise UserError(
            f"params.yaml: audit.axes make {len(space):,} bins, more than {MOST_BINS:,}: name "
            "fewer axes, or merge values."
        )
    return space


def check_axes(axes: Sequence[AxisConfig], columns: Sequence[str]) -> None:
    """Refuse axes that cannot be, whatever words the faces have.

    Args:
        axes: the checked parameters, in order.
        columns: the data set's label columns.

    Raises:
        UserError: an axis is no label column, or stands twice.
    """
    names = [axis.name for axis in axes]
    require_known(names, columns, "audit.axes", "the data set has no such label column")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(
            f"params.yaml: audit.axes names {', '.join(twice)} more than once: leave it there once."
        )


def _axis(
    config: AxisConfig, words: Mapping[str, Sequence[str]], age_groups: Sequence[str]
) -> Axis:
    where = f"params.yaml: audit.axes, '{config.name}'"
    known = known_words(config.name, words[config.name], age_groups)
    merge = _merge(config, {*known, *value_order(config.name, age_groups)}, known, where)
    values = tuple(dict.fromkeys(merge.get(word, word) for word in known))
    if config.values is not None:
        values = _chosen(config.values, values, where)
    if not values:
        raise UserError(f"{where}: every face is '{UNKNOWN}' there; leave this axis out.")
    return Axis(config.name, values, merge, config.sensitive)


def known_words(label: str, found: Sequence[str], age_groups: Sequence[str]) -> list[str]:
    """The words that can be on an axis, in the vocabulary's order.

    Words that nobody has stay: an empty age group or skin tone is a real lack. Ethnicity is the
    exception: which words there are is a data set's own choice (FairFace has seven, UTKFace five),
    so only those that occur count. So do those of an attribute that is not of yes and no.
    """
    order = value_order(label, age_groups)
    extra = sorted(set(found) - set(order) - {UNKNOWN})
    if label == "ethnicity" or (extra and label not in BASE_LABELS):
        order = tuple(word for word in order if word in found)
    return [*order, *extra]


def _merge(
    config: AxisConfig, allowed: Set[str], known: Sequence[str], where: str
) -> dict[str, str]:
    merge: dict[str, str] = {}
    for value, members in config.merge.items():
        for word in members:
            if word not in allowed:
                raise UserError(
                    f"{where}: merge names '{word}', which is no word of this label here; there "
                    f"are: {', '.join(known)}."
                )
            if word in merge:
                raise UserError(f"{where}: '{word}' is merged into two values.")
            merge[word] = value
    return merge


def _chosen(chosen: Sequence[str], values: Sequence[str], where: str) -> tuple[str, ...]:
    wrong = [value for value in chosen if value not in values]
    if wrong or len(set(chosen)) != len(chosen) or not chosen:
        problem = f"'{wrong[0]}' is not there" if wrong else "they are empty or name one twice"
        raise UserError(f"{where}: wrong values: {problem}. There are: {', '.join(values)}.")
    return tuple(chosen)
