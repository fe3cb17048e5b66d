"""How a region looks, in a few numbers, and how attributes move them: edits by linear algebra.

The numbers are principal components of what is seen through a region's window (T. Cootes et al.,
"Active appearance models", ECCV 1998, without the shapes). A ridge regression on all labels at once
says which way each attribute moves them while the others stay. Around their mean, faces with one
value are spread otherwise than those with the other (shut mouths are more alike than open ones);
the optimal transport between two normal distributions (M. Knott and C. Smith, "On the optimal
mapping of distributions", 1984) leads one spread over into the other. What comes of it is a rough
edit; the network makes a picture of it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from augment.types import FloatArray

_Matrix = npt.NDArray[np.float64]

#: While learning, how far beyond the middle of a value's faces edits go, in standard deviations.
BEYOND = 1.0
_RIDGE = 1.0
_SHRUNK = 0.1  # share of a spread that is all values' together, for few faces show it badly
_BLUR = 5  # the side over this is what a blur reaches
_MOST = 3000  # faces that components are taken from


class Codes(nn.Module):
    """What was fitted; nothing of it is trained, it is kept with the network's weights.

    Args:
        regions: number of the region of each attribute, from 0.
        side: of the windows, pixels.
        count: numbers of a code.
    """

    def __init__(self, regions: Sequence[int], side: int, count: int) -> None:
        super().__init__()
        kinds, attributes = max(regions) + 1, len(regions)
        self.register_buffer("region", torch.tensor(list(regions)))
        self.register_buffer("mean", torch.zeros(kinds, 3 * side * side))
        self.register_buffer("basis", torch.zeros(kinds, count, 3 * side * side))
        self.register_buffer("way", torch.zeros(attributes, count))
        self.register_buffer("middles", torch.zeros(attributes, 2, count))
        self.register_buffer("spreads", torch.zeros(attributes, 2, count, count))
        self.register_buffer("reach", torch.zeros(attributes, 2))
        self.region: Tensor
        self.mean: Tensor
        self.basis: Tensor
        self.way: Tensor  # from no to yes
        self.middles: Tensor  # of faces without and with it
        self.spreads: Tensor  # what leads the others' deviations over to theirs, less itself
        self.reach: Tensor  # their standard deviation along the way, by its length

    @property
    def count(self) -> int:
        return self.basis.shape[1]

    def of(self, faces: Tensor, area: Tensor, place: Tensor) -> Tensor:
        """Codes (n, count) of windows.

        Args:
            faces: (n, 3, side, side) in [-1, 1].
            area: (n, 1, side, side), what counts of them.
            place: (n,), numbers of attributes, whose regions are seen.
        """
        flat = features(faces, area)
        regions, codes = self.region[place], flat.new_zeros(len(flat), self.count)
        with self._float32():
            for kind in range(len(self.mean)):
                rows = regions == kind
                codes[rows] = (flat[rows] - self.mean[kind]) @ self.basis[kind].T
        return codes

    def moved(self, codes: Tensor, place: Tensor, change: Tensor, beyond: float) -> Tensor:
        """Codes of the same faces with the other value.

        Args:
            codes: (n, count).
            place: (n,), the attribute that changes.
            change: (n,), 1: to yes, -1: to no.
            beyond: how far beyond the middle of the value's faces, in their standard deviations.
        """
        target = (change > 0).long()
        aside = codes - self.middles[place, 1 - target]
        with self._float32():
            led = torch.einsum("nij,nj->ni", self.spreads[place, target], aside)
        share = (1 + beyond * self.reach[place, target]) * change
        return codes + led + share[:, None] * self.way[place]

    def shown(self, faces: Tensor, moves: Tensor, place: Tensor) -> Tensor:
        """The faces (n, 3, side, side) with codes changed by ``moves`` (n, count): in [-1, 1]."""
        back = self.basis / self.basis.square().sum(2, keepdim=True).clamp_min(1e-12)
        regions, result = self.region[place], faces.float().flatten(1)
        with self._float32():
            for kind in range(len(self.mean)):
                here = (regions == kind)[:, None].float()
                result = result + (moves * here) @ back[kind]
        return result.view(faces.shape).clamp(-1, 1)

    def _float32(self) -> torch.autocast:
        """Products as exact in a training as outside of it: in bfloat16, codes would be off."""
        return torch.autocast(self.mean.device.type, enabled=False)


def features(faces: Tensor, area: Tensor) -> Tensor:
    """What codes are made of: colours against their blurred surroundings, (n, 3 side²)."""
    small = nn.functional.avg_pool2d(faces.float(), 2)
    reach = max(1, faces.shape[3] // _BLUR // 2)
    padded = nn.functional.pad(small, (reach,) * 4, mode="replicate")
    blurred = nn.functional.avg_pool2d(padded, 2 * reach + 1, 1)
    ground = nn.functional.interpolate(blurred, scale_factor=2, mode="bilinear")
    return ((faces - ground).float() * area.float()).flatten(1)


def fitted(
    regions: Sequence[int], side: int, count: int, seen: Sequence[Tensor], values: FloatArray
) -> Codes:
    """Codes of faces.

    Args:
        regions, side, count: see :class:`Codes`.
        seen: of each region, :func:`features` of all faces, (faces, 3 side²).
        values: (faces, attributes), 0, 1 or nan where not known.
    """
    codes = Codes(regions, side, count)
    for kind, flat in enumerate(seen):
        some = flat[:: -(-len(flat) // _MOST)].double().cpu()
        mean = some.mean(0)
        basis = _components((some - mean).numpy(), count)
        codes.mean[kind] = mean.float()
        codes.basis[kind, : len(basis)] = torch.from_numpy(basis).float()
    for place, kind in enumerate(regions):
        found = ((seen[kind].cpu() - codes.mean[kind]) @ codes.basis[kind].T).double().numpy()
        way, middles, spreads, reach = _led(found, values, place)
        codes.reach[place] = torch.from_numpy(reach)
        codes.way[place] = torch.from_numpy(way)
        codes.middles[place] = torch.from_numpy(middles)
        codes.spreads[place] = torch.from_numpy(spreads)
    return codes


def _components(centred: _Matrix, count: int) -> _Matrix:
    """(at most count, features): directions of the largest variance; along each it becomes 1."""
    faces = len(centred)
    if faces < centred.shape[1]:
        sizes, vectors = np.linalg.eigh(centred @ centred.T / faces)
        basis = (centred.T @ vectors / np.sqrt(np.maximum(sizes, 1e-12) * faces)).T
    else:
        sizes, vectors = np.linalg.eigh(centred.T @ centred / faces)
        basis = vectors.T
    kept = np.argsort(sizes)[::-1][:count]
    kept = kept[sizes[kept] > 1e-6 * sizes.max()]
    return np.asarray(basis[kept] / np.sqrt(sizes[kept])[:, None])


def _led(
    codes: _Matrix, values: FloatArray, place: int
) -> tuple[_Matrix, _Matrix, _Matrix, _Matrix]:
    """Way (count,) that an attribute moves codes; means (2, count) of those without and with it;
    what leads deviations from the other mean over, less itself (2, count, count); and the standard
    deviations (2,) along the way, by its length."""
    known = ~np.isnan(values[:, place])
    codes, has = codes[known], values[known, place] == 1
    design = np.column_stack([np.nan_to_num(2 * values[known].astype(np.float64) - 1),
                              np.ones(len(codes))])  # fmt: skip
    # Each value counts as much as the other.
    weights = len(has) / 2 / np.where(has, max(1, has.sum()), max(1, (~has).sum()))
    weighted = design * weights[:, None]
    held = weighted.T @ design + _RIDGE * np.eye(design.shape[1])
    found = np.linalg.solve(held, weighted.T @ codes)
    rest = codes - design @ found
    both = (rest * weights[:, None]).T @ rest / len(rest) + 1e-6 * np.eye(codes.shape[1])
    middles, spreads = [], []
    for group in (~has, has):
        some = rest[group] - rest[group].mean(0) if group.any() else rest[:0]
        own = some.T @ some / max(1, len(some))
        spreads.append((1 - _SHRUNK) * own + _SHRUNK * both)
        middles.append(codes[group].mean(0) if group.any() else np.zeros(codes.shape[1]))
    unit = np.eye(codes.shape[1])
    led = [transport(spreads[1], spreads[0]) - unit, transport(spreads[0], spreads[1]) - unit]
    way = 2 * found[place]
    reach = [np.sqrt(way @ spread @ way) / max(float(way @ way), 1e-9) for spread in spreads]
    return way, np.stack(middles), np.stack(led), np.array(reach)


def transport(source: _Matrix, target: _Matrix) -> _Matrix:
    """The symmetric map that gives a normal variable of covariance ``source`` that of ``target``,
    and moves it least (both (count, count), positive definite)."""
    root = _power(source, 0.5)
    back = _power(source, -0.5)
    return np.asarray(back @ _power(root @ target @ root, 0.5) @ back)


def _power(spread: _Matrix, exponent: float) -> _Matrix:
    sizes, vectors = np.linalg.eigh(spread)
    return np.asarray((vectors * np.maximum(sizes, 1e-9) ** exponent) @ vectors.T)
