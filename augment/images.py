"""Bytes to pixels and back: one decoder, one resize, one codec for the whole project.

Real and synthetic faces go through the same functions, or a model would learn the compression
instead of the face.
"""

import io
import warnings
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageOps

from augment.errors import RowError
from augment.types import Image

#: Larger photos are refused before their pixels are read: 30,000 x 30,000 would take 2.7 GB.
MAX_PIXELS = 64_000_000
JPEG_QUALITY = 95

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")  # "JPEG" holds MPO, too
_PLAIN_JPEG_MODES = ("RGB", "L")
_ENCODE = [
    cv2.IMWRITE_JPEG_QUALITY,
    JPEG_QUALITY,
    # Without chroma subsampling: halving the colour of a 64 px face smears lips and eyes.
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> Image:
    """Any picture file's bytes to upright RGB, shape (height, width, 3), uint8.

    EXIF orientation is applied; alpha is laid on white; of an animation the first frame is
    taken; CMYK, palette, grey and 16-bit pictures are converted.

    Raises:
        RowError: the bytes are empty, no picture, cut off, or hold more than ``max_pixels``.
    """
    with warnings.catch_warnings():
        # Damaged metadata and large pictures: what matters of them ends as a RowError here.
        warnings.simplefilter("ignore")
        picture = _open(content, max_pixels)
        if _is_plain_jpeg(picture, content):
            pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
            if pixels is not None:
                return np.asarray(pixels, dtype=np.uint8)
        return _decoded(picture, _upright_rgb)


def decode_grey(content: bytes, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """A mask's bytes to grey levels, shape (height, width), uint8, as stored: no orientation.

    Raises:
        RowError: as :func:`decode`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = _open(content, max_pixels)
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
        raise RowError("the file is not a picture that can be read") from None
    if picture.width * picture.height > max_pixels:
        raise RowError(
            f"the picture is {picture.width} x {picture.height}, over {max_pixels:,} pixels"
        )
    return picture


def _is_plain_jpeg(picture: PillowImage.Image, content: bytes) -> bool:
    """Whether OpenCV's decoder, five times faster, gives the right pixels.

    A cut-off file is not plain: OpenCV would fill the rest with grey and say nothing.
    """
    return (
        picture.format == "JPEG"
        and picture.mode in _PLAIN_JPEG_MODES
        and b"\xff\xd9" in content[-2048:]
    )


def _decoded(
    picture: PillowImage.Image,
    pixels: Callable[[PillowImage.Image], npt.NDArray[np.uint8]],
) -> npt.NDArray[np.uint8]:
    try:
        return pixels(picture)
    except Exception as error:  # cut off, damaged, of a kind that Pillow cannot convert, …
        raise RowError(f"the picture cannot be decoded ({error})") from None


def _upright_rgb(picture: PillowImage.Image) -> Image:
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
    return np.array(upright.convert("RGB"), dtype=np.uint8)


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
