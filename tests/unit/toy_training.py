"""A training that takes a second: a picture filter learned from noise. Runs as a script, too,
which kills itself on the way: ``python -m tests.unit.toy_training <work> <images before>``."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from augment.nets.blocks import DoubleConv
from augment.nets.config import TrainConfig
from augment.nets.loop import Fitted, Indices, Learner, build, fit

FACES = 40
CONFIG = TrainConfig(images=640, batch=8, learning_rate=3e-3, ema=0.9)


def train(
    work: Path, before_step: Callable[[int], None] = lambda step: None, config: TrainConfig = CONFIG
) -> tuple[nn.Module, Fitted]:
    """Train in ``work``; ``before_step`` is called with the number of steps of this process."""
    network = build(lambda: nn.Sequential(DoubleConv(3, 8), nn.Conv2d(8, 3, 1)), seed=5)
    device = next(network.parameters()).device
    pictures = torch.rand(FACES, 3, 8, 8, generator=torch.Generator().manual_seed(1)).to(device)
    steps = 0

    def step(indices: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        nonlocal steps
        before_step(steps)
        steps += 1
        clean = pictures[torch.from_numpy(indices).to(device)]
        # Both kinds of randomness that tasks use: numpy's and torch's.
        noisy = clean + random.uniform(0.0, 0.2) * torch.randn_like(clean)
        return {"loss": (network(noisy).float() - clean).abs().mean()}

    fitted = fit(
        [Learner(network, step)], FACES, config, 7, work, "toy", {"a": 1}, checkpoint_seconds=0
    )
    return network, fitted


def _kill_at(last: int) -> Callable[[int], None]:
    def before_step(step: int) -> None:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    return before_step


if __name__ == "__main__":
    train(Path(sys.argv[1]), _kill_at(int(sys.argv[2]) // CONFIG.batch))
