"""Real clips: frames of one person are used, frames of a street are not."""

import os
from pathlib import Path

import pytest

from augment.align.film import film_points
from augment.align.landmarknet import Config as Look
from augment.align.landmarknet import Detector
from augment.crop import choose
from augment.errors import RowError
from augment.images import decode
from augment.sources.video import Config, Source
from tests.unit.layouts import GROUPS, SEED

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = pytest.mark.skipif(
    not (DATA / "videos").is_dir(), reason=f"needs clips below {DATA} (or FACES_DATA)"
)


@pytest.fixture(scope="module")
def states() -> dict[str, list[str]]:
    """Clip -> what became of each of its frames, one a second: "" or why it cannot be used."""
    source = Source(Config(root="videos", per_second=1), DATA, GROUPS, SEED)
    detector = Detector(Look(min_score=0.5, look_size=160))
    found: dict[str, list[str]] = {}
    for record in source.records():
        found.setdefault(str(record.person), []).append(
            record.reason or _state(source, record.uri, detector)
        )
    return found


def _state(source: Source, uri: str, detector: Detector) -> str:
    frame = decode(source.read(uri))
    faces = detector.detect(frame)
    if not faces:
        return "no face was found"
    try:
        film_points(choose(faces, frame.shape), faces, frame, source.around(uri), detector)
    except RowError as error:
        return str(error)
    return ""


def test_every_clip_has_its_frames(states: dict[str, list[str]]) -> None:
    assert {clip[:8]: len(frames) for clip, frames in states.items()} == {
        "negative": 4, "person_A": 7, "person_B": 12, "person_C": 8,
    }  # fmt: skip


def test_clips_of_one_person_are_used_but_for_blurred_frames(states: dict[str, list[str]]) -> None:
    for clip in (clip for clip in states if clip.startswith("person")):
        refused = [reason for reason in states[clip] if reason]
        assert len(refused) <= 1
        assert all(reason.startswith("blurred") for reason in refused)


def test_a_street_is_nobodys_clip(states: dict[str, list[str]]) -> None:
    used = [reason for reason in states["negative_many_people_street.mp4"] if not reason]
    assert len(used) <= 1
