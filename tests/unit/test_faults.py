"""Faults planted into faces are seen, lie where they are said to, and belong to their seed."""

import numpy as np
import pytest

from augment.nets import faults, harmless
from augment.types import Image
from tests.unit.aligned_faces import face_picture


def face(number: int, size: int = 64) -> Image:
    return face_picture(number, size)[0]


@pytest.mark.parametrize("kind", faults.KINDS)
@pytest.mark.parametrize("size", [64, 96])
def test_a_fault_shows_and_lies_where_it_is_said_to(kind: str, size: int) -> None:
    for seed in range(12):
        random = np.random.default_rng(seed)
        clean = face(seed, size)
        found = faults.plant(clean, face(seed + 1, size), random, kind)
        assert found.image.shape == clean.shape
        assert found.image.dtype == np.uint8
        moved = np.abs(found.image.astype(int) - clean).max(axis=2)
        assert moved.mean() > 0.3, seed  # levels a pixel: it is seen
        assert found.where.shape == (size, size)
        assert set(np.unique(found.where)) <= {0.0, 1.0}
        assert (moved[found.where == 1] >= 9).all()
        assert (moved[found.where == 0] <= 11).all()


def test_nine_kinds_are_drawn_and_none_is_forgotten() -> None:
    random = np.random.default_rng(0)
    kinds = {faults.plant(face(1), face(2), random).kind for _ in range(200)}
    assert kinds == set(faults.KINDS)
    assert len(kinds) == 9


def test_a_plain_face_gets_a_fault_that_shows_on_it() -> None:
    plain = np.full((64, 64, 3), 128, np.uint8)
    found = faults.plant(plain, plain, np.random.default_rng(0), "blur")
    assert found.kind == "specks"
    assert found.where.sum() > 0


def test_the_same_randomness_gives_the_same_fault() -> None:
    one, two, other = (
        faults.plant(face(1), face(2), np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one.image, two.image)
    assert not np.array_equal(one.image, other.image)


def test_harmless_variety_keeps_the_face() -> None:
    for seed in range(40):
        clean = face(seed)
        varied = harmless.vary(clean, np.random.default_rng(seed))
        assert varied.shape == clean.shape
        assert varied.dtype == np.uint8
        same = min(
            np.abs(varied.mean((0, 1)) - clean.mean((0, 1))).max(),
            np.abs(varied[:, ::-1].mean((0, 1)) - clean.mean((0, 1))).max(),
        )
        assert same < 60


def test_the_input_stays_as_it_was() -> None:
    clean = face(3)
    before = clean.copy()
    for kind in faults.KINDS:
        faults.plant(clean, face(4), np.random.default_rng(1), kind)
    harmless.vary(clean, np.random.default_rng(1))
    np.testing.assert_array_equal(clean, before)
