"""The rule for what the papers' authors mended by hand: attention that never activates."""

import torch
from torch import Tensor, nn

from augment.generators.attribute.config import Collapse

_MEMORY = 0.98


class Collapsed(Exception):
    """A training in which nothing is edited; the message says what was seen."""


class Watch(nn.Module):
    """Follows how open the attention is, and how much changes.

    Its numbers lie in buffers of a network that checkpoints hold: a training that was killed goes
    on with them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("inside", torch.zeros(()))
        self.register_buffer("change", torch.zeros(()))
        self.steps: Tensor
        self.inside: Tensor
        self.change: Tensor

    @torch.no_grad()
    def look(self, rule: Collapse, guide: Tensor, attention: Tensor, moved: Tensor) -> None:
        """Take in a step of the editing network.

        Args:
            rule: what is a collapse.
            guide: (n, 1, h, w), 0 or 1.
            attention: likewise, 0..1.
            moved: made minus given face, (n, 3, h, w), levels span 2.

        Raises:
            Collapsed: after ``rule.after`` steps, next to nothing is edited.
        """
        self.steps += 1
        inside = (attention.float() * guide).sum() / guide.sum().clamp_min(1)
        change = moved.float().abs().mean() * 127.5
        fresh = max(1 - _MEMORY, 1 / float(self.steps))
        self.inside.lerp_(inside, fresh)
        self.change.lerp_(change, fresh)
        if int(self.steps) < rule.after:
            return
        problem = verdict(rule, float(self.inside), float(self.change))
        if problem:
            raise Collapsed(f"after {int(self.steps):,} steps {problem}")


def verdict(rule: Collapse, inside: float, change: float) -> str:
    """Why these numbers are a collapse; "" if they are not.

    Args:
        rule: the limits.
        inside: mean attention in the guide mask, 0..1.
        change: mean absolute change of the picture, levels of 255.
    """
    if inside < rule.inside:
        return f"the attention in the guide mask is {inside:.3f} (under {rule.inside:g})"
    if change < rule.change:
        return f"pictures change by {change:.2f} levels (under {rule.change:g})"
    return ""
