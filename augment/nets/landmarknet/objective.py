"""What the detector learns: which cells answer for a face, and how wrong their answers are.

Scores learn how well the cell's own box fits (X. Li et al., "Generalized Focal Loss", NeurIPS
2020), so that of several cells the one with the best answer wins. Boxes: distance IoU (Z. Zheng et
al., AAAI 2020). Points: wing loss (Z.-H. Feng et al., CVPR 2018) in shares of the face's side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from augment.nets.landmarknet.network import CHANNELS, STRIDES, UNIT

#: Sides of the faces that each stride answers for, pixels; they overlap, so that no size is a gap.
SIZES = ((8.0, 44.0), (36.0, 92.0), (76.0, 1000.0))
#: Cells nearer to a face's middle than this (share of its side) answer for it; those up to the
#: second are left alone: their answers may serve or not.
_OWN, _ROUND = 0.22, 0.42
_MARGIN = 1.3  # a stride whose sizes end within this factor of a face's is left alone there
_WING, _CURVE = 0.08, 0.015  # of the wing loss; shares of the face's side


@dataclass(frozen=True)
class Faces:
    """Faces of a batch: ``boxes`` (n, most, 4) x, y, width, height; ``points`` (n, most, 5, 2);
    ``state`` (n, most): 0 none, 1 doubtful, 2 sure. Pixels of the canvas.
    """

    boxes: Tensor
    points: Tensor
    state: Tensor


@dataclass(frozen=True)
class Cells:
    """All cells of all strides: ``places`` (cells, 2), pixels; ``units`` (cells,), pixels."""

    places: Tensor
    units: Tensor
    smallest: Tensor
    largest: Tensor


def cells_of(height: int, width: int) -> Cells:
    """The cells of a canvas whose sides are multiples of 32."""
    places: list[Tensor] = []
    units: list[Tensor] = []
    smallest: list[Tensor] = []
    largest: list[Tensor] = []
    for stride, (low, high) in zip(STRIDES, SIZES, strict=True):
        y, x = torch.meshgrid(
            torch.arange(height // stride), torch.arange(width // stride), indexing="ij"
        )
        grid = torch.stack([x.reshape(-1), y.reshape(-1)], dim=1)
        places.append((grid + 0.5) * stride - 0.5)
        for values, value in ((units, UNIT * stride), (smallest, low), (largest, high)):
            values.append(torch.full((len(grid),), value))
    return Cells(torch.cat(places), torch.cat(units), torch.cat(smallest), torch.cat(largest))


def flat(maps: Sequence[Tensor]) -> Tensor:
    """Answers of all cells, float32 (n, cells, 15), in the order of :func:`cells_of`."""
    return torch.cat([level.flatten(2).transpose(1, 2) for level in maps], dim=1).float()


def assign(cells: Cells, faces: Faces) -> tuple[Tensor, Tensor]:
    """Which face each cell answers for, (n, cells), and which cells are left alone, bool.

    -1: no face. A cell between two faces answers for the one whose middle is nearer.
    """
    centres = faces.boxes[..., :2] + faces.boxes[..., 2:] / 2
    sides = faces.boxes[..., 2:].prod(dim=-1).clamp(min=1e-6).sqrt()
    away = (cells.places[None, :, None] - centres[:, None]).norm(dim=-1) / sides[:, None]
    size = sides[:, None]
    low, high = cells.smallest[None, :, None], cells.largest[None, :, None]
    fits = (size >= low) & (size <= high)
    nearly = (size * _MARGIN >= low) & (size <= high * _MARGIN)
    sure, doubtful = (faces.state == 2)[:, None], (faces.state == 1)[:, None]
    # The middle of a small face may lie between four cells: then these answer.
    reach = torch.maximum(_OWN * size, 0.72 * cells.units[None, :, None] / UNIT) / size
    own = sure & fits & (away < reach)
    nearest, face = torch.where(own, away, torch.inf).min(dim=2)
    answers = torch.where(torch.isfinite(nearest), face, -1)
    alone = (sure & nearly & (away < torch.maximum(reach * 1.6, torch.tensor(_ROUND)))) | (
        doubtful & (away < 0.75)
    )
    return answers, alone.any(dim=2) & (answers < 0)


def losses(maps: Sequence[Tensor], cells: Cells, faces: Faces) -> dict[str, Tensor]:
    """``loss`` and its parts: ``score``, ``box``, ``points`` (and ``off``: mean point error in
    shares of the face's side).
    """
    answers = flat(maps)
    assert answers.shape[2] == CHANNELS
    own, alone = assign(cells, faces)
    image, cell = torch.nonzero(own >= 0, as_tuple=True)
    face = own[image, cell]
    count = max(1, len(face))
    said, units = answers[image, cell], cells.units[cell][:, None]
    boxes = boxes_of(said[:, 1:5], cells.places[cell], units)
    true = faces.boxes[image, face]
    overlap, distance = _overlap(boxes, true)
    quality = torch.zeros_like(own, dtype=torch.float32)
    quality[image, cell] = overlap.detach().clamp(0.0, 1.0)
    score = _focal(answers[..., 0], quality) * ~alone
    points = cells.places[cell][:, None] + said[:, 5:].reshape(-1, 5, 2) * units[:, None]
    side = true[:, 2:].prod(dim=1).sqrt()[:, None, None]
    off = (points - faces.points[image, face]) / side
    parts = {
        "score": score.sum() / count,
        "box": (1.0 - overlap + distance).sum() / count,
        "points": _wing(off).sum() / (5 * count),
    }
    total = parts["score"] + parts["box"] + 2.0 * parts["points"]
    return {"loss": total, **parts, "off": off.norm(dim=2).sum() / (5 * count)}


def boxes_of(answers: Tensor, places: Tensor, units: Tensor) -> Tensor:
    """(n, 4) answers -> x, y, width, height in pixels."""
    centres = places + answers[:, :2] * units
    sides = units * torch.exp(answers[:, 2:].clamp(-4.0, 4.0))
    return torch.cat([centres - sides / 2, sides], dim=1)


def _overlap(boxes: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and the centres' squared distance over the hull's diagonal's."""
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    true_low, true_high = true[:, :2], true[:, :2] + true[:, 2:]
    common = (torch.minimum(high, true_high) - torch.maximum(low, true_low)).clamp(min=0)
    both = common.prod(dim=1)
    union = boxes[:, 2:].prod(dim=1) + true[:, 2:].prod(dim=1) - both
    hull = torch.maximum(high, true_high) - torch.minimum(low, true_low)
    between = (low + high - true_low - true_high).square().sum(dim=1) / 4
    return both / union.clamp(min=1e-6), between / hull.square().sum(dim=1).clamp(min=1e-6)


def _focal(logits: Tensor, quality: Tensor) -> Tensor:
    cost = functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    return cost * (torch.sigmoid(logits).detach() - quality).square()


def _wing(off: Tensor) -> Tensor:
    """10 per coordinate sum at most steeply near zero: small errors count, too."""
    size = off.abs()
    near = _WING * torch.log1p(size / _CURVE)
    far = size - _WING + _WING * torch.log1p(torch.tensor(_WING / _CURVE))
    return 10.0 * torch.where(size < _WING, near, far).sum(dim=(1, 2))
