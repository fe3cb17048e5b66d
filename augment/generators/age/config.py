"""Settings of the generator ``age``."""

from typing import Literal

from pydantic import Field, model_validator

from augment.nets.config import TrainConfig
from augment.params import Section

Arch = Literal["ours", "decompose", "ragan", "hrfae"]


class Network(Section):
    """What is trained; ``ours`` looks at the size alone."""

    # Pixels a side that the network sees; its change is scaled up for larger crops.
    size: int = Field(default=64, ge=32, le=256)
    # Maps at half, quarter, eighth ... height.
    channels: tuple[int, ...] = Field(default=(32, 64, 96), min_length=2, max_length=5)
    critic: tuple[int, ...] = Field(default=(32, 64, 96, 128), min_length=2, max_length=6)

    @model_validator(mode="after")
    def _divisible(self) -> "Network":
        step = 2 ** max(len(self.channels), len(self.critic))
        if self.size % step:
            raise ValueError(f"size {self.size} is no multiple of {step}, as the channels need")
        return self


class Train(TrainConfig):
    """Of the networks: about 20 minutes on two cores. ``ours`` is fitted in one."""

    images: int = Field(default=48_000, gt=0)
    batch: int = Field(default=16, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    ema: float = Field(default=0.99, ge=0, lt=1)


class Config(Section):
    arch: Arch = "ours"
    # How many times what age does to the shades and detail of faces ``ours`` does to a face. 1 is
    # true to life, and nearest to the truth where that is known (drawn faces); of photos, judges
    # see more at 2.
    exaggeration: float = Field(default=2.0, ge=0, le=3)
    # By how much ``ours`` ages the same face differently when it is ordered again; 0: always alike.
    variation: float = Field(default=1.0, ge=0, le=3)
    network: Network = Network()
    train: Train = Train()
    # An age group with fewer train faces is neither learned nor made.
    smallest_group: int = Field(default=8, ge=1)
