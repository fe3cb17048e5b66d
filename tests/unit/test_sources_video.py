from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.errors import RowError, UserError
from augment.images import decode
from augment.intake.clips import read_frame, sample
from augment.sources.video import Config, Source
from tests.unit.layouts import GROUPS, SEED, film, open_layout, write


def source_of(data: Path, seed: int = SEED, **settings: Any) -> Source:
    return Source(Config(**settings), data, GROUPS, seed)


def frames_of(records: list[Any]) -> list[int]:
    return [int(record.name.rpartition("/")[2]) for record in records]


@pytest.mark.parametrize(("rate", "per_second"), [(24.0, 4), (29.97, 4), (10.0, 4), (5.0, 4)])
def test_frames_of_each_second_are_never_adjacent(rate: float, per_second: int) -> None:
    seconds = sample(round(20 * rate), rate, per_second, 1, "a")
    chosen = [number for second in seconds for number in second]
    assert np.diff(chosen).min() >= 2
    assert 0 <= min(chosen) <= max(chosen) < 20 * rate
    whole = min(per_second, int(rate) // 2)
    assert all(whole - 1 <= len(second) <= per_second for second in seconds)
    for number, second in enumerate(seconds):
        assert all(number * rate <= frame < (number + 1) * rate for frame in second)


def test_every_allowed_frame_can_be_drawn_and_the_seed_decides() -> None:
    found = [frame for seed in range(300) for frame in sample(24, 24.0, 4, seed, "a")[0]]
    assert set(found) == set(range(24))
    assert sample(240, 24.0, 4, 1, "a") == sample(240, 24.0, 4, 1, "a")
    assert sample(240, 24.0, 4, 1, "a") != sample(240, 24.0, 4, 2, "a")
    # A second draws by its own seed: a longer clip has the same frames at its start.
    assert sample(480, 24.0, 4, 1, "a")[:9] == sample(240, 24.0, 4, 1, "a")[:9]


def test_a_clip_is_one_person_with_its_labels(tmp_path: Path) -> None:
    records = list(open_layout("video", tmp_path).records())
    ann = [record for record in records if record.person == "ann"]
    ben = [record for record in records if record.person == "more/ben.avi"]
    assert len(ann) == 5  # 4 of the first second, 1 of the last quarter
    assert len(ben) == 8
    assert len(ann) + len(ben) == len(records)
    assert {record.labels["gender"] for record in ann} == {"female"}
    assert {record.labels["glasses"] for record in ann} == {"yes"}
    assert {record.note for record in ben} == {"no row in the label table"}
    assert all(np.diff(frames_of(part)).min() >= 2 for part in (ann, ben))


def test_a_row_is_read_as_the_very_frame_in_any_order(tmp_path: Path) -> None:
    source = open_layout("video", tmp_path)
    records = [record for record in source.records() if record.person == "ann"]
    forwards = [source.read(record.uri) for record in records]
    backwards = [source.read(record.uri) for record in reversed(records)]
    assert forwards == backwards[::-1]
    for record, content in zip(records, forwards, strict=True):
        number = int(record.uri.rpartition("#")[2])
        # What film() painted behind the square, through a lossy codec.
        assert abs(float(decode(content)[40:].mean()) - (40 + number % 100)) < 3


def test_frames_beside_one_are_its_neighbours(tmp_path: Path) -> None:
    source = open_layout("video", tmp_path)
    (path, version, _) = source._place("ann.avi#0000010")
    around = source.around("ann.avi#0000010")
    for number, pixels in zip((8, 9, 11, 12), around, strict=True):
        np.testing.assert_array_equal(pixels, read_frame(path, version, number))
    assert len(source.around("ann.avi#0000000")) == 2
    assert len(source.around("ann.avi#0000029")) == 2


def test_the_least_sharp_frames_are_set_aside_with_a_reason(tmp_path: Path) -> None:
    film(tmp_path / "a.avi", 120)
    records = list(source_of(tmp_path, blurred=0.25).records())
    refused = [record for record in records if record.reason]
    assert len(records) == 20
    assert {record.reason for record in refused} == {
        "blurred: among the least sharp frames of its clip"
    }
    assert 3 <= len(refused) <= 5
    assert not [r for r in source_of(tmp_path, blurred=0.0).records() if r.reason]


def test_bad_clips_keep_a_row_with_their_reason(tmp_path: Path) -> None:
    film(tmp_path / "good.avi", 48)
    film(tmp_path / "one.avi", 1)
    film(tmp_path / "short.avi", 12)
    film(tmp_path / "torn.avi", 48, cut=200)
    write(tmp_path / "empty.avi", b"")
    write(tmp_path / "text.mp4", b"this is no film at all")
    write(tmp_path / "twin.avi", (tmp_path / "good.avi").read_bytes())
    write(tmp_path / "._hidden.avi", b"of a Mac")
    write(tmp_path / "clips.csv", "file\ngone.avi\n../out.avi\n\ngood.avi\n")
    reasons: dict[str, str] = {}
    for record in source_of(tmp_path, table="clips.csv", blurred=0).records():
        reasons.setdefault(record.name.split("/0")[0], record.reason)
    assert reasons == {
        "good.avi": "",
        "one.avi": "the clip holds one frame only",
        "short.avi": "the clip is shorter than a second",
        "torn.avi": "the file is not a video that can be read",
        "empty.avi": "the file is empty",
        "text.mp4": "the file is not a video that can be read",
        "twin.avi": "the same file as clip 'good.avi'",
        "gone.avi": "the file is missing, or no plain file",
        "../out.avi": "the path leads outside of the data set's folder",
    }


def test_a_clip_that_is_cut_off_is_used_up_to_there(tmp_path: Path) -> None:
    film(tmp_path / "a.avi", 120)
    whole = (tmp_path / "a.avi").stat().st_size
    film(tmp_path / "a.avi", 120, cut=whole // 2)
    records = list(source_of(tmp_path, blurred=0).records())
    if records[0].reason:  # this build of FFmpeg reads nothing of it
        assert records[0].reason == "no frame of the clip can be decoded"
    else:
        assert 4 <= len(records) < 20


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("a.avi#9999", "ends before"),
        ("a.avi#-1", "names no frame"),
        ("a.avi#", "names no frame"),
        ("a.avi", "no usable name"),
        ("../a.avi#3", "outside"),
        ("b.avi#3", "missing"),
    ],
)
def test_other_frames_are_refused(tmp_path: Path, uri: str, says: str) -> None:
    film(tmp_path / "a.avi", 30)
    with pytest.raises(RowError, match=says):
        source_of(tmp_path).read(uri)


def test_a_file_that_changes_gives_its_new_frames(tmp_path: Path) -> None:
    film(tmp_path / "a.avi", 30)
    source = source_of(tmp_path)
    before, version = source.read("a.avi#3"), source.version("a.avi#3")
    (tmp_path / "a.avi").unlink()
    film(tmp_path / "a.avi", 60, rate=12.0)
    film(tmp_path / "b.avi", 40)
    (tmp_path / "b.avi").replace(tmp_path / "a.avi")
    assert source.version("a.avi#3") != version
    assert source.read("a.avi#3") == before  # the same picture, of the new file
    assert source.read("a.avi#35")


def test_a_missing_table_is_explained(tmp_path: Path) -> None:
    film(tmp_path / "a.avi", 30)
    with pytest.raises(UserError, match=r"clips\.csv is missing"):
        source_of(tmp_path, table="clips.csv").records()  # said before any clip is opened
