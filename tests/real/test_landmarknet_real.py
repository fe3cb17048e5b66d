"""Our detector on photos: it finds what YuNet finds, and masked faces, and few that are none."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from augment.align import landmarknet, yunet
from augment.crop import choose
from augment.images import decode
from augment.protocols import Detection
from augment.types import Image

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))
TEACHER = DATA / "weights" / "face_detection_yunet_2023mar.onnx"
PHOTOS = {
    "lfw": "lfw/lfw-deepfunneled/*/*.jpg",
    "celeba": "celeba/img_align_celeba/*.jpg",
    "utkface": "utkface/*.jpg",
}

pytestmark = pytest.mark.skipif(
    not TEACHER.is_file(), reason=f"needs photos and YuNet below {DATA} (or FACES_DATA)"
)


def photos(name: str, count: int = 60) -> list[Image]:
    """Every n-th photo of a data set that no training of the detector saw."""
    files = sorted(DATA.glob(PHOTOS[name]))
    return [decode(path.read_bytes()) for path in files[:: max(1, len(files) // count)][:count]]


def chosen(detector: landmarknet.Detector | yunet.Detector, photo: Image) -> Detection | None:
    faces = detector.detect(photo)
    return choose(faces, photo.shape) if faces else None


@pytest.mark.parametrize("name", sorted(PHOTOS))
def test_it_finds_the_faces_that_yunet_finds(name: str) -> None:
    ours = landmarknet.Detector(landmarknet.Config())
    judge = yunet.Detector(yunet.Config(path=TEACHER))
    hits, errors = [], []
    for photo in photos(name):
        known, face = chosen(judge, photo), chosen(ours, photo)
        if known is None:
            continue
        gap = float(np.linalg.norm(known.points[1] - known.points[0]))
        error = np.inf if face is None else np.linalg.norm(face.points - known.points, axis=1)
        hits.append(float(np.mean(error)) < max(gap, 0.25 * float(known.box[2])))
        errors.append(float(np.mean(error)) / gap)
    assert len(hits) > 50
    assert np.mean(hits) >= 0.95
    # Two single looks: YuNet's own differ from each other by nearly as much.
    assert np.median(errors) < 0.12


def test_masked_faces_are_found_where_they_are() -> None:
    ours = landmarknet.Detector(landmarknet.Config())
    judge = yunet.Detector(yunet.Config(path=TEACHER))
    near = []
    for path in sorted((DATA / "masked/pairs/masked").glob("*.jpg"))[:60]:
        plain = chosen(judge, decode((DATA / "masked/pairs/unmasked" / path.name).read_bytes()))
        face = chosen(ours, decode(path.read_bytes()))
        if plain is None:
            continue
        gap = float(np.linalg.norm(plain.points[1] - plain.points[0]))
        near.append(
            face is not None and np.linalg.norm(face.points - plain.points, axis=1).mean() < gap / 2
        )
    assert len(near) > 50
    assert np.mean(near) >= 0.93


def test_the_same_face_is_found_at_any_size_of_the_photo() -> None:
    ours = landmarknet.Detector(landmarknet.Config())
    moved = []
    for photo in photos("lfw", 20):
        face = chosen(ours, photo)
        large = cv2.resize(photo, None, fx=3.0, fy=3.0, interpolation=cv2.INTER_CUBIC)
        again = chosen(ours, np.asarray(large, dtype=np.uint8))
        assert face is not None
        assert again is not None
        gap = float(np.linalg.norm(face.points[1] - face.points[0]))
        back = (again.points + 0.5) / 3.0 - 0.5
        moved.append(float(np.linalg.norm(back - face.points, axis=1).mean()) / gap)
    assert np.median(moved) < 0.03
