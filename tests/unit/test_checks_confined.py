"""What may change where, on evidence made by hand."""

from typing import Any

import numpy as np
import pytest

from augment.checks import confined
from augment.protocols import Evidence, Verdict
from augment.types import Image
from tests.unit.aligned_faces import face_picture
from tests.unit.check_evidence import reference, rows


def judged(
    made: Image,
    parent: Image,
    points: Any,
    changes: tuple[str, ...] = ("glasses",),
    parents: tuple[str, ...] = ("p",),
    **settings: Any,
) -> Verdict:
    check = confined.Check(confined.Config(**settings))

    def evidence(image: Image, **columns: Any) -> Evidence:
        measured = {name: values[None] for name, values in check.measure(image).items()}
        return Evidence(rows(1, **columns), {}, measured)

    five = None if points is None else np.asarray(points, np.float32).ravel().tolist()
    check.fit(reference(evidence(parent), parents=evidence(parent, id=["p"], points=[five])))
    (verdict,) = check.judge(evidence(made, changes=[list(changes)], parents=[list(parents)]))
    return verdict


@pytest.fixture(scope="module", params=[64, 128])
def face(request: pytest.FixtureRequest) -> tuple[Image, Any]:
    return face_picture(3, request.param)


def painted(face: tuple[Image, Any], place: int, levels: int = 60) -> Image:
    """A small patch lightened around one of the five points: eyes 0 and 1, nose, mouth 3 and 4."""
    image, points = face
    x, y = np.round(np.asarray(points)[place]).astype(int)
    reach = image.shape[0] // 16
    made = image.astype(np.int16)
    made[y - reach : y + reach, x - reach : x + reach] += levels
    return np.clip(made, 0, 255).astype(np.uint8)


def test_no_change_and_changes_in_the_region_pass(face: tuple[Image, Any]) -> None:
    image, points = face
    still = judged(image, image, points)
    assert (still.passed, still.score) == (True, 0)
    assert judged(painted(face, 0), image, points).passed
    assert judged(painted(face, 3), image, points, ("mouth_open",)).passed
    assert judged(painted(face, 3), image, points, ("glasses", "beard")).passed


def test_changes_elsewhere_do_not(face: tuple[Image, Any]) -> None:
    image, points = face
    verdict = judged(painted(face, 3), image, points)
    assert not verdict.passed
    assert "away from where glasses is seen" in verdict.reason
    assert verdict.score is not None
    assert verdict.score < -20
    lighter = np.clip(image.astype(np.int16) + 9, 0, 255).astype(np.uint8)
    assert not judged(lighter, image, points).passed
    assert judged(lighter, image, points, most_levels=10).passed


def test_a_region_of_ones_own(face: tuple[Image, Any]) -> None:
    image, points = face
    made = painted(face, 3)
    assert judged(made, image, points, ("scar",)).passed  # nobody said where scars are
    assert not judged(made, image, points, ("scar",), regions={"scar": "eyes"}).passed
    assert judged(made, image, points, ("scar",), regions={"scar": ("u_lip", "l_lip")}).passed


def test_what_has_no_place_of_its_own_is_not_looked_at(face: tuple[Image, Any]) -> None:
    image, points = face
    made = painted(face, 3)
    assert judged(made, image, points, ("age_group", "glasses")).passed
    assert judged(made, image, points, ()).passed
    assert judged(made, image, points, parents=("p", "q")).passed


def test_without_points_nothing_may_change(face: tuple[Image, Any]) -> None:
    image, _ = face
    assert judged(image, image, None).passed
    assert not judged(painted((image, face[1]), 0), image, None).passed


def test_a_parent_that_is_no_train_face(face: tuple[Image, Any]) -> None:
    image, points = face
    verdict = judged(image, image, points, parents=("somebody",))
    assert (verdict.passed, verdict.score) == (False, None)
    assert "no train face" in verdict.reason


@pytest.mark.parametrize("region", ["cheek", ("lips",), ()])
def test_regions_that_are_none(region: Any) -> None:
    with pytest.raises(ValueError, match="none of"):
        confined.Config(regions={"scar": region})
