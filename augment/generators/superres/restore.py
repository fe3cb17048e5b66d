"""Uses a trained enlarger on a face of any size, in bounded memory, each face by itself."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from augment.generators.superres.network import FACTOR, Enlarger, PaperEnlarger, bicubic, shrink
from augment.nets.data import to_images, to_tensor
from augment.nets.device import reproducible
from augment.types import Image

#: Larger pictures are enlarged in tiles of so many input pixels a side, without what laps over.
TILE = 256
_PERIOD = 128  # input pixels after which grain comes again
_MIDDLE = 127.5  # grey levels to one unit of a network's pictures


def blended(
    pixels: Mapping[str, Tensor], detail: Mapping[str, Tensor], blend: float
) -> dict[str, Tensor]:
    """The weights between two networks (X. Wang et al., "ESRGAN", ECCVW 2018, section 3.4): 0 is
    ``pixels``, 1 is ``detail``. Both have the same names; the second started from the first."""
    return {name: torch.lerp(value, detail[name], blend) for name, value in pixels.items()}


def enlarge(
    network: Enlarger | PaperEnlarger,
    face: Image,
    rounds: int = 0,
    tile: int = TILE,
    grain: float = 0.0,
) -> Image:
    """uint8 (h, w, 3) -> (4 h, 4 w, 3).

    Args:
        network: in evaluation mode.
        face: any size from 1 x 1.
        rounds: of back-projection (M. Irani & S. Peleg, CVGIP 1991): what the shrunken result lacks
            against ``face`` is enlarged and added.
        tile: see :data:`TILE`; the result does not depend on it by more than rounding.
        grain: strength of the noise that is added, grey levels of 255 (see :func:`film_grain`).
    """
    height, width = face.shape[:2]
    result = np.empty((FACTOR * height, FACTOR * width, 3), np.uint8)
    device = next(network.parameters()).device
    # Two pixels a round: the bicubic kernel's reach.
    reach = network.reach + 2 * rounds
    noise = film_grain(face, grain) if grain else None
    # One thread: how a sum is split over threads shows in its last bits.
    with reproducible(threads=1), torch.inference_mode():
        for top in range(0, height, tile):
            for left in range(0, width, tile):
                rows, above = _window(top, tile, reach, height, network.multiple)
                columns, before = _window(left, tile, reach, width, network.multiple)
                part = to_tensor([face[rows, columns]], device)
                found = _project(network, part, rounds)
                if noise is not None:
                    found = found + _laid(noise, rows, columns, found.shape[2:]).to(device)
                made = to_images(found.clamp(-1, 1))[0]
                place = (
                    _scaled(top, min(top + tile, height)),
                    _scaled(left, min(left + tile, width)),
                )
                inside = tuple(
                    slice(FACTOR * start, FACTOR * start + where.stop - where.start)
                    for start, where in zip((above, before), place, strict=True)
                )
                result[place] = made[inside]
    return result


def film_grain(face: Image, level: float) -> Tensor:
    """White noise for a face, (1, 1, side, side), in a network's units: the same whenever the face
    is restored, another for another face. Photos have grain that no small copy of them shows; like
    codecs that take it out and put it back by its strength (A. Norkin & N. Birkbeck, "Film Grain
    Synthesis for AV1 Video Codec", DCC 2018). Its mean over each 4 x 4 pixels is 0, so that the
    shrunken picture stays.
    """
    side = min(_PERIOD, max(face.shape[:2]))
    seed = np.frombuffer(hashlib.sha256(face.tobytes()).digest(), np.uint32)
    white = np.random.default_rng(seed).standard_normal((side, FACTOR, side, FACTOR), np.float32)
    white -= white.mean(axis=(1, 3), keepdims=True)
    return torch.from_numpy(white.reshape(1, 1, FACTOR * side, FACTOR * side) * level / _MIDDLE)


def _laid(noise: Tensor, rows: slice, columns: slice, shape: Sequence[int]) -> Tensor:
    """Grain at the place of a window in the whole picture, where it comes again and again."""
    down, right = (
        (FACTOR * window.start + torch.arange(length)) % noise.shape[-1]
        for window, length in zip((rows, columns), shape, strict=True)
    )
    return noise[:, :, down][..., right]


def _window(start: int, tile: int, reach: int, side: int, multiple: int) -> tuple[slice, int]:
    """What a tile's result depends on, beginning at a multiple; how much of it lies before it."""
    first = max(0, start - reach) // multiple * multiple
    return slice(first, min(side, start + tile + reach)), start - first


def _scaled(start: int, stop: int) -> slice:
    return slice(FACTOR * start, FACTOR * stop)


def _project(network: Enlarger | PaperEnlarger, part: Tensor, rounds: int) -> Tensor:
    made: Tensor = network(part).clamp(-1, 1)
    for _ in range(rounds):
        made = (made + bicubic(part - shrink(made))).clamp(-1, 1)
    return made
