from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.intake.splits import SPLITS, assign_splits, photo_groups

SHARES = {"validation": 0.1, "test": 0.2}


def near(bits: int, of: bytes) -> bytes:
    """The same hash with so many bits flipped."""
    flips = np.packbits(np.arange(256) < bits)
    return (np.frombuffer(of, np.uint8) ^ flips).tobytes()


def test_people_files_and_photos_make_groups() -> None:
    a, b, c = (np.random.default_rng(n).bytes(32) for n in range(3))
    rows = [  # id, person, sha256, photo_hash
        ("s/0", "s/zoe", "x", a),
        ("s/1", None, "y", near(12, a)),  # nearly the photo of row 0
        ("s/2", "s/zoe", "z", b),  # the person of row 0
        ("s/3", "s/amy", "z", near(60, b)),  # the file of row 2
        ("s/4", None, "v", near(13, a)),  # too far from row 0, near enough to row 1
        ("s/5", None, "w", c),
        ("s/6", None, "", None),
        ("s/7", None, "", None),
        ("s/8", "", "u", near(8, c)),
    ]
    names = ["id", "person", "sha256", "photo_hash"]
    columns = [pa.array(column) for column in zip(*rows, strict=True)]
    table = pa.table(dict(zip(names, columns, strict=True)))
    assert photo_groups(table) == ["s/amy"] * 5 + ["s/5", "s/6", "s/7", "s/5"]


def test_own_splits_stay_and_only_what_lacks_is_drawn() -> None:
    rows = 6000
    own = ["test"] * 1000 + ["train"] * 3000 + [None] * 2000
    source = ["has test"] * 4000 + ["has none"] * 2000
    groups = [str(row) for row in range(rows)]
    split = assign_splits(source, own, groups, SHARES, 7).split
    assert Counter(split[:1000]) == {"test": 1000}
    drawn = Counter(split[1000:4000])
    assert set(drawn) == {"train", "validation"}
    assert drawn["validation"] / 3000 == pytest.approx(0.1, abs=0.02)
    drawn = Counter(split[4000:])
    assert drawn["validation"] / 2000 == pytest.approx(0.1, abs=0.025)
    assert drawn["test"] / 2000 == pytest.approx(0.2, abs=0.03)


def test_a_full_set_of_own_splits_is_left_as_it_is() -> None:
    own = ["train", "validation", "test", "train"]
    assigned = assign_splits(["s"] * 4, own, ["a", "b", "c", "d"], SHARES, 7)
    assert assigned.split == own
    assert assigned.half[1:3] == [None, None]
    assert assigned.note == [""] * 4


def test_a_group_goes_to_its_strongest_split_and_says_so() -> None:
    own = ["train", "test", "validation", "train", "validation"]
    assigned = assign_splits(["s"] * 5, own, ["a", "a", "a", "b", "b"], SHARES, 7)
    assert assigned.split == ["test"] * 3 + ["validation"] * 2
    assert [bool(note) for note in assigned.note] == [True, False, True, True, False]
    assert assigned.note[0] == "moved to test, where the person or the same photo is"


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["one", "two"]),
            st.sampled_from([None, "train", "validation", "test"]),
            st.integers(0, 5),
        ),
        min_size=1,
        max_size=30,
    ),
    seed=st.integers(0, 50),
)
def test_no_group_is_ever_in_two_splits_or_halves(
    rows: list[tuple[str, str | None, int]], seed: int
) -> None:
    source, own, number = zip(*rows, strict=True)
    group = [f"g{n}" for n in number]
    assigned = assign_splits(source, own, group, SHARES, seed)
    for name in set(group):
        places = [place for place, other in enumerate(group) if other == name]
        assert len({(assigned.split[place], assigned.half[place]) for place in places}) == 1
    for row, (split, half) in enumerate(zip(assigned.split, assigned.half, strict=True)):
        assert (half in ("a", "b")) if split == "train" else half is None
        assert SPLITS.index(split) >= SPLITS.index(own[row] or "train")


def test_halves_are_even_and_stable_when_rows_come() -> None:
    groups = [str(row) for row in range(2000)]
    few = assign_splits(["s"] * 1000, [None] * 1000, groups[:1000], SHARES, 7)
    more = assign_splits(["s"] * 2000, [None] * 2000, groups, SHARES, 7)
    assert more.split[:1000] == few.split
    assert more.half[:1000] == few.half
    counts = Counter(more.half)
    assert counts["a"] / counts["b"] == pytest.approx(1, abs=0.12)
    assert assign_splits(["s"] * 1000, [None] * 1000, groups[:1000], SHARES, 8).split != few.split
