import numpy as np
import pytest

from augment.nets.health import Watch, judge, windows


def history(
    critic: object, generator: object, points: int = 200, every: int = 10
) -> list[dict[str, float]]:
    """``critic`` and ``generator`` of the step; a batch is 8 images."""
    steps = every * np.arange(1, points + 1)
    return [
        {"images": float(8 * step), "critic_loss": critic(step), "loss": generator(step)}  # type: ignore[operator]
        for step in steps
    ]


def test_losses_in_the_band_and_a_level_generator_are_well() -> None:
    found = Watch(8).health(history(lambda s: 0.7 + 0.2 * np.sin(s), lambda s: 1.2))
    assert found.word == "OK"
    assert "100%" in found.reason


def test_a_discriminator_that_wins_is_a_failure_with_its_reason() -> None:
    rows = history(lambda s: 0.02, lambda s: 3 + 0.001 * s)
    found = Watch(8).health(rows)
    assert found.word == "FAILED"
    assert found.reason.startswith("the discriminator has won by step 1500")
    assert Watch(8)(rows) == found.reason


def test_it_is_stopped_after_three_windows_and_not_before() -> None:
    rows = history(lambda s: 0.02, lambda s: 3 + 0.001 * s)
    stops = [n for n in range(1, len(rows) + 1) if Watch(8)(rows[:n])]
    assert stops[0] == 150  # 1,500 steps
    assert stops == list(range(150, len(rows) + 1))


@pytest.mark.parametrize(
    ("critic", "slope"),
    [(0.02, 0.0), (2.5, 0.0), (0.7, 0.001), (0.7, -0.001)],
)
def test_what_is_neither_is_to_be_watched(critic: float, slope: float) -> None:
    rows = history(lambda s: critic, lambda s: 3 + slope * s)
    assert Watch(8).health(rows).word == "WATCH"
    assert Watch(8)(rows) == ""


def test_two_bad_windows_and_a_better_one_are_no_failure() -> None:
    rows = history(lambda s: 0.5 if 1000 < s <= 1500 else 0.02, lambda s: 3 + 0.001 * s)
    assert Watch(8).health(rows).word != "FAILED"


def test_short_trainings_cannot_be_told() -> None:
    for rows in ([], history(lambda s: 0.5, lambda s: 1.0, points=20)):
        found = Watch(8).health(rows)
        assert found.word == "WATCH"
        assert "too short" in found.reason


def test_windows_measure_median_slope_and_share() -> None:
    steps = np.arange(5.0, 1001.0, 5.0)
    critic = np.where(steps <= 500, 0.2, 1.0)
    one, two = windows(steps, critic, 2 + 0.5 * steps / 1000)
    assert (one.middle, one.inside) == (0.2, 0.0)
    assert (two.middle, two.inside) == (1.0, 1.0)
    assert one.slope == pytest.approx(0.5)
    assert judge([one, two]).word == "WATCH"
