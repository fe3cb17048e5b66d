import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.duplicates import (
    MAX_NEIGHBOURS,
    groups,
    near_duplicate_pairs,
    same_value_pairs,
)

NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def random_hashes(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, 32), dtype=np.uint8)


def flipped(hash_row: np.ndarray, bits: list[int]) -> np.ndarray:
    changed = hash_row.copy()
    for bit in bits:
        changed[bit // 8] ^= np.uint8(1 << (bit % 8))
    return changed


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    max_bits=st.integers(0, 30),
    bits=st.lists(st.integers(0, 255), unique=True, max_size=34),
)
def test_a_pair_is_found_exactly_when_it_is_near_enough(
    seed: int, max_bits: int, bits: list[int]
) -> None:
    hashes = random_hashes(12, seed)
    hashes[9] = flipped(hashes[2], bits)
    found = near_duplicate_pairs(hashes, max_bits).tolist()
    assert found == ([[2, 9]] if len(bits) <= max_bits else [])


def test_groups_agree_with_comparing_all_pairs() -> None:
    rng = np.random.default_rng(3)
    hashes = random_hashes(400)
    for row in range(100, 400):  # chains: each is a noisy copy of an earlier one
        bits = rng.choice(256, rng.integers(0, 16), replace=False).tolist()
        hashes[row] = flipped(hashes[rng.integers(row)], bits)
    words = hashes.view(np.uint64)
    distance = np.bitwise_count(words[:, None] ^ words[None]).sum(axis=2)
    near = np.argwhere(np.triu(distance <= 12, 1))
    expected = groups(400, near)
    assert len(np.unique(expected)) < 350
    np.testing.assert_array_equal(groups(400, near_duplicate_pairs(hashes, 12)), expected)


def test_copies_are_paired_with_the_first_only() -> None:
    hashes = random_hashes(1).repeat(1000, axis=0)
    assert near_duplicate_pairs(hashes).tolist() == [[0, row] for row in range(1, 1000)]


def test_a_large_cluster_of_near_pictures_stays_few_pairs() -> None:
    rows = 20 * MAX_NEIGHBOURS
    noise = np.random.default_rng(1).random((rows, 256)) < 0.01
    hashes = random_hashes(1) ^ np.packbits(noise, axis=1)
    pairs = near_duplicate_pairs(hashes)
    assert len(pairs) < 3 * rows
    assert (groups(rows, pairs) == 0).all()


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_pairs_with_nothing(rows: int) -> None:
    np.testing.assert_array_equal(near_duplicate_pairs(random_hashes(rows)), NO_PAIRS)
    assert groups(rows, NO_PAIRS).tolist() == list(range(rows))


@pytest.mark.parametrize("wrong", [np.zeros((3, 31), np.uint8), np.zeros((3, 32), np.int64)])
def test_other_shapes_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8 hashes"):
        near_duplicate_pairs(wrong)


@pytest.mark.parametrize("bits", [-1, 31])
def test_the_threshold_is_bounded(bits: int) -> None:
    with pytest.raises(ValueError, match="max_bits"):
        near_duplicate_pairs(random_hashes(2), bits)


def test_equal_values_are_paired_and_negatives_are_not() -> None:
    codes = np.array([5, -1, 5, 7, -1, 5, 8])
    assert same_value_pairs(codes).tolist() == [[0, 2], [0, 5]]


def test_groups_join_over_any_path() -> None:
    pairs = np.array([[7, 8], [2, 7], [1, 0], [8, 2], [5, 5]])
    assert groups(9, pairs).tolist() == [0, 0, 2, 3, 4, 5, 6, 2, 2]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_groups_are_connected_components(pairs: list[tuple[int, int]]) -> None:
    label = list(range(20))
    for one, other in pairs * 20:  # plain propagation, long enough to settle
        label[one] = label[other] = min(label[one], label[other])
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    assert groups(20, array).tolist() == label
