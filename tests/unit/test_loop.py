import itertools
import math
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from augment.errors import TrainingFailed, UserError
from augment.nets.config import TrainConfig
from augment.nets.loop import Indices, Learner, build, fit, schedule
from augment.nets.order import Order
from tests.unit import toy_training


def state(network: nn.Module) -> dict[str, bytes]:
    return {name: value.cpu().numpy().tobytes() for name, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], list[object]]:
    network, fitted = toy_training.train(tmp_path_factory.mktemp("undisturbed"))
    return state(network), list(fitted.history)


def test_a_killed_training_ends_with_the_weights_of_an_undisturbed_one(
    tmp_path: Path, undisturbed: tuple[dict[str, bytes], list[object]]
) -> None:
    command = [sys.executable, "-m", "tests.unit.toy_training", str(tmp_path), "360"]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*/checkpoint.pt"))) == 1
    done: list[int] = []
    network, fitted = toy_training.train(tmp_path, done.append)
    assert 0 < len(done) <= (640 - 352) // 8 + 1  # it went on, it did not start again
    assert state(network) == undisturbed[0]
    assert fitted.history == undisturbed[1]


def test_a_finished_training_is_read_again_without_a_step(
    tmp_path: Path, undisturbed: tuple[dict[str, bytes], list[object]]
) -> None:
    toy_training.train(tmp_path)

    def never(step: int) -> None:
        raise AssertionError("no step may be taken")

    network, fitted = toy_training.train(tmp_path, never)
    assert state(network) == undisturbed[0]
    assert fitted.images == 640
    assert fitted.history == undisturbed[1]


def test_other_settings_are_another_training(tmp_path: Path) -> None:
    short = toy_training.CONFIG.model_copy(update={"images": 80})
    first, _ = toy_training.train(tmp_path, config=short)
    other, _ = toy_training.train(tmp_path, config=short.model_copy(update={"learning_rate": 1e-4}))
    assert state(first) != state(other)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_loss_falls_and_the_history_counts_images(
    undisturbed: tuple[dict[str, bytes], list[dict[str, float]]],
) -> None:
    history = undisturbed[1]
    seen = [point["images"] for point in history]
    assert seen == sorted(set(seen))
    assert seen[-1] == 640
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert all(math.isfinite(value) for point in history for value in point.values())


def test_a_loss_that_is_no_number_stops_with_the_last_good_state_kept(tmp_path: Path) -> None:
    network = build(lambda: nn.Linear(2, 1), seed=1)
    device = next(network.parameters()).device
    taken = itertools.count()

    def step(indices: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        loss = network(torch.ones(4, 2, device=device)).float().mean()
        return {"loss": loss * (math.nan if next(taken) == 30 else 1.0)}

    config = TrainConfig(images=400, batch=4)
    with pytest.raises(UserError, match=r"toy became unstable after 1\d\d images.*learning_rate"):
        fit([Learner(network, step)], 9, config, 7, tmp_path, "toy", {}, checkpoint_seconds=0)
    (checkpoint,) = tmp_path.glob("*/checkpoint.pt")
    kept = torch.load(checkpoint, weights_only=True)
    assert 100 <= kept["seen"] <= 120
    assert all(value.isfinite().all() for value in kept["networks"][0].values())


def test_no_faces_is_said_in_one_sentence(tmp_path: Path) -> None:
    network = build(lambda: nn.Linear(2, 1), seed=1)
    learner = Learner(network, lambda indices, random: {"loss": torch.zeros(())})
    with pytest.raises(UserError, match="mask has no faces to train on"):
        fit([learner], 0, TrainConfig(), 7, tmp_path, "mask", {})


def test_learners_take_turns(tmp_path: Path) -> None:
    first, second = (build(lambda: nn.Linear(2, 1), seed=number) for number in (1, 2))
    turns: list[str] = []

    def turn_of(name: str, network: nn.Linear) -> Learner:
        before = network.weight.detach().clone()

        def step(indices: Indices, random: np.random.Generator) -> dict[str, Tensor]:
            turns.append(name)
            return {"loss": (network.weight - before - 1).abs().mean()}

        return Learner(network, step, name)

    learners = [turn_of("maker", first), turn_of("critic", second)]
    fitted = fit(learners, 3, TrainConfig(images=6, batch=2), 7, tmp_path, "pair", {})
    assert turns == ["maker", "critic"] * 3
    assert {"loss", "critic_loss"} <= fitted.history[-1].keys()


def rigged(losses: Callable[[int], tuple[float, float]], taken: list[int]) -> list[Learner]:
    """Two networks that say of step n what ``losses(n)`` says: the critic's loss, the maker's."""
    first, second = (build(lambda: nn.Linear(2, 1), seed=number) for number in (1, 2))

    def make(indices: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        taken.append(len(taken))
        loss = first.weight.square().mean()
        return {"loss": loss, "g_loss": loss.new_tensor(losses(taken[-1])[1])}

    def criticise(indices: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        loss = second.weight.square().mean()
        return {"loss": loss, "d_loss": loss.new_tensor(losses(taken[-1])[0])}

    return [Learner(first, make), Learner(second, criticise, "critic")]


def test_a_discriminator_that_wins_stops_the_training_and_so_it_stays(tmp_path: Path) -> None:
    taken: list[int] = []
    config = TrainConfig(images=4000, batch=2)

    def learners() -> list[Learner]:
        return rigged(lambda step: (0.01, 2 + step / 1000), taken)

    with pytest.raises(TrainingFailed, match=r"pair has failed.*has won by step 1500") as failed:
        fit(learners(), 3, config, 7, tmp_path, "pair", {})
    assert len(taken) == 1500
    assert failed.value.history[-1]["health"] == "FAILED"
    assert failed.value.history[0]["health"] == "WATCH"
    with pytest.raises(TrainingFailed, match="has won by step 1500"):
        fit(learners(), 3, config, 7, tmp_path, "pair", {})
    assert len(taken) == 1500  # it is known, nothing is trained again


def test_a_game_that_goes_well_says_so(tmp_path: Path) -> None:
    config = TrainConfig(images=1200, batch=2)
    learners = rigged(lambda step: (0.7, 1.0), [])
    fitted = fit(learners, 3, config, 7, tmp_path, "pair", {})
    assert fitted.health is not None
    assert fitted.health.word == fitted.history[-1]["health"] == "OK"
    assert "critic_d_loss" not in fitted.history[-1]
    again = fit(rigged(lambda step: (0.7, 1.0), []), 3, config, 7, tmp_path, "pair", {})
    assert (again.history, again.health) == (fitted.history, fitted.health)
    alone = fit(learners[:1], 3, config, 7, tmp_path, "alone", {})
    assert alone.health is None
    assert "health" not in alone.history[-1]


def test_first_weights_depend_on_the_seed_alone() -> None:
    one, again, other = (build(lambda: nn.Linear(3, 3), seed=s) for s in (1, 1, 2))
    assert state(one) == state(again) != state(other)


def test_every_epoch_holds_every_face_once_in_another_order() -> None:
    order = Order(faces=10, batch=4, seed=7, label="x", weights=None)
    seen = np.concatenate([order.at(start) for start in range(0, 40, 4)])
    epochs = seen.reshape(4, 10)
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_the_order_depends_on_images_seen_not_on_what_was_asked_before() -> None:
    order = Order(faces=10, batch=4, seed=7, label="x", weights=None)
    straight = [order.at(start).tolist() for start in range(0, 40, 4)]
    fresh = Order(faces=10, batch=4, seed=7, label="x", weights=None)
    assert [fresh.at(start).tolist() for start in reversed(range(0, 40, 4))] == straight[::-1]
    assert Order(10, 4, 8, "x", None).at(0).tolist() != straight[0]


def test_weights_say_how_often_a_face_comes() -> None:
    weights = np.array([1, 0, 3], np.float32)
    order = Order(faces=3, batch=100, seed=7, label="x", weights=weights)
    draws = np.concatenate([order.at(start) for start in range(0, 4000, 100)])
    counts = np.bincount(draws, minlength=3)
    assert counts[1] == 0
    assert counts[2] / counts[0] == pytest.approx(3, rel=0.15)  # 4,000 draws: sd 0.11


@pytest.mark.parametrize(("share", "rate"), [(0.1, 1.0), (0.55, 0.505), (1.0, 0.01), (0.05, 0.505)])
def test_the_learning_rate_rises_then_follows_a_cosine(share: float, rate: float) -> None:
    assert schedule(share, warmup=0.1) == pytest.approx(rate, abs=0.01)
