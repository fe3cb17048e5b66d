"""Apparent skin tone against the parents', on evidence made by hand."""

from typing import Any

import numpy as np
import pytest
from skimage.color import rgb2lab

from augment.checks import tone
from augment.protocols import Evidence, Verdict
from augment.types import FloatArray, Image
from tests.unit.check_evidence import reference, rows

LIGHT, DARK, BLUE = (220, 180, 155), (110, 75, 55), (40, 80, 160)


def picture(upper: tuple[int, int, int], lower: tuple[int, int, int], size: int = 64) -> Image:
    image = np.empty((size, size, 3), np.uint8)
    image[: int(0.56 * size)] = upper
    image[int(0.56 * size) :] = lower
    return image


def angle(image: Image) -> float:
    return float(tone.Check(tone.Config()).measure(image)["ita"][0])


class TestMeasure:
    @pytest.mark.parametrize("colour", [LIGHT, DARK])
    def test_golden_angle_of_a_plain_colour(self, colour: tuple[int, int, int]) -> None:
        light, _, yellow = rgb2lab(np.array(colour) / 255)
        expected = np.degrees(np.arctan2(light - 50, yellow))
        assert angle(picture(colour, colour)) == pytest.approx(expected, abs=0.1)

    @pytest.mark.parametrize("size", [32, 64, 256])
    def test_a_mask_does_not_count(self, size: int) -> None:
        assert angle(picture(LIGHT, BLUE, size)) == pytest.approx(
            angle(picture(LIGHT, LIGHT, size)), abs=0.1
        )

    def test_a_face_without_skin_colour_is_not_measured(self) -> None:
        assert np.isnan(angle(picture(BLUE, LIGHT)))
        assert np.isnan(angle(np.full((64, 64, 3), 128, np.uint8)))


def measured(angles: Any, lightness: Any = 50.0) -> dict[str, FloatArray]:
    own = np.asarray(angles, np.float32).reshape(-1, 1)
    light = np.where(np.isnan(own), np.nan, np.asarray(lightness, np.float32).reshape(-1, 1))
    return {"ita": own, "lightness": light.astype(np.float32), "looked": np.ones_like(own)}


class TestVerdicts:
    def check(self, config: tone.Config | None = None) -> tone.Check:
        """100 light faces move by up to 4 degrees when measured again, 100 dark ones by up to 10,
        and all by up to 5 units of lightness; parents are p (40 degrees), q (20) and r (no skin
        seen)."""
        groups = {"ethnicity": ["white"] * 100 + ["black"] * 100, "gender": ["unknown"] * 200}
        faces = rows(200, **groups)
        moved = np.r_[np.linspace(0, 4, 100), np.linspace(0, 10, 100)]
        check = tone.Check(config or tone.Config())
        check.fit(
            reference(
                Evidence(faces, measures=measured(np.zeros(200))),
                again=Evidence(
                    faces, measures=measured(moved, np.tile(50 + np.linspace(0, 5, 100), 2))
                ),
                parents=Evidence(rows(3, id=["p", "q", "r"]), measures=measured([40, 20, np.nan])),
            )
        )
        return check

    def judge(self, check: tone.Check, value: float, **columns: Any) -> Verdict:
        known = {"ethnicity": ["white"], "gender": ["unknown"], **columns}
        return check.judge(Evidence(rows(1, **known), measures=measured([value])))[0]

    def test_what_moves_as_little_as_real_faces_passes(self) -> None:
        verdict = self.judge(self.check(), 43.5)
        assert verdict.passed
        assert verdict.score == pytest.approx(-3.5)
        assert verdict.threshold == pytest.approx(-3.96, abs=0.1)  # 99 % of 0..4

    def test_a_moved_tone_is_refused_in_words(self) -> None:
        lighter, darker = self.judge(self.check(), 60), self.judge(self.check(), 25)
        assert lighter.reason.endswith("moved: 20 degrees of ITA lighter than the parent's")
        assert darker.reason.endswith("moved: 15 degrees of ITA darker than the parent's")

    @pytest.mark.parametrize(("lightness", "way"), [(58, "lighter"), (42, "darker")])
    def test_a_face_too_dark_for_the_angle_is_seen_by_its_lightness(
        self, lightness: float, way: str
    ) -> None:
        rows_of = rows(1, ethnicity=["black"], gender=["unknown"])
        found = self.check().judge(Evidence(rows_of, measures=measured([41], [lightness])))[0]
        assert found.score == pytest.approx(-8)
        assert found.threshold == pytest.approx(-4.95, abs=0.1)
        assert found.reason.endswith(f"moved: 8 units of lightness L* {way} than the parent's")
        near = self.check().judge(Evidence(rows_of, measures=measured([41], [54])))[0]
        assert near.passed

    def test_every_group_has_its_own_threshold(self) -> None:
        assert not self.judge(self.check(), 48).passed
        assert self.judge(self.check(), 48, ethnicity=["black"]).passed

    def test_two_parents_count_by_their_mean(self) -> None:
        assert self.judge(self.check(), 30, parents=[["p", "q"]]).passed
        assert not self.judge(self.check(), 40, parents=[["p", "q"]]).passed

    def test_generators_that_may_change_it_are_exempt(self) -> None:
        check = self.check(tone.Config(may_change=("morph",)))
        verdict = self.judge(check, -50, generator=["morph"])
        assert verdict == Verdict(None, None, passed=True)
        assert not self.judge(check, -50).passed

    def test_nothing_to_compare_with(self) -> None:
        check = self.check()
        assert self.judge(check, 40, parents=[["r"]]) == Verdict(None, None, passed=True)
        assert "of the parents of 1 candidates no skin colour could be measured" in check.notes()[1]
        # A grey photo of a grey photo.
        both = self.judge(check, float("nan"), parents=[["r"]])
        assert both == Verdict(None, None, passed=True)

    def test_a_skin_colour_that_is_gone_has_moved(self) -> None:
        lost = self.judge(self.check(), float("nan"))
        assert not lost.passed
        assert lost.reason == "no skin colour can be measured on it, as it could on its parent"

    def test_a_group_where_it_is_often_lost_is_not_refused_for_it(self) -> None:
        faces = rows(100, gender=["unknown"] * 100, ethnicity=["white"] * 100)
        check = tone.Check(tone.Config())
        again = Evidence(faces, measures=measured([np.nan] * 5 + [1.0] * 95))
        parents = Evidence(rows(1, id=["p"]), measures=measured([40]))
        unseen = Evidence(faces, measures=measured(np.zeros(100)))
        check.fit(reference(unseen, again=again, parents=parents))
        assert self.judge(check, float("nan")).passed

    def test_a_broken_picture_is_refused(self) -> None:
        faces = rows(1, ethnicity=["white"], gender=["unknown"])
        broken = {name: values * np.nan for name, values in measured([40]).items()}
        (verdict,) = self.check().judge(Evidence(faces, measures=broken))
        assert verdict == Verdict(None, None, False, "the picture cannot be read")

    def test_notes_say_how_far_and_from_how_many(self) -> None:
        (note,) = self.check().notes()
        assert "may move by 9." in note
        assert "degrees of ITA and 5.0 units of lightness" in note
        assert "from 200 real faces measured twice" in note
