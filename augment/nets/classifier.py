"""A small classifier of several labels at once: the downstream model of the comparison of arms."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from augment.images import decode
from augment.nets.blocks import ResidualBlock, global_mean
from augment.nets.config import TrainConfig
from augment.nets.data import jitter, to_tensor
from augment.nets.device import autocast, autocast_type, best_device
from augment.nets.loop import Indices, Learner, build, fit
from augment.types import FloatArray, Image

Augment = Callable[[Image, np.random.Generator], Image]

#: From 16 x 16 down to 2 x 2 at 64 pixels: most of the work is done where pixels are few.
WIDTHS = (48, 96, 192, 256)
NO_LABEL = -1
_PREDICT_AT_ONCE = 256
_MOST_DECODED = 2**30  # bytes: 87,000 faces of 64 pixels


class LabelNet(nn.Module):
    """A residual network (K. He et al. 2016) with one linear head a label; 1.7 M parameters."""

    def __init__(self, classes: Mapping[str, int]) -> None:
        super().__init__()
        first, *_ = WIDTHS
        self.body = nn.Sequential(
            *_halving(3, first // 2),
            *_halving(first // 2, first),
            *(ResidualBlock(a, b, 2, nn.BatchNorm2d) for a, b in itertools.pairwise(WIDTHS)),
        )
        self.heads = nn.ModuleDict({name: nn.Linear(WIDTHS[-1], n) for name, n in classes.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(batch, 3, h, w) in [-1, 1] -> for each label, logits of shape (batch, classes)."""
        features = global_mean(self.body(x))
        return {name: head(features) for name, head in self.heads.items()}


def _halving(inside: int, outside: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.SiLU(inplace=True),
    ]


def loss_of(
    logits: Mapping[str, Tensor], targets: Mapping[str, Tensor], added: Mapping[str, Tensor]
) -> Tensor:
    """Cross entropy summed over labels; faces whose target is :data:`NO_LABEL` do not count.

    A batch without any known target costs nothing.

    Args:
        logits: label -> shape (batch, classes).
        targets: label -> class numbers, int64 of shape (batch,).
        added: label -> what is added to its logits, shape (classes,); none for those not named.
            The log shares of classes give the logit-adjusted loss (A. K. Menon et al. 2021).
    """
    total = torch.zeros((), device=next(iter(targets.values())).device)
    for name, target in targets.items():
        values = logits[name].float()
        values = values + added[name] if name in added else values
        entropy = nn.functional.cross_entropy(
            values, target, ignore_index=NO_LABEL, reduction="sum"
        )
        total = total + entropy / (target != NO_LABEL).sum().clamp_min(1)
    return total


class Pictures:
    """Faces by place. Each is decoded when first asked for and kept so, while memory allows:
    all trainings of a comparison look at the same faces again and again."""

    def __init__(self, encoded: Sequence[bytes], most_bytes: int = _MOST_DECODED) -> None:
        self._faces: list[bytes | Image] = list(encoded)
        self._left = most_bytes

    def __len__(self) -> int:
        return len(self._faces)

    def __getitem__(self, place: int) -> Image:
        """uint8 (height, width, 3), not to be written to."""
        face = self._faces[place]
        if not isinstance(face, bytes):
            return face
        image = decode(face)
        image.flags.writeable = False
        if image.nbytes <= self._left:
            self._left -= image.nbytes
            self._faces[place] = image
        return image


@torch.no_grad()
def predict(network: LabelNet, pictures: Pictures) -> dict[str, npt.NDArray[np.int64]]:
    """Class numbers, shape (pictures,) a label."""
    network.eval()
    device = best_device()
    found: dict[str, list[npt.NDArray[np.int64]]] = {name: [] for name in network.heads}
    for start in range(0, len(pictures), _PREDICT_AT_ONCE):
        end = min(start + _PREDICT_AT_ONCE, len(pictures))
        images = [pictures[place] for place in range(start, end)]
        with autocast(device, autocast_type(device, "auto")):
            logits = network(to_tensor(images, device))
        for name, values in logits.items():
            found[name].append(values.float().argmax(1).cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


@dataclass(frozen=True)
class Lesson:
    """What one training draws from.

    Attributes:
        pictures: at least the faces of this lesson.
        places: where in ``pictures`` its faces are, shape (faces,).
        targets: label -> class number or :data:`NO_LABEL`, shape (faces,).
        classes: label -> how many classes.
        weights: how often each face is drawn, shape (faces,); None: each once an epoch.
        augmented: chance that a drawn face is augmented, shape (faces,).
        added: label -> what is added to its logits in training alone, shape (classes,); empty:
            nothing.
    """

    pictures: Pictures
    places: npt.NDArray[np.int64]
    targets: Mapping[str, npt.NDArray[np.int64]]
    classes: Mapping[str, int]
    weights: FloatArray | None
    augmented: FloatArray
    added: Mapping[str, FloatArray]


def train(
    lesson: Lesson,
    augment: Augment,
    config: TrainConfig,
    seed: int,
    work: Path,
    label: str,
    identity: str,
) -> LabelNet:
    """Train from first weights that depend on ``seed`` alone.

    Args:
        lesson: the faces.
        augment: (uint8 image, randomness) -> an augmented image of the same shape.
        config: how long and how.
        seed: of weights, order and augmentation.
        work: a folder that survives a kill.
        label: what the progress bar calls it.
        identity: of everything else that the result depends on.

    Raises:
        UserError: there are no faces, or the training became unstable.
    """
    device = best_device()
    network = build(lambda: LabelNet(lesson.classes), seed)
    if autocast_type(device, config.precision) == torch.float32:
        # Faster on CPUs in float32, slower in bfloat16.
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    targets = {name: torch.from_numpy(codes).to(device) for name, codes in lesson.targets.items()}
    added = {name: torch.from_numpy(values).to(device) for name, values in lesson.added.items()}

    def step(places: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        images = [lesson.pictures[place] for place in lesson.places[places]]
        chosen = random.random(len(places)) < lesson.augmented[places]
        images = [
            augment(image, random) if strong else image
            for image, strong in zip(images, chosen, strict=True)
        ]
        batch = to_tensor(jitter(np.stack(images), random), device)
        rows = torch.from_numpy(places).to(device)
        wanted = {name: codes[rows] for name, codes in targets.items()}
        return {"loss": loss_of(network(batch), wanted, added)}

    fit(
        [Learner(network, step)], len(lesson.places), config, seed, work, label,
        {"identity": identity}, lesson.weights,
    )  # fmt: skip
    return network
