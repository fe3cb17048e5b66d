"""One face is still found: on drawn faces, and on evidence made by hand."""

import pickle
from typing import Any

import numpy as np
import pytest

from augment.checks import one_face
from augment.closure import code_digest
from augment.crop import cut, reference_points, similarity
from augment.drawing import draw, random_spec, sample_person
from augment.errors import UserError
from augment.gating.operations import MeasureFaces
from augment.params import validate
from augment.protocols import Evidence, Verdict
from augment.types import FloatArray, Image
from tests.unit.check_evidence import reference, rows


def crop(person: int, size: int = 64) -> Image:
    """An aligned crop of a drawn face."""
    spec = random_spec(sample_person(person), 35.0, person, yaw=3.0, pitch=0.0, roll=0.0)
    drawing = draw(spec, 160)
    matrix = similarity(drawing.landmarks5, reference_points(size, 0.1))
    return cut(drawing.image, matrix, size)


@pytest.fixture(scope="module")
def check() -> one_face.Check:
    return one_face.Check(one_face.Config())


class TestMeasure:
    def test_finds_aligned_faces_where_they_lie(self, check: one_face.Check) -> None:
        found = [check.measure(crop(person)) for person in range(8)]
        assert sum(float(f["faces"][0]) == 1 for f in found) >= 7
        points = [f["points"].reshape(5, 2) for f in found if f["faces"][0] == 1]
        usual = (reference_points(64, 0.1) + 0.5) / 64
        assert np.abs(np.median(points, axis=0) - usual).max() < 0.08

    def test_sees_that_a_face_is_gone_or_moved(self, check: one_face.Check) -> None:
        none = check.measure(np.full((64, 64, 3), 90, np.uint8))
        assert {name: float(np.abs(v).max()) for name, v in none.items()} == {
            "faces": 0, "score": 0, "points": 0
        }  # fmt: skip
        face = crop(3)
        aside = np.roll(face, 14, axis=1)
        shift = check.measure(aside)["points"] - check.measure(face)["points"]
        assert shift.reshape(5, 2)[:, 0].mean() == pytest.approx(14 / 64, abs=0.06)

    def test_counts_a_second_face(self, check: one_face.Check) -> None:
        face = crop(3)
        small = face[::2, ::2]
        both = np.concatenate([small, small], axis=1)
        two = np.full((64, 64, 3), 120, np.uint8)
        two[16:48] = both
        assert check.measure(two)["faces"][0] == 2

    def test_pickles_with_a_used_detector(self, check: one_face.Check) -> None:
        check.measure(crop(1))
        other = pickle.loads(pickle.dumps(check))  # noqa: S301
        np.testing.assert_array_equal(other.measure(crop(1))["points"],
                                      check.measure(crop(1))["points"])  # fmt: skip

    def test_what_is_kept_of_a_picture_belongs_to_its_detector(self) -> None:
        def operation(**settings: Any) -> MeasureFaces:
            config = one_face.Config(detector={"kind": "haar", **settings})
            return MeasureFaces("one_face", one_face.Check(config))

        assert operation().identity() == operation().identity()
        assert operation().identity() != operation(min_neighbours=5).identity()
        used = operation()
        before = code_digest(used)
        used.identity()  # loads the detector
        assert code_digest(used) == before


def test_an_unknown_detector_is_named() -> None:
    with pytest.raises(UserError, match=r"no augment/align/nowhere\.py"):
        validate(one_face.Config, {"detector": {"kind": "nowhere"}}, "gate.checks.one_face")
    with pytest.raises(UserError, match="look_sise"):
        validate(one_face.Config, {"detector": {"kind": "haar", "look_sise": 96}}, "gate")


USUAL = np.tile([0.5, 0.5], 5)


def measured(faces: Any, away: Any = 0.0) -> dict[str, FloatArray]:
    """Faces counted, and how far off all their points are, shares of the side."""
    count = np.asarray(faces, np.float32).reshape(-1, 1)
    points = USUAL + np.tile(np.broadcast_to(np.asarray(away, np.float64), len(count))[:, None], 10)
    return {"faces": count, "score": count * 0.9, "points": points.astype(np.float32)}


class TestVerdicts:
    @pytest.fixture
    def fitted(self) -> one_face.Check:
        """Of 200 bare real faces one is missed, of 60 masked ones a quarter; points are off by up
        to 0.05."""
        found = np.ones(260)
        found[[0, *range(200, 215)]] = 0
        faces = rows(260, gender=["unknown"] * 260, ethnicity=["bare"] * 200 + ["masked"] * 60)
        check = one_face.Check(one_face.Config())
        check.fit(reference(Evidence(faces, measures=measured(found, np.linspace(0, 0.05, 260)))))
        return check

    def judge(self, check: one_face.Check, faces: float, away: float = 0.02,
              group: str = "bare") -> Verdict:  # fmt: skip
        row = rows(1, gender=["unknown"], ethnicity=[group])
        return check.judge(Evidence(row, measures=measured([faces], away)))[0]

    def test_a_usual_face_passes(self, fitted: one_face.Check) -> None:
        assert self.judge(fitted, 1).passed

    def test_a_slight_turn_is_in_place_however_exact_real_faces_are(self) -> None:
        check = one_face.Check(one_face.Config())
        exact = Evidence(rows(200), measures=measured(np.ones(200), np.linspace(0, 0.002, 200)))
        check.fit(reference(exact))
        assert check.judge(Evidence(rows(1), measures=measured([1], 0.05)))[0].passed
        assert not check.judge(Evidence(rows(1), measures=measured([1], 0.15)))[0].passed

    @pytest.mark.parametrize(
        ("faces", "away", "reason"),
        [
            (0, 0.02, "no face is found on it"),
            (2, 0.02, "2 faces are found on it"),
            (1, 0.3, "the face does not lie where an aligned face has it"),
            (float("nan"), 0.02, "the picture cannot be read"),
        ],
    )
    def test_refused_in_words(
        self, fitted: one_face.Check, faces: float, away: float, reason: str
    ) -> None:
        verdict = self.judge(fitted, faces, away)
        assert not verdict.passed
        assert verdict.reason == reason

    def test_a_group_that_the_detector_misses_itself_is_not_refused_for_it(
        self, fitted: one_face.Check
    ) -> None:
        assert self.judge(fitted, 0, group="masked").passed
        notes = fitted.notes()
        assert notes[0].startswith(
            "landmarknet finds no face on 16 and several on 0 of 260 real faces"
        )
        assert "ethnicity masked (15 of 60)" in notes[1]
        assert "bare" not in notes[1]

    def test_small_groups_fall_silent_by_more_than_chance_only(self) -> None:
        for misses, quiet in ((1, False), (6, True)):
            found = np.ones(120)
            found[:misses] = 0
            faces = rows(120, gender=["unknown"] * 120, ethnicity=["few"] * 20 + ["many"] * 100)
            check = one_face.Check(one_face.Config())
            check.fit(reference(Evidence(faces, measures=measured(found))))
            assert self.judge(check, 0, group="few").passed is quiet

    def test_a_restored_face_must_be_found_even_so(self) -> None:
        found = np.ones(100)
        found[:20] = 0
        check = one_face.Check(one_face.Config())
        real = Evidence(rows(100), measures=measured(found))
        parents = Evidence(rows(2, id=["small", "large"], status=["small", "ok"]))
        check.fit(reference(real, parents=parents))
        made = rows(2, parents=[["small"], ["large"]])
        missed = check.judge(Evidence(made, measures=measured([0, 0])))
        assert [verdict.passed for verdict in missed] == [False, True]
        assert missed[0].reason == "no face is found on it"
        seen = check.judge(Evidence(made, measures=measured([1, 1])))
        assert all(verdict.passed for verdict in seen)
