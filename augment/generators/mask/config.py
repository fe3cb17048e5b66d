"""Settings of the mask generator. Free of torch: the plan and `augment check` read them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from augment.generators.mask.style import Kind, Texture
from augment.nets.config import TrainConfig
from augment.params import Section
from augment.plugins import configure

_SHA256 = r"^[0-9a-f]{64}$"


class Network(Section):
    """``unet``: what is trained."""

    # Pixels a side that the network sees; larger crops get its alpha and colour scaled up.
    size: int = Field(default=64, ge=32, le=512, multiple_of=16)
    # Maps at half, quarter ... height.
    channels: tuple[int, ...] = Field(default=(16, 32, 64, 96), min_length=2, max_length=5)


class Train(TrainConfig):
    """``unet``: about a minute on two cores."""

    images: int = Field(default=16_000, gt=0)
    batch: int = Field(default=16, gt=0)
    learning_rate: float = Field(default=2e-3, gt=0)
    ema: float = Field(default=0.99, ge=0, lt=1)


class Pairs(TrainConfig):
    """``unet``: photos of the same face without and with a mask, learned from afterwards.

    Two files of one name make a pair; of one size, the face in one place. Files in a subfolder
    show one person. ``sha256`` is over all folders, so that a change of theirs is seen; `augment
    check` says what it is.
    """

    unmasked: Path  # a folder, relative to the project's
    masked: Path
    # Pictures of where each mask is, white on black, where that is known; else it is read from how
    # the two photos differ, which counts the shadow beside a mask, too.
    where: Path | None = None
    sha256: str = ""
    # Finds the face on the unmasked photo: an entry like align.detector.
    detector: Mapping[str, Any] = Field(default_factory=lambda: {"kind": "landmarknet"})
    images: int = Field(default=20_000, gt=0)  # 1,250 steps
    batch: int = Field(default=16, gt=1)  # every other one is a painted pair
    learning_rate: float = Field(default=8e-4, gt=0)
    ema: float = Field(default=0.99, ge=0, lt=1)

    @field_validator("detector")
    @classmethod
    def _known(cls, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        configure("align", entry, "pairs.detector")
        return entry


class Cae(Section):
    """``cae``: the paper's network and training. Keras' rate and batch: the paper names neither."""

    bottleneck: int = Field(default=2500, ge=1)  # 288.1 million parameters; 4.3 GiB to train
    epochs: int = Field(default=160, ge=1)
    batch: int = Field(default=32, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)


class Templates(Section):
    """A folder of masks in MaskTheFace's layout, relative to the project's; see layout.py."""

    folder: Path
    # Over masks.cfg and its pictures, so that a change is seen; `augment check` says what it is.
    sha256: str = ""
    share: float = Field(default=1.0, gt=0, le=1)  # of the masks; the others are drawn


class Make(Section):
    """How masks are put on. Changing this needs no new training."""

    types: tuple[Kind, ...] = Field(default=("surgical", "n95", "cloth"), min_length=1)
    textures: tuple[Texture, ...] = Field(
        default=("plain", "striped", "checked", "dotted", "printed"), min_length=1
    )
    templates: Templates | None = None


class Config(Section):
    # unet: lays a mask on and leaves the rest alone; cae: the paper's, which repaints all.
    arch: Literal["unet", "cae"] = "unet"
    network: Network = Network()
    train: Train = Train()
    pairs: Pairs | None = None
    cae: Cae = Cae()
    make: Make = Make()

    @field_validator("make")
    @classmethod
    def _possible(cls, make: Make) -> Make:
        if "plain" not in make.textures and set(make.types) != {"cloth"}:
            raise ValueError("textures: only cloth is patterned; the other types need 'plain'")
        return make
