"""Fine detail of faces: wrinkles and folds are what averages of faces lose.

B. Tiddeman, D. M. Burt & D. I. Perrett, "Prototyping and transforming facial textures for
perception research", IEEE Computer Graphics and Applications 21(5), 2001: not the detail itself is
averaged, but its strength at each place and scale; a face's own detail is then made as strong as it
is at another age. Here bands are differences of Gaussians of the brightness. A photo's grain is no
wrinkle: what the flattest skin shows of the finest bands is left as it is.
"""

import itertools
from functools import cache

import torch
from torch import Tensor, nn

#: Standard deviations of the blurs between which bands lie, pixels of a face of 64.
_SCALES = (0.6, 1.2, 2.4, 4.8)
BANDS = len(_SCALES)
_AROUND = 4.0  # strength is measured over so many pixels around, of 64
_FLOOR = 1e-5  # of the squared detail, levels span 2: flat skin is not endlessly flat
_MOST = 1.2  # largest logarithm of a gain: detail becomes 3.3 times as strong at most
_FLAT = 0.1  # share of the picture that is taken to be flat: what is there of detail is grain
_GRAINY = 2  # finest bands: coarser ones hold no grain, but faces
_BY_MATRIX = 128  # pixels a side; up to that, a blur is fastest as a product of matrices
_BRIGHTNESS = (0.299, 0.587, 0.114)  # ITU-R BT.601


def brightness(faces: Tensor) -> Tensor:
    """(n, 3, h, w) -> (n, 1, h, w)."""
    shares = faces.new_tensor(_BRIGHTNESS)[None, :, None, None]
    return (faces * shares).sum(1, keepdim=True)


def bands(faces: Tensor) -> Tensor:
    """Detail of faces (n, 3, size, size), finest first: (n, BANDS, size, size)."""
    levels = [brightness(faces.float())]
    levels += [blurred(levels[0], scale) for scale in _SCALES]
    return torch.cat([a - b for a, b in itertools.pairwise(levels)], dim=1)


def strength(faces: Tensor) -> Tensor:
    """Logarithm of how strong the detail is around each pixel: (n, BANDS, size, size)."""
    return 0.5 * torch.log(blurred(bands(faces).square(), _AROUND) + _FLOOR)


def with_detail(faces: Tensor, gains: Tensor) -> Tensor:
    """Faces whose detail is ``exp(gains)`` times as strong; gains (n, BANDS, size, size)."""
    factors, detail = torch.exp(gains.clamp(-_MOST, _MOST)) - 1, bands(faces)
    return faces + (factors * _no_grain(detail) * detail).sum(1, keepdim=True)


def _no_grain(detail: Tensor) -> Tensor:
    """How much of the detail (n, BANDS, h, w) around each pixel is none of the picture's grain,
    0 to 1: as a Wiener filter does, from squared strengths."""
    squared = blurred(detail[:, :_GRAINY].square(), _AROUND)
    places = squared.flatten(2)
    grain = places.kthvalue(max(1, round(_FLAT * places.shape[2])), dim=2).values[..., None, None]
    share = (1 - grain / squared.clamp_min(_FLOOR / 10)).clamp(0, 1)
    return torch.cat([share, torch.ones_like(detail[:, _GRAINY:])], dim=1)


def blurred(maps: Tensor, scale: float) -> Tensor:
    """Gaussian blur of all maps (n, c, size, size); ``scale`` is of a size of 64."""
    height, width = maps.shape[2:]
    deviation = scale * height / 64
    if max(height, width) <= _BY_MATRIX:
        down, across = (_matrix(side, deviation).to(maps.device) for side in (height, width))
        return down @ maps @ across.T
    kernel = _kernel(deviation).to(maps.device)
    reach, count = len(kernel) // 2, maps.shape[1]
    for shape, edges in (((1, 1, -1, 1), (0, 0, 1, 1)), ((1, 1, 1, -1), (1, 1, 0, 0))):
        padded = nn.functional.pad(maps, [edge * reach for edge in edges], mode="reflect")
        weight = kernel.view(shape).expand(count, 1, *kernel.view(shape).shape[2:])
        maps = nn.functional.conv2d(padded, weight, groups=count)
    return maps


@cache
def _matrix(side: int, deviation: float) -> Tensor:
    """(side, side): what the blur of a column is, its edges mirrored."""
    kernel = _kernel(deviation)
    reach = len(kernel) // 2
    unit = nn.functional.pad(torch.eye(side)[None], (reach, reach), mode="reflect")
    return nn.functional.conv1d(unit.transpose(0, 1), kernel.view(1, 1, -1))[:, 0].T.contiguous()


def _kernel(deviation: float) -> Tensor:
    reach = max(1, round(3 * deviation))
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (places / deviation) ** 2)
    return weights / weights.sum()
