"""A share of a count, never without its uncertainty."""

import math

#: Two-sided 95 % quantile of the normal distribution.
_Z = 1.959963984540054


def wilson_interval(hits: int, n: int, z: float = _Z) -> tuple[float, float]:
    """95 % score interval of ``hits`` out of ``n`` (E. B. Wilson 1927, JASA 22), within 0..1.

    Unlike the textbook interval it stays sensible for small n and for 0 or n hits. Another ``z``
    gives another confidence.

    Raises:
        ValueError: ``n`` is not positive, or ``hits`` is not within 0..n.
    """
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share")
    share = hits / n
    centre = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def difference_interval(
    one: tuple[int, int], other: tuple[int, int], z: float = _Z
) -> tuple[float, float]:
    """95 % interval of one share minus another, each (hits, n), within -1..1.

    From the Wilson intervals of both (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10).

    Raises:
        ValueError: as :func:`wilson_interval`.
    """
    (low, high), (other_low, other_high) = wilson_interval(*one, z), wilson_interval(*other, z)
    share, other_share = one[0] / one[1], other[0] / other[1]
    middle = share - other_share
    below = math.hypot(share - low, other_high - other_share)
    above = math.hypot(high - share, other_share - other_low)
    return max(-1.0, middle - below), min(1.0, middle + above)
