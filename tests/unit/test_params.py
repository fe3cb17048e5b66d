from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, model_validator

from augment.errors import UserError
from augment.params import NoSection, Section, read_params, require_known, section, validate


class Inner(Section):
    size: int = Field(64, ge=8)
    name: str = "x"

    @model_validator(mode="after")
    def _named(self) -> "Inner":
        if self.name == "size":
            raise ValueError("'size' is no name")
        return self


class Outer(Section):
    inner: Inner = Inner()
    needed: float = Field(le=10)
    way: Literal["left", "right"] = "left"
    many: list[str] = Field(default=["a"], min_length=1)


def write(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text)
    return path


def test_valid_section() -> None:
    assert validate(Outer, {"needed": 1, "inner": {"size": 8}}, "outer").inner.size == 8
    assert validate(Inner, None, "inner") == Inner()  # "plan:" with nothing behind it


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"needed": 1, "inner": {"sise": 8}}, ["outer.inner.sise", "did you mean 'size'"]),
        ({"needed": 1, "wholly": 8}, ["outer.wholly", "known here: inner, many, needed"]),
        ({}, ["outer.needed is missing"]),
        ({"needed": "much"}, ["outer.needed", "must be a number", "'much'"]),
        ({"needed": 1, "inner": {"size": 2}}, ["outer.inner.size: must be 8 or more (it is 2)"]),
        ({"inner": {"size": 2}}, ["outer.needed is missing", "outer.inner.size"]),
        (["a"], ["outer: must be named entries", "['a']"]),
        ({"needed": None}, ["outer.needed: must be a number (nothing stands there)"]),
        ({"needed": 11}, ["outer.needed: must be 10 or less (it is 11)"]),
        ({"needed": 1, "inner": {"size": 8.5}}, ["outer.inner.size: must be a whole number (it"]),
        ({"needed": 1, "inner": {"name": True}}, ["outer.inner.name: must be text (it is true)"]),
        ({"needed": 1, "inner": {"name": "size"}}, ["outer.inner: 'size' is no name"]),
        ({"needed": 1, "way": "up"}, ["outer.way: must be 'left' or 'right' (it is 'up')"]),
        ({"needed": 1, "many": []}, ["outer.many: must name at least 1 (it is [])"]),
        ({"needed": 1, "many": "a"}, ["outer.many: must be a list, such as [a, b] (it is 'a')"]),
    ],
)
def test_problems_name_place_and_remedy(content: object, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        validate(Outer, content, "outer")
    for word in words:
        assert word in str(caught.value)
    assert not any(word in str(caught.value) for word in ("Input should", "Value error", "None"))


def test_long_input_is_cut(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        validate(Outer, {"needed": ["word"] * 500}, "outer")
    assert len(str(caught.value)) < 250


def test_reads_a_file(tmp_path: Path) -> None:
    assert read_params(write(tmp_path, "seed: 7\nplan:\n")) == {"seed": 7, "plan": None}


def test_merged_keys_are_no_duplicates(tmp_path: Path) -> None:
    text = "a: &a\n  x: 1\nb: &b\n  y: 2\nall:\n  <<: [*a, *b]\n  x: 3\n"
    assert read_params(write(tmp_path, text))["all"] == {"x": 3, "y": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: [7\n", "not valid YAML"),
        ("- seed\n", "named sections"),
        ("", "named sections"),
        ("plan:\n  a: 1\n  b: 2\n  a: 3\n", "'a' stands twice"),
    ],
)
def test_unusable_files(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_params(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_missing_file_says_where_to_stand(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="project's folder"):
        read_params(tmp_path / "params.yaml")


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").mkdir()
    with pytest.raises(UserError, match=r"params.yaml cannot be read: Is a directory"):
        read_params(tmp_path / "params.yaml")


def test_names_that_are_not_known() -> None:
    require_known(["mask"], ["gender", "mask"], "audit.axes", "there is none")
    with pytest.raises(UserError) as caught:
        require_known(["maks", "gender", "x"], ["gender", "mask"], "audit.axes", "there is none")
    assert str(caught.value) == (
        "params.yaml: audit.axes names 'maks' (did you mean 'mask'?), 'x', but there is none; "
        "there are: gender, mask."
    )
    with pytest.raises(UserError, match="there are: none"):
        require_known(["mask"], [], "plan.generators", "there is none")


def test_section() -> None:
    params = {"generators": {"mask": {"kind": "mask"}}}
    assert section(params, "generators.mask.kind") == "mask"
    with pytest.raises(UserError, match=r"'generators.age' \(looked for 'age'\)"):
        section(params, "generators.age")
    with pytest.raises(UserError, match="looked for 'deeper'"):
        section(params, "generators.mask.kind.deeper")
    with pytest.raises(NoSection) as caught:
        section(params, "judges.mask.kind")
    assert caught.value.missing == "judges"
