import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from augment.metrics.passes import Tally
from augment.planning.rates import (
    PRIOR,
    SAFE,
    STEP,
    TELLING,
    Rates,
    by_generator,
    from_rows,
    generator_rows,
    safe_rate,
    to_rows,
)


def tried(candidates: int, passed: int, **refused: int) -> Tally:
    part = Tally(candidates, candidates, passed)
    part.refused.update(refused)
    return part


CELLS = {
    ("mask", "young"): tried(20, 18, label=2),
    ("mask", "old"): tried(20, 6, label=10, kept=6),
    ("mask", "nobody"): tried(20, 0, label=15, kept=5),
    ("age", "young"): tried(8, 8),
}


def test_a_rate_is_shrunk_towards_the_generators() -> None:
    whole = tried(100, 80)
    assert 0.3 < safe_rate(whole, tried(20, 6)) < 0.45 < safe_rate(whole, tried(4, 1)) < 0.7
    assert 0.7 < safe_rate(whole, tried(0, 0)) < 0.8
    assert safe_rate(whole, tried(1000, 300)) == pytest.approx(0.3, abs=0.02)


def test_it_is_the_stated_quantile_of_the_stated_posterior() -> None:
    overall = 24.5 / 61
    posterior = beta(PRIOR * overall + 6, PRIOR * (1 - overall) + 14)
    assert safe_rate(tried(60, 24), tried(20, 6)) == pytest.approx(posterior.ppf(SAFE), rel=1e-9)


def test_three_bins_of_four_get_enough() -> None:
    """Rates drawn from the prior, pilots drawn from the rates: the quantile keeps its promise."""
    random = np.random.default_rng(3)
    rates = random.beta(PRIOR * 0.6, PRIOR * 0.4, 4000)
    passed = random.binomial(24, rates)
    whole = tried(24 * 4000, int(passed.sum()))
    enough = [
        safe_rate(whole, tried(24, int(n))) <= rate for n, rate in zip(passed, rates, strict=True)
    ]
    assert np.mean(enough) == pytest.approx(1 - SAFE, abs=0.03)


def test_spares_by_bin() -> None:
    rates = Rates(CELLS, assumed=1.8, most=3.0)
    spares = dict(zip(("young", "old", "nobody", "empty"), rates.spares(
        "mask", ("young", "old", "nobody", "empty")), strict=True))  # fmt: skip
    assert 1 <= spares["young"] < spares["old"] <= 3.0
    assert spares["nobody"] == math.inf
    assert spares["young"] < spares["empty"] <= 3.0  # as the generator passes as a whole
    assert rates.spares("morph", ("young",)).tolist() == [1.8]


def test_few_candidates_close_nothing() -> None:
    cells = {("g", "a"): tried(TELLING - 1, 0, label=7), ("g", "b"): tried(20, 20)}
    assert np.isfinite(Rates(cells, most=6.0).spares("g", ("a",))).all()
    cells["g", "b"] = tried(20, 0, label=20)
    rates = Rates(cells, most=6.0)
    assert np.isinf(rates.spares("g", ("a", "b", "c"))).all()
    reason = "g: the gate refused all 27 pilot candidates of all bins (label 27)"
    assert rates.refusals("a", ["g"]) == reason


def test_reasons_name_generators_counts_and_checks() -> None:
    cells = CELLS | {("age", "nobody"): tried(9, 0, identity=9)}
    reason = Rates(cells).refusals("nobody", ["mask", "age"])
    assert reason == (
        "mask: the gate refused all 20 pilot candidates (label 15, kept 5); "
        "age: the gate refused all 9 pilot candidates (identity 9)"
    )


def test_rows_come_back_as_they_were() -> None:
    assert from_rows(to_rows(CELLS)) == CELLS
    whole = {row["generator"]: row for row in generator_rows(CELLS)}
    assert (whole["mask"]["candidates"], whole["mask"]["passed"]) == (60, 24)
    assert whole["mask"]["refused"] == {"label": 27, "kept": 11}
    assert by_generator({}) == {}


def test_nothing_tried_is_no_percentage() -> None:
    (row,) = to_rows({("g", "a"): Tally()})
    assert (row["pass_rate"], row["interval"]) == (None, None)


counts = st.integers(0, 60)


@given(counts, counts, counts, counts)
def test_more_passes_never_raise_the_spares(n: int, passed: int, rest: int, ok: int) -> None:
    passed, ok = min(passed, n), min(ok, rest)

    def spare(own: int) -> float:
        cells = {("g", "a"): tried(n, own), ("g", "b"): tried(rest, ok)}
        return float(Rates(cells, assumed=2.0, most=6.0).spares("g", ("a",))[0])

    found = spare(passed)
    assert found == math.inf or (1 <= found <= 6.0 and found % STEP == 0)
    if passed < n:
        assert spare(passed + 1) <= found
