import numpy as np
import pytest

from augment.errors import UserError
from augment.generators.morph import Config, Generator
from augment.generators.morph.blending import PARTS, by_parts, deal, part_weights, whole
from augment.generators.morph.warping import anchors, bent, varied
from augment.params import validate
from augment.protocols import Face, Request
from tests.unit.aligned_faces import face_picture

BIN = {"gender": "female", "age_group": "20-29"}


def request(seed: int = 1, people: int = 4, size: int = 64, first: int = 0) -> Request:
    parents = []
    for number in range(first, first + people):
        image, points = face_picture(number, size)
        parents.append(Face(f"f{number}", image, points, BIN))
    return Request(f"morph/{seed}", tuple(parents), BIN, (), seed)


def test_it_stays_inside_a_bin() -> None:
    generator = Generator(Config())
    assert generator.cost(BIN, BIN) == 0
    assert generator.cost(BIN, {**BIN, "gender": "male"}) is None
    assert generator.parents == 4


def test_a_bent_face_has_its_points_where_they_were_asked_for() -> None:
    image, points = face_picture(3)
    target = varied(points.astype(np.float64), 64, 0.0, np.random.default_rng(0))
    target[:5] += (1.5, -2.0)
    target[5:] += (1.5, -2.0)
    (moved,) = bent([image], [points.astype(np.float64)], target)
    dark = [np.unravel_index(part.argmin(), part.shape) for part in _eyes(moved.mean(2), target)]
    for (down, across), (x, y) in zip(dark, target[:2], strict=True):
        assert abs(down + y - 4 - y) <= 5
        assert abs(across + x - 4 - x) <= 5
    # The patch around the left eye is the same picture, moved.
    x, y = np.round(points[0]).astype(int)
    before = image[y - 2 : y + 3, x - 2 : x + 3].astype(np.float32).mean()
    x, y = np.round(target[0]).astype(int)
    assert moved[y - 2 : y + 3, x - 2 : x + 3].mean() == pytest.approx(before, abs=12)


def _eyes(grey: np.ndarray, target: np.ndarray) -> list[np.ndarray]:
    return [grey[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5] for x, y in target[:2]]


def test_bending_to_its_own_points_changes_nothing() -> None:
    image, points = face_picture(5)
    own = points.astype(np.float64)
    target = np.concatenate([own, anchors(own)])
    (same,) = bent([image], [own], target)
    assert np.abs(same - image).mean() < 0.5


def test_proportions_move_as_in_a_mirror() -> None:
    points = np.array([[20.0, 26], [44, 26], [32, 38], [24, 48], [40, 48]])
    moved = varied(points, 64, 1.0, np.random.default_rng(2))
    for left, right in ((0, 1), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12)):
        np.testing.assert_allclose(moved[left] + moved[right], [64.0, 2 * moved[left, 1]])
    assert np.abs(moved[:5] - points).max() > 0.2
    still = varied(points, 64, 0.0, np.random.default_rng(2))
    np.testing.assert_array_equal(still[:5], points)
    twice = varied(2 * points, 128, 1.0, np.random.default_rng(2))
    np.testing.assert_allclose(twice[:5] - 2 * points, 2 * (moved[:5] - points))


def test_parts_cover_the_crop_and_lie_where_they_should() -> None:
    _, points = face_picture(1)
    parts = part_weights(points.astype(np.float64), 64)
    np.testing.assert_allclose(parts.sum(axis=0), 1, rtol=1e-5)
    for part, (x, y) in (("eyes", points[0]), ("nose", points[2]), ("mouth", points[3])):
        assert PARTS[parts[:, int(y), int(x)].argmax()] == part
    assert PARTS[parts[:, 2, 2].argmax()] == "hair"


def test_detail_comes_from_the_owner_and_coarse_colour_from_all() -> None:
    random = np.random.default_rng(0)
    smooth = np.full((64, 64, 3), 200, np.float32)
    grainy = np.full((64, 64, 3), 100, np.float32) + random.normal(0, 20, (64, 64, 1))
    grainy = grainy.astype(np.float32)
    images = [smooth, grainy]
    _, points = face_picture(1)
    parts = part_weights(points.astype(np.float64), 64)
    none = by_parts(images, [0.5, 0.5], [0] * 6, parts)
    all_ = by_parts(images, [0.5, 0.5], [1] * 6, parts)
    inside = (slice(28, 44), slice(24, 40))
    assert none[inside].mean() == pytest.approx(150, abs=4)
    assert all_[inside].mean() == pytest.approx(150, abs=4)
    assert none[inside].std() < 4 < 15 < all_[inside].std()
    assert none[:4].mean() == pytest.approx(200, abs=1)  # what lies outside is one parent's
    assert all_[:4].mean() == pytest.approx(100, abs=3)
    both = by_parts([grainy, grainy[::-1]], [0.5, 0.5], [0, 1, 0, 1, 0, 1], parts)
    assert both[inside].std() > 0.85 * all_[inside].std()  # no softer where they meet
    averaged = whole(images, [0.5, 0.5])
    assert averaged.std() == pytest.approx(grainy.std() / 2, rel=0.05)


@pytest.mark.parametrize("people", [2, 3, 5])
def test_every_parent_has_a_part_and_is_named(people: int) -> None:
    generator = Generator(Config(people=people))
    (made,) = generator.make([request(people=people)])
    assert made.image is not None
    assert f"{people} people mixed by parts" in made.steps[1]
    assert all(f" {number + 1}" in made.steps[1] for number in range(people))


@pytest.mark.parametrize("people", [2, 3, 4, 5, 6])
def test_parts_are_dealt_to_everybody_and_by_chance(people: int) -> None:
    dealt = [deal(people, np.random.default_rng(seed)) for seed in range(60)]
    assert all(set(owners) == set(range(people)) for owners in dealt)
    assert {owners[PARTS.index("hair")] for owners in dealt} == set(range(people))


def test_a_morph_is_none_of_its_parents() -> None:
    asked = [request(seed, first=3 * seed) for seed in range(6)]
    for one, made in zip(asked, Generator(Config()).make(asked), strict=True):
        assert made.image is not None
        face = (slice(20, 46), slice(20, 44))  # hair and background are one parent's
        for parent in one.parents:
            assert np.abs(made.image[face].astype(int) - parent.image[face]).mean() > 5


def test_shares_stay_inside_what_was_set() -> None:
    generator = Generator(Config(people=2, blend="whole", least_share=0.3, most_share=0.5))
    asked = [request(seed, people=2) for seed in range(40)]
    shares = [float(made.steps[1].rsplit(" ", 1)[1]) for made in generator.make(asked)]
    assert 0.3 <= min(shares) < 0.35 < 0.45 < max(shares) <= 0.5


def test_larger_crops_give_the_same_face() -> None:
    small, large = (
        Generator(Config(shape=0.0)).make([request(4, size=size)])[0] for size in (64, 128)
    )
    assert small.points is not None
    assert large.points is not None
    np.testing.assert_allclose(2 * small.points, large.points, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda points: points * 0 + 30, "do not show a face"),
        (lambda points: points * np.nan, "do not show a face"),
        (lambda points: points + 60, "outside of its picture"),
        (lambda points: points + np.array([[0, 0], [0, 0], [12, 0], [0, 0], [0, 0]]), "too diff"),
    ],
)
def test_parents_that_cannot_be_mixed_are_refused(change: object, says: str) -> None:
    asked = request()
    first = asked.parents[0]
    odd = Face("odd", first.image, change(first.points).astype(np.float32), BIN)  # type: ignore[operator]
    (made,) = Generator(Config()).make([Request("x", (odd, *asked.parents[1:]), BIN, (), 1)])
    assert made.image is None
    assert says in made.reason


def test_tiny_and_unequal_pictures_are_refused() -> None:
    (made,) = Generator(Config()).make([request(size=16)])
    assert "too few" in made.reason
    asked = request()
    other = request(size=48).parents[0]
    (made,) = Generator(Config()).make([Request("x", (other, *asked.parents[1:]), BIN, (), 1)])
    assert "not of one size" in made.reason


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"blend": "whole"}, "people: 2"),
        ({"least_share": 0.6}, "least_share"),
        ({"people": 1}, "must be 2 or more"),
        ({"arch": "styled"}, "warp"),
    ],
)
def test_wrong_settings_are_explained(settings: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        validate(Config, settings, "generators.morph")
