"""Exponential moving average of a network's weights: smoother than the last step's."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Average:
    """Follows ``network`` with weights ``e <- d e + (1 - d) w``.

    The decay ``d`` starts near zero, so that the random first weights do not linger:
    ``min(decay, (1 + step) / (10 + step))``.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay = network, decay
        self._state = {name: value.clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the network's present weights, after its ``step``-th update (from 0)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        current = self._network.state_dict()
        floats = [name for name, value in current.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [self._state[name] for name in floats], [current[name] for name in floats], 1 - decay
        )
        for name in current.keys() - set(floats):  # counters, such as batch normalisation's
            self._state[name].copy_(current[name])

    def state(self) -> dict[str, Tensor]:
        return self._state

    def load(self, state: Mapping[str, Tensor]) -> None:
        for name, value in state.items():
            self._state[name].copy_(value)

    def apply(self) -> None:
        """Put the averaged weights into the network."""
        self._network.load_state_dict(self._state)
