import numpy as np
import torch

from augment.generators.age import variety
from augment.generators.age.ages import KNOTS, ordinal_code
from augment.generators.age.hair import HAIR, SKIN, Tones, hair_of, priors, tone_of
from augment.generators.age.network import Editor
from augment.generators.age.regions import skin_likeness, soft_skin
from augment.generators.age.registration import SIDE, template_of
from augment.generators.age.variety import AGES

BEHIND, SKIN_TONE, HAIR_TONE = (-0.1, 0.2, 0.5), (0.6, 0.3, 0.1), (-0.6, -0.75, -0.85)
TEMPLATE = template_of(np.full((1, 5, 2), np.nan, np.float32))
FAR_OUT = (slice(30, 40), slice(3, 7))  # rows and columns beside the head
ON_TOP = (slice(8, 14), slice(28, 36))


def portrait(across: float, hair: tuple[float, float, float] = HAIR_TONE) -> torch.Tensor:
    """A face, hair around it that reaches so far aside (of half a side), and what is behind."""
    rows, columns = (np.mgrid[:SIDE, :SIDE] + 0.5) * 2 / SIDE - 1
    picture = np.empty((SIDE, SIDE, 3), np.float32)
    picture[:] = BEHIND
    picture[(np.hypot(columns / across, (rows - 0.1) / 0.95) < 1)] = hair
    picture[(np.hypot(columns / 0.45, (rows - 0.24) / 0.62) < 1)] = SKIN_TONE
    picture += np.random.default_rng(4).normal(0, 0.02, picture.shape).astype(np.float32)
    return torch.from_numpy(picture).permute(2, 0, 1)[None].clamp(-1, 1)


def found(face: torch.Tensor) -> torch.Tensor:
    likeness = skin_likeness(face, torch.from_numpy(soft_skin()))
    return hair_of(face, torch.from_numpy(priors(TEMPLATE)), likeness)


def test_each_place_belongs_to_one_part_or_another() -> None:
    parts = priors(TEMPLATE)
    assert parts.shape == (5, SIDE, SIDE)
    np.testing.assert_allclose(parts.sum(0), 1, atol=1e-5)
    assert parts[SKIN, 38, 32] > 0.8
    assert parts[HAIR, 10, 32] > 0.5
    assert parts[HAIR, 38, 32] < 0.05


def test_hair_is_found_as_far_as_it_reaches() -> None:
    """Beside the head lies hair in one picture, and what is behind in the other."""
    wide, narrow = (found(portrait(across))[0, 0] for across in (1.1, 0.7))
    assert wide.shape == (SIDE, SIDE)
    for one in (wide, narrow):
        assert float(one[ON_TOP].mean()) > 0.85
        assert float(one[36:44, 26:38].max()) < 0.1  # the nose
        assert float(one[:3, :3].max()) < 0.2  # the corner
    assert float(wide[FAR_OUT].mean()) > 0.8
    assert float(narrow[FAR_OUT].mean()) < 0.15


def test_hair_of_the_colour_of_skin_is_not_told_from_it() -> None:
    hair = found(portrait(0.7, SKIN_TONE))[0, 0]
    assert float(hair[ON_TOP].max()) < 0.3
    assert float(hair[36:44, 26:38].max()) < 0.1


def test_one_face_or_many_the_same_hair() -> None:
    faces = torch.cat([portrait(across) for across in (0.6, 0.8, 1.1)])
    torch.testing.assert_close(found(faces)[1:2], found(faces[1:2]), atol=1e-5, rtol=0)


def test_its_colour_is_that_of_what_is_surely_hair() -> None:
    face = portrait(0.8)
    tone, enough = tone_of(face, found(face))
    np.testing.assert_allclose(tone[0], HAIR_TONE, atol=0.06)
    assert enough.tolist() == [1]
    nothing = torch.zeros(1, 1, SIDE, SIDE)
    tone, enough = tone_of(face, nothing)
    assert enough.tolist() == [0]
    assert torch.isfinite(tone).all()


def learnt() -> Tones:
    """Brown or black hair of the young, half as different and 0.6 lighter at 75."""
    random = np.random.default_rng(5)
    years = random.uniform(2, 82, 1500).astype(np.float32)
    late = ordinal_code(years).sum(1) / len(KNOTS)
    own = random.normal(0, 0.2, (1500, 1)) * (1 - 0.5 * late[:, None])
    tones = (-0.7 + 0.6 * late[:, None] + own + random.normal(0, 0.02, (1500, 3))).astype("f4")
    shares = np.ones(1500, np.float32)
    shares[::7], tones[::7] = 0, 9  # nothing is known of their hair
    slopes = np.full((len(KNOTS), 3), 0.6 / len(KNOTS), np.float32)
    return Tones.of(tones, slopes, years, shares)


def dyeing() -> Editor:
    tones, network = learnt(), Editor(3)
    assert tones.roots.shape == (AGES, 3, 3)
    for name in ("mean", "centre", "slopes", "roots"):
        network.get_buffer(f"tones_{name}").copy_(torch.from_numpy(getattr(tones, name)))
    network.variety_places.copy_(torch.from_numpy(ordinal_code(variety._YEARS).sum(1)))
    return network


def test_hair_keeps_its_place_among_the_colours_of_its_age() -> None:
    network = dyeing()
    young, old = (torch.from_numpy(ordinal_code([years])) for years in (10.0, 80.0))
    mask = torch.ones(1, 1, SIDE, SIDE)
    found = {}
    for name, level in (("black", -0.85), ("brown", -0.45)):
        face = torch.full((1, 3, SIDE, SIDE), level)
        change = network._dyed(face, mask, young, old, None)
        found[name] = level + float(change.mean())
        back = network._dyed(face + change, mask, old, young, None)
        torch.testing.assert_close(back, -change, atol=1e-3, rtol=0)
        same = network._dyed(face, mask, young, young, None)
        assert float(same.abs().max()) < 1e-4
    # About 0.6 lighter; and 0.4 apart before, less after.
    assert -0.5 < found["black"] < found["brown"] < 0.2
    assert 0.1 < found["brown"] - found["black"] < 0.3
    none = network._dyed(face, 0 * mask, young, old, None)
    assert float(none.abs().max()) == 0


def test_the_background_keeps_its_colour_and_hair_does_not() -> None:
    """Ours, fitted on nothing but hair that turns 0.6 lighter."""
    network = dyeing()
    network.template.copy_(torch.from_numpy(TEMPLATE))
    network.parts.copy_(torch.from_numpy(priors(TEMPLATE)))
    network.skin.copy_(torch.from_numpy(soft_skin()))
    face = portrait(0.8)
    young, old = (torch.from_numpy(ordinal_code([years])) for years in (10.0, 80.0))
    points = torch.from_numpy(TEMPLATE)[None]
    with torch.inference_mode():
        change = (network._changed(face, young, old, points, None) - face)[0].mean(0)
    assert float(change[ON_TOP].mean()) > 0.35
    assert float(change[30:40, 1:4].abs().mean()) < 0.06
    assert float(change[36:44, 26:38].abs().max()) < 0.06
