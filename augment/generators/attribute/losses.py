"""Losses of attributes and of attention, as free functions; each reduces to one float32 number."""

import torch
from torch import Tensor, nn


def mask_loss(kind: str, guide: Tensor, attention: Tensor) -> Tensor:
    """How far attention is from the guide mask, both (n, 1, h, w) in 0..1 (MSaGAN, section 3.2).

    ``SDE``, the set difference error, counts missing coverage only.
    """
    missing = guide.float() - attention.float()
    if kind == "MAE":
        return missing.abs().mean()
    if kind == "MSE":
        return missing.square().mean()
    if kind == "SDE":
        return missing.clamp_min(0).mean()
    if kind == "none":
        return torch.zeros((), device=guide.device)
    raise ValueError(f"no mask loss '{kind}'")


def two_sided(guide: Tensor, near: Tensor, attention: Tensor) -> tuple[Tensor, Tensor]:
    """What is missing of the guide mask, as a share of it, and what lies outside of ``near``, as a
    share of that: a small region weighs as much as a large one. Shapes as above."""
    guide, near, attention = guide.float(), near.float(), attention.float()
    missing = (guide - attention).clamp_min(0).sum(dim=(1, 2, 3))
    outside = (attention * (1 - near)).sum(dim=(1, 2, 3))
    sizes = [mask.sum(dim=(1, 2, 3)).clamp_min(1) for mask in (guide, near)]
    return (missing / sizes[0]).mean(), (outside / sizes[1]).mean()


def values_loss(logits: Tensor, values: Tensor) -> Tensor:
    """Binary cross-entropy (n, attributes); values are 0, 1, or nan where not known."""
    known = ~torch.isnan(values)
    filled = torch.where(known, values, torch.zeros_like(values))
    each = nn.functional.binary_cross_entropy_with_logits(logits.float(), filled, reduction="none")
    return (each * known).sum() / known.sum().clamp_min(1)


def slope_penalty(faces: Tensor, made: Tensor, critic: nn.Module) -> Tensor:
    """WGAN-GP's: (length of the score's gradient between real and made faces - 1)² (I. Gulrajani
    et al., NeurIPS 2017, equation 3). ``critic`` has ``score(faces) -> (n,)``."""
    share = torch.rand(len(faces), 1, 1, 1, device=faces.device)
    mixed = (share * faces + (1 - share) * made).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic.score(mixed).sum(), mixed, create_graph=True)  # type: ignore[operator]
    length = slope.float().square().sum(dim=(1, 2, 3)).add(1e-12).sqrt()
    return (length - 1).square().mean()
