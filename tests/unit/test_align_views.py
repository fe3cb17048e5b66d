import numpy as np
import pytest

from augment.align.views import search
from augment.protocols import Detection
from augment.types import Image


class Spot:
    """Finds the red rectangle of a canvas, if its longer side is within bounds; notes canvases."""

    def __init__(self, smallest: int = 1, largest: int = 10_000) -> None:
        self.smallest, self.largest = smallest, largest
        self.sides: list[int] = []

    def __call__(self, canvas: Image) -> list[Detection]:
        assert canvas.shape[0] == canvas.shape[1]
        self.sides.append(canvas.shape[0])
        y, x = np.nonzero((canvas[..., 0] > 200) & (canvas[..., 1] < 60))
        if not len(x) or not self.smallest <= np.ptp(x) + 1 <= self.largest:
            return []
        low, high = np.array([x.min(), y.min()]) - 0.5, np.array([x.max(), y.max()]) + 0.5
        points = np.tile((low + high) / 2, (5, 1))
        return [
            Detection(np.r_[low, high - low].astype(np.float32), points.astype(np.float32), 1.0)
        ]


def photo_with(box: tuple[int, int, int, int], height: int, width: int) -> Image:
    photo = np.full((height, width, 3), 120, np.uint8)
    x, y, wide, high = box
    photo[y : y + high, x : x + wide] = (255, 0, 0)
    return photo


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [
        (160, 160, (40, 60, 80, 72)),
        (90, 64, (20, 24, 30, 32)),
        (640, 960, (300, 120, 320, 360)),
        (3000, 300, (50, 1000, 200, 1200)),
    ],
)
def test_faces_come_back_in_the_photos_pixels(
    height: int, width: int, box: tuple[int, int, int, int]
) -> None:
    faces = search(photo_with(box, height, width), 160, Spot())
    pixel = max(height, width) / 160  # one canvas pixel
    edge = np.array(box, dtype=float) - (0.5, 0.5, 0, 0)
    np.testing.assert_allclose(faces[0].box, edge, atol=1.1 * pixel)
    middle = edge[:2] + edge[2:] / 2
    np.testing.assert_allclose(faces[0].points[2], middle, atol=0.6 * pixel)


def test_a_face_found_at_once_is_looked_at_once() -> None:
    spot = Spot()
    search(photo_with((40, 40, 90, 90), 200, 200), 160, spot)
    assert spot.sides == [160]


def test_a_face_that_fills_the_photo_is_found_with_room_around() -> None:
    spot = Spot(largest=110)
    photo = photo_with((5, 5, 190, 190), 200, 200)
    assert len(search(photo, 160, spot)) == 1
    assert spot.sides == [160, 160]


def test_a_face_too_small_for_the_first_look_is_found_larger() -> None:
    spot = Spot(smallest=12)
    assert len(search(photo_with((300, 300, 32, 32), 640, 640), 160, spot)) == 1
    assert spot.sides == [160, 160, 320]


def test_a_small_face_of_a_large_photo_is_looked_at_again() -> None:
    spot = Spot()
    faces = search(photo_with((301, 303, 61, 60), 640, 640), 160, spot)
    assert spot.sides == [160, 640]
    np.testing.assert_allclose(faces[0].box, [300.5, 302.5, 61, 60], atol=1e-3)


def test_a_closer_look_that_finds_nothing_keeps_the_first() -> None:
    faces = search(photo_with((301, 303, 61, 60), 640, 640), 160, Spot(largest=30))
    assert len(faces) == 1


def test_no_face_anywhere() -> None:
    spot = Spot()
    assert search(np.zeros((50, 40, 3), np.uint8), 96, spot) == []
    assert spot.sides == [96, 96, 192, 192]


def test_further_looks_may_be_found_in_otherwise() -> None:
    first, further = Spot(largest=20), Spot()
    tall = photo_with((20, 20, 60, 60), 160, 160)
    assert len(search(tall, 160, first, further)) == 1
    assert first.sides == [160]
    assert further.sides
    none = search(tall, 160, Spot(largest=20), lambda _: [])
    assert none == []
