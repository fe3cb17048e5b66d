import numpy as np
import pytest
import torch

from augment.nets.adversary import as_logits, told_by_critic, told_by_generator
from augment.nets.health import Health, Watch, judge, windows


def history(
    critic: object, generator: object, points: int = 200, every: int = 10
) -> list[dict[str, float]]:
    """``critic`` and ``generator`` of the step; a batch is 8 images."""
    steps = every * np.arange(1, points + 1)
    return [
        {"images": float(8 * step), "d_loss": critic(step), "g_loss": generator(step)}  # type: ignore[operator]
        for step in steps
    ]


def word_of(rows: list[dict[str, float]], alone: float = 0.0) -> Health:
    found = Watch(8, alone).health(rows)
    assert found is not None
    return found


def test_losses_in_the_band_and_a_level_generator_are_well() -> None:
    found = word_of(history(lambda s: 0.7 + 0.2 * np.sin(s), lambda s: 1.2))
    assert found.word == "OK"
    assert "100%" in found.reason


def test_a_discriminator_that_wins_is_a_failure_with_its_reason() -> None:
    found = word_of(history(lambda s: 0.02, lambda s: 3 + 0.001 * s))
    assert found.word == "FAILED"
    assert found.reason.startswith("the discriminator has won by step 1500")
    assert found.reason.endswith("for 1500 steps")


def test_it_is_stopped_after_three_windows_and_not_before() -> None:
    rows = history(lambda s: 0.02, lambda s: 3 + 0.001 * s)
    stops = [n for n in range(1, len(rows) + 1) if word_of(rows[:n]).word == "FAILED"]
    assert stops[0] == 150  # 1,500 steps
    assert stops == list(range(150, len(rows) + 1))


@pytest.mark.parametrize(
    ("critic", "slope"),
    [(0.02, 0.0), (2.5, 0.0), (0.7, 0.001), (0.7, -0.001)],
)
def test_what_is_neither_is_to_be_watched(critic: float, slope: float) -> None:
    rows = history(lambda s: critic, lambda s: 3 + slope * s)
    assert word_of(rows).word == "WATCH"


def test_two_bad_windows_and_a_better_one_are_no_failure() -> None:
    rows = history(lambda s: 0.5 if 1000 < s <= 1500 else 0.02, lambda s: 3 + 0.001 * s)
    assert word_of(rows).word != "FAILED"


def test_short_trainings_cannot_be_told() -> None:
    for points in (1, 4, 20):
        found = word_of(history(lambda s: 0.5, lambda s: 1.0, points=points))
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


def test_losses_that_are_noted_seldom_are_looked_at_in_longer_windows() -> None:
    rows = history(lambda s: 0.02, lambda s: 3 + 0.001 * s, points=20, every=400)
    found = word_of(rows)
    assert found.word == "FAILED"
    assert "by step 6000" in found.reason  # three windows of five points


def test_what_comes_before_a_generator_listens_is_not_looked_at() -> None:
    rows = history(lambda s: 0.02 if s <= 1500 else 0.7, lambda s: 3 + 0.001 * min(s, 1500))
    assert word_of(rows).word == "FAILED"
    assert word_of(rows, alone=8 * 1500).word == "OK"


def test_a_network_without_an_adversary_has_no_verdict() -> None:
    assert Watch(8).health([]) is None
    assert Watch(8).health([{"images": 8.0, "loss": 0.1}]) is None
    # A first stage without, a second with: see superres.
    assert Watch(8).health([{"images": 8.0, "d_loss": 0.1, "loss": 0.2}]) is None


def test_least_squares_words_are_read_as_probabilities() -> None:
    words = [torch.full((2, 1, 2, 2), 0.5), torch.full((2, 1, 1, 1), 0.5)]
    told = told_by_critic(as_logits(words), as_logits(words)) | told_by_generator(as_logits(words))
    assert float(told["d_loss"]) == pytest.approx(2 * np.log(2), rel=1e-6)
    assert float(told["g_loss"]) == pytest.approx(np.log(2), rel=1e-6)
    sure = told_by_critic(as_logits([torch.tensor([1.7])]), as_logits([torch.tensor([-0.4])]))
    assert 0 < float(sure["d_loss"]) < 0.05
