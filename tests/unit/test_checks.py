"""The checks of labels, on evidence made by hand, where the right verdict is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from augment.checks import kept, label
from augment.protocols import Evidence, Verdict
from augment.types import FloatArray
from tests.unit.check_evidence import opinion, reference, rows


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
        check = label.Check(label.Config(false_rejection=None))
        check.fit(reference(unseen))
        return check

    def judge(self, check: label.Check, chance: float, **columns: Any) -> Verdict:
        faces = rows(1, **{"mask": ["yes"], **columns})
        found = Evidence(faces, {"judge": {"mask": opinion([chance]), "gender": opinion([0.9])}})
        return check.judge(found)[0]

    def test_judged_as_ordered(self, check: label.Check) -> None:
        verdict = self.judge(check, 0.9)
        assert verdict.passed
        assert verdict.score == pytest.approx(0.9)
        # 2 % of a hundred: the lowest real face may be refused, the next may not.
        assert verdict.threshold == pytest.approx(0.70 + 0.29 / 99, abs=1e-5)

    def test_judged_otherwise(self, check: label.Check) -> None:
        verdict = self.judge(check, 0.4)
        assert not verdict.passed
        assert verdict.reason == "mask should be yes; judge sees no (0.40)"

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
        check = label.Check(label.Config(false_rejection=None))
        check.fit(reference(unseen))
        assert self.judge(check, 0.51).passed
        assert not self.judge(check, 0.49).passed

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
        assert "mask = yes needs 0.70 (from 100 real faces of that value)" in worth
        assert "0 of 100 real faces of other values reach it too" in worth
        assert unjudged == "no judge knows glasses = yes: candidates of it pass unseen"


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
        verdict = self.judge(self.check(kept.Config()), 0.25)
        assert verdict.passed
        assert verdict.score == pytest.approx(0.85)
        assert verdict.threshold == pytest.approx(0.8, abs=0.01)

    def test_a_moved_label_is_refused(self) -> None:
        verdict = self.judge(self.check(kept.Config()), 0.6)
        assert not verdict.passed
        assert verdict.reason == "gender moved: 0.50 less likely than on the parent"

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
