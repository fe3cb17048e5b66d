import numpy as np
import pytest

from augment.align import haar
from augment.crop import choose
from augment.drawing import Drawing, draw, random_spec, sample_person


@pytest.fixture(scope="module")
def detector() -> haar.Detector:
    return haar.Detector(haar.Config())


@pytest.fixture(scope="module")
def drawings() -> list[Drawing]:
    rng = np.random.default_rng(1)
    return [
        draw(random_spec(sample_person(n), float(rng.uniform(0, 90)), n), 128) for n in range(60)
    ]


def test_drawn_faces_of_all_ages_and_tones_are_found_where_they_are(
    detector: haar.Detector, drawings: list[Drawing]
) -> None:
    errors = []
    for drawing in drawings:
        faces = detector.detect(drawing.image)
        if faces:
            true = drawing.landmarks5
            off = np.linalg.norm(choose(faces, drawing.image.shape).points - true, axis=1)
            errors.append(off / np.linalg.norm(true[1] - true[0]))
    assert len(errors) >= 0.95 * len(drawings)
    # Shares of the distance between the eyes; nose and mouth are estimated from the eye line.
    assert np.median(np.array(errors)[:, :2]) < 0.1
    assert np.median(np.array(errors)[:, 2:]) < 0.2


@pytest.mark.parametrize("degrees", [-22, 22])
def test_a_tilted_face_gives_a_tilted_eye_line(detector: haar.Detector, degrees: float) -> None:
    spec = random_spec(sample_person(11), 30.0, 11, yaw=0.0, pitch=0.0, roll=float(degrees))
    drawing = draw(spec, 160)
    points = choose(detector.detect(drawing.image), drawing.image.shape).points
    across, true = points[1] - points[0], drawing.landmarks5[1] - drawing.landmarks5[0]
    found = np.degrees(np.arctan2(across[1], across[0]))
    assert found == pytest.approx(np.degrees(np.arctan2(true[1], true[0])), abs=8)


def test_scores_are_shares(detector: haar.Detector, drawings: list[Drawing]) -> None:
    scores = [face.score for drawing in drawings[:10] for face in detector.detect(drawing.image)]
    assert scores
    assert all(0.0 <= score < 1.0 for score in scores)


def test_identity_follows_the_settings() -> None:
    first = haar.Detector(haar.Config()).identity()
    assert haar.Detector(haar.Config(min_neighbours=5)).identity() != first
    assert haar.Detector(haar.Config(look_size=320)).identity() != first
    assert haar.Detector(haar.Config(eyes=False)).identity() != first


def test_without_a_search_for_eyes_points_lie_in_the_box_as_usual(drawings: list[Drawing]) -> None:
    rough = haar.Detector(haar.Config(eyes=False))
    found = [(rough.detect(drawing.image), drawing.landmarks5) for drawing in drawings[:20]]
    eyes = [(faces[0].box, faces[0].points[:2], true) for faces, true in found if faces]
    assert len(eyes) >= 19
    near = 0
    for box, points, true in eyes:
        if abs(points[0, 1] - points[1, 1]) < 1e-3:  # not found on a turned photo
            np.testing.assert_allclose((points[:, 0] - box[0]) / box[2], [0.303, 0.688], atol=0.01)
        near += bool(np.abs(points - true[:2]).mean() < 0.2 * np.linalg.norm(true[1] - true[0]))
    assert near >= 18  # a patch of hair may pass for the face
