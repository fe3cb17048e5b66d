from pathlib import Path

import pytest
from pydantic import Field

from augment.errors import UserError
from augment.params import Section, read_params, section, validate


class Inner(Section):
    size: int = Field(64, ge=8)
    name: str = "x"


class Outer(Section):
    inner: Inner = Inner()
    needed: float


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
        ({"needed": 1, "wholly": 8}, ["outer.wholly", "known here: inner, needed"]),
        ({}, ["outer.needed is missing"]),
        ({"needed": "much"}, ["outer.needed", "valid number", "'much'"]),
        ({"needed": 1, "inner": {"size": 2}}, ["outer.inner.size", "greater than or equal to 8"]),
        ({"inner": {"size": 2}}, ["outer.needed is missing", "outer.inner.size"]),
        (["a"], ["outer", "['a']"]),
    ],
)
def test_problems_name_place_and_remedy(content: object, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        validate(Outer, content, "outer")
    for word in words:
        assert word in str(caught.value)


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


def test_section() -> None:
    params = {"generators": {"mask": {"kind": "mask"}}}
    assert section(params, "generators.mask.kind") == "mask"
    with pytest.raises(UserError, match=r"'generators.age' \(looked for 'age'\)"):
        section(params, "generators.age")
    with pytest.raises(UserError, match="looked for 'deeper'"):
        section(params, "generators.mask.kind.deeper")
