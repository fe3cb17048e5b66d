"""Settings of the attribute generator. Free of torch: the plan and `augment check` read them."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from augment.nets.config import TrainConfig
from augment.params import Section
from augment.regions import REGIONS, USUAL_REGIONS, problem_of

Arch = Literal["ours", "E2D2", "E2D1", "E1D2", "E1D1"]
MaskLoss = Literal["none", "MAE", "MSE", "SDE"]


class Network(Section):
    """What is trained."""

    # ours: pixels a side of the window through which it sees a region; maps at half, quarter,
    # eighth ... height of it, and of its adversary. What is larger gets its change scaled up.
    window: int = Field(default=32, ge=16, le=256)
    channels: tuple[int, ...] = Field(default=(24, 48, 72), min_length=2, max_length=5)
    critic: tuple[int, ...] = Field(default=(32, 64, 96), min_length=2, max_length=6)
    # ours: in how many numbers a region's look is put, to be moved by linear algebra.
    codes: int = Field(default=48, ge=1, le=256)
    # The papers' layouts: whether they see the whole face, as in the papers, and of how many pixels
    # a side; or the region through its window, which is learned many times faster.
    view: Literal["face", "window"] = "face"
    size: int = Field(default=64, ge=16, le=256)
    # Maps of their first layer (each of the three halvings doubles them), pixels
    # a side of the first and last convolution (the papers' 7 are for pictures of 128), blocks in
    # the middle, and maps of the discriminator's first layer.
    width: int = Field(default=32, ge=2)
    kernel: Literal[3, 5, 7] = 7
    blocks: int = Field(default=4, ge=1)
    critic_width: int = Field(default=32, ge=2)

    @model_validator(mode="after")
    def _divisible(self) -> "Network":
        if self.size & (self.size - 1):
            raise ValueError(f"size {self.size} is no power of two, as the halvings need")
        step = 2 ** max(len(self.channels), len(self.critic))
        if self.window % step:
            raise ValueError(f"window {self.window} is no multiple of {step}, as channels need")
        if self.view == "window" and self.window & (self.window - 1):
            raise ValueError(f"window {self.window} is no power of two, as the halvings need")
        return self


class Train(TrainConfig):
    """For ``ours``; the papers' layouts count the images that the discriminator sees."""

    images: int = Field(default=32_000, gt=0)
    batch: int = Field(default=16, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    ema: float = Field(default=0.99, ge=0, lt=1)


class Collapse(Section):
    """When a training counts as collapsed: attention never activates, the output is the input."""

    after: int = Field(default=1000, ge=1)  # steps of the editing network
    inside: float = Field(default=0.05, ge=0, le=1)  # least mean attention in the guide mask
    change: float = Field(default=0.5, ge=0, le=255)  # least mean change of the picture, levels
    tries: int = Field(default=3, ge=1)  # trainings, each with a seed of its own


class Config(Section):
    """Which attributes, where they are seen, and how they are learned."""

    # ours; or SaGAN's (E2D2) and MSaGAN's layouts, by their count of encoders and decoders.
    arch: Arch = "ours"
    # Label columns with the values yes and no, all learned by one network.
    attributes: tuple[str, ...] = Field(default=("mouth_open",), min_length=1)
    # Attribute -> a region (mouth, eyes, nose, lower_face, face, hair, head_top), or a list of
    # CelebAMask-HQ's parts, for those that are not usual ones.
    regions: Mapping[str, str | tuple[str, ...]] = Field(default_factory=dict)
    # auto: from parsing maps where there are some, else from the five landmarks.
    guide: Literal["auto", "landmarks"] = "auto"
    # Of the papers' layouts: how the attention is held against the guide mask, and the weights on
    # the reconstruction and cycle passes.
    mask_loss: MaskLoss = "SDE"
    mask_weights: tuple[float, float] = (100.0, 20.0)
    # An attribute needs so many train faces of each value.
    smallest_class: int = Field(default=20, ge=1)
    network: Network = Network()
    train: Train = Train()
    collapse: Collapse = Collapse()
    # ours: what the critic's word weighs while learning. More makes edits sharper and convinces
    # judges oftener; on photos, 0.4 painted glasses and beards far too strong.
    realism: float = Field(default=0.1, ge=0, le=10)
    # ours: how far beyond the middle of a value's faces an edit goes, in their standard deviations:
    # more convinces judges oftener, and looks less like most faces with that value. Changing it
    # needs no new training.
    beyond: float = Field(default=3.0, ge=0, le=8)
    # How strong a change is drawn, by the candidate's seed; 1: as learned.
    strength: tuple[float, float] = (0.94, 1.06)

    @model_validator(mode="after")
    def _sensible(self) -> "Config":
        if len(set(self.attributes)) < len(self.attributes):
            raise ValueError(f"attributes: {', '.join(self.attributes)} names one twice")
        for name, region in self.regions.items():
            if name not in self.attributes:
                raise ValueError(f"regions.{name}: it is none of the attributes")
            if problem := problem_of(region):
                raise ValueError(f"regions.{name}: {problem}")
        lost = [one for one in self.attributes if one not in {**USUAL_REGIONS, **self.regions}]
        if lost:
            raise ValueError(
                f"no region is known for the attribute '{lost[0]}': name one under regions, such "
                f"as {{{lost[0]}: face}} ({', '.join(REGIONS)})"
            )
        if not 0 < self.strength[0] <= self.strength[1] <= 2:
            raise ValueError("strength: from the weakest to the strongest, above 0 and up to 2")
        return self

    @property
    def windows(self) -> bool:
        """Whether a region is seen through its window."""
        return self.arch == "ours" or self.network.view == "window"

    @property
    def side(self) -> int:
        """Pixels a side that the network sees."""
        return self.network.window if self.windows else self.network.size

    @property
    def kinds(self) -> tuple[list[str | tuple[str, ...]], list[int]]:
        """The different regions, and the number of each attribute's."""
        of_each = [self.region(name) for name in self.attributes]
        kinds = list(dict.fromkeys(of_each))
        return kinds, [kinds.index(kind) for kind in of_each]

    def region(self, attribute: str) -> str | tuple[str, ...]:
        """A region's name, or parts."""
        return {**USUAL_REGIONS, **self.regions}[attribute]
