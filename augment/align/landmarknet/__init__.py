"""Our own face detector: comes with the package, needs no file and no torch, and its weights are
free of other people's terms (see MODEL_CARD.md beside this file).

A fully convolutional network of 0.26 million parameters says for each place of a photo whether a
face's middle lies there, its box and its five points. Trained by ``python -m
augment.nets.landmarknet``, where its design and sources stand. Run by onnxruntime, in less than
half of the time that OpenCV takes for it.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from pydantic import Field

from augment.align.landmarknet.decoding import faces_of
from augment.align.landmarknet.graph import Layout, model, read_layout
from augment.align.landmarknet.refining import confirmed, refined
from augment.align.views import search
from augment.errors import UserError
from augment.params import Section
from augment.protocols import Detection
from augment.types import Image

WEIGHTS = Path(__file__).with_name("landmarknet.safetensors")
#: Of the file that comes with the package.
SHA256 = "cac97d23a4004d41d48995fbab9dab004e1a8ab958703a83389832ba0a51cef9"


class Config(Section):
    min_score: float = Field(0.5, gt=0, lt=1)
    #: Photos are looked at with their longer side at this many pixels; 96 will do for crops that
    #: are known to show one large face.
    look_size: int = Field(160, ge=96, le=1024, multiple_of=32)


class Detector:
    """Photo -> faces. Scores say how well the network believes its box to fit, 0..1.

    Raises:
        UserError: the weights are not those of this version of the package.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._session: Any = None
        self._layout: Layout | None = None
        self._verify()

    def __getstate__(self) -> dict[str, Any]:
        return {"_config": self._config, "_session": None, "_layout": None}

    def identity(self) -> str:
        return f"landmarknet {SHA256} {self._config.min_score} {self._config.look_size}"

    def detect(self, image: Image) -> list[Detection]:
        """Faces of at least ``min_score``, in pixels of the photo.

        Args:
            image: uint8 (height, width, 3), RGB.
        """
        faces = search(image, self._config.look_size, self._find, self._find_for_sure)
        return [refined(image, face, self._find) for face in faces]

    def _find(self, canvas: Image) -> list[Detection]:
        if self._layout is None:
            self._layout = self._load()
        levels = canvas.transpose(2, 0, 1)[None].astype(np.float32) - self._layout.middle
        maps = self._session.run(None, {"photo": levels})
        return faces_of(maps, self._layout, self._config.min_score)

    def _find_for_sure(self, canvas: Image) -> list[Detection]:
        """Further looks see faces where there are none: what is closer no face any more goes."""
        found = self._find(canvas)
        return [face for face in found if confirmed(canvas, face, self._find)]

    def _load(self) -> Layout:
        import onnxruntime  # takes a moment that the other detectors need not wait for

        content = self._verify()
        layout = read_layout(content)
        options = onnxruntime.SessionOptions()
        # One thread: the pool has one process a core already, and sums keep one order.
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            model(layout, safetensors.numpy.load(content)),
            options,
            providers=["CPUExecutionProvider"],
        )
        return layout

    def _verify(self) -> bytes:
        content = WEIGHTS.read_bytes() if WEIGHTS.is_file() else b""
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256:
            raise UserError(
                f"align.detector: {WEIGHTS} {'is damaged' if content else 'is missing'} (sha256 "
                f"{found[:12]}…, not {SHA256[:12]}…); install the package again."
            )
        return content
