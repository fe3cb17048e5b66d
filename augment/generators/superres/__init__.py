"""``superres``: restores faces that were too small in their photo, four times their size.

The network learns from the given faces alone: the face is the target, its shrunken copy the input
(Jo, Park, about 2020). What it adds is likely, not seen: a restored face is a guess that shrinks
back to what was there.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from pydantic import Field

from augment.images import resize
from augment.nets.config import TrainConfig
from augment.params import Section
from augment.protocols import Face, Made, Request
from augment.types import Image
from augment.vocabulary import DigitalSourceType

if TYPE_CHECKING:
    from augment.generators.superres.network import Enlarger, PaperEnlarger

_NAMES = ("pixels", "detail")
_ROUNDS = 3  # of back-projection, until the small face's pixels are found to about a level


class Network(Section):
    """What is trained."""

    # Maps of the trunk (paper: at the input's size; deeper ones have two and four times as many).
    channels: int = Field(default=48, ge=4, le=256, multiple_of=2)
    # Of two convolutions each; the paper's has its own number.
    blocks: int = Field(default=8, ge=1, le=64)


class Train(TrainConfig):
    """First stage: least error of pixels."""

    images: int = Field(default=16_000, gt=0)
    batch: int = Field(default=16, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)


class Adversarial(TrainConfig):
    """Second stage: an adversary asks for detail, from where the first stage ended."""

    images: int = Field(default=12_000, gt=0)
    batch: int = Field(default=16, gt=0)
    learning_rate: float = Field(default=5e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    # Weight of the adversary's word, and of its features, beside the pixels' 1.
    adversarial: float = Field(default=3.0, ge=0)
    perceptual: float = Field(default=4.0, ge=0)
    # Maps of the adversary at the picture's own size, half, quarter ...
    critic: tuple[int, ...] = Field(default=(32, 48, 64, 96), min_length=1, max_length=6)

    def training(self) -> TrainConfig:
        """What the training loop reads of it."""
        known = set(TrainConfig.model_fields)
        return TrainConfig(**self.model_dump(include=known))


class Make(Section):
    """How faces are restored. Changing this needs no new training."""

    # Between the weights of the first stage (0: least error, soft) and the second (1: crisp; from
    # about 0.75 on strong edges may look beaded).
    blend: float = Field(default=0.5, ge=0, le=1)
    # Rounds in which what the shrunken result lacks against the small face is added.
    back_projection: int = Field(default=2, ge=0, le=20)
    # Noise as fine as the pixels, grey levels of 255: photos have it, what is restored has not. It
    # adds no detail, and the shrunken face stays as it is.
    grain: float = Field(default=0.0, ge=0, le=20)
    # Steps of learning on the very face before it is restored; 50 take about a second.
    adaptation: int = Field(default=0, ge=0, le=3000)
    # Pixels that a face's crop had a side; below, there is no face in it to restore.
    smallest: int = Field(default=8, ge=1)


class Config(Section):
    # ours: a residual trunk, taught in two stages. paper: after the paper, in one.
    arch: Literal["ours", "paper"] = "ours"
    network: Network = Network()
    # Pixels; larger targets are cut to so many a side.
    crop: int = Field(default=64, ge=16, le=512, multiple_of=4)
    # Learns on at most so many faces.
    faces: int = Field(default=20_000, gt=0)
    # Weight of: shrunken again, the result is the input.
    consistency: float = Field(default=0.5, ge=0)
    train: Train = Train()
    adversarial: Adversarial = Adversarial()
    make: Make = Make()


class Generator:
    """Moves nothing: the same person in the same moment, in more pixels."""

    parents = 1
    restores = True
    digital_source_type: DigitalSourceType = "algorithmicallyEnhanced"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._network: Enlarger | PaperEnlarger | None = None
        self._weights = ""

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """0 inside a bin; it cannot move a face to another."""
        return 0.0 if all(donor.get(axis) == value for axis, value in target.items()) else None

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        from augment.generators.superres.pairs import Pairs
        from augment.generators.superres.training import teach
        from augment.nets.data import load_faces
        from augment.nets.weights import export

        config = self.config
        learned = load_faces(faces, ("train",), ("a",), config.faces)
        pairs = Pairs(learned.images, config.crop)
        networks, fitted = teach(pairs, len(learned), learned.digest, config, seed, work)
        export(folder, networks, config.model_dump(mode="json"), fitted)

    def load(self, folder: Path) -> None:
        from augment.generators.superres.restore import blended
        from augment.generators.superres.training import new_network
        from augment.nets.device import best_device, place
        from augment.nets.weights import restore

        names = _NAMES if self.config.arch == "ours" else _NAMES[1:]
        networks = {name: new_network(self.config) for name in names}
        self._weights = restore(folder, networks)
        network = networks["detail"]
        if "pixels" in networks:
            states = networks["pixels"].state_dict(), network.state_dict()
            network.load_state_dict(blended(*states, self.config.make.blend))
        self._network = place(network, best_device())

    def weights(self) -> str:
        return self._weights

    def make(self, requests: Sequence[Request]) -> list[Made]:
        return [self._restored(request.parents[0], request.seed) for request in requests]

    def enlarge(self, small: Image, seed: int = 0) -> Image:
        """uint8 (side, side, 3) -> (4 side, 4 side, 3); ``seed`` is of the adaptation."""
        from augment.generators.superres.adapting import adapted
        from augment.generators.superres.restore import enlarge

        if self._network is None:
            raise RuntimeError("load() comes before make()")
        make, network = self.config.make, self._network
        if make.adaptation:
            network = adapted(network, small, make.adaptation, seed)
        return enlarge(network, small, make.back_projection, grain=make.grain)

    def _restored(self, face: Face, seed: int) -> Made:
        side = len(face.image)
        native = max(1, round(side if face.native_side is None else face.native_side))
        if native >= side:
            return Made(
                None, reason=f"{face.id} is no small face: there is nothing to restore in it"
            )
        if native < self.config.make.smallest:
            return Made(
                None,
                reason=f"{face.id} had {native} px in its photo: too few to restore a face from "
                f"(at least {self.config.make.smallest})",
            )
        small = photographed(face.image, native)
        large = resize(self.enlarge(small, seed), side)
        return Made(with_lost(large, face.image, small), face.points, (self._step(native),))

    def _step(self, native: int) -> str:
        config = self.config
        how = f"blend {config.make.blend:g}" if config.arch == "ours" else "after the paper"
        return f"restored from {native} px (x4 network, {how})"


def with_lost(restored: Image, crop: Image, small: Image) -> Image:
    """A restored face, uint8 (side, side, 3), with what the crop shows and the small face, enlarged
    alike, does not: a tilted face's detail lies between the pixels of any straight grid as coarse.
    """
    side = len(crop)
    plain = cv2.resize(small.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    found = restored + (crop - plain)
    return np.asarray(np.clip(np.round(found), 0, 255), dtype=np.uint8)


def photographed(crop: Image, native: int) -> Image:
    """The small face, uint8 (native, native, 3), of which alignment made the crop by cubic weights.

    Averaging the crop would blur what was smoothed already. So its error is taken back: what the
    crop has and the small face, enlarged alike, has not (M. Irani & S. Peleg, CVGIP 1991). It comes
    43 to 48 dB near to the photo's own pixels, averaging 35 to 40 (drawn faces of 12 to 48 pixels).
    """
    side = len(crop)
    levels = crop.astype(np.float32)
    small = cv2.resize(levels, (native, native), interpolation=cv2.INTER_AREA)
    for _ in range(_ROUNDS):
        missing = levels - cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
        small += cv2.resize(missing, (native, native), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(np.round(small), 0, 255), dtype=np.uint8)
