"""A network that describes who is on a picture, and how it learns: people apart by a margin.

Loss: CosFace (H. Wang et al., "CosFace: Large margin cosine loss", CVPR 2018, equation 4): the
cosine to a face's own person must exceed those to all other people by a margin.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from augment.nets.blocks import ResidualBlock, norm
from augment.nets.config import TrainConfig
from augment.nets.data import FaceSet, in_groups, to_tensor
from augment.nets.device import best_device
from augment.nets.loop import Fitted, Indices, Learner, Step, build, fit
from augment.nets.varying import cover_below, hide_below, vary
from augment.types import FloatArray, Image

VERSION = 1  # raised when the arithmetic of the step changes
NUMBERS = 128  # of a description
_GRID = 4  # cells a side of the last map: where on the face something is counts


class IdentityNet(nn.Module):
    """Picture -> description. The first convolution and each block halve height and width.

    A face's description does not depend on others: the batch normalisation at the end uses, once
    learned, the averages it has learned.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, stride=2, padding=1, bias=False),
            norm(channels[0]),
            nn.SiLU(inplace=True),
            *(ResidualBlock(a, b, stride=2) for a, b in itertools.pairwise(channels)),
            nn.AdaptiveAvgPool2d(_GRID),
            nn.Flatten(),
        )
        self.last = nn.Linear(channels[-1] * _GRID * _GRID, NUMBERS, bias=False)
        # What all faces have in common says nothing of who it is (ArcFace's network ends so, too).
        self.centre = nn.BatchNorm1d(NUMBERS, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, h, w) in [-1, 1] -> (batch, NUMBERS), float32 of length 1."""
        found: Tensor = self.centre(self.last(self.body(x)).float())
        return functional.normalize(found, dim=1)


class Apart(nn.Module):
    """The network, and a direction for each of ``classes`` people that it is taught with."""

    def __init__(self, channels: Sequence[int], classes: int) -> None:
        super().__init__()
        self.net = IdentityNet(channels)
        self.people = nn.Parameter(torch.randn(classes, NUMBERS) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, h, w) in [-1, 1] -> cosines to the people, (batch, classes)."""
        described = self.net(x)
        with torch.autocast(described.device.type, enabled=False):
            # In float32: a bfloat16 cosine times the scale would be off by 0.1.
            cosines: Tensor = described @ functional.normalize(self.people.float(), dim=1).T
            return cosines


def margin_loss(cosines: Tensor, targets: Tensor, margin: float, scale: float) -> Tensor:
    """CosFace's loss of (batch, classes) cosines and (batch,) classes, averaged."""
    own = functional.one_hot(targets, cosines.shape[1])
    return functional.cross_entropy(scale * (cosines - margin * own), targets)


@dataclass(frozen=True)
class Lesson:
    """How faces are shown while learning.

    Attributes:
        margin, scale: of the loss.
        hide: share of faces shown without their lower part.
        cover: share of the others whose lower part is covered by some colour.
        upper: where the upper face ends, as a share of the side.
    """

    margin: float
    scale: float
    hide: float
    cover: float
    upper: float


def classes_of(persons: Sequence[str]) -> npt.NDArray[np.int64]:
    """A number for each face's person; a face of nobody known (``""``) is one of its own."""
    numbers: dict[str, int] = {}
    names = [person or f"\x00{place}" for place, person in enumerate(persons)]
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def upper_end(faces: FaceSet) -> float:
    """Where the upper face ends, as a share of the side: in the middle between eyes and nose tip.

    Worn masks reach up to there (drawn ones: 90 % of them end below, by 1 px at most above).
    """
    height = (faces.points[:, :2, 1].mean(axis=1) + faces.points[:, 2, 1]) / 2
    share: float = float(np.median(height)) / faces.images.shape[1]
    return round(share, 4)


def learn(
    images: Sequence[Image],
    faces: FaceSet,
    channels: Sequence[int],
    lesson: Lesson,
    config: TrainConfig,
    seed: int,
    work: Path,
    label: str,
) -> tuple[IdentityNet, Fitted]:
    """Train a network to tell the faces' people apart; see :func:`augment.nets.loop.fit`.

    Args:
        images: the faces' pictures, at the size that the network looks at.
        faces: who is on them.
        channels, lesson: of the network, and how it is taught.
        config, seed, work, label: see there.
    """
    people = classes_of(faces.persons)
    classes = int(people.max(initial=-1)) + 1
    network = build(lambda: Apart(channels, classes), seed)
    identity: Mapping[str, Any] = {
        "data": faces.digest,
        "people": people.tolist(),
        "version": VERSION,
        "channels": list(channels),
        "lesson": vars(lesson),
    }
    step = _step(network, images, people, lesson)
    fitted = fit([Learner(network, step)], len(faces), config, seed, work, label, identity)
    return network.net.eval(), fitted


def _step(
    network: Apart, images: Sequence[Image], people: npt.NDArray[np.int64], lesson: Lesson
) -> Step:
    device = best_device()

    def step(places: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        shown = [_shown(images[place], lesson, random) for place in places]
        targets = torch.from_numpy(people[places]).to(device)
        cosines = network(to_tensor(shown, device))
        right = (cosines.detach().argmax(dim=1) == targets).float().mean()
        return {
            "loss": margin_loss(cosines, targets, lesson.margin, lesson.scale),
            "recognised": right,
        }

    return step


def _shown(image: Image, lesson: Lesson, random: np.random.Generator) -> Image:
    row = upper_row(lesson.upper, image.shape[0]) + int(random.integers(-1, 2))
    chance = random.random()
    if chance < lesson.hide:
        return hide_below(vary(image, random), row)
    if chance < lesson.hide + (1 - lesson.hide) * lesson.cover:
        image = cover_below(image, row, random)
    return vary(image, random)


def upper_row(upper: float, size: int) -> int:
    """The first row below the upper face, of a picture of ``size`` pixels."""
    return round(upper * size)


@torch.no_grad()
def describe(network: IdentityNet, images: Sequence[Image]) -> FloatArray:
    """Descriptions of some faces, float32 (images, NUMBERS) of length 1; the same of a face and of
    its mirror image.

    Each face's depends on nothing but the face.
    """
    found = [np.zeros((0, NUMBERS), np.float32)]
    for batch, count in in_groups(images, best_device()):
        both: Tensor = network(batch) + network(batch.flip(3))
        found.append(functional.normalize(both, dim=1)[:count].cpu().numpy())
    return np.concatenate(found)
