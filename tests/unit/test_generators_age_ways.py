import numpy as np
import torch

from augment.generators.age.ways import LENGTH, Turn, drawn, split, turned


def test_a_way_is_its_seed_s_whatever_else_is_drawn() -> None:
    together = drawn([3, 1, 4], 0.5)
    assert together.shape == (3, LENGTH)
    np.testing.assert_array_equal(drawn([4], 0.5)[0], together[2])
    assert not np.array_equal(together[0], together[1])
    assert (together[:, -1] == 0.5).all()
    assert np.abs(together).max() <= 2
    assert drawn([], 1).shape == (0, LENGTH)


def test_none_is_the_average_way() -> None:
    way = split(None, torch.zeros(2, 3, 8, 8))
    assert way.face is None
    assert way.hair is None
    assert way.detail.tolist() == way.shape.tolist() == [[1], [1]]


def test_without_variation_all_ways_are_the_average() -> None:
    way = split(torch.from_numpy(drawn([1, 2], 0.0)), torch.zeros(2, 3, 8, 8))
    assert way.face is not None
    place = torch.randn(2, way.face.draw.shape[1], 1)
    torch.testing.assert_close(turned(place, way.face), place)
    assert way.detail.tolist() == way.shape.tolist() == [[1], [1]]


def test_turned_faces_are_as_unusual_as_before() -> None:
    random = torch.Generator().manual_seed(2)
    place, draw = (torch.randn(4000, 3, generator=random) for _ in range(2))
    far = turned(place[..., None], Turn(draw, torch.full((4000, 1), 0.4)))[..., 0]
    assert float((far - place).abs().mean()) > 0.2
    assert abs(float(far.std() - place.std())) < 0.03
    kept = np.corrcoef(far.ravel(), place.ravel())[0, 1]
    assert abs(kept - np.cos(0.4)) < 0.02
