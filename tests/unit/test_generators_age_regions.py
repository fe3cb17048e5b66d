import numpy as np
import pytest
import torch

from augment.generators.age.prototypes import Inputs, average_face
from augment.generators.age.regions import skin_likeness, soft_skin, toneless
from augment.generators.age.registration import SIDE


def lit_face(level: float) -> torch.Tensor:
    """Skin of one colour, brighter to the right; dark hair above; a shine on the forehead."""
    face = torch.full((1, 3, SIDE, SIDE), level)
    face[:, 2] -= 0.1
    face *= torch.linspace(0.8, 1.2, SIDE)
    face[:, :, :8] = -0.97
    face[:, :, 16:20, 28:36] += 0.25
    face[:, :, 56:, :8] = torch.tensor([-0.6, 0.5, -0.6])[None, :, None, None]  # a green wall
    return face


@pytest.mark.parametrize("level", [0.6, 0.3, -0.3])
def test_skin_is_told_from_hair_and_walls_in_any_light(level: float) -> None:
    found = skin_likeness(lit_face(level), torch.from_numpy(soft_skin()))[0, 0]
    assert found.shape == (SIDE, SIDE)
    assert found[24:50, 12:52].min() > 0.8
    assert found[17:19, 30:34].min() > 0.6
    assert found[:6].max() < 0.35
    assert found[58:, :6].max() < 0.1


def test_tone_is_taken_off_the_skin_alone() -> None:
    skin = torch.zeros(SIDE, SIDE)
    skin[20:40, 20:40] = 1
    maps = toneless(torch.full((1, 3, SIDE, SIDE), 0.5), skin)
    assert (maps * skin).sum().abs() < 1e-3
    assert maps[0, 0, 0, 0] == pytest.approx(0.5)


def test_what_faces_show_at_a_place_is_averaged_apart() -> None:
    """Half of them have skin there, which stays, the others hair, which grows brighter."""
    random = np.random.default_rng(0)
    years = random.uniform(1, 80, 600).astype(np.float32)
    hair = random.random((600, 2)) < [0.5, 0.2]
    levels = np.where(hair, years[:, None] / 100 - 1, 0.4).astype(np.float32)[:, None]
    inputs = Inputs.of(years, {"age_group": ["x"] * 600}, np.ones(600, np.float32))
    for shares, grown in ((hair, 0.65), (~hair, 0.0)):
        slopes = inputs.slopes_where(levels, shares.astype(np.float32))
        change = Inputs.of(np.array([75, 10], np.float32), {}, np.ones(2, np.float32)).code
        found = (change[0] - change[1]) @ slopes[:, 0]
        np.testing.assert_allclose(found, grown, atol=0.06)


def test_hair_turns_grey_and_a_bald_forehead_stays() -> None:
    random = np.random.default_rng(1)
    years = random.uniform(1, 80, 240).astype(np.float32)
    images = np.full((240, SIDE, SIDE, 3), 150, np.uint8)
    bald = random.random(240) < np.where(years < 20, 0.1, 0.6)
    images[~bald, :12] = (20 + 1.4 * years[~bald])[:, None, None, None]
    unknown = np.full((240, 5, 2), np.nan, np.float32)
    found = average_face(images, unknown, years, {}, np.ones(240, np.float32))
    code = Inputs.of(np.array([70, 25], np.float32), {}, np.ones(2, np.float32)).code
    skin, other = (np.tensordot(code[0] - code[1], maps, axes=1)[:, 2:9, 20:44].mean()
                   for maps in (found.colours, found.others))  # fmt: skip
    assert abs(skin) < 0.1
    assert other > 0.15
    # What is surely hair has a colour of its own: 63 of 255 levels lighter at 70 than at 25.
    tone = (code[0] - code[1]) @ found.tones.slopes
    np.testing.assert_allclose(tone, 63 / 127.5, atol=0.15)
