"""Numbers as text. A share never stands without its n; a share of few is no share at all."""

from collections.abc import Sequence

#: Below this a percentage would move by more than five points with one face: only n is shown.
FEW = 20

_LIMITS = {
    "no generator can make it": "no generator can move a face into this bin",
    "no donors": "no train face to start from in any bin that a generator could use",
    "k children per parent": "each parent may have only so many children "
    "(plan.max_children_per_parent)",
    "synthetic share": "a larger share of the bin would be synthetic than allowed "
    "(plan.max_synthetic_share)",
    "generator share": "a generator would make a larger share than allowed "
    "(plan.generators.<key>.max_share)",
}


def count(value: float | None) -> str:
    """``12,345``, and an en dash where there is no number."""
    return "–" if value is None else f"{value:,.0f}"


def share(value: float | None, digits: int = 1) -> str:
    """``0.8132`` -> ``81.3 %``."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def share_of(hits: int, n: int) -> str:
    """``81.3 % (n=150)``; below :data:`FEW` only ``3 of 4``."""
    if n == 0:
        return "n=0"
    return f"{hits} of {n}" if n < FEW else f"{share(hits / n)} (n={n:,})"


def between(interval: Sequence[float] | None, digits: int = 1) -> str:
    """``[0.78, 0.84]`` -> ``78.0–84.0 %``."""
    if interval is None:
        return "–"
    low, high = interval
    return f"{100 * low:.{digits}f}–{100 * high:.{digits}f} %"


def points(value: float, interval: Sequence[float]) -> str:
    """A difference of two shares: ``+3.1 points (−0.4 to +6.5)``, with true minus signs."""
    low, high = interval
    return f"{_signed(value)} points ({_signed(low)} to {_signed(high)})"


def limit(reason: str) -> str:
    """Which limit kept a bin unfilled, and where it is set; unknown reasons as they are."""
    return _LIMITS.get(reason, reason)


def plain(word: str) -> str:
    """A column's or check's name as words: ``age_group`` -> ``age group``."""
    return word.replace("_", " ")


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")
