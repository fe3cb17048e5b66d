import contextlib
import io
import random
import resource
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from augment.errors import RowError
from augment.images import (
    MAX_PIXELS,
    decode,
    decode_grey,
    difference_hash,
    encode,
    resize,
)

HEIGHT, WIDTH = 24, 36


def picture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A smooth picture whose four corners differ: orientation shows."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 7, y * 10, 255 - x * 3 - y * 3], axis=2).clip(0, 255).astype(np.uint8)


def stored(image: PillowImage.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def rgb() -> PillowImage.Image:
    return PillowImage.fromarray(picture())


def difference(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def test_jpeg_and_png() -> None:
    assert difference(decode(stored(rgb(), "JPEG", quality=95)), picture()) < 3
    np.testing.assert_array_equal(decode(stored(rgb(), "PNG")), picture())


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "TIFF"])
def test_other_kinds(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(decode(stored(rgb(), kind, **options)), picture())


def test_cmyk_jpeg() -> None:
    content = stored(rgb().convert("CMYK"), "JPEG", quality=95)
    assert difference(decode(content), picture()) < 4


def test_grey_jpeg_has_three_equal_channels() -> None:
    pixels = decode(stored(rgb().convert("L"), "JPEG", quality=95))
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])
    assert difference(pixels[..., 0], np.asarray(rgb().convert("L"))) < 3


@pytest.mark.parametrize("peak", [65535, 200])
def test_sixteen_bit_png_is_scaled_not_clipped(peak: int) -> None:
    deep = np.linspace(0, peak, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    pixels = decode(stored(PillowImage.fromarray(deep), "PNG"))
    assert difference(pixels[..., 0], deep / 257) <= 0.5


def test_palette_png() -> None:
    flat = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    flat[:, : WIDTH // 2] = (200, 30, 40)
    palette = PillowImage.fromarray(flat).convert("P", palette=PillowImage.Palette.ADAPTIVE)
    np.testing.assert_array_equal(decode(stored(palette, "PNG")), flat)


def test_transparency_is_laid_on_white() -> None:
    rgba = np.dstack([picture(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    rgba[:, WIDTH // 2 :, 3] = 0
    rgba[0, 0, 3] = 128
    pixels = decode(stored(PillowImage.fromarray(rgba), "PNG"))
    np.testing.assert_array_equal(pixels[1:, : WIDTH // 2], picture()[1:, : WIDTH // 2])
    assert (pixels[:, WIDTH // 2 :] == 255).all()
    assert difference(pixels[0, 0], picture()[0, 0] * 0.5 + 127.5) < 1.5


def test_of_an_animation_the_first_frame_counts() -> None:
    red, blue = (PillowImage.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue"))
    content = stored(red, "GIF", save_all=True, append_images=[blue, blue], duration=50)
    assert (decode(content) == (255, 0, 0)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)), (8, lambda a: np.rot90(a, 1))],
)
def test_exif_orientation_is_applied(kind: str, orientation: int, turned: Any) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    pixels = decode(stored(rgb(), kind, exif=exif.tobytes()))
    assert difference(pixels, turned(picture())) < 4


def test_zero_bytes() -> None:
    with pytest.raises(RowError, match="empty"):
        decode(b"")


def test_text_named_jpg() -> None:
    with pytest.raises(RowError, match="not a picture"):
        decode(b"this is no picture at all\n" * 50)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_cut_off_files(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    content = stored(PillowImage.fromarray(noise), kind)
    with pytest.raises(RowError):
        decode(content[: int(len(content) * share)])


def bomb(side: int) -> bytes:
    """A PNG of ``side`` x ``side`` in a few bytes: its header promises what it does not hold."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [30_000, 9_000])
def test_a_bomb_is_refused_before_it_takes_memory(side: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RowError, match="64,000,000 pixels"):
        decode(bomb(side))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB
    assert side * side > MAX_PIXELS


def test_the_pixel_limit_can_be_set() -> None:
    content = stored(rgb(), "JPEG")
    assert decode(content, HEIGHT * WIDTH).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(RowError, match="36 x 24"):
        decode(content, HEIGHT * WIDTH - 1)


@pytest.mark.parametrize(("kind", "mode"), [
    ("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("GIF", "P"),
    ("WEBP", "RGB"), ("BMP", "RGB"), ("TIFF", "RGB"), ("TIFF", "F"),
])  # fmt: skip
def test_damaged_bytes_give_pixels_or_a_reason(kind: str, mode: str) -> None:
    chance = random.Random(0)
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    options = {"exif": exif.tobytes()} if kind in ("JPEG", "PNG", "WEBP") else {}
    content = stored(rgb().convert(mode), kind, **options)
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 3, 10])):
            damaged[chance.randrange(min(len(damaged), 300))] = chance.randrange(256)
        with contextlib.suppress(RowError):
            pixels = decode(bytes(damaged))
            assert pixels.dtype == np.uint8
            assert pixels.shape[2:] == (3,)


def test_grey_levels_of_a_mask() -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[3:9, 4:20] = True
    levels = decode_grey(stored(PillowImage.fromarray(mask), "PNG"))
    np.testing.assert_array_equal(levels, mask * np.uint8(255))
    with pytest.raises(RowError):
        decode_grey(b"nothing")


def test_encode_keeps_colours() -> None:
    assert difference(decode(encode(picture())), picture()) < 2
    # Full colour resolution: a one-pixel red line does not smear into its neighbours.
    lines = np.zeros((32, 32, 3), np.uint8)
    lines[:, 16, 0] = 255
    assert decode(encode(lines))[:, 18, 0].max() < 20


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))]
)
def test_encode_refuses_other_arrays(wrong: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        encode(wrong)


def test_resize() -> None:
    image = cv2.resize(picture(), (64, 64), interpolation=cv2.INTER_CUBIC)
    small, large = resize(image, 32), resize(image, 128)
    assert (small.shape, large.shape) == ((32, 32, 3), (128, 128, 3))
    assert difference(small, image.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))) <= 0.5
    assert difference(large[::2, ::2], image) < 4


def test_difference_hash_knows_a_photo_again() -> None:
    rng = np.random.default_rng(5)
    small = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    photo = cv2.resize(small, (200, 200), interpolation=cv2.INTER_CUBIC)
    other = cv2.resize(small[::-1], (200, 200), interpolation=cv2.INTER_CUBIC)
    again = decode(stored(PillowImage.fromarray(photo).resize((120, 120)), "JPEG", quality=60))

    def distance(one: np.ndarray[Any, Any], two: np.ndarray[Any, Any]) -> int:
        a, b = (np.frombuffer(difference_hash(image), np.uint8) for image in (one, two))
        return int(np.bitwise_count(a ^ b).sum())

    assert len(difference_hash(photo)) == 32
    assert distance(photo, again) <= 12
    assert distance(photo, other) > 60
