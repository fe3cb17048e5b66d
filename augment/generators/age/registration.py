"""Faces laid on each other by their five points, and bent: what age does to the average eye shall
lie on the eye of a turned face, too.

Between the points a thin-plate spline (F. L. Bookstein, "Principal warps", IEEE PAMI 11(6), 1989)
leads over; the picture's edges stay. Coordinates run from -1 to 1 over the side, x and y.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from augment.types import FloatArray

#: Pixels a side of the maps that say where pixels come from.
SIDE = 64
#: Points are taken to lie no further off than this: in profile, eyes fall on one place.
_FARTHEST = 0.25
_OTHER_SIDE = [1, 0, 2, 4, 3]  # eyes, nose, corners of the mouth, as the mirror has them
_USUAL = np.array([[-0.26, -0.06], [0.26, -0.06], [0, 0.24], [-0.22, 0.54], [0.22, 0.54]])
_STEPS = 4  # of the fixed point that turns a flow round
#: Anchors at the edges, where nothing moves.
_EDGES = np.array([[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y], np.float64)


def relative(points: npt.ArrayLike, size: int) -> FloatArray:
    """Crop pixels (n, 5, 2) -> coordinates from -1 to 1; nan stays nan."""
    return np.asarray((np.asarray(points, np.float64) + 0.5) * 2 / size - 1, dtype=np.float32)


def template_of(points: FloatArray) -> FloatArray:
    """Where points (n, 5, 2) lie, most of the time; its two sides are alike. Faces of which
    nothing is known do not count; if none is known, they lie where crops have them."""
    known = points[np.isfinite(points).all((1, 2))]
    found = np.median(known, axis=0) if len(known) else _USUAL
    return np.asarray((found + mirrored(found)) / 2, dtype=np.float32)


def mirrored(moves: FloatArray) -> FloatArray:
    """Of the points (..., 5, 2): the moves that the mirror image makes."""
    return np.asarray((moves * (-1, 1))[..., _OTHER_SIDE, :], dtype=np.float32)


def cardinals(template: FloatArray) -> FloatArray:
    """(5, SIDE, SIDE): by how much each pixel goes along with each of five points (5, 2)."""
    anchors = np.concatenate([template.astype(np.float64), _EDGES])
    count = len(anchors)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(anchors, anchors)
    system[:count, count:] = np.c_[np.ones(count), anchors]
    system[count:, :count] = system[:count, count:].T
    wanted = np.zeros((count + 3, 5))
    wanted[:5] = np.eye(5)
    weights = np.linalg.solve(system, wanted)
    middles = (np.arange(SIDE) + 0.5) * 2 / SIDE - 1
    pixels = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    inputs = np.c_[_kernel(pixels, anchors), np.ones(len(pixels)), pixels]
    return np.ascontiguousarray((inputs @ weights).T.reshape(5, SIDE, SIDE), dtype=np.float32)


def _kernel(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> FloatArray:
    squared = np.square(first[:, None] - second[None]).sum(-1)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-12)))


def shift_of(points: Tensor, template: Tensor) -> Tensor:
    """How far points (n, 5, 2) lie off the template's; nothing where they are not known."""
    return (points - template).nan_to_num(0.0).clamp(-_FARTHEST, _FARTHEST)


def flow_of(shift: Tensor, cardinals_: Tensor) -> Tensor:
    """Shifts of the points (n, 5, 2) -> the flow (n, 2, SIDE, SIDE) that fetches each pixel from
    where the points lie: :func:`bend` with it lays a face on the template."""
    return torch.einsum("npc,pyx->ncyx", shift, cardinals_)


def turned_round(flow: Tensor) -> Tensor:
    """The flow (n, 2, h, w) that undoes one."""
    back = -flow
    for _ in range(_STEPS):
        back = -bend(flow, back)
    return back


def bend(maps: Tensor, flow: Tensor) -> Tensor:
    """Every pixel taken from elsewhere: ``flow`` (n, 2, h, w) in halves of the side, x and y."""
    count, _, height, width = maps.shape
    unit = torch.eye(2, 3, device=maps.device)[None].expand(count, 2, 3)
    grid = nn.functional.affine_grid(unit, [count, 1, height, width], align_corners=False)
    return nn.functional.grid_sample(
        maps.float(), grid + flow.permute(0, 2, 3, 1),
        mode="bilinear", padding_mode="reflection", align_corners=False,
    )  # fmt: skip
