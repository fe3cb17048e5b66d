from pathlib import Path

import pytest

from augment.errors import UserError
from augment.sources.ffhq_aging import Config, Source
from augment.vocabulary import parse_age_groups
from tests.unit.layouts import SEED, open_layout, photo, write


def test_labels_and_the_group_that_fits_no_other(tmp_path: Path) -> None:
    baby, middle, old = open_layout("ffhq_aging", tmp_path).records()
    assert baby.labels == {"age_group": "0-2", "gender": "male", "glasses": "no"}
    assert middle.labels == {"age_group": "unknown", "gender": "female", "glasses": "yes"}
    assert middle.note == "age_group: '50-69' lies in no single group of params"
    assert old.labels == {"age_group": "70+", "gender": "female", "glasses": "yes"}
    assert old.uri == "ffhq_aging256x256/01000/01001.png"


def test_wider_groups_hold_it(tmp_path: Path) -> None:
    open_layout("ffhq_aging", tmp_path)
    groups = parse_age_groups(["0-19", "20-49", "50-69", "70+"])
    source = Source(Config(root="ffhq_aging"), tmp_path, groups, SEED)
    assert [r.labels["age_group"] for r in source.records()] == ["0-19", "50-69", "70+"]


def test_photos_without_rows_and_rows_without_photos(tmp_path: Path) -> None:
    source = open_layout("ffhq_aging", tmp_path)
    folder = tmp_path / "ffhq_aging/ffhq_aging256x256"
    write(folder / "02000/02345.png", photo(1))
    (folder / "00000/00001.png").unlink()
    records = list(source.records())
    assert [r.name for r in records] == [
        "ffhq_aging256x256/00000/00000.png", "1.png", "ffhq_aging256x256/01000/01001.png",
        "ffhq_aging256x256/02000/02345.png",
    ]  # fmt: skip
    assert records[-1].note == "no row in the label table"


@pytest.mark.parametrize("folder", ["images1024x1024", "thumbnails128x128", "ffhq_aging1024x1024"])
def test_other_resolutions(tmp_path: Path, folder: str) -> None:
    source = open_layout("ffhq_aging", tmp_path)
    (tmp_path / "ffhq_aging/ffhq_aging256x256").rename(tmp_path / "ffhq_aging" / folder)
    assert all(record.uri.startswith(f"{folder}/") for record in source.records())


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    source = open_layout("ffhq_aging", tmp_path)
    (tmp_path / "ffhq_aging/ffhq_aging256x256").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="holds no folder"):
        list(source.records())
    (tmp_path / "ffhq_aging/ffhq_aging_labels.csv").unlink()
    with pytest.raises(UserError, match=r"ffhq_aging_labels\.csv is missing"):
        list(source.records())
