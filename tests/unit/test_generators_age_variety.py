import numpy as np
import pytest
import torch

from augment.generators.age import variety
from augment.generators.age.ages import KNOTS, ordinal_code
from augment.generators.age.network import Editor
from augment.generators.age.registration import SIDE
from augment.generators.age.variety import AGES, MOST, Variety

PIXELS = 3 * SIDE * SIDE
BEARD = np.zeros((3, SIDE, SIDE), np.float32)
BEARD[:, 44:54, 24:40] = 1
LIGHT = np.zeros((3, SIDE, SIDE), np.float32)
LIGHT[:, :, :32] = 1


def bearded(count: int = 1000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Faces lit from aside; grown ones may have a beard, children have none."""
    random = np.random.default_rng(3)
    years = random.uniform(2, 75, count).astype(np.float32)
    beards = np.where(years < 17, 0, random.normal(0, 0.4, count)).astype(np.float32)
    lights = random.normal(0, 0.3, count).astype(np.float32)
    rest = np.outer(beards, BEARD) + np.outer(lights, LIGHT)
    rest += random.normal(0, 0.01, rest.shape)
    return rest.astype(np.float32), years, beards


@pytest.fixture(autouse=True)
def _few_faces_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test needs no thousands of them."""
    monkeypatch.setattr(variety, "_POOLED", 60.0)
    monkeypatch.setattr(variety, "_WIDTH", 1.2)


def learnt() -> Variety:
    rest, years, _ = bearded()
    zero = np.zeros((len(KNOTS), PIXELS), np.float32)
    skin = np.ones((SIDE, SIDE), np.float32)
    mean = np.full(PIXELS, -0.6, np.float32)
    return Variety.of(rest, mean, zero, years, skin, np.ones(len(years), np.float32))


def test_what_differs_is_found_and_spreads_as_at_each_age() -> None:
    found = learnt()
    assert found.components.shape == (MOST, 3, SIDE, SIDE)
    assert found.roots.shape == (AGES, MOST, MOST)
    beard = np.tensordot(found.components, BEARD, axes=3)
    spread = [np.linalg.norm(beard @ root) for root in found.roots]
    light = np.tensordot(found.components, LIGHT, axes=3)
    lit = [np.linalg.norm(light @ root) for root in found.roots]
    assert spread[2] < 0.7 * spread[-3]
    assert 0.85 < lit[2] / lit[-3] < 1.15


def test_a_beard_fades_towards_childhood_and_the_light_stays() -> None:
    found, network = learnt(), Editor(3)
    for name in ("mean", "centre", "weights", "components", "slopes", "places", "roots"):
        network.get_buffer(f"variety_{name}").copy_(torch.from_numpy(getattr(found, name)))
    network.skin.fill_(1)
    face = torch.from_numpy(-0.6 - 0.5 * BEARD + 0.2 * LIGHT)[None]
    old, young = (torch.from_numpy(ordinal_code([years])) for years in (40.0, 5.0))
    change = network._spread(face, old, young, None)[0].numpy()
    inside, beside = (change * BEARD).sum() / BEARD.sum(), change[:, 10:20].mean()
    assert inside - beside > 0.15
    lit = change[:, 5:40, :32].mean() - change[:, 5:40, 32:].mean()
    assert abs(lit) < 0.06
    same = network._spread(face, old, old, None)
    assert float(same.abs().max()) < 1e-3


def test_few_faces_have_few_components() -> None:
    rest, years, _ = bearded(24)
    zero = np.zeros((len(KNOTS), PIXELS), np.float32)
    skin = np.ones((SIDE, SIDE), np.float32)
    found = Variety.of(rest, zero[0], zero, years, skin, np.ones(24, np.float32))
    used = np.abs(found.components).sum((1, 2, 3)) > 0
    assert used.sum() == 3
    assert np.isfinite(found.roots).all()
