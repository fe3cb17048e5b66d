"""Wilson's interval, against published values and at its edges."""

import pytest

from augment.metrics.proportion import wilson_interval


def test_published_values() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I (method 3).
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_all_hits_still_leave_doubt() -> None:
    low, high = wilson_interval(3, 3)
    assert low < 0.5
    assert high == 1.0


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (4, 3), (-1, 3)])
def test_no_share_of_nothing(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson_interval(hits, n)
