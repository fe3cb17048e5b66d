"""Which pixels are the face's own hair, and what colour it has at another age.

Hair reaches beyond any fixed outline, and what lies behind a head shall stay: so each picture's
colours are divided into skin, hair, two kinds of background and clothes, a mixture of Gaussians
whose shares depend on the place (A. P. Dempster, N. M. Laird & D. B. Rubin, "Maximum likelihood
from incomplete data via the EM algorithm", J. R. Stat. Soc. B 39(1), 1977; as C. Rother et al.,
"GrabCut", SIGGRAPH 2004, do it), and the borders drawn after the picture's edges (K. He, J. Sun &
X. Tang, "Guided image filtering", IEEE PAMI 35(6), 2013).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.age.ages import ordinal_code
from augment.generators.age.registration import SIDE
from augment.generators.age.variety import roots_of
from augment.types import FloatArray

#: Two of the parts; the others are what lies behind, to the left and to the right, and clothes.
SKIN, HAIR = 0, 1
#: Ovals: to the sides, up from the eyes, down from the lips, softness of the edge.
_FACE, _HEAD, _AROUND = (0.95, 0.85, 0.65, 0.06), (1.35, 1.75, 1.1, 0.12), (1.8, 2.3, 3.0, 0.15)
_ROUNDS = 4
_SMALL = 32  # pixels a side at which colours are divided
_NOISE = 0.05  # standard deviation, levels span 2: no part is of one colour alone
_STRANGE = 1e-3  # density of colours that none of the parts has
#: What colours of skin and hair must differ by, levels span 2, to be told apart.
_UNLIKE = 0.2
_VOLUME = (2 * math.pi) ** 1.5  # of a normal distribution of three numbers
_FEW = 0.01  # of the picture: with less, nothing is known of the hair
_RADIUS, _EDGE = 2, 2e-3  # pixels and squared levels of the guided filter
_BELIEF = 5.0  # faces' worth of belief that hair of all ages spreads alike
_WIDTH = 1.0  # bits of the ordinal code over which ages count as one
FARTHEST = 1.2  # levels by which hair changes at most


@dataclass(frozen=True)
class Tones:
    """Mean colours of hair, levels -1 to 1.

    Attributes:
        mean: (3,), of all ages.
        centre: (len(KNOTS),) the average code.
        slopes: (len(KNOTS), 3): what age does to it, on average.
        roots: (AGES, 3, 3), square roots of the covariances, at variety.Variety's places.
    """

    mean: FloatArray
    centre: FloatArray
    slopes: FloatArray
    roots: FloatArray

    @classmethod
    def of(
        cls, tones: FloatArray, slopes: FloatArray, years: FloatArray, shares: FloatArray
    ) -> "Tones":
        """
        Args:
            tones: (n, 3), hair of faces.
            slopes: (len(KNOTS), 3), what age does to it, labels held.
            years, shares: (n,); shares are 0 where there is no hair.
        """
        mean = np.average(tones, axis=0, weights=shares).astype(np.float32)
        centre = np.average(ordinal_code(years), axis=0, weights=shares).astype(np.float32)
        rest = np.asarray(tones - mean - (ordinal_code(years) - centre) @ slopes, np.float32)
        return cls(mean, centre, slopes, roots_of(rest, years, shares, _BELIEF, _WIDTH))


def priors(template: FloatArray) -> FloatArray:
    """(5, SIDE, SIDE), sum 1: how likely each part is at each place, of faces of the average shape;
    ``template`` (5, 2) are its points. Lengths are in distances between the eyes."""
    apart = float(np.linalg.norm(template[1] - template[0]))
    eyes, mouth = template[:2].mean(axis=0), template[3:].mean(axis=0)
    places = (np.arange(SIDE, dtype=np.float32) + 0.5) * 2 / SIDE - 1
    x, y = np.meshgrid((places - eyes[0]) / apart, (places - eyes[1]) / apart)
    lips = float(mouth[1] - eyes[1]) / apart

    def oval(across: float, above: float, below: float, soft: float) -> FloatArray:
        radius = np.hypot(x / across, np.where(y < 0, y / above, y / (lips + below)))
        return _step(1 - radius, soft)

    face, head, around = oval(*_FACE), oval(*_HEAD), oval(*_AROUND)
    neck = np.exp(-0.5 * (x / 0.6) ** 2) * _step(y - lips - 0.4, 0.1)
    low = _step(y - lips - 0.9, 0.15)
    hair = (0.85 * head + 0.25 * around * (1 - head) + 0.02) * (1 - neck) * (1 - face)
    skin = 0.9 * face + 0.5 * neck + 0.35 * head
    behind = (1 - 0.97 * head) * (1 - 0.7 * low)
    left = _step(-x, 0.5)
    clothes = 0.5 * low * (1 - 0.7 * around) + 0.01
    found = np.stack([skin, hair, behind * left, behind * (1 - left), clothes])
    return np.asarray(found / found.sum(0), dtype=np.float32)


def _step(values: FloatArray, soft: float) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-values / soft)), dtype=np.float32)


def hair_of(faces: Tensor, parts: Tensor, likeness: Tensor) -> Tensor:
    """How surely each pixel is hair, 0 to 1.

    Args:
        faces: (n, 3, SIDE, SIDE) in [-1, 1], in the average shape.
        parts: (5, SIDE, SIDE), see :func:`priors`.
        likeness: (n, 1, SIDE, SIDE), to the face's own skin.

    Returns:
        (n, 1, SIDE, SIDE)
    """
    pooled = nn.functional.adaptive_avg_pool2d
    colours = pooled(faces, _SMALL).flatten(2).transpose(1, 2)  # n, pixels, 3
    shares = pooled(parts, _SMALL).flatten(1)  # parts, pixels
    skin = pooled(likeness, _SMALL).flatten(1)
    weights = shares[None].expand(len(faces), -1, -1).clone()
    weights[:, SKIN] *= skin + 0.02
    weights[:, HAIR] *= 1.02 - skin
    for _ in range(_ROUNDS):
        means, covariances = _moments(colours, weights)
        density = _density(colours, means, covariances)
        weights = shares * density
        weights = weights / (weights.sum(1, keepdim=True) + _STRANGE)
    found = weights[:, HAIR].reshape(-1, 1, _SMALL, _SMALL)
    apart = (means[:, HAIR] - means[:, SKIN]).square().sum(1)
    sure = 1 - torch.exp(-0.5 * apart / _UNLIKE**2)
    return _guided(faces, found) * sure[:, None, None, None]


def _moments(colours: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Means (n, parts, 3) and covariances (n, parts, 3, 3)."""
    mass = weights.sum(2)[..., None] + 1e-3
    means = weights @ colours / mass
    squares = (colours[..., :, None] * colours[..., None, :]).flatten(2)
    both = (weights @ squares / mass).reshape(*means.shape, 3)
    spread = both - means[..., :, None] * means[..., None, :]
    return means, spread + _NOISE**2 * torch.eye(3, device=colours.device)


def _density(colours: Tensor, means: Tensor, covariances: Tensor) -> Tensor:
    """(n, parts, pixels)."""
    lower = torch.linalg.cholesky(covariances)
    off = (colours[:, None] - means[:, :, None]).transpose(2, 3)
    far: Tensor = torch.linalg.solve_triangular(lower, off, upper=False).square().sum(2)
    size: Tensor = lower.diagonal(dim1=2, dim2=3).prod(2)
    density: Tensor = torch.exp(-0.5 * far) / (size[..., None] * _VOLUME)
    return density


def _guided(faces: Tensor, maps: Tensor) -> Tensor:
    """``maps`` (n, 1, _SMALL, _SMALL), as large as the faces and with borders where they are."""
    large = faces.mean(1, keepdim=True)
    guide, side = nn.functional.adaptive_avg_pool2d(large, _SMALL), 2 * _RADIUS + 1

    def mean(*values: Tensor) -> Tensor:
        stack = torch.cat(values, dim=1)
        return nn.functional.avg_pool2d(stack, side, 1, _RADIUS, count_include_pad=False)

    found = mean(guide, maps, guide * maps, guide**2)
    first, second, both, square = found.chunk(4, dim=1)
    slope = (both - first * second) / (square - first**2 + _EDGE)
    lines = mean(slope, second - slope * first)
    lines = nn.functional.interpolate(lines, large.shape[2:], mode="bilinear", align_corners=False)
    return (lines[:, :1] * large + lines[:, 1:]).clamp(0, 1)


def tone_of(faces: Tensor, hair: Tensor) -> tuple[Tensor, Tensor]:
    """Mean colour of the hair (n, 3), and whether there is enough (n,), 0 or 1."""
    surely = hair**3
    mass = surely.sum((2, 3))
    tone = (faces * surely).sum((2, 3)) / (mass + 1e-3)
    return tone, (mass[:, 0] > _FEW * SIDE * SIDE).float()
