"""Teaches the mask network with painted pairs."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.mask.network import MaskNet, compose, full_size
from augment.generators.mask.painter import Draped, drape
from augment.generators.mask.pairs import RealPair
from augment.generators.mask.style import Kind, Style, random_style
from augment.images import resize
from augment.nets.data import FaceSet, to_tensor
from augment.nets.loop import Indices
from augment.nets.losses import dice, gradient_l1, weighted_l1
from augment.types import FloatArray, Image
from augment.vocabulary import YES

_WEIGHTS = {"alpha": 1.0, "dice": 0.5, "pixels": 2.0, "edges": 1.0, "place": 2.0}
_GREY = (100, 100, 100)  # cloth that shows the light, and is never too bright to
_KINDS: tuple[Kind, ...] = ("surgical", "n95", "cloth")  # what people wear on photos
_SHAPES = (-0.8, 0.0, 0.8)  # tops and fits to compare a real mask with
_MOVES = 0.4  # of the moves of painted faces: too few pairs to learn the place anew for each
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

    @property
    def network(self) -> MaskNet:
        return self._network

    def __call__(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        faces, codes, draped = [], [], []
        for number in indices:
            face, points = vary(self._images[number], self._points[number], random)
            face = degrade(face, random)
            style = random_style(random, vary=24.0).on(face)
            faces.append(face)
            codes.append(style.code())
            draped.append(drape(face, points, style))
        device = next(self._network.parameters()).device
        bare = to_tensor(faces, device)
        outputs = self._network(bare, torch.from_numpy(np.stack(codes)).to(device))
        return losses(outputs, bare, *(planes.to(device) for planes in _planes(draped)))


class MixedPairs:
    """The training step on real pairs: half of a batch; the other half is painted, as before.

    Of a real mask colour and outline are known, but not how it is laid: the painted ones keep the
    network's word on that. Each counts as the painter's mask that is most like it.
    """

    def __init__(self, pairs: Sequence[RealPair], painted: PaintedPairs, faces: int) -> None:
        self._pairs, self._painted, self._faces = pairs, painted, faces
        self._shapes = usual_shapes(
            [worn_shape(pair.bare, pair.points, pair.alpha) for pair in pairs]
        )

    def __call__(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        half = max(1, len(indices) // 2)
        drawn = self._painted(random.integers(self._faces, size=len(indices) - half), random)
        real = self._real(indices[:half], random)
        return {"loss": drawn["loss"] + real["loss"]} | {
            f"real_{name}": value for name, value in real.items() if name != "loss"
        }

    def _real(self, places: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        network = self._painted.network
        bare, worn, alphas, codes = [], [], [], []
        for place in places:
            pair, shape = self._pairs[place], self._shapes[place]
            moves = random.bit_generator.state
            face, points = vary(pair.bare, pair.points, random, _MOVES)
            layers = np.dstack([pair.worn, (255 * pair.alpha).astype(np.uint8)])
            random.bit_generator.state = moves  # the same move of the other photo
            moved, _ = vary(layers, pair.points, random, _MOVES)
            alpha = (moved[..., 3] > 127).astype(np.float32)
            mask = np.ascontiguousarray(moved[..., :3])
            bare.append(face)
            worn.append(mask)
            alphas.append(alpha)
            codes.append(worn_style(shape, face, points, mask, alpha).code())
        device = next(network.parameters()).device
        before, after = to_tensor(bare, device), to_tensor(worn, device)
        true_alpha = torch.from_numpy(np.stack(alphas)[:, None]).to(device)
        logits, shade, _ = network(before, torch.from_numpy(np.stack(codes)).to(device))
        return _sum(_picture_losses(logits, shade, before, true_alpha, after))


def worn_shape(face: Image, points: FloatArray, alpha: FloatArray) -> Style:
    """The painter's mask whose outline is most like a real one's; its colour means nothing.

    Args:
        face: uint8 (h, w, 3), without the mask.
        points: float32 (5, 2), on it.
        alpha: float32 (h, w): where more than 0.5, the mask is.
    """
    inside = alpha > 0.5

    def overlap(style: Style) -> float:
        drawn = drape(face, points, style).cover > 0.5
        return float((drawn & inside).sum() / max(1, int((drawn | inside).sum())))

    shapes = itertools.product(_KINDS, _SHAPES, _SHAPES)
    return max((Style(kind, _GREY, top, fit) for kind, top, fit in shapes), key=overlap)


def usual_shapes(shapes: Sequence[Style]) -> list[Style]:
    """Each shape with the mean height and width of its type.

    Whether one pair's mask is worn a pixel higher is chance. A style that said so would spare the
    network from learning where this mask lies on a face, which is all it has when it makes one.
    """
    means = {
        kind: np.mean([(one.top, one.fit) for one in shapes if one.kind == kind], axis=0)
        for kind in {one.kind for one in shapes}
    }
    return [
        replace(one, top=float(means[one.kind][0]), fit=float(means[one.kind][1])) for one in shapes
    ]


def worn_style(
    shape: Style, face: Image, points: FloatArray, worn: Image, alpha: FloatArray
) -> Style:
    """``shape`` in the colour that a photo's mask has in white light.

    That is the colour seen, over how bright and of which cast the painter would have made it.

    Args:
        shape: of the mask, from :func:`worn_shape`.
        face: uint8 (h, w, 3), without the mask.
        points: float32 (5, 2), on it.
        worn: uint8 (h, w, 3), with the mask.
        alpha: float32 (h, w): where more than 0.5, the mask is.
    """
    inside = alpha > 0.5
    if not inside.any():
        inside = np.ones_like(inside)
    grey = drape(face, points, replace(shape, colour=_GREY))
    light = grey.colour[inside].mean(axis=0) / np.array(_GREY)
    seen = np.median(worn[inside], axis=0) / np.maximum(light, 0.05)
    red, green, blue = (int(value) for value in np.clip(seen, 0, 255))
    return replace(shape, colour=(red, green, blue))


def _planes(draped: Sequence[Draped]) -> tuple[Tensor, Tensor, Tensor]:
    """Cover (n, 1, h, w), colour (n, 3, h, w) in [-1, 1] and place (n, 2, h, w)."""
    cover = torch.from_numpy(np.stack([one.cover for one in draped])[:, None])
    colour = torch.from_numpy(np.stack([one.colour for one in draped])).permute(0, 3, 1, 2)
    place = torch.from_numpy(np.stack([one.place for one in draped]))
    return cover, colour.contiguous() / 127.5 - 1, place


def losses(
    outputs: tuple[Tensor, Tensor, Tensor],
    face: Tensor,
    cover: Tensor,
    true_colour: Tensor,
    true_place: Tensor,
) -> dict[str, Tensor]:
    """BCE + Dice of alpha, L1 + gradient L1 of the composed picture, L1 of the place on the mask.

    ``outputs`` is what :class:`MaskNet` gives; the others are the painter's.
    """
    logits, colour, place = outputs
    place = full_size(place)
    target = compose(cover, true_colour, face)
    found = _picture_losses(logits, colour, face, cover, target)
    # Around the cloth, too: a user's template may reach farther than the mask it stands for.
    found["place"] = weighted_l1(place, true_place, cover + 0.15 * _around(cover))
    return _sum(found)


def _picture_losses(
    logits: Tensor, colour: Tensor, face: Tensor, true_alpha: Tensor, target: Tensor
) -> dict[str, Tensor]:
    alpha = torch.sigmoid(logits)
    made = compose(alpha, full_size(colour), face)
    near = nn.functional.max_pool2d(true_alpha, 5, stride=1, padding=2) + 0.05
    return {
        "alpha": nn.functional.binary_cross_entropy_with_logits(logits, true_alpha),
        "dice": dice(alpha, true_alpha),
        "pixels": weighted_l1(made, target, near),
        "edges": gradient_l1(made, target, near),
    }


def _sum(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """The losses by name, and their weighted sum as "loss"."""
    first = next(iter(found.values()))
    total = sum((_WEIGHTS[name] * value for name, value in found.items()), torch.zeros_like(first))
    return {"loss": total, **found}


def _around(cover: Tensor) -> Tensor:
    return nn.functional.max_pool2d(cover, 9, stride=1, padding=4)


def degrade(face: Image, random: np.random.Generator) -> Image:
    """What photos suffer: one in six is coarse, one in ten compressed, one in ten grey."""
    coarse, packed, grey = random.random(3) < (0.17, 0.1, 0.1)
    size = face.shape[0]
    if coarse:
        face = resize(resize(face, int(random.integers(size * 3 // 8, size))), size)
    if packed:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 80))]
        face = np.asarray(cv2.imdecode(cv2.imencode(".jpg", face, quality)[1], cv2.IMREAD_COLOR))
    if grey:
        face = np.repeat(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return face


def vary(
    face: Image, points: FloatArray, random: np.random.Generator, moves: float = 1.0
) -> tuple[Image, FloatArray]:
    """Mirror, tilt by up to 15 degrees, scale by up to 1/5, shift by up to 1/12, vary the light.

    Points follow. ``moves``: a share of tilt, scale and shift.
    """
    size = face.shape[0]
    angle, zoom = moves * random.uniform(-15, 15), random.uniform(0.82, 1.2) ** moves
    shift = moves * random.uniform(-0.08, 0.08, size=2) * size
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
    gain = random.uniform(0.45, 1.25) * random.uniform(0.92, 1.08, size=3)
    levels = np.arange(256)[:, None] / 255.0
    table = np.clip(255 * gain * levels ** random.uniform(0.8, 1.25), 0, 255).astype(np.uint8)
    lit = moved.copy()
    lit[..., :3] = table[moved[..., :3], np.arange(3)]  # a fourth plane is no colour
    return lit, points
