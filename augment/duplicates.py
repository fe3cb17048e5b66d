"""Near duplicates among 256-bit picture hashes, and the groups that pairs form. numpy only.

Exact search by pigeonhole: cut the bits into ``max_bits + 2`` bands; two hashes that differ in at
most ``max_bits`` bits agree in at least two whole bands. So sorting by each pair of bands brings
every wanted pair together (multi-index hashing, Norouzi et al., CVPR 2012, with exact buckets
over two bands instead of radius search over one). A million hashes take seconds.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint8]  # (n, 32)
Pairs = npt.NDArray[np.int64]  # (m, 2)
Rows = npt.NDArray[np.int64]  # (n,)
Words = npt.NDArray[np.uint64]

#: Two photos count as one when their difference hashes differ in at most so many of 256 bits.
#: Looked at in pairs: on FairFace, UTKFace, CelebA and LFW all pairs up to 24 bits were one photo,
#: but two people in one studio came as near as 20; 12 keeps clear of that in larger sets too.
NEAR_DUPLICATE_BITS = 12
#: Within a run of hashes that agree in two bands, each is compared with so many that follow it:
#: work stays linear even where thousands of pictures (blank ones, say) share most bits.
MAX_NEIGHBOURS = 16


def near_duplicate_pairs(hashes: Hashes, max_bits: int = NEAR_DUPLICATE_BITS) -> Pairs:
    """Pairs of rows whose hashes differ in at most ``max_bits`` bits: enough to connect each group.

    Not all pairs of a group come back, only those that were needed to join it (1,000 copies of
    one picture are 999 pairs, not half a million): count groups and rows (:func:`groups`), not
    pairs.

    Args:
        hashes: uint8, shape (n, 32).
        max_bits: 0..30.

    Returns:
        int64 (m, 2), first column < second, sorted, no pair twice.

    Raises:
        ValueError: wrong shape or dtype, or ``max_bits`` outside 0..30.
    """
    if hashes.ndim != 2 or hashes.shape[1] != 32 or hashes.dtype != np.uint8:
        raise ValueError(
            f"expected uint8 hashes of shape (n, 32), got {hashes.dtype} {hashes.shape}"
        )
    if not 0 <= max_bits <= 30:
        raise ValueError(f"max_bits must be 0..30, not {max_bits}")
    words = np.ascontiguousarray(hashes).view(np.uint64)
    codes = _equal_rows(words)
    copies = same_value_pairs(codes)
    if max_bits == 0 or len(hashes) < 2:
        return copies
    first = np.unique(codes, return_index=True)[1]
    near = first[_pairs_of_distinct(hashes[first], words[first], max_bits)]
    return np.unique(np.concatenate([copies, np.sort(near, axis=1)]), axis=0)


def same_value_pairs(codes: Rows) -> Pairs:
    """The first row of each value, paired with every other row of that value.

    Args:
        codes: int64, shape (n,); a negative number stands for "no value" and pairs with nothing.
    """
    rows = np.flatnonzero(codes >= 0)
    _, first, place = np.unique(codes[rows], return_index=True, return_inverse=True)
    pairs: Pairs = np.stack([rows[first][place], rows], axis=1).astype(np.int64)
    distinct: Pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return distinct


def groups(n: int, pairs: Pairs) -> Rows:
    """Connected components: for each of ``n`` rows the smallest row number of its group, (n,)."""
    return _joined(np.arange(n, dtype=np.int64), pairs)


def _joined(root: Rows, pairs: Pairs) -> Rows:
    """Group numbers after the groups that ``pairs`` connect have become one."""
    while len(pairs):
        ends = root[pairs]
        # Hang each group's root below the smallest root that it touches, then shorten all paths.
        np.minimum.at(root, ends.max(axis=1), ends.min(axis=1))
        while not np.array_equal(root, shorter := root[root]):
            root = shorter
        pairs = pairs[root[pairs[:, 0]] != root[pairs[:, 1]]]
    return root


def _equal_rows(words: Words) -> Rows:
    """A number a row, the same for rows that are equal; shape (n,)."""
    order = np.lexsort(words.T)
    changed = np.any(words[order][1:] != words[order][:-1], axis=1)
    codes = np.zeros(len(words), dtype=np.int64)
    codes[order[1:]] = np.cumsum(changed)
    return codes


def _pairs_of_distinct(hashes: Hashes, words: Words, max_bits: int) -> Pairs:
    row_bits = max(1, len(hashes) - 1).bit_length()
    # A sortable number holds bits of two bands above the row's number: one plain sort, which is
    # several times faster than an argsort and leaves no order of ties to chance.
    most_bits = (64 - row_bits) // 2
    band_bits, shift = np.uint64(most_bits), np.uint64(row_bits)
    rows = np.arange(len(hashes), dtype=np.uint64)
    root = np.arange(len(hashes), dtype=np.int64)
    found = [np.empty((0, 2), dtype=np.int64)]
    for one, other in itertools.combinations(_bands(hashes, max_bits + 2, most_bits), 2):
        ordered = np.sort((((one << band_bits) | other) << shift) | rows)
        order = (ordered & ((np.uint64(1) << shift) - np.uint64(1))).astype(np.int64)
        for left, right in _candidates(ordered >> shift, order):
            unjoined = root[left] != root[right]
            pairs = np.stack([left[unjoined], right[unjoined]], axis=1)
            differing = words[pairs[:, 0]] ^ words[pairs[:, 1]]
            pairs = pairs[np.bitwise_count(differing).sum(axis=1) <= max_bits]
            found.append(pairs)
            root = _joined(root, pairs)
    return np.concatenate(found)


def _bands(hashes: Hashes, count: int, most_bits: int) -> list[Words]:
    """The first ``most_bits`` bits of each of ``count`` bands as one number a row.

    Band ``k`` takes every ``count``-th bit: neighbouring cells of a picture look alike, so a band
    of neighbours would tell pictures apart badly.
    """
    bands = []
    for start in range(count):
        packed = np.zeros(len(hashes), dtype=np.uint64)
        for bit in range(start, 256, count)[:most_bits]:
            value = (hashes[:, bit // 8] >> np.uint8(7 - bit % 8)) & np.uint8(1)
            packed = (packed << np.uint64(1)) | value
        bands.append(packed)
    return bands


def _candidates(keys: Words, rows: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Pairs of ``rows`` that lie at most MAX_NEIGHBOURS apart in one run of equal ``keys``."""
    starts = np.arange(len(keys))
    for step in range(1, MAX_NEIGHBOURS + 1):
        # A place whose run has ended for one step has ended for all longer ones.
        starts = starts[starts + step < len(keys)]
        starts = starts[keys[starts] == keys[starts + step]]
        if not len(starts):
            return
        yield rows[starts], rows[starts + step]
