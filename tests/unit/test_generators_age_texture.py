import numpy as np
import pytest
import torch

from augment.generators.age.ages import KNOTS, ordinal_code
from augment.generators.age.lesson import age
from augment.generators.age.network import Editor, window
from augment.generators.age.prototypes import average_face
from augment.generators.age.regions import head_region, skin_region
from augment.generators.age.registration import SIDE
from augment.generators.age.texture import (
    BANDS,
    bands,
    strength,
    with_detail,
)
from augment.metrics.visible_change import face_region
from augment.nets.data import to_tensor


def wrinkled(depth: float, period: int = 4, size: int = 64) -> torch.Tensor:
    """A grey face of stripes so deep, flat on its right third."""
    wave = torch.sin(2 * torch.pi * torch.arange(size) / period)
    face = (depth * wave)[None, None, :, None].repeat(1, 3, 1, size)
    face[..., 2 * size // 3 :] = 0
    return face


def test_a_flat_face_has_no_detail_and_gets_none() -> None:
    flat = torch.full((1, 3, 64, 64), 0.3)
    torch.testing.assert_close(bands(flat), torch.zeros(1, BANDS, 64, 64), atol=1e-5, rtol=0)
    torch.testing.assert_close(with_detail(flat, torch.ones(1, BANDS, 64, 64)), flat)


def test_no_gain_changes_nothing() -> None:
    face = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(with_detail(face, torch.zeros(2, BANDS, 64, 64)), face)


def test_twice_as_deep_is_stronger_by_the_logarithm_of_two() -> None:
    change = strength(wrinkled(0.4)) - strength(wrinkled(0.2))
    finest = change[0, :2, 20:44, 8:28]
    torch.testing.assert_close(finest, torch.full_like(finest, np.log(2)), atol=0.02, rtol=0)


def test_gains_make_detail_so_much_stronger() -> None:
    gains = torch.full((1, BANDS, 64, 64), float(np.log(2)))
    found = with_detail(wrinkled(0.2), gains)[0, :, 20:44, 8:28]
    expected = wrinkled(0.4)[0, :, 20:44, 8:28]
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0)


def test_grain_is_no_wrinkle() -> None:
    """The same noise all over, and stripes on the left: only they get deeper."""
    torch.manual_seed(0)
    grain = 0.05 * torch.randn(1, 1, 64, 64).expand(1, 3, 64, 64)
    gains = torch.zeros(1, BANDS, 64, 64)
    gains[:, :2] = float(np.log(3))
    change = (with_detail(wrinkled(0.3) + grain, gains) - wrinkled(0.3) - grain)[0, 0, 8:56]
    smooth, striped = change[:, 50:62].std(), change[:, 8:28].std()
    assert float(striped) > 0.2
    assert float(smooth) < 0.6 * 2 * 0.05  # without care: twice the grain of these bands


def test_gains_are_bounded() -> None:
    found = with_detail(wrinkled(0.1), torch.full((1, BANDS, 64, 64), 9.0))
    assert 0.2 < float(found.abs().max()) < 0.4


@pytest.mark.parametrize("size", [32, 128])
def test_scales_follow_the_size(size: int) -> None:
    """The same face, larger: as strong at the same scales."""
    small, large = (
        wrinkled(0.3, 16 * side // 64, side)[:, :, : side // 2 * 2] for side in (64, size)
    )
    middle = [found[0, :, found.shape[2] // 2, found.shape[3] // 2]
              for found in (strength(small), strength(large))]  # fmt: skip
    torch.testing.assert_close(middle[0][2:], middle[1][2:], atol=0.25, rtol=0)


def learnt(count: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """Noisy faces, each flat on its right, whose skin gets rougher and redder with the years."""
    random = np.random.default_rng(1)
    years = random.uniform(2, 75, count).astype(np.float32)
    rough = (4 + 20 * years / 75)[:, None, None, None] * random.standard_normal((count, 64, 64, 1))
    rough[:, :, 44:] *= 0.1
    images = np.full((count, 64, 64, 3), 120.0) + rough
    images[..., 0] += (40 * years / 75)[:, None, None]
    return np.clip(images, 0, 255).astype(np.uint8), years


@pytest.fixture(scope="module")
def editor() -> Editor:
    images, years = learnt()
    unknown = np.full((len(years), 5, 2), np.nan, np.float32)
    torch.manual_seed(0)
    network = Editor(3).eval()
    network.learn(average_face(images, unknown, years, {}, np.ones(len(years), np.float32)))
    return network


def roughness(editor: Editor, years: float) -> float:
    images, ages = learnt(8)
    source = age(ages, np.zeros(8, np.int64))
    target = age(np.full(8, years, np.float32), np.zeros(8, np.int64))
    with torch.no_grad():
        made = editor(to_tensor(images), source, target)
    return float(made[:, 1, 20:50, 12:32].std(dim=(1, 2)).mean())


def test_skin_gets_as_rough_as_at_the_other_age(editor: Editor) -> None:
    young, old = roughness(editor, 5), roughness(editor, 70)
    true = [(4 + 20 * years / 75) / 127.5 for years in (5, 70)]
    assert young == pytest.approx(true[0], rel=0.4)
    assert old == pytest.approx(true[1], rel=0.4)


def test_skin_is_where_visible_change_looks_for_it() -> None:
    np.testing.assert_array_equal(skin_region(), face_region(SIDE, None))


def test_the_tone_of_the_skin_stays(editor: Editor) -> None:
    """Redder with the years as learned: not what ageing is allowed to do."""
    change = torch.from_numpy(ordinal_code([70.0]) - ordinal_code([5.0]))
    learned = torch.einsum("nk,kcyx->ncyx", change, editor.colours)[0].numpy()
    inside = face_region(SIDE, None)
    assert np.abs(learned[:, inside].mean(1)).max() > 0.1
    images, _ = learnt(4)
    found = editor._coloured(to_tensor(images), change.expand(4, -1)).numpy()
    assert np.abs(found[:, :, inside].mean(2)).max() < 0.05
    assert editor.details.shape == (len(KNOTS), BANDS, SIDE, SIDE)


def test_at_its_own_age_a_face_stays_what_it_is(editor: Editor) -> None:
    images, ages = learnt(4)
    faces, own = to_tensor(images), age(ages, np.zeros(4, np.int64))
    with torch.no_grad():
        torch.testing.assert_close(editor(faces, own, own), faces, atol=1e-4, rtol=0)


def test_edges_are_not_moved() -> None:
    """What lies there may be mirrored."""
    found = window(64, torch.device("cpu"))
    assert float(found[32, 32]) == 1
    assert float(torch.cat([found[0], found[-1], found[:, 0], found[:, -1]]).max()) < 0.01


def test_a_head_is_where_face_and_hair_are() -> None:
    eyes, rest = [[-0.2, -0.1], [0.2, -0.1]], [[0, 0.15], [-0.15, 0.4], [0.15, 0.4]]
    head = head_region(np.array(eyes + rest, np.float32))  # a crop with much around the face
    assert head.shape == (SIDE, SIDE)
    middle = int((0.15 + 1) / 2 * SIDE)
    assert head[middle, SIDE // 2] == 1
    assert head[middle, :8].max() == head[middle, -8:].max() == 0  # the background beside it
    assert head[middle - int(1.6 * 0.4 / 2 * SIDE), SIDE // 2] == 1  # hair
    np.testing.assert_allclose(head, head[:, ::-1], atol=1e-6)
