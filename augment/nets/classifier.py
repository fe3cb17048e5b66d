"""A small classifier of several labels at once: the downstream model of the comparison of arms."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from augment.images import decode
from augment.nets.blocks import ResidualBlock, global_mean, norm
from augment.nets.data import to_tensor
from augment.nets.device import autocast, autocast_type, best_device

WIDTHS = (32, 64, 96, 128)
NO_LABEL = -1
_PREDICT_AT_ONCE = 256


class LabelNet(nn.Module):
    """A residual network (K. He et al. 2016) with one linear head a label; 0.5 M parameters."""

    def __init__(self, classes: Mapping[str, int]) -> None:
        super().__init__()
        first, *_ = WIDTHS
        self.body = nn.Sequential(
            nn.Conv2d(3, first, 3, stride=2, padding=1, bias=False),
            norm(first),
            nn.SiLU(inplace=True),
            *(ResidualBlock(a, b, stride=2) for a, b in zip(WIDTHS, WIDTHS[1:], strict=False)),
        )
        self.heads = nn.ModuleDict({name: nn.Linear(WIDTHS[-1], n) for name, n in classes.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(batch, 3, h, w) in [-1, 1] -> for each label, logits of shape (batch, classes)."""
        features = global_mean(self.body(x))
        return {name: head(features) for name, head in self.heads.items()}


def loss_of(logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Cross entropy summed over labels; faces whose target is :data:`NO_LABEL` do not count.

    Targets are int64 of shape (batch,). A batch without any known target costs nothing.
    """
    total = torch.zeros((), device=next(iter(targets.values())).device)
    for name, target in targets.items():
        entropy = nn.functional.cross_entropy(
            logits[name].float(), target, ignore_index=NO_LABEL, reduction="sum"
        )
        total = total + entropy / (target != NO_LABEL).sum().clamp_min(1)
    return total


@torch.no_grad()
def predict(network: LabelNet, pictures: Sequence[bytes]) -> dict[str, npt.NDArray[np.int64]]:
    """Class numbers of encoded pictures, shape (pictures,) a label."""
    network.eval()
    device = best_device()
    found: dict[str, list[npt.NDArray[np.int64]]] = {name: [] for name in network.heads}
    for start in range(0, len(pictures), _PREDICT_AT_ONCE):
        images = [decode(content) for content in pictures[start : start + _PREDICT_AT_ONCE]]
        with autocast(device, autocast_type(device, "auto")):
            logits = network(to_tensor(images, device))
        for name, values in logits.items():
            found[name].append(values.float().argmax(1).cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}
