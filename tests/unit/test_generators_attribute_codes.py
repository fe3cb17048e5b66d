import numpy as np
import pytest
import torch

from augment.generators.attribute.codes import Codes, features, fitted, transport
from augment.types import FloatArray

SIDE, FACES = 16, 240
AREA = torch.ones(1, 1, SIDE, SIDE)


def windows() -> tuple[torch.Tensor, FloatArray]:
    """Noisy windows: the first attribute darkens a spot above, the second one below; who has one
    mostly has the other."""
    random = np.random.default_rng(3)
    first = random.random(FACES) < 0.5
    second = np.where(random.random(FACES) < 0.85, first, ~first)
    seen = 0.1 * random.normal(size=(FACES, 3, SIDE, SIDE)).astype(np.float32)
    seen += 0.3 * random.normal(size=(FACES, 3, 1, 1)).astype(np.float32)  # tones
    seen[first, :, 3:5, 7:9] -= 0.6
    seen[second, :, 11:13, 7:9] -= 0.6
    return torch.from_numpy(seen), np.column_stack([first, second]).astype(np.float32)


def learned(regions: tuple[int, ...] = (0, 0)) -> tuple[Codes, torch.Tensor, FloatArray]:
    seen, values = windows()
    flat = features(seen, AREA)
    return fitted(regions, SIDE, 8, [flat] * (max(regions) + 1), values), seen, values


@pytest.mark.parametrize("regions", [(0, 0), (0, 1)])
def test_an_attribute_moves_and_the_other_stays(regions: tuple[int, ...]) -> None:
    codes, seen, values = learned(regions)
    without = seen[values.sum(1) == 0][:20]
    place = torch.zeros(len(without), dtype=torch.int64)
    own = codes.of(without, AREA, place)
    moved = codes.moved(own, place, torch.ones(len(without)), 1.0)
    change = codes.shown(without, moved - own, place) - without
    assert float(change[:, :, 3:5, 7:9].mean()) < -0.3
    assert abs(float(change[:, :, 11:13, 7:9].mean())) < 0.1


def test_codes_are_spread_as_those_of_the_value() -> None:
    codes, seen, values = learned()
    has, lacks = seen[values[:, 0] == 1], seen[values[:, 0] == 0]
    place = torch.zeros(len(has), dtype=torch.int64)
    moved = codes.moved(codes.of(has, AREA, place), place, -torch.ones(len(has)), 0.0)
    goal = codes.of(lacks, AREA, place[:1].expand(len(lacks)))
    spread = [np.diag(np.cov(one.numpy().T)) for one in (moved, goal)]
    np.testing.assert_allclose(spread[0], spread[1], rtol=0.5)


def test_transport_leads_one_spread_to_the_other() -> None:
    random = np.random.default_rng(0)
    source, target = (one @ one.T + 0.1 * np.eye(4) for one in random.normal(size=(2, 4, 4)))
    found = transport(source, target)
    np.testing.assert_allclose(found @ source @ found.T, target, atol=1e-6)
    np.testing.assert_allclose(found, found.T, atol=1e-9)
    np.testing.assert_allclose(transport(source, source), np.eye(4), atol=1e-6)


def test_farther_is_farther_along_the_way_alone() -> None:
    codes, seen, _ = learned()
    place, change = torch.zeros(9, dtype=torch.int64), torch.ones(9)
    own = codes.of(seen[:9], AREA, place)
    more = codes.moved(own, place, change, 3.0) - codes.moved(own, place, change, 1.0)
    expected = 2 * codes.reach[0, 1] * codes.way[0]
    torch.testing.assert_close(more, expected.expand(9, -1), atol=1e-4, rtol=1e-4)
    assert float(codes.reach.min()) > 0


def test_no_move_is_no_change() -> None:
    codes, seen, _ = learned()
    shown = codes.shown(seen, torch.zeros(len(seen), 8), torch.zeros(len(seen), dtype=torch.int64))
    assert torch.equal(shown, seen.clamp(-1, 1))


def test_few_faces_have_few_components() -> None:
    seen, values = windows()
    codes = fitted((0,), SIDE, 8, [features(seen[:5], AREA)], values[:5, :1])
    found = codes.of(seen[:5], AREA, torch.zeros(5, dtype=torch.int64))
    assert torch.isfinite(found).all()
    assert not found[:, 5:].any()


def test_codes_do_not_see_light() -> None:
    codes, seen, _ = learned()
    place = torch.zeros(len(seen), dtype=torch.int64)
    lighter = codes.of(seen + 0.2, AREA, place)
    torch.testing.assert_close(lighter, codes.of(seen, AREA, place), atol=1e-3, rtol=0)


def test_a_training_in_bfloat16_sees_the_same_codes() -> None:
    codes, seen, _ = learned()
    place, change = torch.zeros(9, dtype=torch.int64), torch.ones(9)

    def edited() -> torch.Tensor:
        own = codes.of(seen[:9], AREA, place)
        return codes.shown(seen[:9], codes.moved(own, place, change, 1.0) - own, place)

    outside = edited()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(edited(), outside)
