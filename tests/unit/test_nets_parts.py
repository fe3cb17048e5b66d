"""Layers, losses, averages, devices, weight files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from augment.errors import UserError
from augment.nets.blocks import DoubleConv, FiLM, ResidualBlock, global_mean, parameters
from augment.nets.device import autocast_type, best_device, reproducible
from augment.nets.ema import Average
from augment.nets.loop import Fitted
from augment.nets.losses import cross_entropy, dice, gradient_l1, weighted_l1
from augment.nets.weights import (
    export,
    export_arrays,
    read_config,
    restore,
    restore_arrays,
    sha256,
)


def test_blocks_keep_or_halve_height_and_width() -> None:
    x = torch.rand(2, 8, 16, 12)
    assert DoubleConv(8, 24)(x).shape == (2, 24, 16, 12)
    assert ResidualBlock(8, 16, stride=2)(x).shape == (2, 16, 8, 6)
    assert global_mean(x).shape == (2, 8)
    assert parameters(nn.Linear(3, 2)) == 8


def test_a_face_does_not_depend_on_the_others_of_its_batch() -> None:
    block = DoubleConv(3, 16)
    x = torch.rand(5, 3, 8, 8)
    torch.testing.assert_close(block(x)[:1], block(x[:1]), atol=1e-5, rtol=1e-5)


def test_film_starts_as_the_identity_and_then_follows_its_code() -> None:
    film = FiLM(4, 3)
    x = torch.rand(2, 3, 5, 5)
    torch.testing.assert_close(film(x, torch.rand(2, 4)), x)
    nn.init.ones_(film.linear.bias)  # scale 1 + 1, shift 1
    torch.testing.assert_close(film(x, torch.zeros(2, 4)), 2 * x + 1)


def test_dice_is_zero_for_equal_masks_and_near_one_for_disjoint_ones() -> None:
    left, right = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    left[..., :4], right[..., 4:] = 1, 1
    assert dice(left, left).item() == pytest.approx(0, abs=1e-6)
    assert dice(left, right).item() == pytest.approx(1 - 1 / 65)  # 32 pixels each, smoothed by 1


def test_l1_counts_only_where_the_weight_is() -> None:
    predicted, target = torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    weight = torch.zeros(1, 1, 4, 4)
    assert weighted_l1(predicted, target, weight).item() == 0
    weight[..., 0, 0] = 1
    assert weighted_l1(predicted, target, weight).item() == 1
    assert gradient_l1(predicted, target, torch.ones(1, 1, 4, 4)).item() == 0
    predicted[..., 2:] = 0  # one step of height 1 among three differences across
    found = gradient_l1(predicted, target, torch.ones(1, 1, 4, 4)).item()
    assert found == pytest.approx(1 / 3)


def test_cross_entropy_of_even_logits() -> None:
    found = cross_entropy(torch.zeros(5, 4), torch.tensor([0, 1, 2, 3, 0]))
    assert found.item() == pytest.approx(1.386294)  # ln 4


def test_the_average_follows_its_network() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = Average(network, decay=0.5)
    nn.init.ones_(network.weight)
    average.update(step=100)
    assert average.state()["weight"].item() == 0.5
    average.update(step=100)
    assert average.state()["weight"].item() == 0.75
    average.apply()
    assert network.weight.item() == 0.75


def test_early_averages_forget_the_first_weights() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = Average(network, decay=0.999)
    nn.init.ones_(network.weight)
    average.update(step=0)
    assert average.state()["weight"].item() == pytest.approx(0.9)  # decay (1 + 0) / (10 + 0)


def test_float32_can_be_asked_for() -> None:
    device = best_device()
    assert autocast_type(device, "float32") == torch.float32
    assert autocast_type(device, "auto") in (torch.bfloat16, torch.float32)


def test_reproducible_leaves_threads_and_random_state_as_they_were() -> None:
    threads = torch.get_num_threads()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with reproducible(threads=1):
        assert torch.get_num_threads() == 1
        torch.manual_seed(99)
        torch.rand(5)
    assert torch.get_num_threads() == threads
    assert torch.rand(1) == expected


def test_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    fitted = Fitted(32, [{"images": 32, "loss": 0.5}], "abc", 1.0)
    network, other = nn.Linear(3, 2), nn.Linear(3, 2)
    export(tmp_path / "mask", {"net": network}, {"size": 64}, fitted)
    digest = restore(tmp_path / "mask", {"net": other})
    torch.testing.assert_close(other.weight, network.weight, rtol=0, atol=0)
    assert digest == sha256(tmp_path / "mask" / "weights.safetensors")
    assert read_config(tmp_path / "mask") == {"size": 64}
    assert not other.training


def test_weights_of_another_network_or_none_are_said_so(tmp_path: Path) -> None:
    fitted = Fitted(32, [], "abc", 1.0)
    export(tmp_path / "mask", {"net": nn.Linear(3, 2)}, {}, fitted)
    with pytest.raises(UserError, match=r"does not fit.*train@mask"):
        restore(tmp_path / "mask", {"net": nn.Linear(4, 2)})
    with pytest.raises(UserError, match=r"not found.*train@other"):
        restore(tmp_path / "other", {"net": nn.Linear(3, 2)})
    (tmp_path / "mask" / "weights.safetensors").write_bytes(b"not a weight file")
    with pytest.raises(UserError, match=r"does not fit.*train@mask"):
        restore(tmp_path / "mask", {"net": nn.Linear(3, 2)})


def test_arrays_of_a_model_without_a_network(tmp_path: Path) -> None:
    numbers = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3)}
    export_arrays(tmp_path / "hand", numbers, {"size": 64}, "digest", 20)
    found, digest = restore_arrays(tmp_path / "hand")
    np.testing.assert_array_equal(found["weights"], numbers["weights"])
    assert digest == sha256(tmp_path / "hand" / "weights.safetensors")
    assert read_config(tmp_path / "hand") == {"size": 64}
    with pytest.raises(UserError, match="train@other"):
        restore_arrays(tmp_path / "other")
    (tmp_path / "hand" / "weights.safetensors").write_bytes(b"\0" * 40)
    with pytest.raises(UserError, match=r"damaged.*train@hand"):
        restore_arrays(tmp_path / "hand")
