"""Distance to real faces of the bin, on features made by hand."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from augment.checks import realism
from augment.protocols import Evidence, Verdict
from augment.types import FloatArray
from tests.unit.check_evidence import reference, rows

Points = npt.NDArray[np.float64]


def real_points(n: int = 200) -> Points:
    """Women about (0, 0, ..), men about (8, 0, ..), twice as wide; the third of six numbers is
    large and says nothing."""
    random = np.random.default_rng(4)
    points = random.normal(0, 1, (n, 6)) * [1, 1, 50, 1, 1, 1]
    points[n // 2 :, 1] *= 2
    points[n // 2 :, 0] += 8
    return points


def evidence(
    points: Points, gender: list[str], judge: str = "who", **others: FloatArray
) -> Evidence:
    found = {judge: {"features": points.astype(np.float32)}}
    found |= {name: {"identity": values} for name, values in others.items()}
    return Evidence(rows(len(points), gender=gender), features=found)


GENDERS = ["female"] * 100 + ["male"] * 100


@pytest.fixture
def check() -> realism.Check:
    check = realism.Check(realism.Config())
    check.fit(reference(evidence(real_points(), GENDERS)))
    return check


def judge(check: realism.Check, point: Any, gender: str = "female") -> Verdict:
    return check.judge(evidence(np.array([point], float), [gender]))[0]


def test_among_its_own_a_face_passes(check: realism.Check) -> None:
    assert judge(check, [0.3, 0.2, 10, 0, 0, 0]).passed
    assert judge(check, [8.3, 0.2, 10, 0, 0, 0], "male").passed


def test_far_from_all_real_faces_it_is_refused_in_words(check: realism.Check) -> None:
    verdict = judge(check, [4, 30, 0, 0, 0, 0])
    assert not verdict.passed
    assert verdict.reason.startswith("far from real faces of its group: ")
    assert verdict.reason.endswith(" times as far as these are usually")
    assert verdict.score is not None
    assert verdict.threshold is not None
    assert verdict.score < verdict.threshold < -1


def test_a_real_face_of_another_bin_is_no_real_face_of_this_one(check: realism.Check) -> None:
    assert not judge(check, [10, 0, 0, 0, 0, 0], "female").passed
    assert judge(check, [10, 0, 0, 0, 0, 0], "male").passed


def test_numbers_that_vary_by_themselves_weigh_no_more_than_others(check: realism.Check) -> None:
    assert judge(check, [0, 0, 40, 0, 0, 0]).passed
    assert not judge(check, [0, 0, 0, 40, 0, 0]).passed


def test_scores_are_those_of_a_plain_search(check: realism.Check) -> None:
    """The same by scikit-learn: whitened, 5th neighbour in the bin, over the median among these."""
    points = real_points()
    scale = StandardScaler().fit(points)
    whiten = PCA(0.98, whiten=True, svd_solver="full").fit(scale.transform(points))
    white = whiten.transform(scale.transform(points))
    women = NearestNeighbors().fit(white[:100])
    usual = np.median(women.kneighbors(white[:100], 6)[0][:, 5])
    new = np.array([[0.5, 1, 20, 0, -1, 0], [3, 2, -9, 1, 2, 0]], float)
    placed = whiten.transform(scale.transform(new))
    expected = -women.kneighbors(placed, 5)[0][:, 4] / usual
    found = [verdict.score for verdict in check.judge(evidence(new, ["female"] * 2))]
    assert found == pytest.approx(expected.tolist(), abs=2e-3)


def test_no_group_of_real_faces_loses_more_than_the_stated_share() -> None:
    check = realism.Check(realism.Config())
    unseen = evidence(real_points(), GENDERS, other=real_points().astype(np.float32)[:, :2])
    check.fit(reference(unseen, false_rejection=0.05))
    # The thresholds are those of the leave-one-out scores, of the worst of both judges.
    places = {key: space.places for key, space in check._spaces.items()}
    scores = check._scores(places, check._groups, 200, own=True)
    floors = check._floors.of(check._groups, 200)
    for part in (slice(0, 100), slice(100, 200)):
        refused = int((scores[part] < floors[part]).sum())
        assert 1 <= refused <= 5


def test_a_bin_with_few_real_faces_borrows_wider_groups() -> None:
    points, words = real_points(), ["female"] * 100 + ["male"] * 100
    words[:70] = ["unknown"] * 70
    check = realism.Check(realism.Config())
    check.fit(reference(evidence(points, words)))
    # 30 women are too few: all 200 faces, men among them, are what is left.
    assert judge(check, [8, 0, 0, 0, 0, 0], "female").passed
    assert not judge(check, [4, 30, 0, 0, 0, 0], "female").passed
    assert "1 of 2 bins with at least 50 (the others borrow wider groups)" in check.notes()[0]


def test_the_judge_that_doubts_most_decides() -> None:
    random = np.random.default_rng(0)
    second = random.normal(0, 1, (200, 3)).astype(np.float32)
    check = realism.Check(realism.Config())
    check.fit(reference(evidence(real_points(), GENDERS, other=second)))
    fine = np.zeros((1, 6))
    assert check.judge(evidence(fine, ["female"], other=np.zeros((1, 3), np.float32)))[0].passed
    far = check.judge(evidence(fine, ["female"], other=np.full((1, 3), 9, np.float32)))[0]
    assert not far.passed
    assert "who (features), other (identity)" in check.notes()[0]


def test_not_a_number_and_no_judges(check: realism.Check) -> None:
    broken = judge(check, [np.nan] * 6)
    assert not broken.passed
    assert broken.score is None
    assert broken.reason == "a judge's description of it is not a number"
    none = realism.Check(realism.Config())
    none.fit(reference(Evidence(rows(60))))
    assert none.judge(Evidence(rows(1)))[0] == Verdict(None, None, passed=True)
    assert none.notes() == ["no features of real faces to compare with: nothing is refused"]


def test_verdicts_do_not_depend_on_the_company(check: realism.Check) -> None:
    points = real_points(40) * 1.5
    words = ["female", "male"] * 20
    together = check.judge(evidence(points, words))
    alone = [judge(check, point, word) for point, word in zip(points, words, strict=True)]
    assert together == alone


def test_other_photos_of_a_person_do_not_make_strangers_look_far() -> None:
    random = np.random.default_rng(5)
    people = np.repeat(random.normal(0, 1, (40, 6)), 6, axis=0)
    photos = people + random.normal(0, 0.01, people.shape)
    faces = evidence(photos, ["female"] * 240)
    named = faces.rows.append_column("person", [[f"p{n // 6}" for n in range(240)]])
    check = realism.Check(realism.Config())
    check.fit(reference(Evidence(named, features=faces.features)))
    strangers = random.normal(0, 1, (50, 6))
    passed = [judge(check, stranger).passed for stranger in strangers]
    assert np.mean(passed) >= 0.9
    assert not judge(check, [9, 9, 9, 9, 9, 9]).passed


def test_the_rare_are_near_to_the_few_who_are_alike() -> None:
    """30 women, too few for a threshold of their own, differ more than the 170 men do."""
    random = np.random.default_rng(5)

    def women(count: int) -> Points:
        return np.asarray(random.normal([40, 0, 0, 0, 0, 0], 4, (count, 6)))

    real = np.concatenate([women(30), random.normal(0, 1, (170, 6))])
    check = realism.Check(realism.Config())
    check.fit(reference(evidence(real, ["female"] * 30 + ["male"] * 170)))
    found = check.judge(evidence(women(100), ["female"] * 100))
    assert np.mean([verdict.passed for verdict in found]) > 0.85
    assert not judge(check, [40, 30, -30, 0, 0, 0]).passed
