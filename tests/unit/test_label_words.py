import pytest

from augment.intake.label_words import read_labels
from augment.vocabulary import AGE_GROUPS, parse_age_groups

GROUPS = parse_age_groups(AGE_GROUPS)


def test_everyday_words_become_the_vocabularys() -> None:
    given = {"gender": "Woman", "age": "34", "split": "dev", "hat": "true", "ethnicity": "Hispanic"}
    said = read_labels(given, ("hat",), {}, GROUPS)
    assert said.labels == {
        "gender": "female", "age_group": "30-39", "hat": "yes", "ethnicity": "latino",
    }  # fmt: skip
    assert (said.age, said.split, said.note) == (34.0, "validation", "")


def test_own_words_come_first_and_strange_ones_are_noted() -> None:
    given = {"gender": "x", "age_group": "old", "hat": "beret", "split": "later"}
    words = {"gender": {"x": "male"}, "age_group": {"old": "70+"}}
    said = read_labels(given, ("hat",), words, GROUPS)
    assert said.labels == {"gender": "male", "age_group": "70+", "hat": "unknown"}
    assert said.split is None
    assert said.note == "hat: word 'beret' is not known; split: word 'later' is not known"


@pytest.mark.parametrize("column", ["gender", "age_group", "hat"])
def test_columns_that_are_not_there_say_nothing(column: str) -> None:
    said = read_labels({column: ""}, ("hat",), {}, GROUPS)
    assert said.labels == {column: "unknown"}
    assert read_labels({}, ("hat",), {}, GROUPS).labels == {}
