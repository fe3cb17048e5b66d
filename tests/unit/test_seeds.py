import numpy as np

from augment.seeds import row_generator, row_seed, row_share


def test_golden_values() -> None:
    # Changing these changes every data set that was ever made with the same parameters.
    assert row_seed(7, "generate", "drawn/1") == 7121231020416494686
    assert row_generator(7, "generate", "drawn/1").integers(1000, size=3).tolist() == [
        335,
        928,
        822,
    ]


def test_depends_on_all_three_and_nothing_else() -> None:
    base = row_seed(7, "align", "a")
    assert row_seed(7, "align", "a") == base
    assert (
        len({base, row_seed(8, "align", "a"), row_seed(7, "b", "a"), row_seed(7, "align", "b")})
        == 4
    )
    assert row_seed(1, "1x", "y") != row_seed(11, "x", "y")


def test_range_fits_a_signed_column() -> None:
    seeds = [row_seed(0, "p", str(n)) for n in range(2000)]
    assert min(seeds) >= 0
    assert max(seeds) < 2**63


def test_shares_are_even() -> None:
    shares = np.array([row_share(7, "split", str(n)) for n in range(20_000)])
    assert shares.min() >= 0
    assert shares.max() < 1
    counts, _ = np.histogram(shares, bins=10, range=(0, 1))
    # A bin's count has a standard deviation of 42; five of them.
    assert abs(counts - 2000).max() < 5 * 42
