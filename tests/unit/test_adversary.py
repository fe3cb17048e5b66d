import pytest
import torch
from torch import nn

from augment.nets.adversary import (
    BranchCritic,
    PatchCritic,
    gradient_penalty,
    logistic,
)


def test_a_slope_is_the_squared_length_of_the_gradient() -> None:
    """Of score = sum(3 x) over 12 numbers: 9 x 12, and half of it."""
    faces = torch.randn(5, 3, 2, 2)
    slope = gradient_penalty(faces, lambda x: 3 * x.sum(dim=(1, 2, 3)))
    assert float(slope) == pytest.approx(54.0)
    assert not faces.requires_grad


def test_a_slope_teaches_the_critic() -> None:
    torch.manual_seed(0)
    critic = PatchCritic((8, 8))
    faces = torch.randn(4, 3, 16, 16)
    gradient_penalty(faces, lambda x: critic(x).mean(dim=(1, 2, 3))).backward()
    convolution = critic.body[0]
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.weight.grad is not None
    assert float(convolution.weight.grad.abs().max()) > 0


def test_undecided_scores_cost_log_4() -> None:
    nothing = torch.zeros(7)
    assert float(logistic(nothing, nothing)) == pytest.approx(1.386294, abs=1e-5)
    assert float(logistic(nothing + 9, nothing - 9)) < 0.001


def test_only_the_branch_of_the_class_learns() -> None:
    torch.manual_seed(0)
    critic, faces = BranchCritic((8, 8), 4), torch.randn(3, 3, 16, 16)
    critic(faces, torch.tensor([1, 1, 2])).sum().backward()
    assert critic.head.weight.grad is not None
    assert (critic.head.weight.grad.abs().sum(1) > 0).tolist() == [False, True, True, False]
    assert [tuple(layer.shape) for layer in critic.layers(faces)] == [(3, 8, 8, 8), (3, 8, 4, 4)]


def test_patches_are_judged_one_by_one() -> None:
    torch.manual_seed(0)
    critic, faces = PatchCritic((8,)), torch.randn(1, 3, 16, 16)
    changed = faces.clone()
    changed[..., 12:] += 1
    words, others = critic(faces), critic(changed)
    assert words.shape == (1, 1, 8, 8)
    torch.testing.assert_close(words[..., :4], others[..., :4])
    assert not torch.allclose(words[..., 6:], others[..., 6:])
