"""Any detector of an InsightFace model pack (RetinaFace, SCRFD), run by onnxruntime.

Method of the packs' detectors: J. Guo et al., "Sample and Computation Redistribution for Efficient
Face Detection", ICLR 2022. Nothing is ever downloaded; packs that InsightFace publishes are for
non-commercial research.
"""

import hashlib
import sys
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from pydantic import Field

from augment.align.views import search
from augment.errors import UserError
from augment.params import Section
from augment.protocols import Detection
from augment.types import Image

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class Config(Section):
    #: The pack's name: its files lie in ``<root>/models/<pack>/``.
    pack: str = Field("buffalo_l", pattern=r"^[A-Za-z0-9][\w.-]*$")
    root: Path = Path("~/.insightface")
    provider: Literal["cpu", "cuda"] = "cpu"
    min_score: float = Field(0.5, gt=0, lt=1)
    #: Photos are looked at with their longer side at this many pixels.
    look_size: int = Field(320, ge=96, le=1280, multiple_of=32)


class Detector:
    """Photo -> faces.

    Asked for ``cuda`` where onnxruntime has none, it says so on stderr and computes on the CPU.

    Raises:
        UserError: the pack's folder is missing, empty, or holds no detector.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._app: Any = None
        self._weights = _digest(config)
        self._provider: Literal["cpu", "cuda"] = config.provider
        if config.provider == "cuda":
            # Loaded at once: whether CUDA really starts shows only then, and the results of the
            # two providers are cached apart.
            self._provider = self._start()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_app": None}

    def identity(self) -> str:
        config = self._config
        return f"insightface {self._weights} {self._provider} {config.min_score} {config.look_size}"

    def detect(self, image: Image) -> list[Detection]:
        """Faces of at least ``min_score``, in pixels of the photo.

        Args:
            image: uint8 (height, width, 3), RGB.
        """
        if self._app is None:
            self._start()
        return search(image, self._config.look_size, self._find)

    def _find(self, canvas: Image) -> list[Detection]:
        boxes, points = self._app.det_model.detect(
            cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR), input_size=canvas.shape[1::-1]
        )
        return [
            Detection(
                np.concatenate([row[:2], row[2:4] - row[:2]]).astype(np.float32),
                five.astype(np.float32),
                float(row[4]),
            )
            for row, five in zip(boxes, points, strict=True)
        ]

    def _start(self) -> Literal["cpu", "cuda"]:
        """Load the network; returns where it really runs."""
        # Both imports take a second together, which other detectors need not wait for.
        import onnxruntime
        from insightface.app import FaceAnalysis

        wanted = self._provider  # where an earlier process fell back, this one does without a word
        options = onnxruntime.SessionOptions()
        # One thread: the pool has one process a core already, and sums keep one order.
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        usable = [
            _PROVIDERS[name]
            for name in dict.fromkeys((wanted, "cpu"))
            if _PROVIDERS[name] in onnxruntime.get_available_providers()
        ]
        try:
            self._app = FaceAnalysis(
                str(_folder(self._config)),
                allowed_modules=["detection"],
                providers=usable,
                sess_options=options,
            )
        except Exception as error:  # onnx, onnxruntime and insightface each raise their own
            raise UserError(
                f"align.detector: {_folder(self._config)} holds no detector that insightface can "
                f"load ({type(error).__name__}: {error}); use a pack with a file such as "
                "det_10g.onnx or scrfd_*.onnx."
            ) from None
        side = self._config.look_size
        self._app.prepare(ctx_id=0, det_thresh=self._config.min_score, det_size=(side, side))
        if not self._app.det_model.use_kps:
            raise UserError(
                f"align.detector: the detector in {_folder(self._config)} finds boxes without the "
                "five points that alignment needs; use one whose name ends in _kps or a det_* one."
            )
        if (
            wanted == "cuda"
            and _PROVIDERS["cuda"] not in self._app.det_model.session.get_providers()
        ):
            print(
                "augment: WARNING: align.detector.provider is cuda, but onnxruntime found no "
                "usable CUDA here: faces are detected on the CPU, several times slower. Install "
                "onnxruntime-gpu and its CUDA libraries, or set provider: cpu.",
                file=sys.stderr,
            )
            return "cpu"
        return wanted


def _folder(config: Config) -> Path:
    return config.root.expanduser() / "models" / config.pack


def _digest(config: Config) -> str:
    """sha256 over the pack's files."""
    folder = _folder(config)
    files = sorted(folder.glob("*.onnx"))
    if not files:
        raise UserError(
            f"align.detector: {folder} holds no .onnx file; put the InsightFace pack "
            f"'{config.pack}' there (nothing is downloaded by itself), or set align.detector.root "
            "and .pack to where one lies."
        )
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
