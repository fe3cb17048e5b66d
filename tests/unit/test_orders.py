import pytest

from augment.planning.orders import (
    Earlier,
    common_labels,
    label_words,
    moved_labels,
    order_rows,
)
from augment.schema import Labels, order_schema, table
from augment.types import Axis, BinSpace

AGE = Axis("age_group", ("0-19", "20-29", "70+"), {"0-2": "0-19", "3-9": "0-19", "10-19": "0-19"})
GENDER = Axis("gender", ("female", "male"))
SPACE = BinSpace((AGE, GENDER))
WORDS = {"age_group": ("0-2", "3-9", "10-19", "20-29", "70+"), "gender": ("female", "male")}


@pytest.mark.parametrize(
    ("labels", "target", "moved"),
    [
        (("70+", "female"), "0-19 · female", {"age_group": "10-19"}),
        (("20-29", "male"), "0-19 · female", {"age_group": "10-19", "gender": "female"}),
        (("3-9", "male"), "0-19 · female", {"gender": "female"}),
        (("0-2", "female"), "20-29 · female", {"age_group": "20-29"}),
        (("70+", "female"), "70+ · female", {}),
    ],
)
def test_only_what_must_move_moves_and_to_the_nearest_word(
    labels: tuple[str, str], target: str, moved: dict[str, str]
) -> None:
    donor = dict(zip(("age_group", "gender"), labels, strict=True))
    found = moved_labels(donor, SPACE.names.index(target), SPACE, WORDS)
    assert found == moved
    assert SPACE.names[SPACE.code({**donor, **found})] == target


def test_parents_keep_what_they_share() -> None:
    one = {"age_group": "0-2", "gender": "male", "smiling": "yes", "skin_tone": "3"}
    two = {"age_group": "3-9", "gender": "male", "smiling": "no", "skin_tone": "3"}
    assert common_labels([one, two], SPACE) == {
        "age_group": "0-2", "gender": "male", "smiling": "unknown", "skin_tone": "3",
    }  # fmt: skip
    assert common_labels([{"age_group": "0-2", "smiling": None}], SPACE)["smiling"] == "unknown"


def rows(*parents: str, earlier: Earlier | None = None) -> list[dict[str, object]]:
    labels = {"age_group": "20-29", "gender": "female", "ethnicity": "indian", "skin_tone": "4"}
    families = [[(parent, labels)] for parent in parents]
    target = SPACE.names.index("70+ · female")
    return order_rows("age", target, SPACE, WORDS, families, 7, earlier)


def test_an_order_row_says_what_is_to_be_made() -> None:
    (order,) = rows("face1")
    assert order["bin"] == "70+ · female"
    assert order["changes"] == ["age_group"]
    assert order["parents"] == ["face1"]
    assert (order["age_group"], order["ethnicity"]) == ("70+", "indian")
    assert str(order["id"]).startswith("age/70+ · female/")


def test_orders_keep_id_and_seed_when_others_come_and_go() -> None:
    before = {row["id"]: row["seed"] for row in rows("a", "b", "b")}
    after = {row["id"]: row["seed"] for row in rows("new", "b", "a", "b")}
    assert len(before) == 3
    assert before.items() < after.items()
    assert len(set(after.values())) == 4


def test_further_orders_are_other_faces_and_sort_behind() -> None:
    schema = order_schema(Labels())
    first = table(rows("a", "b", "b"), schema)
    earlier = Earlier.of([first.slice(0, 1), first.slice(1)], "topup1-")
    assert earlier.children == {"a": 1, "b": 2}
    more = table(rows("b", "c", earlier=earlier), schema)
    ids = first["id"].to_pylist()
    assert min(more["id"].to_pylist()) > max(ids)
    digests = [name.split("/")[2].removeprefix("topup1-") for name in more["id"].to_pylist()]
    assert not {name.split("/")[2] for name in ids} & set(digests)
    assert len({*first["seed"].to_pylist(), *more["seed"].to_pylist()}) == 5


def test_words_that_nobody_has_stand_for_empty_values_only() -> None:
    asian = Axis(
        "ethnicity", ("white", "asia"), {"east asian": "asia", "indian": "asia", "asian": "asia"}
    )
    assert label_words(asian, Labels(), ["white", "indian", "unknown"]) == ("white", "indian")
    nobody = label_words(asian, Labels(), ["white"])
    assert nobody == ("white", "east asian", "indian", "asian")
    assert "70+" in label_words(Axis("age_group", ("20-29", "70+")), Labels(), ["20-29"])


def test_words_outside_of_the_vocabulary() -> None:
    hair = Axis("hair", ("blond", "black"))
    assert label_words(hair, Labels(("hair",)), ["black", "blond"]) == ("black", "blond")
