"""Settings of trainings. Free of torch: the plan and `augment check` read them without it."""

from typing import Literal

from pydantic import Field

from augment.params import Section
from augment.protocols import JudgeConfig

#: "auto": bfloat16 where the processor calculates in it, else float32.
Precision = Literal["auto", "float32"]


class TrainConfig(Section):
    """How long and how to train. Plug-ins nest this as ``train`` with their own defaults."""

    images: int = Field(default=100_000, gt=0)  # faces seen in all, repeats counted
    batch: int = Field(default=32, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)  # at its peak; cosine down to 1 %
    warmup: float = Field(default=0.03, ge=0, lt=1)  # share of the training in which the rate rises
    weight_decay: float = Field(default=1e-4, ge=0)
    ema: float = Field(default=0.995, ge=0, lt=1)  # decay a step of the averaged weights; 0: off
    gradient_clip: float = Field(default=5.0, gt=0)  # longest gradient of a step, Euclidean norm
    precision: Precision = "auto"


class LabelJudgeConfig(JudgeConfig):
    """What the ``Config`` of every judge of labels has."""

    # Label columns to judge; empty: all that have two values or more among the faces it learns on.
    labels: tuple[str, ...] = ()
    # A value with fewer faces is not learned: candidates of it are not judged.
    smallest_class: int = Field(8, ge=1)
    faces: int = Field(30_000, gt=0)  # learns on at most so many
