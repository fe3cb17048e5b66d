"""The checks of labels, on evidence made by hand, where the right verdict is known."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from augment.checks import kept, label
from augment.protocols import Evidence, Verdict
from augment.types import FloatArray
from tests.unit.check_evidence import MASK, opinion, reference, rows


class TestLabel:
    @pytest.fixture
    def check(self) -> label.Check:
        """Real masked faces get 0.70 to 0.99 for "yes", real bare ones 0.01 to 0.30."""
        yes = np.linspace(0.70, 0.99, 100)
        no = np.linspace(0.01, 0.30, 100)
        unseen = Evidence(
            rows(200, mask=["yes"] * 100 + ["no"] * 100),
            {"judge": {"mask": opinion(np.r_[yes, no]), "gender": opinion([0.1] * 200)}},
        )
        check = label.Check(label.Config())
        check.fit(reference(unseen))
        return check

    def judge(self, check: label.Check, chance: float, **columns: Any) -> Verdict:
        faces = rows(1, **{"mask": ["yes"], **columns})
        found = Evidence(faces, {"judge": {"mask": opinion([chance]), "gender": opinion([0.9])}})
        return check.judge(found)[0]

    def test_judged_as_ordered(self, check: label.Check) -> None:
        """Of a hundred real faces from 0.70 up, 0.9 is better than about 68."""
        verdict = self.judge(check, 0.9)
        assert verdict.passed
        assert verdict.score == pytest.approx(0.69, abs=0.015)
        assert 0 < (verdict.threshold or 0) < 0.05

    def test_judged_otherwise(self, check: label.Check) -> None:
        verdict = self.judge(check, 0.4)
        assert not verdict.passed
        assert verdict.reason == "mask should be yes; judge sees no (0.40)"

    def test_two_of_a_hundred_real_faces_are_refused_at_most(self, check: label.Check) -> None:
        passed = [self.judge(check, chance).passed for chance in np.linspace(0.70, 0.99, 100)]
        assert passed == [False] * 1 + [True] * 99

    def test_a_sure_judge_is_sure_enough_however_sure_it_is_of_real_faces(self) -> None:
        yes, no = np.full(100, 0.9999), np.full(100, 0.0001)
        unseen = Evidence(
            rows(200, mask=["yes"] * 100 + ["no"] * 100),
            {"judge": {"mask": opinion(np.r_[yes, no]), "gender": opinion([0.1] * 200)}},
        )
        check = label.Check(label.Config())
        check.fit(reference(unseen))
        assert self.judge(check, 0.95).passed
        assert not self.judge(check, 0.6).passed

    def test_only_changed_labels_count(self, check: label.Check) -> None:
        assert self.judge(check, 0.0, changes=[[]]) == Verdict(None, None, passed=True)

    def test_the_most_doubted_label_counts(self, check: label.Check) -> None:
        verdict = self.judge(check, 0.95, changes=[["mask", "gender"]])
        # Of gender = female, real faces get 0.9 and more; this one got 0.1.
        assert not verdict.passed
        assert "gender should be female" in verdict.reason

    def test_a_label_nobody_judges_is_not_held_against_it(self, check: label.Check) -> None:
        faces = rows(1, glasses=["yes"], changes=[["glasses"]])
        found = Evidence(faces, {"judge": {"mask": opinion([0.5]), "gender": opinion([0.5])}})
        assert check.judge(found) == [Verdict(None, None, passed=True)]

    def test_a_value_without_real_faces_needs_better_than_chance(self) -> None:
        unseen = Evidence(
            rows(60), {"judge": {"mask": opinion([0.1] * 60), "gender": opinion([0.1] * 60)}}
        )
        check = label.Check(label.Config())
        check.fit(reference(unseen))
        assert self.judge(check, 0.51).passed
        assert not self.judge(check, 0.49).passed
        assert check.notes() == [
            "mask = yes: 0 real faces of it, so better than chance must do",
        ]

    def test_not_a_number(self, check: label.Check) -> None:
        verdict = self.judge(check, float("nan"))
        assert not verdict.passed
        assert verdict.score is None
        assert verdict.reason == "the judge's answer is not a number"

    def test_notes_say_what_the_used_thresholds_are_worth(self, check: label.Check) -> None:
        assert check.notes() == []
        self.judge(check, 0.9)
        faces = rows(1, glasses=["yes"], changes=[["glasses"]])
        found = Evidence(faces, {"judge": {"mask": opinion([0.5]), "gender": opinion([0.5])}})
        check.judge(found)
        worth, unjudged = check.notes()
        assert worth.startswith("mask = yes: judge must rank it above 0.0")
        assert "of 100 real faces of it; 0 of 100 real faces of other values would pass" in worth
        assert unjudged == "no judge knows glasses = yes: candidates of it pass unseen"


def accuracy(label: str, values: Sequence[str], right: float) -> list[dict[str, Any]]:
    return [{"label": label, "by": label, "group": value, "n": 500, "accuracy": right}
            for value in values]  # fmt: skip


RATE = 0.04
ACCURACY = {
    "good": accuracy("mask", MASK, 0.99),
    "fair": accuracy("mask", MASK, 0.75),
    "guess": accuracy("mask", MASK, 0.5),
}
#: How far apart a judge's answers on bare and on masked faces lie, in standard deviations.
WORTH = {"good": 5.0, "fair": 1.35, "guess": 0.0}


class TestSeveralJudges:
    """Three judges of mask, of very different worth, and what they let through together."""

    def opinions(self, masked: np.ndarray, seed: int) -> dict[str, dict[str, FloatArray]]:
        random = np.random.default_rng(seed)
        odds = {judge: random.normal(apart * (masked - 0.5), 1.0)
                for judge, apart in WORTH.items()}  # fmt: skip
        return {judge: {"mask": opinion(1 / (1 + np.exp(-2 * own)))} for judge, own in odds.items()}

    def check(self, *judges: str) -> label.Check:
        masked = np.arange(2000) % 2
        found = self.opinions(masked, seed=1)
        words = ["yes" if m else "no" for m in masked]
        tones = ["dark" if n % 5 == 0 else "light" for n in range(2000)]
        unseen = Evidence(rows(2000, mask=words, skin_tone=tones), {j: found[j] for j in judges})
        check = label.Check(label.Config())
        check.fit(
            reference(
                unseen, false_rejection=RATE, groups=("skin_tone",),
                values={j: {"mask": MASK} for j in judges}, accuracy=ACCURACY,
                parents=Evidence(rows(0), {j: {"mask": opinion([])} for j in judges}),
            )
        )  # fmt: skip
        return check

    def refused(self, check: label.Check, truth: int, *judges: str) -> float:
        found = self.opinions(np.full(2000, truth), seed=2)
        tones = ["dark" if n % 5 == 0 else "light" for n in range(2000)]
        faces = rows(2000, mask=["yes"] * 2000, skin_tone=tones)
        verdicts = check.judge(Evidence(faces, {j: found[j] for j in judges}))
        return float(np.mean([not verdict.passed for verdict in verdicts]))

    def test_together_they_refuse_no_more_real_faces_than_one_may(self) -> None:
        judges = ("good", "fair", "guess")
        assert self.refused(self.check(*judges), 1, *judges) == pytest.approx(RATE, abs=0.02)

    def test_a_guessing_judge_changes_nothing_and_is_named(self) -> None:
        check = self.check("good", "fair", "guess")
        with_guess = self.refused(check, 0, "good", "fair", "guess")
        assert with_guess == self.refused(self.check("good", "fair"), 0, "good", "fair")
        assert any(note.startswith("guess is not asked about mask") for note in check.notes())

    def test_a_weak_judge_dilutes_the_good_one_little(self) -> None:
        alone = self.refused(self.check("good"), 0, "good")
        both = self.refused(self.check("good", "fair"), 0, "good", "fair")
        assert alone > 0.95
        assert both > alone - 0.02

    def test_where_all_judges_guess_nothing_is_refused_and_that_is_said(self) -> None:
        check = self.check("guess")
        assert self.refused(check, 0, "guess") == 0
        assert "no judge knows mask = yes: candidates of it pass unseen" in check.notes()


class TestOrderedLabel:
    """Ages of which a judge is not sure: it spreads its word over the neighbours."""

    AGES = ("0-9", "10-19", "20-29", "30-39", "40-49", "50-59")

    def opinions(self, middles: np.ndarray) -> FloatArray:
        away = np.arange(6)[None] - middles[:, None]
        weight = np.exp(-0.5 * (away / 0.8) ** 2)
        return np.asarray(weight / weight.sum(axis=1, keepdims=True), np.float32)

    @pytest.fixture
    def check(self) -> label.Check:
        truth = np.arange(900) % 6
        seen = truth + np.random.default_rng(0).normal(0, 0.7, 900)
        words = [self.AGES[place] for place in truth]
        unseen = Evidence(rows(900, age_group=words), {"judge": {"age_group": self.opinions(seen)}})
        parents = Evidence(
            rows(3, id=["p1", "p2", "p3"], age_group=[self.AGES[1], self.AGES[2], self.AGES[4]]),
            {"judge": {"age_group": self.opinions(np.array([1.0, 3.6, 4.0]))}},
        )
        check = label.Check(label.Config())
        check.fit(reference(unseen, values={"judge": {"age_group": self.AGES}}, parents=parents))
        return check

    def judge(self, check: label.Check, seen: float, parent: str, ordered: int = 4) -> Verdict:
        ages = [self.AGES[ordered]]
        faces = rows(1, age_group=ages, parents=[[parent]], changes=[["age_group"]])
        opinions = {"judge": {"age_group": self.opinions(np.array([seen]))}}
        return check.judge(Evidence(faces, opinions))[0]

    def test_what_lies_nearer_to_it_will_do_the_parents_age_will_not(
        self, check: label.Check
    ) -> None:
        assert self.judge(check, 3.6, "p1").passed
        verdict = self.judge(check, 2.0, "p1")
        assert not verdict.passed
        assert verdict.reason == "age_group should be 40-49; judge sees 20-29 (0.02)"

    def test_what_lies_nearer_to_the_next_value_is_refused(self, check: label.Check) -> None:
        """Nearly all real 20-29 look younger than that, but most 30-39 do not."""
        verdict = self.judge(check, 3.2, "p1")
        assert not verdict.passed
        assert verdict.reason == "age_group should be 40-49; nearer to real faces of 30-39 (judge)"

    def test_a_face_as_near_to_its_parent_as_a_copy_was_not_changed(
        self, check: label.Check
    ) -> None:
        """The judge takes the parent, a 20-29, for older than it is: its copy does not pass."""
        assert self.judge(check, 4.4, "p2").passed
        verdict = self.judge(check, 3.6, "p2")
        assert not verdict.passed
        assert verdict.reason == (
            "age_group should be 40-49; hardly a change from the parent's 20-29 (judge)"
        )

    def test_what_many_faces_of_the_parents_age_look_like_is_not_enough(self) -> None:
        """A judge that hardly tells ages apart: real faces of 40-49 are all over the place."""
        truth = np.arange(900) % 6
        seen = truth + np.random.default_rng(0).normal(0, 2.5, 900)
        words = [self.AGES[place] for place in truth]
        unseen = Evidence(rows(900, age_group=words), {"judge": {"age_group": self.opinions(seen)}})
        parents = Evidence(
            rows(1, id=["p1"], age_group=[self.AGES[2]]),
            {"judge": {"age_group": self.opinions(np.array([1.0]))}},
        )
        given = reference(unseen, values={"judge": {"age_group": self.AGES}}, parents=parents)
        strict, lax = label.Check(label.Config()), label.Check(label.Config(false_acceptance=1))
        strict.fit(given)
        lax.fit(given)
        assert self.judge(lax, 2.2, "p1").passed
        verdict = self.judge(strict, 2.2, "p1")
        assert verdict.reason == (
            "age_group should be 40-49; more than 10% of the real faces of 20-29 look like that, "
            "too (judge)"
        )
        assert self.judge(strict, 6.0, "p1").passed
        (note,) = strict.notes()
        found = re.search(
            r"(\d+) of 150 real faces of 20-29 would pass, and (\d+) of its own", note
        )
        assert found
        assert int(found[1]) <= 16
        assert int(found[2]) > 50
        assert note.endswith(" of its own look too much like 20-29 or 30-39")

    def test_at_the_end_of_the_scale_a_neighbour_can_be_a_parent(self, check: label.Check) -> None:
        assert self.judge(check, 4.9, "p3", ordered=5).passed
        verdict = self.judge(check, 4.02, "p3", ordered=5)
        assert "nearer to real faces of 40-49" in verdict.reason

    def test_where_nothing_had_to_change_a_copy_is_fine(self, check: label.Check) -> None:
        assert self.judge(check, 4.0, "p3").passed

    def test_a_parent_the_judge_cannot_read_is_refused_in_words(self, check: label.Check) -> None:
        check._reference.parents.opinions["judge"]["age_group"][0] = np.nan
        assert self.judge(check, 4.0, "p1").reason == "the judge's answer is not a number"


class TestKept:
    def check(self, config: kept.Config, parent_male: float = 0.1) -> kept.Check:
        """Judged again, real women lose 0 to 0.2 of their probability of being female."""
        first, again = np.full(100, 0.1), 0.1 + np.linspace(0, 0.2, 100)
        unseen = Evidence(rows(100), {"judge": {"mask": opinion([0.1] * 100),
                                                "gender": opinion(first)}})  # fmt: skip
        varied = replace(unseen, opinions={"judge": {"mask": opinion([0.1] * 100),
                                                     "gender": opinion(again)}})  # fmt: skip
        of_parent = {"mask": opinion([0.1]), "gender": opinion([parent_male])}
        parents = Evidence(rows(1, id=["p"]), {"judge": of_parent})
        check = kept.Check(config)
        check.fit(reference(unseen, again=varied, parents=parents))
        return check

    def judge(self, check: kept.Check, male: float, mask: float = 0.1, **columns: Any) -> Verdict:
        opinions = {"judge": {"mask": opinion([mask]), "gender": opinion([male])}}
        return check.judge(Evidence(rows(1, **columns), opinions))[0]

    def test_small_movement_is_within_what_real_faces_show(self) -> None:
        """0.15 less likely; of real women judged twice, a quarter lose more."""
        verdict = self.judge(self.check(kept.Config(least_loss=0)), 0.25)
        assert verdict.passed
        assert verdict.score == pytest.approx(0.25, abs=0.02)
        assert 0 < (verdict.threshold or 0) <= 0.02

    def test_less_than_the_least_loss_is_no_movement(self) -> None:
        """0.35 less likely: farther than any real face moved, but may be allowed."""
        assert not self.judge(self.check(kept.Config()), 0.45).passed
        assert self.judge(self.check(kept.Config(least_loss=0.4)), 0.45).score == 1

    def test_a_label_as_likely_as_on_real_faces_that_carry_it_has_not_moved(self) -> None:
        """Half of the real women are judged female with 0.5 only; a parent was with 0.9."""
        chances = np.where(np.arange(100) % 2, 0.5, 0.1)
        unseen = Evidence(rows(100), {"judge": {"mask": opinion([0.1] * 100),
                                                "gender": opinion(chances)}})  # fmt: skip
        of_parent = {"mask": opinion([0.1]), "gender": opinion([0.1])}
        check = kept.Check(kept.Config())
        parents = Evidence(rows(1, id=["p"]), {"judge": of_parent})
        check.fit(reference(unseen, parents=parents))
        assert self.judge(check, 0.5).passed
        assert self.judge(check, 0.9).reason.startswith("gender moved: judge finds it 0.80 less")

    def test_a_moved_label_is_refused(self) -> None:
        verdict = self.judge(self.check(kept.Config()), 0.6)
        assert not verdict.passed
        assert verdict.reason == "gender moved: judge finds it 0.50 less likely than on the parent"

    def test_what_the_judge_misjudged_on_the_parent_already_does_not_count(self) -> None:
        assert self.judge(self.check(kept.Config(), parent_male=0.95), 0.95).passed

    def test_the_ordered_label_may_move(self) -> None:
        check = self.check(kept.Config())
        assert self.judge(check, 0.1, mask=0.99).passed
        assert not self.judge(check, 0.1, mask=0.99, changes=[[]]).passed

    def test_allowed_labels_may_move_for_their_generator_only(self) -> None:
        check = self.check(kept.Config(allowed={"mask": {"gender": 0.5}}))
        assert self.judge(check, 0.75).passed  # 0.65 less likely, 0.15 of it counts
        assert not self.judge(check, 0.9).passed
        assert not self.judge(check, 0.75, generator=["copies"]).passed

    def test_a_step_of_an_ordered_label_is_no_change(self) -> None:
        ages = ("0-9", "10-19", "20-29", "30-39")
        values = {"judge": {"age_group": ages}}

        def seen(*places: int) -> dict[str, dict[str, FloatArray]]:
            return {"judge": {"age_group": np.eye(4, dtype=np.float32)[list(places)]}}

        unseen = Evidence(rows(60, age_group=["10-19"] * 60), seen(*[1] * 60))
        parents = Evidence(rows(1, id=["p"], age_group=["10-19"]), seen(1))
        check = kept.Check(kept.Config())
        check.fit(reference(unseen, values=values, again=unseen, parents=parents))
        for place, passes in enumerate((True, True, True, False)):
            faces = Evidence(rows(1, age_group=["10-19"]), seen(place))
            assert check.judge(faces)[0].passed is passes, ages[place]

    def test_a_missing_parent_is_refused_in_words(self) -> None:
        verdict = self.judge(self.check(kept.Config()), 0.1, parents=[["gone"]])
        assert not verdict.passed
        assert "on its parent is not a number" in verdict.reason
