"""Ways to restore a face badly, for benchmarks/superres_gate.py."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import gate_spoils
import numpy as np
from superres_gains import RESTORED
from superres_truth import Truth

from augment import plugins
from augment.generators.superres import Config, Generator, photographed, with_lost
from augment.images import decode, resize
from augment.nets.weights import read_config, sha256
from augment.params import validate
from augment.seeds import row_generator
from augment.types import Image

Random = np.random.Generator
Spoil = Callable[[Truth, Truth, Random], Image]


def _not_restored(own: Truth, _: Truth, __: Random) -> Image:
    """The small face, enlarged and no more; a little brighter, so that it is no copy."""
    return np.clip(own.small.astype(np.int16) + 2, 0, 255).astype(np.uint8)


def _blur(own: Truth, _: Truth, random: Random) -> Image:
    return gate_spoils.blur(own.restored, random)


def _slight_blur(own: Truth, _: Truth, random: Random) -> Image:
    sigma = random.uniform(1.0, 1.4)
    return np.asarray(cv2.GaussianBlur(own.restored, (0, 0), sigma), dtype=np.uint8)


def _noise(own: Truth, _: Truth, random: Random) -> Image:
    return gate_spoils.noise(own.restored, random)


def _harsh(own: Truth, _: Truth, random: Random) -> Image:
    """Edges overdrawn, as an adversary leaves them that has won."""
    levels = own.restored.astype(np.float32)
    soft = cv2.GaussianBlur(levels, (0, 0), 1.2)
    strength = random.uniform(3.0, 5.0)
    return np.asarray(np.clip(levels + strength * (levels - soft), 0, 255), dtype=np.uint8)


def _weave(own: Truth, _: Truth, random: Random) -> Image:
    """A pattern that comes again every other pixel: sub-pixel convolution's."""
    side = len(own.restored)
    board = np.indices((side, side)).sum(axis=0) % 2 * 2 - 1
    level = random.uniform(10, 16)
    woven = np.clip(own.restored + level * board[..., None], 0, 255)
    return np.asarray(woven, dtype=np.uint8)


def _lighter(own: Truth, _: Truth, random: Random) -> Image:
    lighter = np.clip(own.restored + random.uniform(9, 14), 0, 255)
    return np.asarray(lighter, dtype=np.uint8)


def _somebody_else(own: Truth, other: Truth, _: Random) -> Image:
    """Another's photo, in the colours of the small face's cells."""
    cells = (own.parent["native_side"] or 24) * 0.5
    side = max(6, round(cells))
    face = other.photo.astype(np.float32)
    size = face.shape[1::-1]
    for _round in range(4):
        small, shrunk = (cv2.resize(x.astype(np.float32), (side, side),
                                    interpolation=cv2.INTER_AREA)
                         for x in (own.small, np.clip(face, 0, 255)))  # fmt: skip
        face = face + cv2.resize(small - shrunk, size, interpolation=cv2.INTER_CUBIC)
    return np.clip(face, 0, 255).astype(np.uint8)


def _paste(own: Truth, _: Truth, random: Random) -> Image:
    return gate_spoils.paste(own.restored, random)


def _closed(own: Truth, _: Truth, random: Random) -> Image:
    return gate_spoils.closed(own.restored, random)


def _cut(own: Truth, _: Truth, random: Random) -> Image:
    return gate_spoils.cut(own.restored, random)


SPOILS: dict[str, Spoil] = {
    "not_restored": _not_restored,
    "slight_blur": _slight_blur,
    "blur": _blur,
    "noise": _noise,
    "harsh": _harsh,
    "weave": _weave,
    "lighter": _lighter,
    "somebody_else": _somebody_else,
    "paste": _paste,
    "closed": _closed,
    "cut": _cut,
}


def no_faces(
    road: Path, params: dict[str, Any], data: Path, known: list[Truth], seed: int
) -> Iterator[tuple[dict[str, Any], dict[str, Image]]]:
    """Corners of photos without a face in them, as small as the faces and restored like them: for
    each the row of a true small face, and the two pictures."""
    # Not the road's own detector: what it takes for a face is the question.
    path = data / "weights/face_detection_yunet_2023mar.onnx"
    entry = {"kind": "yunet", "path": str(path), "sha256": sha256(path)}
    module, settings = plugins.configure("align", entry, "the benchmark")
    detector = module.Detector(settings)
    folder = road / "models" / RESTORED
    entry = {**params["generators"][RESTORED]}
    entry.pop("kind")
    generator = Generator(validate(Config, {**read_config(folder), **entry}, "superres"))
    generator.load(folder)
    for truth in known:
        photo = decode((data / truth.parent["id"]).read_bytes())
        random = row_generator(seed, "superres gate no face", truth.row["id"])
        side = len(photo) * 5 // 16
        top, left = (int(random.choice([0, len(photo) - side])) for _ in range(2))
        corner = photo[top : top + side, left : left + side]
        native = round(truth.parent["native_side"])
        if detector.detect(resize(corner, 128)):
            continue
        small = resize(resize(corner, native), len(truth.small))
        tiny = photographed(small, native)
        large = resize(generator.enlarge(tiny), len(small))
        yield truth.parent, {"small": small, "restored": with_lost(large, small, tiny)}
