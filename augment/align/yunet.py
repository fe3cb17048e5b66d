"""YuNet, a small face detector with five points, run by OpenCV on the CPU.

Method: W. Wu, H. Peng and S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine
Intelligence Research 2023. Weights: ``face_detection_yunet_2023mar.onnx`` of the OpenCV Zoo.
"""

import hashlib
from pathlib import Path
from typing import Any

import cv2
from pydantic import Field

from augment.align.views import search
from augment.errors import UserError
from augment.params import Section
from augment.protocols import Detection
from augment.types import Image

_OVERLAP = 0.3  # two boxes that share more than this (intersection over union) are one face
_CANDIDATES = 500


class Config(Section):
    path: Path  # the ONNX file, relative to the project's folder
    #: Default: the 2023mar release of the OpenCV Zoo.
    sha256: str = Field(
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        pattern=r"^[0-9a-f]{64}$",
    )
    min_score: float = Field(0.5, gt=0, lt=1)
    #: Photos are looked at with their longer side at this many pixels.
    look_size: int = Field(160, ge=96, le=1024, multiple_of=32)


class Detector:
    """Photo -> faces.

    Raises:
        UserError: the file is missing, or is not the one that ``sha256`` names.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._networks: dict[int, Any] = {}
        _verify(config.path, config.sha256)

    def __getstate__(self) -> dict[str, Any]:
        return {"_config": self._config, "_networks": {}}

    def identity(self) -> str:
        # Not the path: the same file in another folder gives the same faces.
        config = self._config
        return f"yunet {config.sha256} {config.min_score} {config.look_size}"

    def detect(self, image: Image) -> list[Detection]:
        """Faces of at least ``min_score``, in pixels of the photo.

        Args:
            image: uint8 (height, width, 3), RGB.
        """
        return search(image, self._config.look_size, self._find)

    def _find(self, canvas: Image) -> list[Detection]:
        _, rows = self._network(canvas.shape[0]).detect(cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR))
        return [
            Detection(row[:4].copy(), row[4:14].reshape(5, 2).copy(), float(row[14]))
            for row in (rows if rows is not None else ())
        ]

    def _network(self, side: int) -> Any:
        # One network a canvas size: changing a network's input size costs half a detection.
        if side not in self._networks:
            self._networks[side] = cv2.FaceDetectorYN.create(
                str(self._config.path), "", (side, side), self._config.min_score, _OVERLAP,
                _CANDIDATES,
            )  # fmt: skip
        return self._networks[side]


def _verify(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise UserError(
            f"align.detector: the YuNet weights {path} are missing; download "
            "face_detection_yunet_2023mar.onnx from the OpenCV Zoo (models/face_detection_yunet) "
            "and give its place as align.detector.path, or use `kind: haar`, which needs no file."
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise UserError(
            f"align.detector: {path} has sha256 {found}, not {sha256}: the file is damaged or of "
            "another release; replace it, or set align.detector.sha256 if you trust this one."
        )
