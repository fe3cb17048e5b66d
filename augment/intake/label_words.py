"""What people call labels in their own tables and folder names, as the vocabulary's values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from augment.intake.label_tables import (
    YES_NO,
    joined,
    look_up,
    look_up_age_group,
    normal,
    read_years,
)
from augment.vocabulary import (
    BASE_LABELS,
    ETHNICITIES,
    GENDERS,
    SKIN_TONES,
    UNKNOWN,
    AgeGroup,
    group_of_years,
)

#: Words that are known without being told; ``words`` of params comes first.
WORDS: Mapping[str, Mapping[str, str]] = {
    "gender": {
        **{word: word for word in GENDERS},
        **dict.fromkeys(("f", "w", "woman", "girl"), "female"),
        **dict.fromkeys(("m", "man", "boy"), "male"),
    },
    "ethnicity": {
        **{word: word for word in ETHNICITIES},
        "latino hispanic": "latino",
        "hispanic": "latino",
    },
    "skin_tone": {step: step for step in SKIN_TONES},
}
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
#: Columns that are no labels.
FILE, AGE, PERSON, SPLIT, LICENCE = PLAIN = ("file", "age", "person", "split", "licence")


@dataclass(frozen=True)
class Said:
    """What a table or a folder name says of a face, in our words.

    Attributes:
        labels: label column -> value of the vocabulary.
        age: years, None where nobody says.
        split: train, validation or test, None where nobody says.
        note: words that are not known, and repairs.
    """

    labels: Mapping[str, str]
    age: float | None
    split: str | None
    note: str


def read_labels(
    given: Mapping[str, str],
    attributes: Sequence[str],
    words: Mapping[str, Mapping[str, str]],
    age_groups: Sequence[AgeGroup],
) -> Said:
    """Translate the words that a data set uses.

    Args:
        given: our name of a column -> the data set's word.
        attributes: label columns beyond vocabulary.BASE_LABELS.
        words: label -> words in their :func:`normal` form -> values; they come first.
        age_groups: of params.
    """
    age, age_note = read_years(given.get(AGE, ""))
    labels, notes = {}, [age_note]
    for name in (name for name in (*BASE_LABELS, *attributes) if name in given):
        own = words.get(name, {})
        if name == "age_group":
            word = own.get(normal(given[name]), given[name])
            labels[name], note = look_up_age_group(word, age_groups)
        else:
            known = {**WORDS.get(name, YES_NO), **own}
            labels[name], note = look_up(name, given[name], known)
        notes.append(note)
    if age is not None:
        labels["age_group"] = group_of_years(age, age_groups)
    split, note = look_up(SPLIT, given.get(SPLIT, ""), SPLIT_WORDS)
    return Said(labels, age, None if split == UNKNOWN else split, joined([*notes, note]))
