"""A face embedder from an ONNX file that somebody else trained, run by onnxruntime on the CPU.

The file is read once, its sha256 compared, and what was compared is what runs. Nothing is ever
downloaded, and nothing of the file is copied.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from augment.errors import UserError
from augment.images import resize
from augment.types import FloatArray, Image

Levels = float | tuple[float, float, float]
Channels = Literal["rgb", "bgr"]

#: Root mean square distance of ArcFace's five reference points (J. Deng et al., CVPR 2019) from
#: their centre, as a share of the side of the square that its networks look at.
_SPREAD = 0.20756


@dataclass
class Embedder:
    """Faces -> descriptions of length 1. Picklable: a copy reads the file again.

    Attributes:
        path: the ONNX file: one input, float32, (1, 3, size, size) or (1, size, size, 3).
        sha256: what the file must have, 64 hex digits.
        size: side of the square that it takes, pixels.
        channels: order of the colours that it takes.
        mean, std: it takes (level - mean) / std of levels 0..255; one number, or one a channel in
            that order.
        where: whose it is, for messages.
    """

    path: Path
    sha256: str
    size: int
    channels: Channels
    mean: Levels
    std: Levels
    where: str
    _session: Any = field(default=None, repr=False, compare=False)
    _channels_last: bool = False
    _numbers: int = 0

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_session": None}

    def read(self) -> bytes:
        """The file's content.

        Raises:
            UserError: it is missing, or is not the one that ``sha256`` names.
        """
        try:
            content = self.path.expanduser().read_bytes()
        except OSError:
            raise UserError(
                f"{self.where}: the face embedder {self.path} is missing; put the ONNX file there "
                "(nothing is downloaded by itself), or set its `model` to where it lies."
            ) from None
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise UserError(
                f"{self.where}: {self.path} has sha256 {found}, not {self.sha256}: the file is "
                "damaged or another one; replace it, or set its `sha256` if you trust this one."
            )
        return content

    def start(self) -> None:
        """Load the network.

        Raises:
            UserError: as :meth:`read`; it is no network that takes one face of ``size``; it gives
                no description of a face.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread: the pool has one process a core already, and sums keep one order.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        content = self.read()
        try:
            session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own kinds, each derived from Exception alone
            raise UserError(
                f"{self.where}: {self.path} cannot be loaded by onnxruntime ({_first(error)})."
            ) from None
        self._channels_last = self._takes_channels_last(session.get_inputs())
        self._session = session
        found = self._run(np.zeros((self.size, self.size, 3), np.uint8))
        if found.ndim != 1 or len(found) < 2:
            raise UserError(
                f"{self.where}: {self.path} gives numbers of shape {found.shape} for a face; an "
                "embedder gives one row."
            )
        self._numbers = len(found)

    def describe(self, images: Iterable[Image], shown: float) -> FloatArray:
        """uint8 (h, w, 3) RGB each -> float32 (images, numbers), rows of length 1.

        Faces go through the network one by one: each result depends on its face alone.

        Args:
            images: aligned crops.
            shown: side of the square that is shown to the network, as a share of a crop's.

        Raises:
            UserError: see :meth:`start`.
        """
        if self._session is None:
            self.start()
        rows = [self._run(view(image, self.size, shown)).astype(np.float64) for image in images]
        found = np.array(rows).reshape(len(rows), self._numbers)
        lengths = np.sqrt(np.sum(found**2, axis=1, keepdims=True))
        return np.asarray(found / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _run(self, face: Image) -> FloatArray:
        """uint8 (size, size, 3) -> the network's first output without its batch axis."""
        ordered = face if self.channels == "rgb" else face[..., ::-1]
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        levels = (ordered.astype(np.float32) - mean) / std
        planes = levels if self._channels_last else levels.transpose(2, 0, 1)
        name = self._session.get_inputs()[0].name
        try:
            found = self._session.run(None, {name: np.ascontiguousarray(planes[None])})[0]
        except Exception as error:  # as above
            raise UserError(
                f"{self.where}: {self.path} does not take a face of {self.size} x {self.size} "
                f"pixels ({_first(error)})."
            ) from None
        numbers: FloatArray = np.asarray(found, dtype=np.float32)[0]
        return numbers

    def _takes_channels_last(self, inputs: Sequence[Any]) -> bool:
        shapes = [list(given.shape) for given in inputs]
        shape = shapes[0] if len(shapes) == 1 else []
        if len(shape) != 4 or inputs[0].type != "tensor(float)":
            raise UserError(
                f"{self.where}: {self.path} takes {shapes} ({inputs[0].type}); an embedder takes "
                "one picture, float32 (1, 3, side, side) or (1, side, side, 3)."
            )
        channels_last = bool(shape[3] == 3 and shape[1] != 3)
        sides = shape[1:3] if channels_last else shape[2:]
        if any(isinstance(side, int) and side not in (-1, self.size) for side in sides):
            raise UserError(
                f"{self.where}: {self.path} takes faces of {sides[0]} x {sides[1]} pixels: set "
                f"its `size` to that (it is {self.size})."
            )
        return channels_last


def view(image: Image, size: int, shown: float) -> Image:
    """The middle of an aligned crop, uint8 (size, size, 3).

    Args:
        image: uint8 (side, side, 3).
        size: pixels.
        shown: side of what is shown, as a share of the crop's; above 1 the crop is mirrored
            beyond its edges, as alignment does beyond the photo's.
    """
    side = round(size / shown)
    side += (side - size) % 2  # so that the middle stays in the middle
    whole = resize(image, side)
    edge = (side - size) // 2
    if edge >= 0:
        return np.ascontiguousarray(whole[edge : edge + size, edge : edge + size])
    border = cv2.copyMakeBorder(whole, *(-edge,) * 4, cv2.BORDER_REFLECT_101)
    return np.asarray(border, dtype=np.uint8)


def arcface_square(points: FloatArray, size: int) -> float:
    """The side of the square that ArcFace's networks look at, as a share of the crops' side.

    Args:
        points: (faces, 5, 2), of aligned crops, pixels.
        size: side of the crops, pixels.

    Raises:
        UserError: the points do not lie as those of faces.
    """
    usual = np.median(points.astype(np.float64), axis=0)
    spread = float(np.sqrt(np.mean(np.sum((usual - usual.mean(axis=0)) ** 2, axis=1))))
    share = round(spread / _SPREAD / size, 2)
    if not 0.2 <= share <= 2:
        raise UserError(
            "the five points of the aligned faces do not lie as those of faces do, so what part of "
            "a crop to show to the face embedder is not known: set its `shown` in params.yaml."
        )
    return share


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
