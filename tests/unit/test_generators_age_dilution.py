import numpy as np
import pytest

from augment.generators.age.ages import Ages
from augment.generators.age.dilution import estimated
from augment.generators.age.lesson import Lesson
from augment.nets.data import FaceSet
from augment.vocabulary import AGE_GROUPS, group_of_years, parse_age_groups

HAIR = slice(0, 24)


def lesson(count: int) -> tuple[Lesson, np.ndarray]:
    """Faces whose hair gets brighter with the years."""
    random = np.random.default_rng(4)
    years = random.uniform(1, 80, count).astype(np.float32)
    images = random.normal(110, 12, (count, 64, 64, 3))
    images[:, HAIR] += (0.8 * years - 40)[:, None, None, None]
    groups = parse_age_groups(AGE_GROUPS)
    words = tuple(group_of_years(float(one), groups) for one in years)
    points = np.repeat(
        np.array([[[22, 28], [42, 28], [32, 40], [24, 50], [40, 50]]], np.float32), count, axis=0
    )
    faces = FaceSet(
        tuple(str(n) for n in range(count)), np.clip(images, 0, 255).astype(np.uint8), points,
        {"age_group": words}, years, "digest",
    )  # fmt: skip
    return Lesson(faces, Ages.learnt(words, AGE_GROUPS, 1, "age"), 64), years


def edit_by(share: float) -> object:
    """Brightens hair by so much of what a year really does, times the amount of brightness."""

    def edit(
        images: np.ndarray, points: np.ndarray, own: np.ndarray, years: np.ndarray,
        amounts: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        made = images.astype(np.float32)
        made[:, HAIR] += (share * amounts[1] * 0.8 * (years - own))[:, None, None, None]
        return np.clip(np.rint(made), 0, 255).astype(np.uint8)

    return edit


@pytest.mark.parametrize("share", [0.7, 1.0])
def test_what_averages_lose_is_made_up_for(share: float) -> None:
    known, years = lesson(420)
    amounts = estimated(known, years, edit_by(share), 7)  # type: ignore[arg-type]
    assert amounts[1] == pytest.approx(1 / share, rel=0.15)
    assert amounts[2] == 1  # colour is smooth: nothing is lost
    np.testing.assert_allclose(amounts[[0, 3]], 1, atol=0.1)  # they do nothing here


def test_an_effect_too_weak_is_not_exaggerated() -> None:
    known, years = lesson(420)
    assert estimated(known, years, edit_by(0.1), 7)[1] <= 2  # type: ignore[arg-type]


def test_of_few_faces_averages_are_believed() -> None:
    known, years = lesson(60)
    assert estimated(known, years, edit_by(0.5), 7).tolist() == [1, 1, 1, 1]  # type: ignore[arg-type]
