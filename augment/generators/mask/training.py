"""Teaches the mask network with painted pairs."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.mask.network import MaskNet, compose
from augment.generators.mask.painter import Painted, paint
from augment.generators.mask.style import random_style
from augment.images import resize
from augment.nets.data import FaceSet, to_tensor
from augment.nets.loop import Indices
from augment.nets.losses import dice, gradient_l1, weighted_l1
from augment.types import FloatArray, Image
from augment.vocabulary import YES

_WEIGHTS = {"alpha": 1.0, "dice": 0.5, "pixels": 2.0, "edges": 1.0, "place": 2.0}
_MIRRORED = [1, 0, 2, 4, 3]  # the five points of a mirrored face, left in the picture first


def unmasked(faces: FaceSet) -> list[int]:
    """Places of the faces that are not labelled as wearing a mask already."""
    words = faces.labels.get("mask", ("",) * len(faces))
    return [place for place, word in enumerate(words) if word != YES]


class PaintedPairs:
    """The training step: paints a fresh mask on every face, compares what the network makes."""

    def __init__(self, faces: FaceSet, size: int, network: MaskNet) -> None:
        cv2.setNumThreads(1)  # pictures this small lose more to threads than they win
        scale = size / max(1, faces.images.shape[1])  # no faces at all: the loop says so
        self._images = [resize(image, size) for image in faces.images]
        self._points = faces.points * np.float32(scale)
        self._network = network

    def __call__(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        faces, codes, painted = [], [], []
        for number in indices:
            face, points = vary(self._images[number], self._points[number], random)
            style = random_style(random, vary=24.0)
            faces.append(face)
            codes.append(style.code())
            painted.append(paint(face, points, style))
        device = next(self._network.parameters()).device
        bare = to_tensor(faces, device)
        outputs = self._network(bare, torch.from_numpy(np.stack(codes)).to(device))
        return losses(outputs, bare, *(planes.to(device) for planes in _planes(painted)))


def _planes(painted: Sequence[Painted]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Alpha, cover (n, 1, h, w), colour without folds (n, 3, h, w) in [-1, 1] and place."""
    alpha = torch.from_numpy(np.stack([one.alpha for one in painted])[:, None])
    cover = torch.from_numpy(np.stack([one.cover for one in painted])[:, None])
    smooth = torch.from_numpy(np.stack([one.smooth for one in painted])).permute(0, 3, 1, 2)
    place = torch.from_numpy(np.stack([one.place for one in painted]))
    return alpha, cover, smooth.contiguous() / 127.5 - 1, place


def losses(
    outputs: tuple[Tensor, Tensor, Tensor],
    face: Tensor,
    true_alpha: Tensor,
    cover: Tensor,
    true_colour: Tensor,
    true_place: Tensor,
) -> dict[str, Tensor]:
    """BCE + Dice of alpha, L1 + gradient L1 of the composed picture, L1 of the place on the mask.

    ``outputs`` is what :class:`MaskNet` gives; the others are the painter's.
    """
    logits, colour, place = outputs
    alpha = torch.sigmoid(logits)
    made = compose(alpha, colour, face)
    target = compose(true_alpha, true_colour, face)
    near = nn.functional.max_pool2d(true_alpha, 5, stride=1, padding=2) + 0.05
    found = {
        "alpha": nn.functional.binary_cross_entropy_with_logits(logits, true_alpha),
        "dice": dice(alpha, true_alpha),
        "pixels": weighted_l1(made, target, near),
        "edges": gradient_l1(made, target, near),
        "place": weighted_l1(place, true_place, cover),
    }
    total = sum(
        (_WEIGHTS[name] * value for name, value in found.items()),
        torch.zeros((), device=face.device),
    )
    return {"loss": total, **found}


def vary(face: Image, points: FloatArray, random: np.random.Generator) -> tuple[Image, FloatArray]:
    """Mirror, tilt by up to 12 degrees, scale and shift by up to 10 %, vary the light; points
    follow."""
    size = face.shape[0]
    angle, zoom = random.uniform(-12, 12), random.uniform(0.9, 1.12)
    shift = random.uniform(-0.08, 0.08, size=2) * size
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, zoom)
    matrix[:, 2] += shift
    moved = cv2.warpAffine(
        face, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    points = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    if random.random() < 0.5:
        moved = moved[:, ::-1]
        points = points[_MIRRORED]
        points[:, 0] = size - 1 - points[:, 0]
    gain = random.uniform(0.6, 1.25) * random.uniform(0.92, 1.08, size=3)
    levels = np.arange(256)[:, None] / 255.0
    table = np.clip(255 * gain * levels ** random.uniform(0.8, 1.25), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(table[moved, np.arange(3)]), points
