"""Teaches the mask network with painted pairs."""

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.mask.network import MaskNet, compose
from augment.generators.mask.painter import paint
from augment.generators.mask.style import random_style
from augment.images import resize
from augment.nets.data import FaceSet, to_tensor
from augment.nets.loop import Indices
from augment.nets.losses import dice, gradient_l1, weighted_l1
from augment.types import FloatArray, Image
from augment.vocabulary import YES

_MIRRORED = [1, 0, 2, 4, 3]  # the five points of a mirrored face, left in the picture first


def unmasked(faces: FaceSet) -> list[int]:
    """Places of the faces that are not labelled as wearing a mask already."""
    words = faces.labels.get("mask", ("",) * len(faces))
    return [place for place, word in enumerate(words) if word != YES]


class PaintedPairs:
    """The training step: paints a fresh mask on every face, compares what the network makes."""

    def __init__(self, faces: FaceSet, size: int, network: MaskNet) -> None:
        cv2.setNumThreads(1)  # pictures this small lose more to threads than they win
        scale = size / faces.images.shape[1]
        self._images = [resize(image, size) for image in faces.images]
        self._points = faces.points * np.float32(scale)
        self._network = network

    def __call__(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        inputs, targets, alphas, codes = [], [], [], []
        for place in indices:
            face, points = vary(self._images[place], self._points[place], random)
            style = random_style(random, vary=24.0)
            painted = paint(face, points, style)
            inputs.append(face)
            targets.append(painted.image)
            alphas.append(painted.alpha)
            codes.append(style.code())
        device = next(self._network.parameters()).device
        bare, worn = to_tensor(inputs, device), to_tensor(targets, device)
        true_alpha = torch.from_numpy(np.stack(alphas)[:, None]).to(device)
        logits, colour = self._network(bare, torch.from_numpy(np.stack(codes)).to(device))
        return losses(logits, colour, bare, worn, true_alpha)


def losses(
    logits: Tensor, colour: Tensor, face: Tensor, target: Tensor, true_alpha: Tensor
) -> dict[str, Tensor]:
    """L1 and gradient L1 of the composed picture, BCE + Dice of alpha against the painter's."""
    alpha = torch.sigmoid(logits)
    made = compose(alpha, colour, face)
    near = nn.functional.max_pool2d(true_alpha, 5, stride=1, padding=2)
    place = nn.functional.binary_cross_entropy_with_logits(logits, true_alpha)
    overlap = dice(alpha, true_alpha)
    pixels = weighted_l1(made, target, near + 0.05)
    edges = gradient_l1(made, target, near + 0.05)
    total = place + 0.5 * overlap + 2.0 * pixels + 1.0 * edges
    return {"loss": total, "alpha": place, "dice": overlap, "pixels": pixels, "edges": edges}


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
