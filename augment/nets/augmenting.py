"""Differentiable augmentation of what a discriminator sees, so that few faces suffice (S. Zhao et
al., "Differentiable Augmentation for Data-Efficient GAN Training", NeurIPS 2020)."""

import torch
from torch import Tensor


def diff_augment(faces: Tensor) -> Tensor:
    """Light, contrast, shift by up to 1/8 and a hidden square, each face its own.

    Colours stay: grey hair is a sign of age. Randomness is torch's.

    Args:
        faces: (n, 3, h, w) in [-1, 1]; the result can be differentiated by it.
    """
    return _hidden(_shifted(_lit(faces)))


def _lit(faces: Tensor) -> Tensor:
    count = len(faces)
    light = 0.4 * (torch.rand(count, 1, 1, 1, device=faces.device) - 0.5)
    contrast = 0.75 + 0.5 * torch.rand(count, 1, 1, 1, device=faces.device)
    middle = faces.mean(dim=(1, 2, 3), keepdim=True)
    return (faces - middle) * contrast + middle + light


def _shifted(faces: Tensor) -> Tensor:
    """Zeros come in from the edges."""
    count, _, height, width = faces.shape
    reach = max(1, height // 8)
    padded = torch.nn.functional.pad(faces, (reach,) * 4)
    starts = torch.randint(0, 2 * reach + 1, (2, count), device=faces.device)
    rows = starts[0][:, None] + torch.arange(height, device=faces.device)
    columns = starts[1][:, None] + torch.arange(width, device=faces.device)
    which = torch.arange(count, device=faces.device)[:, None, None]
    moved: Tensor = padded.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def _hidden(faces: Tensor) -> Tensor:
    """A square of 3/8 of the side, somewhere, becomes the middle grey."""
    count, _, height, width = faces.shape
    half = 3 * height // 16
    y = torch.randint(0, height, (count, 1, 1), device=faces.device)
    x = torch.randint(0, width, (count, 1, 1), device=faces.device)
    rows = torch.arange(height, device=faces.device)[None, :, None]
    columns = torch.arange(width, device=faces.device)[None, None, :]
    shown = ((rows - y).abs() > half) | ((columns - x).abs() > half)
    return faces * shown[:, None]
