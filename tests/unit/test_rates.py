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
    Cell,
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


NOTHING = Tally()
CELLS = {
    Cell("mask", "young", "young"): tried(20, 18, label=2),
    Cell("mask", "old", "old"): tried(20, 6, label=10, kept=6),
    Cell("mask", "nobody", "nobody"): tried(20, 0, label=15, kept=5),
    Cell("age", "old", "young"): tried(8, 8),
}


def test_a_rate_is_shrunk_towards_the_generators() -> None:
    whole = tried(100, 80)

    def rate(own: Tally) -> float:
        return safe_rate(whole, NOTHING, own)

    assert 0.25 < rate(tried(20, 6)) < 0.35 < rate(tried(4, 1)) < rate(NOTHING) < 0.8
    assert rate(tried(4, 4)) > 0.8
    assert rate(tried(1000, 300)) == pytest.approx(0.3, abs=0.02)


def test_and_towards_those_of_other_moves_into_the_bin() -> None:
    whole, own = tried(100, 50), tried(6, 1)
    bad, good = (safe_rate(whole, tried(30, passed), own) for passed in (3, 27))
    assert bad < safe_rate(whole, NOTHING, own) < good


def test_it_is_the_stated_quantile_of_the_stated_posterior() -> None:
    overall = 24.5 / 61
    posterior = beta(PRIOR * overall + 6, PRIOR * (1 - overall) + 14)
    assert safe_rate(tried(60, 24), NOTHING, tried(20, 6)) == pytest.approx(
        posterior.ppf(SAFE), rel=1e-9
    )


def test_three_bins_of_four_get_enough() -> None:
    """Rates drawn from the prior, pilots drawn from the rates: the quantile keeps its promise."""
    random = np.random.default_rng(3)
    rates = random.beta(PRIOR * 0.6, PRIOR * 0.4, 4000)
    passed = random.binomial(24, rates)
    whole = tried(24 * 4000, int(passed.sum()))
    enough = [
        safe_rate(whole, NOTHING, tried(24, int(n))) <= rate
        for n, rate in zip(passed, rates, strict=True)
    ]
    assert np.mean(enough) == pytest.approx(1 - SAFE, abs=0.03)


def test_spares_by_donor_and_bin() -> None:
    names = ("young", "old", "nobody", "empty")
    spares = Rates(CELLS, assumed=1.8).spares("mask", names)
    assert spares.shape == (4, 4)
    young, old, nobody, empty = range(4)
    assert 1 <= spares[young, young] < spares[old, old]
    assert np.isinf(spares[:, nobody]).all()
    # Nothing was made for it: all as the generator passes as a whole.
    assert spares[young, young] < spares[old, old] < spares[old, empty] == spares[young, empty]
    # Other donors of a bin are believed in more where its own faces passed.
    assert spares[old, young] < spares[old, empty] < spares[young, old]
    assert (Rates(CELLS, assumed=1.8).spares("morph", names) == 1.8).all()


def test_a_move_that_never_passes_is_closed_alone() -> None:
    cells = {
        Cell("age", "near", "old"): tried(TELLING, 0, label=TELLING),
        Cell("age", "far", "old"): tried(8, 6, label=2),
    }
    names = ("old", "near", "far", "farther")
    rates = Rates(cells)
    spares = rates.spares("age", names)[:, 0]
    assert np.isinf(spares).tolist() == [False, True, False, False]
    assert spares[2] < spares[3]
    reason = f"age: the gate refused all {TELLING} pilot candidates of faces that could be parents"
    assert rates.refusals("old", ["age"]) == f"{reason} (label {TELLING})"


def test_few_candidates_close_nothing() -> None:
    cells = {
        Cell("g", "a", "a"): tried(TELLING - 1, 0, label=7), Cell("g", "b", "b"): tried(20, 20),
    }  # fmt: skip
    assert np.isfinite(Rates(cells).spares("g", ("a",))).all()
    cells[Cell("g", "b", "b")] = tried(20, 0, label=20)
    rates = Rates(cells)
    assert np.isinf(rates.spares("g", ("a", "b", "c"))).all()
    reason = "g: the gate refused all 27 pilot candidates of all bins (label 27)"
    assert rates.refusals("a", ["g"]) == reason


def test_reasons_name_generators_counts_and_checks() -> None:
    cells = CELLS | {Cell("age", "old", "nobody"): tried(9, 0, identity=9)}
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
    (row,) = to_rows({Cell("g", "a", "a"): Tally()})
    assert (row["pass_rate"], row["interval"]) == (None, None)


counts = st.integers(0, 60)


@given(counts, counts, counts, counts)
def test_more_passes_never_raise_the_spares(n: int, passed: int, rest: int, ok: int) -> None:
    passed, ok = min(passed, n), min(ok, rest)

    def spare(own: int) -> float:
        cells = {Cell("g", "a", "a"): tried(n, own), Cell("g", "b", "b"): tried(rest, ok)}
        return float(Rates(cells, assumed=2.0).spares("g", ("a",))[0, 0])

    found = spare(passed)
    assert found == math.inf or (found >= 1 and found % STEP == 0)
    if passed < n:
        assert spare(passed + 1) <= found
