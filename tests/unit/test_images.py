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
from PIL import ImageCms

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
    [
        (0, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: np.rot90(np.fliplr(a), 1)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(np.fliplr(a), -1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
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


DAMAGED = "cannot be decoded: it is damaged"


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    """A JPEG whose pixels take some 5 kB."""
    spots = np.random.default_rng(3).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    spots = cv2.resize(spots, (160, 128), interpolation=cv2.INTER_CUBIC)
    return stored(PillowImage.fromarray(spots).convert(mode), "JPEG", quality=90, **options)


def first_scan(content: bytes) -> int:
    """Where the pixels' bytes begin."""
    scan = content.index(b"\xff\xda")
    return scan + 2 + int.from_bytes(content[scan + 2 : scan + 4])


@pytest.mark.parametrize("read", [decode, decode_grey])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("share", [0.5, 0.75, 0.97])
def test_a_jpeg_that_was_cut_off_and_given_an_end_is_damaged(
    read: Any, progressive: bool, mode: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    content = jpeg(mode, progressive=progressive)
    assert len(read(content)) == 128
    with pytest.raises(RowError, match=DAMAGED):
        read(content[: int(len(content) * share)] + b"\xff\xd9")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("restart", [0, 4])
def test_garbled_bytes_in_a_jpeg_are_damage(
    restart: int, capfd: pytest.CaptureFixture[str]
) -> None:
    content = jpeg(restart_marker_blocks=restart)
    refused = 0
    for seed in range(30):
        chance = random.Random(seed)
        at = chance.randrange(first_scan(content), len(content) - 62)
        with contextlib.suppress(RowError):
            decode(content[:at] + chance.randbytes(60) + content[at + 60 :])
            refused -= 1
        refused += 1
    assert refused >= 20  # some garbled bytes read as just as many other blocks: none can tell
    assert capfd.readouterr().err == ""


def test_a_jpeg_filled_up_with_zeros_is_damaged() -> None:
    content = jpeg()
    missing = len(content) // 4
    for end in (b"", b"\xff\xd9"):
        with pytest.raises(RowError, match=DAMAGED):
            decode(content[:-missing] + bytes(missing) + end)


def test_flaws_that_leave_every_pixel_whole_are_no_damage(
    capfd: pytest.CaptureFixture[str],
) -> None:
    content = jpeg()
    scan = first_scan(content)
    end = content[-2:]
    flawed = {
        "JFIF of an unknown version": content[:11] + b"\x07" + content[12:],
        "zeros before the end": content[:-2] + bytes(40) + end,
        "the scan says to end at coefficient 0": content[: scan - 2] + b"\0" + content[scan - 1 :],
        "bytes after the end": content + b"anything" * 500,
    }
    for flaw, bytes_of_it in flawed.items():
        np.testing.assert_array_equal(decode(bytes_of_it), decode(content), err_msg=flaw)
    assert capfd.readouterr().err == ""


def test_of_several_jpegs_in_one_file_the_first_counts() -> None:
    red, blue = (PillowImage.new("RGB", (64, 48), colour) for colour in ("red", "blue"))
    content = stored(red, "MPO", save_all=True, append_images=[blue])
    assert difference(decode(content), np.asarray(red)) < 2
    first = content.index(b"\xff\xd9")
    with pytest.raises(RowError, match=DAMAGED):
        decode(content[: first - 40] + content[first:])


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


#: Red, green and blue as XYZ under D50, one a column, as profiles hold them.
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]]
)
P3 = np.array(
    [[0.51512, 0.29198, 0.1571], [0.2412, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
ADOBE = np.array(
    [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)
ADOBE_GAMMA = 563 / 256


def srgb_to_light(levels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def light_to_srgb(light: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def icc(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2.4 (ICC.1:2001-04)."""
    body, table = b"", struct.pack(">I", len(tags))
    for name, data in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data.ljust(-(-len(data) // 4) * 4, b"\0")
    d50 = struct.pack(">iii", 63190, 65536, 54061)
    head = struct.pack(">I4s4s4s4s4s", 0, b"test", b"\x02\x40\0\0", device, space, connection)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + d50 + bytes(48)
    content = head + table + body
    return struct.pack(">I", len(content)) + content[4:]


def rgb_profile(primaries: np.ndarray[Any, Any], curve: np.ndarray[Any, Any]) -> bytes:
    """What RGB levels mean: ``curve`` gives the light (0 to 1) of evenly spaced levels."""
    light = (curve * 65535).round().astype(">u2").tobytes()
    response = b"curv" + struct.pack(">II", 0, len(curve)) + light
    columns = [
        b"XYZ " + struct.pack(">I", 0) + (xyz * 65536).round().astype(">i4").tobytes()
        for xyz in primaries.T
    ]
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True))
    white = b"XYZ " + struct.pack(">Iiii", 0, 63190, 65536, 54061)
    return icc(
        b"mntr",
        b"RGB ",
        b"XYZ ",
        tags | {b"wtpt": white} | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), response),
    )


LEVELS = np.linspace(0, 1, 1024)
P3_PROFILE = rgb_profile(P3, srgb_to_light(LEVELS))
ADOBE_PROFILE = rgb_profile(ADOBE, LEVELS**ADOBE_GAMMA)


def as_srgb(
    pixels: np.ndarray[Any, Any], primaries: np.ndarray[Any, Any], to_light: Any
) -> np.ndarray[Any, Any]:
    """By the book: to light, to XYZ, to sRGB's light, to its levels; what is beyond is clipped."""
    light = to_light(pixels / 255) @ (np.linalg.inv(SRGB) @ primaries).T
    return light_to_srgb(light) * 255


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("profile", "primaries", "to_light"),
    [(P3_PROFILE, P3, srgb_to_light), (ADOBE_PROFILE, ADOBE, lambda a: a**ADOBE_GAMMA)],
)
def test_colours_of_a_profile_become_srgb(
    kind: str, profile: bytes, primaries: Any, to_light: Any
) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    as_stored = decode(stored(rgb(), kind, **options))
    pixels = decode(stored(rgb(), kind, icc_profile=profile, **options))
    expected = as_srgb(as_stored, primaries, to_light)
    assert difference(pixels, expected) < 1
    assert difference(as_stored, expected) > 4


def test_a_profile_goes_with_orientation_palette_and_transparency() -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    expected = as_srgb(picture(), P3, srgb_to_light)
    turned = decode(stored(rgb(), "PNG", icc_profile=P3_PROFILE, exif=exif.tobytes()))
    assert difference(turned, np.rot90(expected, -1)) < 1
    turned = decode(stored(rgb(), "JPEG", quality=95, icc_profile=P3_PROFILE, exif=exif.tobytes()))
    assert difference(turned, np.rot90(expected, -1)) < 5
    clear = rgb().copy()
    clear.putalpha(PillowImage.new("L", clear.size, 255))
    assert difference(decode(stored(clear, "PNG", icc_profile=P3_PROFILE)), expected) < 1
    skin = PillowImage.new("RGB", (8, 8), (200, 150, 120))
    indexed = decode(stored(skin.quantize(2), "PNG", icc_profile=P3_PROFILE))
    assert difference(indexed, as_srgb(np.asarray(skin), P3, srgb_to_light)) < 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "profile",
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        rgb_profile(SRGB, srgb_to_light(LEVELS)),
        P3_PROFILE[:300],
        P3_PROFILE[:-500],
        b"no profile at all",
        icc(b"mntr", b"GRAY", b"XYZ ", {}),
    ],
    ids=["sRGB", "sRGB of another maker", "cut off", "curve cut off", "text", "of grey levels"],
)
def test_profiles_of_srgb_and_broken_ones_change_no_pixel(kind: str, profile: bytes) -> None:
    np.testing.assert_array_equal(
        decode(stored(rgb(), kind, icc_profile=profile)), decode(stored(rgb(), kind))
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_grey_pictures_and_masks_take_no_profile(kind: str) -> None:
    plain = stored(rgb().convert("L"), kind)
    tagged = stored(rgb().convert("L"), kind, icc_profile=ADOBE_PROFILE)
    np.testing.assert_array_equal(decode(tagged), decode(plain))
    np.testing.assert_array_equal(
        decode_grey(stored(rgb(), kind, icc_profile=ADOBE_PROFILE)),
        decode_grey(stored(rgb(), kind)),
    )


def cmyk_profile() -> bytes:
    """A press whose "cyan" is red ink, L*a*b* 54, 81, 70; what else is printed comes out black."""
    paper, red, black = (255, 128, 128), (138, 209, 198), (0, 128, 128)
    corners = [red if ink == 8 else black if ink else paper for ink in range(16)]
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    ramp = bytes(range(256))
    table = b"".join(bytes(lab) for lab in corners)
    lut = b"mft1" + struct.pack(">IBBBB", 0, 4, 3, 2, 0) + identity + ramp * 4 + table + ramp * 3
    return icc(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut, b"A2B1": lut})


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_profile_says_what_ink_looks_like(kind: str) -> None:
    ink = PillowImage.new("CMYK", (48, 16), (0, 0, 0, 0))
    ink.paste((255, 0, 0, 0), (16, 0, 32, 16))
    ink.paste((0, 0, 0, 255), (32, 0, 48, 16))
    without = decode(stored(ink, kind))
    pixels = decode(stored(ink, kind, icc_profile=cmyk_profile()))
    assert difference(without[8, [8, 24, 40]], np.array([[255] * 3, [0, 255, 255], [0] * 3])) < 4
    assert difference(pixels[8, [8, 24, 40]], np.array([[255] * 3, [255, 0, 0], [0] * 3])) < 4


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
