"""Losses as free functions. All reduce to one float32 number, whatever autocast is doing."""

import torch
from torch import Tensor


def dice(probability: Tensor, target: Tensor) -> Tensor:
    """1 - overlap of soft masks (n, 1, h, w) in [0, 1], mean over faces (F. Milletari et al. 2016).

    Unlike a mean over pixels it weighs a small mask as much as a large one.
    """
    predicted, true = probability.float().flatten(1), target.float().flatten(1)
    overlap = (predicted * true).sum(1)
    return (1 - (2 * overlap + 1) / (predicted.sum(1) + true.sum(1) + 1)).mean()


def weighted_l1(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of (n, c, h, w), weighted by ``weight`` (n, 1, h, w) >= 0."""
    difference = (predicted.float() - target.float()).abs().mean(1, keepdim=True)
    return (difference * weight).sum() / weight.sum().clamp_min(1e-6)


def gradient_l1(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """:func:`weighted_l1` of the differences between neighbouring pixels: keeps edges sharp."""
    predicted, target = predicted.float(), target.float()
    across = weighted_l1(predicted.diff(dim=3), target.diff(dim=3), weight[..., 1:])
    down = weighted_l1(predicted.diff(dim=2), target.diff(dim=2), weight[..., 1:, :])
    return across + down


def cross_entropy(logits: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    """Of class logits (n, classes) and class numbers (n,)."""
    return torch.nn.functional.cross_entropy(logits.float(), target, label_smoothing=smoothing)


def charbonnier(predicted: Tensor, target: Tensor, smooth: float = 1e-3) -> Tensor:
    """Mean of sqrt(difference² + smooth²): L1 with a slope at 0 (P. Charbonnier et al., ICIP
    1994)."""
    difference = predicted.float() - target.float()
    return (difference.square() + smooth**2).sqrt().mean()
