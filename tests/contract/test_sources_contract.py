"""Every source x every promise of protocols.Source, on tiny trees in the official layouts."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.errors import RowError
from augment.images import decode
from augment.plugins import load, names
from augment.vocabulary import AGE_GROUPS, BASE_LABELS, UNKNOWN, group_of_years, value_order
from tests.unit.layouts import GROUPS, LAYOUTS, open_layout

KINDS = sorted(LAYOUTS)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(kind: str, tmp_path: Path) -> Any:
    return open_layout(kind, tmp_path)


def test_every_source_has_a_layout_here() -> None:
    assert names("sources") == KINDS


def test_records_come_in_one_order_with_unique_names(source: Any) -> None:
    records = list(source.records())
    assert len(records) >= 2
    assert records == list(source.records())
    assert len({record.name for record in records}) == len(records)


def test_labels_are_words_of_the_vocabulary(source: Any) -> None:
    allowed = {*BASE_LABELS, *source.attributes}
    for record in source.records():
        assert set(record.labels) <= allowed
        for label, value in record.labels.items():
            assert value in (*value_order(label, AGE_GROUPS), UNKNOWN), (record.name, label)


def test_some_label_is_known(source: Any) -> None:
    values = {value for record in source.records() for value in record.labels.values()}
    assert values - {UNKNOWN}


def test_known_ages_have_their_group(source: Any) -> None:
    for record in source.records():
        if record.age is not None:
            assert record.labels["age_group"] == group_of_years(record.age, GROUPS)


def test_splits_are_ours(source: Any) -> None:
    assert {record.split for record in source.records()} <= {"train", "validation", "test", None}


def test_every_listed_picture_can_be_read(source: Any) -> None:
    for record in source.records():
        assert record.reason == ""
        pixels = decode(source.read(record.uri))
        assert source.read(record.uri) == source.read(record.uri)
        parsing = source.parsing(record.uri)
        if parsing is not None:
            assert parsing.dtype == np.uint8
            assert parsing.shape == pixels.shape[:2]
            assert 0 < parsing.max() <= 18


def test_versions_tell_pictures_apart(source: Any) -> None:
    uris = [record.uri for record in source.records()]
    versions = [source.version(uri) for uri in uris]
    assert all(versions)
    assert len(set(versions)) == len(uris)
    assert versions == [source.version(uri) for uri in uris]


@pytest.mark.parametrize("uri", ["../secret.jpg", "/etc/passwd", "", "a\0b", "no/such/file.jpg"])
def test_other_names_are_refused(source: Any, tmp_path: Path, uri: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"not yours")
    with pytest.raises(RowError):
        source.read(uri)
    assert isinstance(source.version(uri), str)


def test_it_can_be_sent_to_another_process(source: Any) -> None:
    twin = pickle.loads(pickle.dumps(source))  # noqa: S301 (our own bytes)
    first = next(iter(source.records()))
    assert list(twin.records()) == list(source.records())
    assert twin.read(first.uri) == source.read(first.uri)


def test_it_names_a_licence_and_usable_attributes(source: Any) -> None:
    assert source.licence
    assert len(set(source.attributes)) == len(source.attributes)
    assert not set(source.attributes) & set(BASE_LABELS)


def test_assumed_labels_are_kept_for_the_stage(kind: str, tmp_path: Path) -> None:
    assert open_layout(kind, tmp_path, assume={"mask": "no"}).assume == {"mask": "no"}
    assert open_layout(kind, tmp_path, assume={"mask": False}).assume == {"mask": "no"}


def test_assumed_words_must_be_ours(kind: str) -> None:
    config = load("sources", kind).Config
    with pytest.raises(ValueError, match="man"):
        config(assume={"gender": "man"})


def test_unknown_settings_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="extra"):
        load("sources", kind).Config(colour="red")
