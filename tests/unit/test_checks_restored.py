"""A restored face against the small one, on evidence made by hand."""

from typing import Any

import cv2
import numpy as np
import pytest

from augment.checks import restored
from augment.images import resize
from augment.measure import measure as measure_face
from augment.protocols import Evidence, Verdict
from augment.types import Image
from tests.unit.aligned_faces import face_picture
from tests.unit.check_evidence import reference, rows


def judged(
    made: Image, small: Image, status: str = "small", native: float | None = 20, **settings: Any
) -> Verdict:
    check = restored.Check(restored.Config(**settings))

    def evidence(image: Image, **columns: Any) -> Evidence:
        measured = {name: values[None] for name, values in check.measure(image).items()}
        sharpness = [measure_face(image).sharpness]
        return Evidence(rows(1, sharpness=sharpness, **columns), {}, measured)

    parent = evidence(small, id=["p"], status=[status], native_side=[native])
    check.fit(reference(evidence(small), parents=parent))
    (verdict,) = check.judge(evidence(made))
    return verdict


@pytest.fixture(scope="module")
def face() -> Image:
    return face_picture(3, 64)[0]


@pytest.fixture(scope="module")
def small(face: Image) -> Image:
    """As align leaves a face of 20 pixels: enlarged to the working size."""
    return resize(resize(face, 20), 64)


def test_the_face_itself_is_a_perfect_restoration(face: Image, small: Image) -> None:
    verdict = judged(face, small)
    assert verdict.passed
    assert verdict.score is not None
    assert verdict.score > 36


@pytest.mark.parametrize("change", ["lighter", "another", "shifted"])
def test_what_the_small_face_shows_must_stay(face: Image, small: Image, change: str) -> None:
    made = {
        "lighter": np.clip(face.astype(np.int16) + 9, 0, 255).astype(np.uint8),
        "another": face_picture(5, 64)[0],
        "shifted": np.roll(face, 4, axis=1),
    }[change]
    verdict = judged(made, small)
    assert not verdict.passed
    assert "not the small face any more" in verdict.reason


def test_detail_that_the_small_face_cannot_show_is_free(face: Image, small: Image) -> None:
    grain = np.random.default_rng(0).normal(0, 12, face.shape)
    made = np.clip(small + grain, 0, 255).astype(np.uint8)
    assert judged(cv2.addWeighted(made, 0.5, face, 0.5, 0), small).passed


def test_faces_that_were_not_restored_pass(face: Image, small: Image) -> None:
    assert judged(np.roll(face, 9, axis=1), small, status="ok") == Verdict(None, None, passed=True)


def test_the_limit_is_a_setting(face: Image, small: Image) -> None:
    lighter = np.clip(face.astype(np.int16) + 9, 0, 255).astype(np.uint8)
    assert judged(lighter, small, least_psnr=24.0, least_sharpening=0).passed


@pytest.mark.parametrize("softened", [0.0, 0.8, 2.0])
def test_a_face_that_became_no_sharper_is_refused(small: Image, softened: float) -> None:
    made = cv2.GaussianBlur(small, (0, 0), softened) if softened else small
    verdict = judged(np.asarray(made, np.uint8), small)
    assert not verdict.passed
    assert verdict.score is not None
    assert verdict.score <= 1.12
    assert "no sharper" in verdict.reason


def test_noise_that_shrinking_would_hide_is_seen_where_the_face_had_the_pixels(
    face: Image,
) -> None:
    larger = resize(resize(face, 32), 64)
    noise = np.random.default_rng(0).normal(0, 18, face.shape)
    noisy = np.clip(larger + noise, 0, 255).astype(np.uint8)
    verdict = judged(noisy, larger, native=32)
    assert not verdict.passed
    assert "not the small face any more" in verdict.reason
    assert judged(face, larger, native=32).passed


def test_without_a_known_size_only_large_cells_count(face: Image, small: Image) -> None:
    assert judged(face, small, native=None) == judged(face, small, native=20)
