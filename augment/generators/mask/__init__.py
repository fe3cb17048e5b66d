"""``mask``: puts a face mask on a face. A small network lays it on; no landmarks are read.

The network is taught with masks painted on real train faces (painter.py) and gives alpha and
colour, as recommended against the blur of a plain auto-encoder (S. H. Lee 2022): outside of the
mask the face stays what it was, bit for bit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from augment.generators.mask.folds import folds
from augment.generators.mask.style import Style, random_style
from augment.images import resize
from augment.nets.config import TrainConfig
from augment.params import Section
from augment.protocols import Made, Request
from augment.types import FloatArray, Image
from augment.vocabulary import NO, YES, DigitalSourceType

if TYPE_CHECKING:
    from augment.generators.mask.network import MaskNet

_BATCH = 16  # always computed with so many faces: the same kernels whatever the request count
_SMALLEST_FACE = 24  # pixels; below, nothing of a mask's shape is left
_COVER = (0.04, 0.60)  # share of the crop that a worn mask covers; outside, it found no face
_FAINT = 0.06  # alpha below this is the network's noise, not mask: the face stays untouched there


class Network(Section):
    """What is trained."""

    # Pixels a side that the network sees; larger crops get its alpha and colour scaled up.
    size: int = Field(default=64, ge=32, le=512, multiple_of=16)
    # Maps at full, half, quarter ... height.
    channels: tuple[int, ...] = Field(default=(16, 32, 64, 96), min_length=2, max_length=5)


class Train(TrainConfig):
    """About 70 seconds on two cores."""

    images: int = Field(default=16_000, gt=0)
    batch: int = Field(default=16, gt=0)
    learning_rate: float = Field(default=2e-3, gt=0)
    ema: float = Field(default=0.99, ge=0, lt=1)


class Make(Section):
    """How masks are put on. Changing this needs no new training."""

    types: tuple[Literal["surgical", "n95", "cloth"], ...] = Field(
        default=("surgical", "n95", "cloth"), min_length=1
    )


class Config(Section):
    network: Network = Network()
    train: Train = Train()
    make: Make = Make()


class Generator:
    """Moves only the attribute ``mask``, from no to yes."""

    parents = 1
    digital_source_type: DigitalSourceType = "compositeWithTrainedAlgorithmicMedia"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._network: MaskNet | None = None
        self._weights = ""

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """1 where the mask is all that differs, else None."""
        if donor.get("mask") != NO or target.get("mask") != YES:
            return None
        same = all(donor.get(axis) == value for axis, value in target.items() if axis != "mask")
        return 1.0 if same else None

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        from augment.generators.mask import training
        from augment.generators.mask.network import MaskNet
        from augment.nets.data import load_faces
        from augment.nets.loop import Learner, build, fit
        from augment.nets.weights import export

        config = self.config
        everyone = load_faces(faces, ("train",), ("a",))
        learned = everyone.select(training.unmasked(everyone))
        network = build(lambda: MaskNet(config.network.channels), seed)
        pairs = training.PaintedPairs(learned, config.network.size, network)
        identity = {
            "faces": learned.digest,
            "network": config.network.model_dump(),
        }
        learner = Learner(network, pairs)
        fitted = fit([learner], len(learned), config.train, seed, work, "mask", identity)
        export(folder, {"mask": network}, config.model_dump(mode="json"), fitted)

    def load(self, folder: Path) -> None:
        from augment.generators.mask.network import MaskNet
        from augment.nets.device import best_device, place
        from augment.nets.weights import restore

        network = MaskNet(self.config.network.channels)
        self._weights = restore(folder, {"mask": network})
        self._network = place(network, best_device())

    def weights(self) -> str:
        return self._weights

    def make(self, requests: Sequence[Request]) -> list[Made]:
        results: list[Made | None] = [_refusal(request) for request in requests]
        open_places = [place for place, result in enumerate(results) if result is None]
        for start in range(0, len(open_places), _BATCH):
            places = open_places[start : start + _BATCH]
            part = [requests[place] for place in places]
            for place, made in zip(places, self._put_on(part), strict=True):
                results[place] = made
        return [result for result in results if result is not None]

    def style(self, request: Request) -> Style:
        """The mask that a request's seed stands for."""
        random = np.random.default_rng(request.seed)
        while True:
            style = random_style(random, vary=12.0)
            if style.kind in self.config.make.types:
                return style

    def _put_on(self, requests: list[Request]) -> list[Made]:
        faces = [request.parents[0].image for request in requests]
        styles = [self.style(request) for request in requests]
        layers = self._predict(faces, styles)
        return [
            _finish(request, style, layer)
            for request, style, layer in zip(requests, styles, layers, strict=True)
        ]

    def _predict(self, faces: list[Image], styles: list[Style]) -> FloatArray:
        """(n, size, size, 6): alpha 0..1, colour 0..255, place on the mask."""
        import torch

        from augment.nets.data import to_tensor
        from augment.nets.device import reproducible

        if self._network is None:
            raise RuntimeError("load() comes before make()")
        size, fill = self.config.network.size, _BATCH - len(faces)
        small = [resize(face, size) if face.shape[0] != size else face for face in faces]
        small += [np.zeros((size, size, 3), np.uint8)] * fill
        codes = np.stack([style.code() for style in styles + [styles[0]] * fill])
        device = next(self._network.parameters()).device
        # One thread: how a sum is split over threads shows in its last bits.
        with reproducible(threads=1), torch.inference_mode():
            logits, colour, place = self._network(
                to_tensor(small, device), torch.from_numpy(codes).to(device)
            )
            layers = torch.cat([torch.sigmoid(logits), (colour + 1) * 127.5, place], dim=1)
        found: FloatArray = layers[: len(faces)].permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return found


def _refusal(request: Request) -> Made | None:
    face = request.parents[0]
    if face.labels.get("mask") == YES:
        return Made(None, reason=f"{face.id} is labelled as wearing a mask already")
    if min(face.image.shape[:2]) < _SMALLEST_FACE:
        return Made(None, reason=f"{face.id} is under {_SMALLEST_FACE} pixels: too small to mask")
    return None


def _finish(request: Request, style: Style, layers: FloatArray) -> Made:
    """Lay the predicted mask, with its folds, on the face at the face's own size."""
    import cv2

    face = request.parents[0]
    height, width = face.image.shape[:2]
    layers = np.concatenate([layers[..., :4], _smooth(layers[..., 4:], layers[..., 0])], axis=2)
    if layers.shape[:2] != (height, width):
        layers = cv2.resize(layers, (width, height), interpolation=cv2.INTER_LINEAR)
    alpha, colour, u, v = layers[..., 0], layers[..., 1:4], layers[..., 4], layers[..., 5]
    inside = alpha > 0.5
    cover = float(inside.mean())
    if not _COVER[0] <= cover <= _COVER[1]:
        return Made(
            None, reason=f"no place for a mask was found on {face.id} (it would cover {cover:.0%})"
        )
    step = float(np.median(np.abs(np.diff(v, axis=0))[inside[1:]]))
    relief = folds(style.kind, u, v, step)
    share = np.clip((alpha - _FAINT) / (1 - 2 * _FAINT), 0, 1)[..., None]
    mask = np.clip(colour * (1 + relief[..., None]), 0, 255)
    mixed = np.clip(np.round(share * mask + (1 - share) * face.image), 0, 255)
    return Made(mixed.astype(np.uint8), face.points, (style.describe(),))


def _smooth(place: FloatArray, alpha: FloatArray) -> FloatArray:
    """The place on the mask without the network's grain, which would make folds ragged.

    Averaged over some pixels of the mask only: outside of it the network's word means nothing.
    """
    import cv2

    weight = np.clip(alpha, 1e-3, 1)[..., None]
    spread = (0, 0), 0.025 * len(alpha)
    total = cv2.GaussianBlur(place * weight, *spread)
    return np.asarray(total / cv2.GaussianBlur(weight, *spread)[..., None], dtype=np.float32)
