"""Distances between sets of faces: golden values, other people's code, and odd input."""

import warnings

import numpy as np
import numpy.typing as npt
import pytest
from scipy import linalg

from augment.metrics import fidelity
from augment.metrics.fidelity import (
    around,
    finite_rows,
    frechet_distance,
    kernel_distance,
    neighbourhoods,
)

Array = npt.NDArray[np.float64]


def faces(n: int, d: int, seed: int, shift: float = 0.0) -> Array:
    """Correlated features, as networks give them."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    return random.normal(size=(n, d)) @ mixing + shift


def alone(n: int) -> npt.NDArray[np.int64]:
    """Every face is of another family."""
    return np.arange(n)


def test_frechet_distance_of_known_moments() -> None:
    # Mean 0 and variance 1 against mean 3 and variance 4, in one dimension: (0-3)² + (1-2)².
    first = np.array([[-1.0], [1.0]]) * np.sqrt(0.5)
    assert frechet_distance(first, 2 * first + 3) == pytest.approx(10.0, abs=1e-12)


@pytest.mark.parametrize(("n", "d"), [(300, 12), (40, 64)])
def test_frechet_distance_is_the_formula_with_the_matrix_square_root(n: int, d: int) -> None:
    first, second = faces(n, d, 1), faces(n + 30, d, 2, shift=0.3)
    covariances = [np.cov(side, rowvar=False) for side in (first, second)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # singular, where there are more numbers than faces
        root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(
        covariances[0] + covariances[1] - 2 * root
    )
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("n", [200, 40])
def test_agrees_with_torchmetrics_fid_and_kid(n: int) -> None:
    """On the same features: FID to 0.1 %, KID to 0.01 %."""
    torch = pytest.importorskip("torch")
    fid_module = pytest.importorskip("torchmetrics.image.fid")
    kid_module = pytest.importorskip("torchmetrics.image.kid")

    class Pixels(torch.nn.Module):  # type: ignore[misc, name-defined]
        """uint8 NCHW in, the pixels themselves out."""

        num_features = 48

        def forward(self, images: "torch.Tensor") -> "torch.Tensor":
            return images.flatten(1).double() / 255

    random = np.random.default_rng(3)
    real = random.integers(0, 256, (n, 3, 4, 4), dtype=np.uint8)
    made = np.clip(random.normal(140, 60, (n, 3, 4, 4)), 0, 255).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fid = fid_module.FrechetInceptionDistance(feature=Pixels(), normalize=False)
        kid = kid_module.KernelInceptionDistance(feature=Pixels(), subsets=1, subset_size=n)
    fid.set_dtype(torch.float64)
    for metric in (fid, kid):
        metric.update(torch.from_numpy(real), real=True)
        metric.update(torch.from_numpy(made), real=False)
    first, second = (side.reshape(n, -1) / 255 for side in (real, made))
    assert frechet_distance(first, second) == pytest.approx(float(fid.compute()), rel=1e-3)
    ours = kernel_distance(first, second, (alone(n), alone(n)), np.random.default_rng(0))
    assert ours.value == pytest.approx(float(kid.compute()[0]), rel=1e-4)


def test_order_of_faces_does_not_matter() -> None:
    first, second = faces(120, 10, 1), faces(120, 10, 2, shift=0.2)
    mixed = np.random.default_rng(0).permutation(120)
    assert frechet_distance(first[mixed], second) == pytest.approx(
        frechet_distance(first, second), rel=1e-10
    )
    found = [
        kernel_distance(side, second, (alone(120), alone(120)), np.random.default_rng(0)).value
        for side in (first, first[mixed])
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    assert neighbourhoods(first[mixed], second, 5) == neighbourhoods(first, second, 5)


def test_the_same_faces_lie_at_no_distance() -> None:
    same = faces(100, 20, 1)
    assert frechet_distance(same, same) == pytest.approx(0, abs=1e-10)
    found = neighbourhoods(same, same, 3)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


def test_equal_faces() -> None:
    """No spread at all: only the means are left, and everybody lies in everybody's ball."""
    one, other = np.full((60, 8), 2.0), np.full((60, 8), 5.0)
    assert frechet_distance(one, other) == pytest.approx(8 * 9.0)
    assert frechet_distance(one, one) == 0
    assert neighbourhoods(one, one, 5).precision == 1
    assert neighbourhoods(one, other, 5).coverage == 0
    zeros = np.zeros((60, 8))
    same = kernel_distance(zeros, zeros, (alone(60), alone(60)), np.random.default_rng(0))
    assert (same.value, same.interval) == (0, (0, 0))


def test_one_face_has_no_distance() -> None:
    one, many = np.zeros((1, 4)), faces(60, 4, 1)
    for sides in ((one, many), (many, one)):
        with pytest.raises(ValueError, match="two faces"):
            frechet_distance(*sides)
        families = alone(len(sides[0])), alone(len(sides[1]))
        with pytest.raises(ValueError, match="two faces"):
            kernel_distance(*sides, families, np.random.default_rng(0))
    with pytest.raises(ValueError, match="5 neighbours among 5 real"):
        neighbourhoods(many[:5], many[:5], 5)
    with pytest.raises(ValueError, match="60 real and 50 made"):
        neighbourhoods(many, many[:50], 5)


def test_rows_that_are_not_finite_are_found() -> None:
    rows = np.array([[1.0, 2.0], [np.nan, 1.0], [1.0, np.inf]])
    assert finite_rows(rows).tolist() == [True, False, False]


def test_kernel_distance_by_hand() -> None:
    """x = 0 and 2, y = 1 and 1, d = 1: kernels (xy + 1)³."""
    first, second = np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])
    # Inside x: k(0, 2) = 1. Inside y: k(1, 1) = 8. Between: (1 + 1 + 27 + 27) / 4 = 14.
    found = kernel_distance(first, second, (alone(2), alone(2)), np.random.default_rng(0))
    assert found.value == pytest.approx(1 + 8 - 2 * 14)
    # Half of two families is one face, and that makes no pair: the interval is not known.
    assert found.interval == (-np.inf, np.inf)


def test_kernel_distance_is_unbiased_and_its_interval_holds_the_truth() -> None:
    """60 pairs of samples of one distribution: 0 on average, and in at least 90 % of intervals."""
    found = [
        kernel_distance(
            faces(60, 6, 2 * seed),
            faces(60, 6, 2 * seed + 1),
            (alone(60), alone(60)),
            np.random.default_rng(seed),
        )
        for seed in range(60)
    ]
    values = np.array([estimate.value for estimate in found])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    inside = [low <= 0 <= high for low, high in (estimate.interval for estimate in found)]
    assert np.mean(inside) >= 0.9


def test_faces_of_one_family_count_as_one_witness() -> None:
    """Twelve photos of each of ten people tell less than 120 people do."""
    first = np.repeat(faces(10, 6, 1), 12, axis=0) + 0.01 * faces(120, 6, 3)
    second = faces(120, 6, 2)
    widths = []
    for families in (np.repeat(np.arange(10), 12), alone(120)):
        low, high = kernel_distance(
            first, second, (families, alone(120)), np.random.default_rng(0)
        ).interval
        widths.append(high - low)
    assert widths[0] > 1.5 * widths[1]


def _by_loops(real: Array, made: Array, k: int) -> tuple[float, float, float, float]:
    """The four definitions, face by face."""

    def radius(sample: Array, place: int) -> float:
        return float(np.sort(np.linalg.norm(sample - sample[place], axis=1))[k])  # [0]: itself

    of_real = [radius(real, n) for n in range(len(real))]
    of_made = [radius(made, n) for n in range(len(made))]
    inside = [
        [np.linalg.norm(face - other) <= of_real[n] for other in made]
        for n, face in enumerate(real)
    ]
    precision = np.mean([any(column) for column in zip(*inside, strict=True)])
    recall = np.mean(
        [
            any(np.linalg.norm(face - other) <= of_made[n] for n, other in enumerate(made))
            for face in real
        ]
    )
    density = np.sum(inside) / (k * len(made))
    coverage = np.mean([any(row) for row in inside])
    return float(precision), float(recall), float(density), float(coverage)


@pytest.mark.parametrize("shift", [0.0, 0.6, 9.0])
def test_neighbourhoods_are_their_definitions(shift: float) -> None:
    real, made = faces(60, 3, 1), faces(60, 3, 2, shift)
    found = neighbourhoods(real, made, 3)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(
        _by_loops(real, made, 3)
    )


def test_a_few_made_faces_repeated_are_precise_and_cover_little() -> None:
    real = faces(200, 4, 1)
    found = neighbourhoods(real, real[np.arange(200) % 4], 5)
    assert found.precision == 1
    assert found.recall <= 0.03
    assert found.coverage < 0.25


def test_more_faces_than_pairs_allow_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = faces(90, 4, 1), faces(90, 4, 2)
    expected = neighbourhoods(first[:60], second[:60], 5)
    estimate = kernel_distance(
        first[:60], second[:60], (alone(60), alone(60)), np.random.default_rng(0)
    )
    monkeypatch.setattr(fidelity, "MOST_IN_PAIRS", 60)
    assert neighbourhoods(first, second, 5) == expected
    assert (
        kernel_distance(first, second, (alone(90), alone(90)), np.random.default_rng(0)) == estimate
    )


def test_interval_around_a_value() -> None:
    found = around(5.0, np.array([4.0, 6.0]), share=0.25)
    half = 1.959964 * np.sqrt(2) * 0.5
    assert found.interval == pytest.approx((5 - half, 5 + half))
    assert around(5.0, np.array([4.0])).interval == (-np.inf, np.inf)
