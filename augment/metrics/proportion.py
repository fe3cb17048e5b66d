"""A share of a count, never without its uncertainty."""

import math

#: Two-sided 95 % quantile of the normal distribution.
_Z = 1.959963984540054


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """95 % score interval of ``hits`` out of ``n`` (E. B. Wilson 1927, JASA 22), within 0..1.

    Unlike the textbook interval it stays sensible for small n and for 0 or n hits.

    Raises:
        ValueError: ``n`` is not positive, or ``hits`` is not within 0..n.
    """
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share")
    share = hits / n
    centre = share + _Z**2 / (2 * n)
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
