"""Bytes to pixels and back: one decoder, one resize, one codec for the whole project.

Real and synthetic faces go through the same functions, or a model would learn the compression
instead of the face.
"""

import io
import warnings
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps

from augment.errors import RowError
from augment.types import Image

#: Larger photos are refused before their pixels are read: 30,000 x 30,000 would take 2.7 GB.
MAX_PIXELS = 64_000_000
JPEG_QUALITY = 95

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")  # "JPEG" holds MPO, too
_JPEG_FORMATS = ("JPEG", "MPO")
_PLAIN_JPEG_MODES = ("RGB", "L")
_BOXES = b"ftyp"  # how files of the HEIF family begin (ISO/IEC 14496-12, 4.3)
#: libjpeg complains of how the file's scans are declared, and still reads every pixel.
_HARMLESS = ("Invalid SOS parameters", "Inconsistent progression sequence")
_COLOURED = ("RGB", "RGBA", "P", "PA", "CMYK")
#: What makes pixels upright, by EXIF orientation (CIPA DC-008, 4.6.5.1.6); 1 is upright.
_TURNS: dict[int, Callable[[Image], Image]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a[::-1].transpose(1, 0, 2),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a[:, ::-1].transpose(1, 0, 2),
}
_ENCODE = [
    cv2.IMWRITE_JPEG_QUALITY,
    JPEG_QUALITY,
    # Without chroma subsampling: halving the colour of a 64 px face smears lips and eyes.
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> Image:
    """Any picture file's bytes to upright sRGB, shape (height, width, 3), uint8.

    EXIF orientation is applied; colours are converted from an embedded ICC profile (without one
    they are taken for sRGB; a profile that is broken or of grey levels is passed over); alpha is
    laid on white; of an animation the first frame is taken; CMYK, palette, grey and 16-bit
    pictures are converted.

    Raises:
        RowError: the bytes are empty, no picture, cut off, damaged as far as the format tells, or
            hold more than ``max_pixels``. A JPEG has no checksum: garbled bytes that still read
            as exactly as many blocks as the picture has go unseen.
    """
    with warnings.catch_warnings():
        # Damaged metadata and large pictures: what matters of them ends as a RowError here.
        warnings.simplefilter("ignore")
        picture = _open(content, max_pixels)
        stored = _jpeg_pixels(content) if picture.format in _JPEG_FORMATS else None
        if stored is not None and picture.mode in _PLAIN_JPEG_MODES:
            return _in_srgb(_turned(stored, picture), _profile(picture))
        return _decoded(picture, _upright_rgb)


def decode_grey(content: bytes, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """A mask's bytes to grey levels, shape (height, width), uint8, as stored: no orientation.

    Raises:
        RowError: as :func:`decode`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = _open(content, max_pixels)
        if picture.format in _JPEG_FORMATS:
            _jpeg_pixels(content)
        return _decoded(picture, lambda stored: np.array(stored.convert("L"), dtype=np.uint8))


def _open(content: bytes, max_pixels: int) -> PillowImage.Image:
    """Read a picture's header; no pixel is decoded yet."""
    if not content:
        raise RowError("the file is empty")
    try:
        picture = PillowImage.open(io.BytesIO(content), formats=_FORMATS)
    except PillowImage.DecompressionBombError:
        raise RowError(f"the picture is larger than {max_pixels:,} pixels") from None
    except Exception:  # whatever Pillow's readers trip over in strange bytes, the row says so
        if content[4:8] == _BOXES:
            raise RowError("HEIC and AVIF pictures are not read: save it as JPEG or PNG") from None
        raise RowError("the file is not a picture that can be read") from None
    if picture.width * picture.height > max_pixels:
        raise RowError(
            f"the picture is {picture.width} x {picture.height}, over {max_pixels:,} pixels"
        )
    return picture


def _jpeg_pixels(content: bytes) -> Image | None:
    """A JPEG's pixels as they are stored, RGB; None where Pillow has to read them.

    libjpeg only warns of damage and fills what it could not read with grey. simplejpeg, over the
    same libjpeg-turbo, makes errors of its warnings, says nothing on stderr, and gives the pixels
    that OpenCV and Pillow give.

    Raises:
        RowError: the picture is damaged or cut off.
    """
    try:
        return np.asarray(simplejpeg.decode_jpeg(content, "RGB"), dtype=np.uint8)
    except ValueError:
        mended = _mended(content)
    try:
        simplejpeg.decode_jpeg_header(mended, strict=False)
    except (ValueError, KeyError):
        return None  # of a kind that is beyond simplejpeg, or no JPEG at all: Pillow says
    try:
        simplejpeg.decode_jpeg(mended, "RGB", min_height=1, min_width=1)  # the fastest
    except ValueError as error:
        if not str(error).startswith(_HARMLESS):
            raise RowError(f"the picture cannot be decoded: it is damaged ({error})") from None
    return None


def _mended(content: bytes) -> bytes:
    """A JPEG without the flaws that leave every pixel whole: what is wrong now is the pixels.

    Its metadata goes (libjpeg warns of odd version numbers there) and so do zeros that fill up
    its scans, as some cameras write them. A scan never ends in a zero of its own but after 0xFF:
    its last byte is filled up with ones (ISO/IEC 10918-1, F.1.2.3). Where zeros took the place
    of pixels, the scan is therefore short without them.
    """
    kept, at = [content[:2]], 2
    while (kind := content[at + 1 : at + 2]) not in (b"", b"\xda"):  # up to the first scan
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4])
        if not (b"\xe0" <= kind <= b"\xef" or kind == b"\xfe"):  # APP0 to APP15, comments
            kept.append(content[at:end])
        at = end
    scans, end_marker, _ = content[at:].partition(b"\xff\xd9")
    scans = scans.rstrip(b"\0")
    return b"".join(kept) + scans + (b"\0" if scans.endswith(b"\xff") else b"") + end_marker


def _turned(pixels: Image, picture: PillowImage.Image) -> Image:
    """Stored pixels made upright, by the EXIF data of the picture that they are of."""
    if "exif" not in picture.info:
        return pixels
    exif = PillowImage.Exif()
    try:
        exif.load(picture.info["exif"])
        turn = _TURNS.get(exif.get(0x0112, 1))
    except Exception:  # whatever strange EXIF data hold: the pixels are whole
        return pixels
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


def _decoded(
    picture: PillowImage.Image,
    pixels: Callable[[PillowImage.Image], npt.NDArray[np.uint8]],
) -> npt.NDArray[np.uint8]:
    try:
        return pixels(picture)
    except Exception as error:  # cut off, damaged, of a kind that Pillow cannot convert, …
        raise RowError(f"the picture cannot be decoded ({error})") from None


def _upright_rgb(picture: PillowImage.Image) -> Image:
    profile = _profile(picture)
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I") or upright.mode == "F":
        # 16-bit grey: Pillow's convert() would clip instead of scale.
        deep = np.asarray(upright, dtype=np.float64)
        peak = 65535.0 if upright.mode.startswith("I;16") or deep.max(initial=0) > 255 else 255.0
        upright = PillowImage.fromarray((deep * (255.0 / peak)).clip(0, 255).astype(np.uint8))
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        upright = PillowImage.alpha_composite(
            PillowImage.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba
        )
    if profile and upright.mode == "CMYK":
        change = _to_srgb(profile, "CMYK")
        return np.array(change.apply(upright) if change else upright.convert("RGB"), dtype=np.uint8)
    return _in_srgb(np.array(upright.convert("RGB"), dtype=np.uint8), profile)


def _profile(picture: PillowImage.Image) -> bytes | None:
    """The ICC profile that came with a coloured picture, if any."""
    profile = picture.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and picture.mode in _COLOURED else None


def _in_srgb(pixels: Image, profile: bytes | None) -> Image:
    """RGB pixels that ``profile`` describes, as sRGB."""
    change = _to_srgb(profile, "RGB") if profile else None
    if change is None:
        return pixels
    return np.array(change.apply(PillowImage.fromarray(pixels)), dtype=np.uint8)


@lru_cache(maxsize=8)  # the photos of one camera carry the same profile
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile's colours (``mode``: RGB or CMYK) to sRGB.

    Relative colorimetric: colours that sRGB can show, skin among them, stay what they are, and
    only those beyond it are clipped. The perceptual intent would shift all of them where a
    profile has a table for it, each maker's in its own way. The black point is fitted, or the
    blacks of print would come out grey.

    Returns:
        None: the profile is broken, is for other colours, or is sRGB by another name.
    """
    try:
        known = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if known.profile.xcolor_space.strip() != mode:
            return None
        change = ImageCms.buildTransform(
            known,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
    return None if mode == "RGB" and _is_idle(change) else change


def _is_idle(change: ImageCms.ImageCmsTransform) -> bool:
    """Whether no colour moves by more than rounding: sRGB's many profiles differ by a level."""
    steps = np.linspace(0, 255, 16).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(64, 64, 3)
    moved = np.asarray(change.apply(PillowImage.fromarray(colours)), dtype=np.int16) - colours
    return bool(np.abs(moved).max() <= 2)


def encode(image: Image) -> bytes:
    """RGB pixels to the project's one stored form: JPEG, quality 95, full colour resolution.

    Raises:
        ValueError: ``image`` is not uint8 of shape (height, width, 3).
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected uint8 (height, width, 3), got {image.dtype} {image.shape}")
    done, content = cv2.imencode(".jpg", image[..., ::-1], _ENCODE)
    if not done:
        raise ValueError("the picture could not be encoded as JPEG")
    return bytes(content)


def resize(image: Image, size: int) -> Image:
    """To ``size`` x ``size``: area averaging when shrinking, Lanczos when enlarging."""
    shrink = image.shape[0] > size
    return np.asarray(
        cv2.resize(
            image, (size, size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LANCZOS4
        ),
        dtype=np.uint8,
    )


def difference_hash(image: Image) -> bytes:
    """256 bits (32 bytes): whether each cell of a 16 x 17 grey thumbnail is brighter than its left.

    Two files of one photo, recompressed or rescaled, differ in few bits (dHash, N. Krawetz 2013,
    at 16 x 16 instead of 8 x 8).
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes()
