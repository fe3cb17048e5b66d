"""The identity check, on descriptions made by hand: directions in the plane, in degrees."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.checks import identity
from augment.protocols import Evidence, Verdict
from augment.types import FloatArray
from tests.unit.check_evidence import described, reference, rows


def cosine(degrees: float) -> float:
    return float(np.cos(np.deg2rad(degrees)))


def faces(angles: list[float], people: list[str | None], **columns: Any) -> Evidence:
    table = rows(len(angles), person=pa.array(people, pa.string()), **columns)
    return Evidence(table, features=described(angles))


#: 30 people all around, 12 degrees apart; each has five photos within 4 degrees of each other, so
#: the ten pairs of one person differ by 1 to 4 degrees, and those of different people by 8 or more.
AROUND = [12.0 * n + shot for n in range(30) for shot in range(5)]
PEOPLE: list[str | None] = [f"p{n:02d}" for n in range(30) for _ in range(5)]


SETTINGS = ("upper", "strangers", "strangers_of", "in_place")


def fitted(
    unseen: Evidence, parents: Evidence, again: Evidence | None = None, **changed: Any
) -> identity.Check:
    settings = {name: changed.pop(name) for name in SETTINGS if name in changed}
    check = identity.Check(identity.Config(**settings))
    check.fit(reference(unseen, again=again or unseen, parents=parents, **changed))
    return check


@pytest.fixture
def parents() -> Evidence:
    return faces([100.0, 200.0], ["p", "q"], id=["p", "q"])


@pytest.fixture
def check(parents: Evidence) -> identity.Check:
    return fitted(faces(AROUND, PEOPLE), parents)


def judge(check: identity.Check, angle: float, *parents: str) -> Verdict:
    return check.judge(faces([angle], [None], parents=[list(parents)]))[0]


class TestOneParent:
    def test_as_like_as_two_photos_of_one_person(self, check: identity.Check) -> None:
        verdict = judge(check, 103.9, "p")
        assert verdict.passed
        assert verdict.score == pytest.approx(cosine(3.9), abs=1e-6)
        assert verdict.threshold == pytest.approx(cosine(4), abs=1e-6)

    def test_less_like(self, check: identity.Check) -> None:
        verdict = judge(check, 105, "p")
        assert not verdict.passed
        assert verdict.reason == "not like its parent: judge finds 1.00, needs 1.00"

    def test_notes_say_how_many_strangers_would_pass(self, check: identity.Check) -> None:
        (note,) = check.notes()
        assert note.startswith(
            "judge: an edit must be as like its parent as 1.00 (more or less by group; 300 pairs "
            "of photos of 30 people), as are 150 of 150 (100%) faces, mirrored and cut closer, "
            "300 of 300 (100%) pairs of photos of one person, 0 of "
        )
        assert note.endswith("(0%) pairs of different people of one bin")

    def test_a_judge_that_knows_nobody_lets_strangers_pass_and_says_so(
        self, parents: Evidence
    ) -> None:
        (note,) = fitted(faces([10.0] * 150, PEOPLE), parents).notes()
        assert note.endswith("(100%) pairs of different people of one bin")

    def test_more_is_asked_of_edits_where_photos_of_one_person_are_unlike(
        self, parents: Evidence
    ) -> None:
        """Photos of one person differ by up to 60 degrees, those of many strangers by less; faces
        and their variations by 1."""
        wide = [12.0 * n + 15 * shot for n in range(30) for shot in range(5)]
        again = faces([angle + 1 for angle in wide], PEOPLE)
        lenient = fitted(faces(wide, PEOPLE), parents, again, strangers=0.99)
        assert judge(lenient, 155, "p").passed
        check = fitted(faces(wide, PEOPLE), parents, again)
        assert not judge(check, 120, "p").passed
        assert judge(check, 101, "p").passed
        note = check.notes()[0]
        assert "150 of 150 (100%) faces, mirrored" in note
        share = int(note.rsplit("(", 1)[1].split("%")[0])
        assert share <= 5

    def test_generators_may_have_a_share_of_their_own(self, parents: Evidence) -> None:
        """Strangers of the reference are as like each other as chance will have it."""
        angles = np.random.default_rng(1).uniform(0, 360, 150).tolist()
        again = faces([angle + 1 for angle in angles], [None] * 150)
        check = fitted(faces(angles, [None] * 150), parents, again, strangers_of={"age": 0.5})
        made = [faces([160.0], [None], parents=[["p"]], generator=[g]) for g in ("mask", "age")]
        assert [check.judge(candidate)[0].passed for candidate in made] == [False, True]
        usual, of_age = check.notes()
        assert usual.startswith("judge: an edit must be")
        assert of_age.startswith("judge, of age: an edit must be")
        assert 45 <= int(of_age.rsplit("(", 1)[1].split("%")[0]) <= 50

    def test_edits_in_place_must_be_more_like_than_half_of_the_varied_faces(
        self, parents: Evidence
    ) -> None:
        angles = np.random.default_rng(1).uniform(0, 360, 150)
        moved = np.linspace(0, 6, 150)
        again = faces((angles + moved).tolist(), [None] * 150)
        check = fitted(faces(angles.tolist(), [None] * 150), parents, again, in_place=["mask"])

        def passes(angle: float, generator: str) -> bool:
            return check.judge(
                faces([angle], [None], parents=[["p"]], generator=[generator])
            )[0].passed  # fmt: skip

        assert passes(102.9, "mask")
        assert not passes(103.2, "mask")
        assert passes(103.2, "age")

    def test_a_judge_without_upper_faces_asks_no_more_of_edits_in_place(
        self, parents: Evidence
    ) -> None:
        both = {"upper": ["mask"], "in_place": ["mask"]}
        again = faces([angle + 3 for angle in AROUND], [None] * 150)
        check = fitted(faces(AROUND, [None] * 150), parents, again, **both, strangers=0.9)
        made = faces([104.0], [None], parents=[["p"]], generator=["mask"])
        assert check.judge(made)[0].threshold == pytest.approx(
            check.judge(faces([104.0], [None], parents=[["p"]]))[0].threshold
        )

    def test_never_more_than_a_varied_face_has(self, parents: Evidence) -> None:
        """Strangers are as like each other as can be: what a variation shows must do."""
        again = faces([10.5] * 150, PEOPLE)
        check = fitted(faces([10.0] * 150, [None] * 150), parents, again)
        assert judge(check, 100.4, "p").passed
        assert not judge(check, 100.6, "p").passed

    def test_the_rate_is_kept_in_every_group(self, parents: Evidence) -> None:
        """Photos of people in the group "black" differ twice as much."""
        words = ["white"] * 75 + ["black"] * 75
        wide = [a + (shot % 5) * (word == "black")
                for shot, (a, word) in enumerate(zip(AROUND, words, strict=True))]  # fmt: skip
        unseen = faces(wide, PEOPLE, ethnicity=words)
        # Every bin holds both: else its threshold, the lower one, would do for all.
        check = fitted(unseen, parents, groups=("ethnicity",), bins=_bins_of("ethnicity"))
        for word, degrees in (("white", 4), ("black", 8)):
            candidate = faces([100 + degrees - 0.5], [None], parents=[["p"]], ethnicity=[word])
            assert check.judge(candidate)[0].passed, word
            threshold = check.judge(candidate)[0].threshold
            assert threshold == pytest.approx(cosine(degrees), abs=1e-6), word


def _bins_of(label: str) -> Any:
    from augment.types import Axis, BinSpace

    return BinSpace((Axis(label, ("white", "black")),))


class TestSeveralParents:
    """Nearest strangers of the reference are 8 degrees apart, and one in 50 may be refused."""

    def test_a_new_person(self, check: identity.Check) -> None:
        verdict = judge(check, 150, "p", "q")
        assert verdict.passed
        assert verdict.score == pytest.approx(-cosine(50), abs=1e-6)

    def test_one_of_them_again(self, check: identity.Check) -> None:
        verdict = judge(check, 199, "p", "q")
        assert not verdict.passed
        assert verdict.reason.startswith("too like one of its parents: judge finds 1.00, at most")

    def test_refuses_few_strangers(self, check: identity.Check) -> None:
        """Random people, as like each other as those of the reference: few are refused."""
        random = np.random.default_rng(1)
        angles = random.choice(AROUND, (500, 2))
        parents = faces(angles[:, 0].tolist(), [None] * 500, id=[f"x{n}" for n in range(500)])
        check = fitted(faces(AROUND, PEOPLE), parents)
        # Of 30 people one is the parent itself: 1 in 30 is the same person, rightly refused.
        names = [[f"x{n}", f"x{n}"] for n in range(500)]
        verdicts = check.judge(faces(angles[:, 1].tolist(), [None] * 500, parents=names))
        refused = sum(not verdict.passed for verdict in verdicts)
        assert 0.01 * 500 <= refused <= (1 / 30 + 0.03) * 500

    def test_notes_tell_once_there_are_some(self, check: identity.Check) -> None:
        assert len(check.notes()) == 1
        judge(check, 150, "p", "q")
        assert "a face of 2 parents may be as like each as different people" in check.notes()[1]


class TestWithoutSecondPhotos:
    def test_each_face_is_compared_with_its_variation(self, parents: Evidence) -> None:
        alone: list[str | None] = [None] * 150
        again = faces([angle + 2 for angle in AROUND], alone)
        check = fitted(faces(AROUND, alone), parents, again)
        # Few of the strangers are within 10 degrees, so the variations' 2 are not asked for.
        assert judge(check, 105, "p").passed
        assert not judge(check, 115, "p").passed
        assert "no person has two photos" in check.notes()[0]
        assert "edits are compared with varied faces instead" in check.notes()[0]

    def test_too_few_pairs_are_no_yardstick(self, parents: Evidence) -> None:
        few: list[str | None] = ["a", "a", *[None] * 148]
        check = fitted(faces(AROUND, few), parents)
        assert "1 pairs of photos of 1 people: edits are compared with varied" in check.notes()[0]


class TestUpperFace:
    @pytest.fixture
    def check(self) -> identity.Check:
        """The whole face is 90 degrees off, as behind a mask; the upper one is not."""

        def both(evidence: Evidence) -> Evidence:
            numbers = evidence.features["judge"]["identity"]
            features = {"judge": {"identity": numbers, "identity_upper": numbers}}
            return replace(evidence, features=features)

        parents = both(faces([100.0], ["p"], id=["p"]))
        return fitted(both(faces(AROUND, PEOPLE)), parents, upper=("mask",))

    def candidate(self, generator: str) -> Evidence:
        made = faces([190.0], [None], parents=[["p"]], generator=[generator])
        upper: FloatArray = described([100.5])["judge"]["identity"]
        numbers = made.features["judge"]["identity"]
        return replace(made, features={"judge": {"identity": numbers, "identity_upper": upper}})

    def test_is_what_named_generators_are_judged_by(self, check: identity.Check) -> None:
        assert check.judge(self.candidate("mask"))[0].passed
        assert not check.judge(self.candidate("age"))[0].passed
        assert check.notes()[1].startswith("judge, upper face, of mask: an edit must be")

    def test_a_judge_without_it_compares_whole_faces(self, parents: Evidence) -> None:
        check = fitted(faces(AROUND, PEOPLE), parents, upper=("mask",))
        assert not check.judge(self.candidate("mask"))[0].passed
        assert "judge does not know upper faces: it compares whole ones" in check.notes()


class TestSeveralJudges:
    def test_the_weakest_word_counts(self, parents: Evidence) -> None:
        def two(evidence: Evidence, other: list[float]) -> Evidence:
            more = {"other": described(other)["judge"]}
            return replace(evidence, features={**evidence.features, **more})

        check = fitted(two(faces(AROUND, PEOPLE), AROUND), two(parents, [100.0, 200.0]))
        good = faces([101.0], [None], parents=[["p"]])
        assert check.judge(two(good, [101.0]))[0].passed
        verdict = check.judge(two(good, [150.0]))[0]
        assert not verdict.passed
        assert verdict.reason.startswith("not like its parent: other finds 0.64")


class TestWhatIsMissing:
    def test_no_judge_of_identity(self, parents: Evidence) -> None:
        unseen = replace(faces(AROUND, PEOPLE), features={"judge": {}})
        check = fitted(unseen, replace(parents, features={"judge": {}}))
        candidate = replace(faces([1.0], [None], parents=[["p"]]), features={"judge": {}})
        assert check.judge(candidate) == [Verdict(None, None, passed=True)]
        assert check.notes() == [
            "no judge describes who is on a face: every candidate passes unseen"
        ]

    def test_not_a_number(self, check: identity.Check) -> None:
        verdict = judge(check, float("nan"), "p")
        assert (verdict.passed, verdict.score) == (False, None)
        assert "is not a number" in verdict.reason

    @pytest.mark.parametrize("names", [("gone",), ("p", "gone"), ()])
    def test_a_parent(self, check: identity.Check, names: tuple[str, ...]) -> None:
        verdict = judge(check, 100, *names)
        assert (verdict.passed, verdict.score) == (False, None)
        assert verdict.reason == "its parent is not among the train faces"

    def test_real_faces(self, parents: Evidence) -> None:
        check = fitted(faces([], []), parents)
        assert judge(check, 150, "p").passed
        assert judge(check, 100, "p", "q").passed
        assert check.notes() == ["no real faces to compare with: nothing is refused"]

    def test_real_faces_that_could_be_described(self, parents: Evidence) -> None:
        check = fitted(faces([float("nan")] * 150, PEOPLE), parents)
        assert judge(check, 150, "p").passed
        assert check.notes() == ["judge: no real face could be described: nothing is refused"]

    def test_column_of_people(self, parents: Evidence) -> None:
        unseen = faces(AROUND, PEOPLE)
        check = fitted(replace(unseen, rows=unseen.rows.drop_columns(["person"])), parents)
        assert "no person has two photos" in check.notes()[0]


def test_a_reference_in_another_order_gives_the_same_thresholds(parents: Evidence) -> None:
    """Shards and workers play no part."""
    unseen = faces(AROUND, PEOPLE)
    order = np.random.default_rng(3).permutation(150)
    features = {"judge": {"identity": unseen.features["judge"]["identity"][order]}}
    other = Evidence(unseen.rows.take(order), features=features)
    one, two = fitted(unseen, parents), fitted(other, parents)
    for names in (("p",), ("p", "q")):
        assert judge(one, 102, *names) == judge(two, 102, *names)
    assert one.notes() == two.notes()
