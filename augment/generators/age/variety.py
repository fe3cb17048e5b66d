"""What faces of one age differ by, and what becomes of it at another age.

Averages alone leave a beard on a child: what differs between men is not among children. So the
differences, as principal components (I. T. Jolliffe, "Principal Component Analysis", 2002), are
taken to be normally distributed at each age, and a face keeps its place in the distribution: it is
whitened by the spread at its own age and spread as at the other (F. Pitié & A. Kokaram, "The linear
Monge-Kantorovitch linear colour mapping", CVMP 2007, section 2, by square roots). To its own age
and back again nothing changes.
"""

from dataclasses import dataclass

import numpy as np

from augment.generators.age.ages import gap, ordinal_code
from augment.generators.age.registration import SIDE
from augment.types import FloatArray

#: How many components; fewer where there are few faces.
MOST = 60
_FACES = 8  # a component costs so many
_SAMPLE = 2500  # faces that components are taken from
_WIDTH = 2.0  # bits of the ordinal code over which ages count as one
_POOLED = 600.0  # faces' worth of belief that all ages spread alike
_BEYOND = 0.25  # how much pixels count that are not the face's
#: Ages at which the spread is known.
AGES = 15
_YEARS = np.array([0.5, 2, 4, 7, 10, 14, 18, 23, 30, 38, 46, 55, 64, 73, 82], np.float32)


@dataclass(frozen=True)
class Variety:
    """Coordinates are those of whole faces of SIDE pixels in the average shape; levels span 2.

    Attributes:
        mean: (3, SIDE, SIDE), the average face.
        centre: (len(KNOTS),) the average code.
        weights: (3, SIDE, SIDE), by how much a pixel counts.
        components: (MOST, 3, SIDE, SIDE), orthonormal in pixels times their weight; 0 where there
            were too few faces for so many.
        slopes: (len(KNOTS), MOST): what age does to the coordinates, on average.
        places: (AGES,), of :data:`roots` on the sum of the code.
        roots: (AGES, MOST, MOST), square roots of the covariances.
    """

    mean: FloatArray
    centre: FloatArray
    weights: FloatArray
    components: FloatArray
    slopes: FloatArray
    places: FloatArray
    roots: FloatArray

    @classmethod
    def of(
        cls,
        rest: FloatArray,
        mean: FloatArray,
        slopes: FloatArray,
        years: FloatArray,
        skin: FloatArray,
        shares: FloatArray,
    ) -> "Variety":
        """
        Args:
            rest: (n, 3 * SIDE * SIDE), what age and labels do not say of pixels. Is overwritten.
            mean: (3 * SIDE * SIDE,), the average face.
            slopes: (len(KNOTS), 3 * SIDE * SIDE), what age does to pixels.
            years: (n,).
            skin: (SIDE, SIDE), where the face is, 0 to 1.
            shares: (n,), how much each face counts; 1 on average.
        """
        counts = np.tile((_BEYOND + (1 - _BEYOND) * skin).ravel(), 3).astype(np.float32)
        rest *= counts
        components = np.zeros((MOST, rest.shape[1]), np.float32)
        found = _components(rest, shares)
        components[: len(found)] = found
        places = rest @ components.T
        centre = np.average(ordinal_code(years), axis=0, weights=shares).astype(np.float32)
        moved = np.asarray((slopes * counts) @ components.T, dtype=np.float32)
        shape = (-1, 3, SIDE, SIDE)
        return cls(
            mean.reshape(shape[1:]), centre, counts.reshape(shape[1:]), components.reshape(shape),
            moved, ordinal_code(_YEARS).sum(1).astype(np.float32),
            roots_of(places, years, shares, _POOLED, _WIDTH),
        )  # fmt: skip


def _components(rest: FloatArray, shares: FloatArray) -> FloatArray:
    """(k, pixels), from products of faces: there are fewer faces than pixels."""
    some = np.random.default_rng(0).permutation(len(rest))[:_SAMPLE]
    faces = rest[some] * np.sqrt(shares[some])[:, None]
    count = max(1, min(MOST, len(faces) // _FACES))
    values, vectors = np.linalg.eigh((faces @ faces.T).astype(np.float64))
    large = vectors[:, -count:] / np.sqrt(np.maximum(values[-count:], 1e-6))
    return np.asarray(large.astype(np.float32).T @ faces, dtype=np.float32)


def roots_of(
    places: FloatArray, years: FloatArray, shares: FloatArray, belief: float, width: float
) -> FloatArray:
    """Square roots of the covariances of ``places`` (n, k) at each of ``_YEARS``, (AGES, k, k).

    Drawn towards that of all ages as by ``belief`` faces; ages over ``width`` bits of the code
    count as one. Faces of which ``shares`` (n,) is 0 do not count.
    """
    pooled = (places * (shares / shares.sum())[:, None]).T @ places
    floor = 1e-4 * np.trace(pooled) / len(pooled) + 1e-9
    found = []
    for year in _YEARS:
        near = np.exp(-0.5 * np.square(gap(years, year) / width)).astype(np.float64) + 1e-12
        near *= shares > 0
        faces = near.sum() ** 2 / np.square(near).sum() if near.sum() > 1 else 0.0
        own = (places * (near / near.sum())[:, None]).T @ places
        both = (faces * own + belief * pooled) / (faces + belief)
        values, vectors = np.linalg.eigh(both)
        found.append((vectors * np.sqrt(np.maximum(values, floor))) @ vectors.T)
    return np.asarray(found, dtype=np.float32)
