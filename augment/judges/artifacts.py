"""Judge of workmanship: is this an untouched picture, or are there faults of making in it?

It knows no label. A small network learns to tell real faces from the same faces with faults put
into them (pasted patches, blur, ringing, seams, ...: :mod:`augment.nets.faults`), so no generator's
output is needed, and no generator is what it learned to recognise. The idea of learning on planted
faults: C.-L. Li et al., "CutPaste", CVPR 2021.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from augment.images import resize
from augment.metrics.calibration import accuracy_rows, temperature
from augment.nets.config import TrainConfig
from augment.protocols import JudgeConfig
from augment.types import FloatArray, Image
from augment.vocabulary import BASE_LABELS

if TYPE_CHECKING:
    from augment.nets.artifacts import ArtifactNet
    from augment.nets.data import FaceSet

FEATURE = "artifact"
UNTOUCHED = "untouched"
_SEED = 7  # of the faults that weights from elsewhere are measured on


class Training(TrainConfig):
    images: int = Field(default=24_000, gt=0)
    learning_rate: float = Field(default=4e-3, gt=0)


class Config(JudgeConfig):
    channels: tuple[int, ...] = Field((32, 64, 96), min_length=2)
    faces: int = Field(30_000, gt=0)  # learns on at most so many
    train: Training = Field(default_factory=Training)


class Judge:
    """See :class:`augment.protocols.Judge`. Feature ``artifact``: log-odds of "untouched"."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._temperature = 1.0
        self._accuracy: list[dict[str, Any]] = []
        self._network: ArtifactNet | None = None
        self._size = 0
        self._weights = ""

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """Learn, set the temperature on the validation split, and write ``folder``.

        Raises:
            UserError: there is no train face of its half.
        """
        from augment.nets.artifacts import learn
        from augment.nets.data import load_faces
        from augment.nets.weights import export

        config = self._config
        learned = load_faces(faces, ("train",), (config.half,), config.faces)
        identity = config.model_dump(mode="json", exclude={"train", "faces"})
        self._network, fitted = learn(
            learned, self._make, config.train, seed, work, folder.name, identity
        )
        self._hold_up(load_faces(faces, ("validation",), None, config.faces), seed)
        resolved = {
            "settings": config.model_dump(mode="json"),
            "size": learned.images.shape[1],
            "faces": len(learned),
            "temperature": self._temperature,
            "accuracy": self._accuracy,
        }
        export(folder, {"judge": self._network}, resolved, fitted)

    def load(self, folder: Path) -> None:
        from augment.nets.device import best_device, place
        from augment.nets.weights import read_config, restore

        content = read_config(folder)
        self._temperature = content["temperature"]
        self._accuracy = content["accuracy"]
        self._size = content["size"]
        self._network = place(self._make(), best_device())
        self._weights = restore(folder, {"judge": self._network})

    def adopt(self, faces: Path, folder: Path, split: str = "validation") -> None:
        """See :class:`augment.protocols.Adopting`."""
        from augment.nets.data import load_faces
        from augment.nets.weights import amend_config

        held_out = load_faces(faces, (split,), None, self._config.faces)
        if len(held_out):
            fitting = np.stack(self._fitting(list(held_out.images)))
            held_out = replace(held_out, images=fitting)
        self._hold_up(held_out, _SEED)
        found = {"temperature": self._temperature, "accuracy": self._accuracy}
        amend_config(folder, found)

    def weights(self) -> str:
        return self._weights

    def values(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    def features(self) -> Mapping[str, int]:
        return {FEATURE: 1}

    def accuracy(self) -> Sequence[Mapping[str, Any]]:
        """Share of the validation split's faces, each once untouched and once with a fault, that
        are told right; by group, and by ``artifact``: "untouched" and each kind of fault."""
        return self._accuracy

    def predict(self, images: Sequence[Image]) -> Mapping[str, FloatArray]:
        """``artifact``: (images, 1), calibrated log-odds of "untouched" against "touched", as of a
        set where every other face was touched; higher is better.

        Args:
            images: uint8 (h, w, 3) RGB; other sizes than it learned on are resized.
        """
        from augment.nets.artifacts import look

        assert self._network is not None, "load() comes first"
        odds = -look(self._network, self._fitting(images)) / np.float32(self._temperature)
        # Rounded: a threshold never hangs on a last bit.
        return {FEATURE: np.round(odds, 4).astype(np.float32)[:, None]}

    def _fitting(self, images: Sequence[Image]) -> list[Image]:
        return [i if i.shape[0] == self._size else resize(i, self._size) for i in images]

    def _hold_up(self, held_out: "FaceSet", seed: int) -> None:
        """Temperature and accuracy, on faces that nobody learned on."""
        from augment.nets.artifacts import look, planted

        assert self._network is not None
        faulty, kinds = planted(held_out, seed)
        found = look(self._network, [*held_out.images, *faulty])
        touched = np.repeat(np.array([0, 1]), len(held_out))
        logits = np.stack([np.zeros_like(found), found], axis=1)
        self._temperature = temperature(logits, touched)
        words = {name: np.tile(np.array(held_out.labels[name], np.str_), 2) for name in BASE_LABELS}
        words[FEATURE] = np.array([UNTOUCHED] * len(held_out) + kinds, np.str_)
        self._accuracy = accuracy_rows(FEATURE, (found > 0) == (touched == 1), words)

    def _make(self) -> "ArtifactNet":
        from augment.nets.artifacts import ArtifactNet

        return ArtifactNet(self._config.channels)
