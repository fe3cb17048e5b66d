"""A network that tells untouched faces from faces with faults of making, and how it learns."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from augment.nets.blocks import global_mean
from augment.nets.config import TrainConfig
from augment.nets.data import FaceSet, in_groups, to_tensor
from augment.nets.device import best_device
from augment.nets.faults import plant
from augment.nets.harmless import stored, vary
from augment.nets.loop import Fitted, Indices, Learner, Step, build, fit
from augment.seeds import row_generator
from augment.types import FloatArray, Image

VERSION = 2  # raised when the arithmetic of the step changes
#: What telling where the fault lies weighs against telling whether there is one.
_WEIGHT_OF_PLACE = 0.5
_DETAIL_GAIN = 4.0


class _Detail(nn.Module):
    """The picture, and beside it what of each pixel its neighbours do not say, as strong as that.

    Faults are in the detail, which is weak: shown by itself it is learned sooner.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, h, w) -> (batch, 6, h, w)."""
        around = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        return torch.cat([x, _DETAIL_GAIN * (x - around)], dim=1)


class _Block(nn.Module):
    """A residual block that halves height and width (K. He et al., CVPR 2016).

    Normalised over the batch while learning and by fixed numbers afterwards: a normalisation of
    each picture by itself would take away how strong its detail is, which is what gives blur away.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, outside, 3, 2, 1, bias=False),
            nn.BatchNorm2d(outside),
            nn.SiLU(inplace=True),
            nn.Conv2d(outside, outside, 3, padding=1, bias=False),
            nn.BatchNorm2d(outside),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(inside, outside, 1, 2, bias=False), nn.BatchNorm2d(outside)
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = functional.silu(self.body(x) + self.shortcut(x))
        return result


class ArtifactNet(nn.Module):
    """Picture -> how likely it was touched, and where.

    The first convolution sees every pixel, since a fault may be one pixel wide, and halves the
    picture, as does each block. Means say what is wrong everywhere, maxima what is wrong in one
    place.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        first = channels[0]
        self.body = nn.Sequential(
            _Detail(),
            nn.Conv2d(6, first, 4, 2, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.SiLU(inplace=True),
            nn.Conv2d(first, first, 3, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.SiLU(inplace=True),
            *(_Block(a, b) for a, b in itertools.pairwise(channels)),
        )
        self.place = nn.Conv2d(channels[-1], 1, 1)
        self.whole = nn.Linear(2 * channels[-1] + 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 3, h, w) in [-1, 1] -> log-odds of a fault in the picture, (batch,), and in each
        of its cells, (batch, rows, columns)."""
        features = self.body(x)
        cells = self.place(features).squeeze(1)
        highest = cells.flatten(1).amax(1, keepdim=True)
        pooled = torch.cat([global_mean(features), features.amax((2, 3)), highest], dim=1)
        return self.whole(pooled).squeeze(1), cells


def learn(
    faces: FaceSet,
    make: Callable[[], ArtifactNet],
    config: TrainConfig,
    seed: int,
    work: Path,
    label: str,
    identity: Mapping[str, Any],
) -> tuple[ArtifactNet, Fitted]:
    """Train on real faces: every one is varied harmlessly, every other one gets a fault.

    Args:
        faces: what to learn on.
        make: makes the network.
        config, seed, work, label: see :func:`augment.nets.loop.fit`.
        identity: settings that the result depends on, besides ``faces`` and ``config``.
    """
    network = build(make, seed)
    whole = {"data": faces.digest, "version": VERSION, **identity}
    step = _step(network, faces.images)
    fitted = fit([Learner(network, step)], len(faces), config, seed, work, label, whole)
    return network.eval(), fitted


def _step(network: ArtifactNet, images: npt.NDArray[np.uint8]) -> Step:
    device = best_device()

    def step(places: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        shown, where = [], []
        for number, place in enumerate(places):
            face = vary(images[place], random)
            touched = np.zeros(face.shape[:2], np.float32)
            if number % 2:
                other = images[int(random.integers(len(images)))]
                faulty = plant(face, other, random)
                face, touched = faulty.image, faulty.where
            shown.append(stored(face))
            where.append(touched)
        # Channels last: a fifth faster on a processor.
        seen = to_tensor(shown, device).contiguous(memory_format=torch.channels_last)
        logits, cells = network(seen)
        touched_cells = functional.adaptive_max_pool2d(
            torch.from_numpy(np.stack(where)).to(device)[:, None], cells.shape[1:]
        ).squeeze(1)
        touched_faces = touched_cells.flatten(1).amax(1)
        whole = functional.binary_cross_entropy_with_logits(logits.float(), touched_faces)
        place_loss = functional.binary_cross_entropy_with_logits(cells.float(), touched_cells)
        return {"loss": whole + _WEIGHT_OF_PLACE * place_loss, "whole": whole, "place": place_loss}

    return step


@torch.no_grad()
def look(network: ArtifactNet, images: Sequence[Image]) -> FloatArray:
    """Log-odds of a fault, float32 (images,): of a face or its mirror image, whichever shows more.

    Each face's depend on nothing but the face.
    """
    found: list[FloatArray] = [np.zeros(0, np.float32)]
    for batch, count in in_groups(images, best_device()):
        both = torch.maximum(network(batch)[0], network(batch.flip(3))[0])
        found.append(both[:count].float().cpu().numpy())
    return np.concatenate(found)


def planted(faces: FaceSet, seed: int) -> tuple[list[Image], list[str]]:
    """Each face with a fault of its own, and the faults' kinds; for measuring, not for learning."""
    images, kinds = [], []
    for place, name in enumerate(faces.ids):
        random = row_generator(seed, "planted", name)
        other = faces.images[int(random.integers(len(faces)))]
        faulty = plant(faces.images[place], other, random)
        images.append(stored(faulty.image))
        kinds.append(faulty.kind)
    return images, kinds
