import numpy as np
import torch

from augment.generators.age.registration import (
    SIDE,
    bend,
    cardinals,
    flow_of,
    mirrored,
    relative,
    shift_of,
    template_of,
    turned_round,
)

USUAL = np.array([[-0.3, -0.1], [0.3, -0.1], [0, 0.2], [-0.2, 0.5], [0.2, 0.5]], np.float32)


def pixel(place: np.ndarray) -> tuple[int, int]:
    """Row and column of a place from -1 to 1."""
    column, row = np.rint((place + 1) * SIDE / 2 - 0.5).astype(int)
    return int(row), int(column)


def test_pixels_become_shares_of_the_side() -> None:
    found = relative([[[-0.5, -0.5], [31.5, 31.5], [63.5, 0.0], [0, 0], [0, 0]]], 64)
    np.testing.assert_allclose(found[0, :3], [[-1, -1], [0, 0], [1, -0.984375]])
    assert np.isnan(relative(np.full((1, 5, 2), np.nan), 64)).all()


def test_the_template_is_that_of_most_faces_and_symmetric() -> None:
    points = np.repeat(USUAL[None], 9, axis=0)
    points[0] += 0.3
    points[1] = np.nan
    np.testing.assert_allclose(template_of(points), USUAL, atol=1e-6)
    points[2:, 0, 0] -= 0.1
    found = template_of(points)
    np.testing.assert_allclose(found, mirrored(found), atol=1e-6)
    assert np.isfinite(template_of(points[:0])).all()


def test_each_point_leads_its_own_place_and_the_edges_stay() -> None:
    found = cardinals(USUAL)
    assert found.shape == (5, SIDE, SIDE)
    for number, place in enumerate(USUAL):
        row, column = pixel(place)
        expected = np.eye(5)[number]
        np.testing.assert_allclose(found[:, row, column], expected, atol=0.15)
    corners = found[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert np.abs(corners).max() < 0.1


def test_a_face_is_laid_on_the_template_and_back() -> None:
    """A spot at the nose of a turned face comes to lie at the template's, and returns."""
    points = torch.from_numpy(USUAL.copy())[None]
    points[0, 2, 0] = 0.18
    row, column = pixel(points[0, 2].numpy())
    face = torch.zeros(1, 1, SIDE, SIDE)
    face[0, 0, row - 1 : row + 2, column - 1 : column + 2] = 1
    shift = shift_of(points, torch.from_numpy(USUAL))
    flow = flow_of(shift, torch.from_numpy(cardinals(USUAL)))
    laid = bend(face, flow)
    brightest = np.unravel_index(int(laid[0, 0].argmax()), (SIDE, SIDE))
    assert np.abs(np.subtract(brightest, pixel(USUAL[2]))).max() <= 1
    again = bend(laid, turned_round(flow))
    brightest = np.unravel_index(int(again[0, 0].argmax()), (SIDE, SIDE))
    assert np.abs(np.subtract(brightest, (row, column))).max() <= 1


def test_unknown_points_shift_nothing_and_far_ones_not_too_far() -> None:
    template = torch.from_numpy(USUAL)
    unknown = torch.full((1, 5, 2), torch.nan)
    assert float(shift_of(unknown, template).abs().max()) == 0
    assert float(shift_of(template[None] + 3, template).max()) == 0.25
