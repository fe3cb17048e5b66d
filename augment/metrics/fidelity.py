"""How far two sets of faces lie apart in a network's (or any other) features. numpy.

No number here is called FID or LPIPS: those names belong to published weights. A distance is named
after the judge and the feature that it was taken on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Interval = tuple[float, float]

#: With fewer faces on either side none of these distances says anything.
FEWEST = 50
#: The kernel distance and the neighbourhoods look at no more faces of a side: both need all pairs.
MOST_IN_PAIRS = 1000

_SUBSETS = 100
_Z = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


def finite_rows(features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Which faces have a description at all: (faces, numbers) -> (faces,)."""
    finite: npt.NDArray[np.bool_] = np.isfinite(features).all(axis=1)
    return finite


def frechet_distance(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float:
    """Fréchet distance of two normal distributions (M. Heusel et al., NeurIPS 2017, equation 6).

    |m1 - m2|² + tr(S1 + S2 - 2 (S1 S2)^½). The last trace is the sum of the singular values of
    F1 F2ᵀ, where Si = Fiᵀ Fi: no square root of a matrix that may be singular, nothing imaginary.
    Precise to a millionth of the spread.

    It is biased: of two samples of one distribution it is above 0, by about 1/n of either side
    (M. J. Chong & D. Forsyth, CVPR 2020). Compare distances of equal n only.

    Args:
        first: (n, d), finite.
        second: (m, d), finite.

    Returns:
        0 or more, in squared units of the feature.

    Raises:
        ValueError: fewer than two faces on a side: they have no covariance.
    """
    return Moments.of(first).distance(Moments.of(second))


@dataclass(frozen=True)
class Moments:
    """What a Fréchet distance needs to know of one side; it may be held against several others.

    Attributes:
        mean: (d,).
        factor: (at most d, d), and ``factor``ᵀ ``factor`` is the covariance.
        spread: the covariance's trace.
    """

    mean: Array
    factor: Array
    spread: float

    @classmethod
    def of(cls, features: npt.NDArray[np.floating]) -> "Moments":
        """Raises ValueError: fewer than two faces have no covariance."""
        if len(features) < 2:
            raise ValueError("a covariance needs two faces at least")
        rows = np.asarray(features, dtype=np.float64)
        mean = rows.mean(axis=0)
        centred = (rows - mean) / np.sqrt(len(rows) - 1)
        return cls(mean, _factor(centred), float(np.sum(centred**2)))

    def distance(self, other: "Moments") -> float:
        """See :func:`frechet_distance`."""
        product = self.factor @ other.factor.T
        if product.shape[0] > product.shape[1]:
            product = product.T
        # The squared singular values, twice as fast as these themselves.
        powers = np.linalg.eigvalsh(product @ product.T)
        shared = float(np.sqrt(np.maximum(powers, 0.0)).sum())
        between = float(np.sum((self.mean - other.mean) ** 2))
        return max(0.0, between + self.spread + other.spread - 2 * shared)


def _factor(centred: Array) -> Array:
    """F with FᵀF = centredᵀ centred, and no more rows than either side of ``centred``."""
    if len(centred) <= centred.shape[1]:
        return centred
    powers, directions = np.linalg.eigh(centred.T @ centred)
    factor: Array = np.sqrt(np.maximum(powers, 0.0))[:, None] * directions.T
    return factor


@dataclass(frozen=True)
class Estimate:
    value: float
    interval: Interval


def kernel_distance(
    first: npt.NDArray[np.floating],
    second: npt.NDArray[np.floating],
    families: tuple[Codes, Codes],
    random: np.random.Generator,
) -> Estimate:
    """Squared maximum mean discrepancy with the kernel (x·y/d + 1)³: the distance of M. Bińkowski
    et al., "Demystifying MMD GANs", ICLR 2018, section 4 (KID, there on Inception features).

    Unbiased: 0 on average for two samples of one distribution, so it may be below 0. The interval
    is from 100 subsets of half of the families (delete-d jackknife, J. Shao & C. F. J. Wu, Annals
    of Statistics 1989): faces of one family are not independent.

    Args:
        first: (n, d), finite; the first :data:`MOST_IN_PAIRS` count.
        second: (m, d), likewise.
        families: each face's family (its person, or the parents that it was made of), by side.
        random: draws the subsets.

    Raises:
        ValueError: fewer than two faces on a side.
    """
    x, y = (np.asarray(side[:MOST_IN_PAIRS], dtype=np.float64) for side in (first, second))
    if min(len(x), len(y)) < 2:
        raise ValueError("pairs need two faces at least")
    own_x, own_y, between = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    np.fill_diagonal(own_x, 0.0)
    np.fill_diagonal(own_y, 0.0)

    def distance(of_x: Array, of_y: Array) -> Array:
        """Of subsets, given as (subsets, faces) of zeros and ones."""
        n, m = of_x.sum(axis=1), of_y.sum(axis=1)
        inside_x = ((of_x @ own_x) * of_x).sum(axis=1) / (n * (n - 1))
        inside_y = ((of_y @ own_y) * of_y).sum(axis=1) / (m * (m - 1))
        found: Array = inside_x + inside_y - 2 * ((of_x @ between) * of_y).sum(axis=1) / (n * m)
        return found

    value = float(distance(np.ones((1, len(x))), np.ones((1, len(y))))[0])
    halves = [
        _half_of_families(codes[:MOST_IN_PAIRS], random, _SUBSETS).astype(np.float64)
        for codes in families
    ]
    usable = np.minimum(halves[0].sum(axis=1), halves[1].sum(axis=1)) >= 2
    if not usable.any():
        return Estimate(value, (-np.inf, np.inf))
    return around(value, distance(halves[0][usable], halves[1][usable]))


def _kernel(x: Array, y: Array) -> Array:
    kernel: Array = (x @ y.T / x.shape[1] + 1.0) ** 3
    return kernel


def _half_of_families(
    codes: Codes, random: np.random.Generator, subsets: int
) -> npt.NDArray[np.bool_]:
    """(subsets, faces): whose family is in; half of the families are, each time others."""
    _, family = np.unique(codes, return_inverse=True)
    count = int(family.max()) + 1
    ranks = random.permuted(np.tile(np.arange(count), (subsets, 1)), axis=1)
    chosen: npt.NDArray[np.bool_] = (ranks < max(1, count // 2))[:, family]
    return chosen


def around(value: float, of_halves: npt.NDArray[np.floating], share: float = 1.0) -> Estimate:
    """A value with the 95 % interval that its values on subsets give.

    Args:
        value: of all faces.
        of_halves: of subsets of half of them. Their variance is that of ``value`` (Shao & Wu 1989).
        share: what to multiply that variance with, where a subset holds less than half: the faces
            in a subset by those that are not.
    """
    spread = float(np.std(of_halves, ddof=1)) if len(of_halves) > 1 else np.inf
    half = _Z * spread * float(np.sqrt(share))
    return Estimate(value, (value - half, value + half))


@dataclass(frozen=True)
class Neighbourhoods:
    """Shares 0..1, ``density`` 0 or more; see :func:`neighbourhoods`."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhoods(
    real: npt.NDArray[np.floating], made: npt.NDArray[np.floating], k: int
) -> Neighbourhoods:
    """How made faces lie among real ones, by balls that reach to each face's k-th neighbour.

    Precision (made faces inside of a real face's ball) and recall (real faces inside of a made
    face's ball): T. Kynkäänniemi et al., NeurIPS 2019, equations 1 and 2. Density (how many real
    balls hold a made face, by k) and coverage (real faces whose ball holds a made one): M. F. Naeem
    et al., ICML 2020, equations 3 and 4. All four depend on n and k: compare like with like.

    Args:
        real: (n, d), finite; the first :data:`MOST_IN_PAIRS` count.
        made: (n, d), likewise; as many.
        k: neighbours, at least 1 and fewer than n.

    Raises:
        ValueError: the sides differ in number, or there are not more than ``k`` faces.
    """
    n = min(len(real), MOST_IN_PAIRS)
    if len(real) != len(made) or not 1 <= k < n:
        raise ValueError(f"{k} neighbours among {len(real)} real and {len(made)} made faces")
    shown, drawn = (np.asarray(side[:n], dtype=np.float64) for side in (real, made))
    centre = shown.mean(axis=0)  # near the origin a squared distance loses fewer digits
    shown, drawn = shown - centre, drawn - centre
    # Faces that are the same shall lie in each other's ball, whatever the last bits say.
    slack = 1e-10 * float(np.mean(np.sum(shown**2, axis=1) + np.sum(drawn**2, axis=1)))
    of_real, of_made = _radii(shown, k) + slack, _radii(drawn, k) + slack
    between = _squared_distances(shown, drawn)
    in_real = between <= of_real[:, None]
    in_made = between <= of_made[None, :]
    return Neighbourhoods(
        precision=float(in_real.any(axis=0).mean()),
        recall=float(in_made.any(axis=1).mean()),
        density=float(in_real.sum(axis=0).mean() / k),
        coverage=float(in_real.any(axis=1).mean()),
    )


def _radii(faces: Array, k: int) -> Array:
    """Squared distance of each face's k-th nearest other one, shape (n,)."""
    distances = _squared_distances(faces, faces)
    np.fill_diagonal(distances, -1.0)  # itself comes first
    radii: Array = np.partition(distances, k, axis=1)[:, k]
    return radii


def _squared_distances(first: Array, second: Array) -> Array:
    squares = np.sum(first**2, axis=1)[:, None] + np.sum(second**2, axis=1)[None, :]
    distances: Array = np.maximum(squares - 2 * (first @ second.T), 0.0)
    return distances
