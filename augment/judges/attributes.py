"""Judge of labels: one small residual network with a head for each label.

It learns on half "b" of the train split, which no generator sees. A network is fooled by what
fools another of its kind, so it learns on noisy faces: what it then goes by survives noise. Rare
values are not judged down: logits are adjusted by their log frequency while learning (A. K. Menon
et al., ICLR 2021), which makes its probabilities those of a data set with equal shares.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from augment.errors import UserError
from augment.images import resize
from augment.metrics.calibration import (
    NOT_KNOWN,
    accuracy_rows,
    codes_of,
    in_order,
    softmax,
    temperature,
)
from augment.nets.config import TrainConfig
from augment.params import Section
from augment.types import FloatArray, Image
from augment.vocabulary import BASE_LABELS, UNKNOWN

if TYPE_CHECKING:
    from augment.nets.data import FaceSet
    from augment.nets.resnet import MultiHeadResNet


class Config(Section):
    # Label columns to judge; empty: all that have two values or more among the faces it learns on.
    labels: tuple[str, ...] = ()
    # A value with fewer faces is not learned: candidates of it are not judged.
    smallest_class: int = Field(8, ge=1)
    channels: tuple[int, ...] = Field((24, 48, 96, 128), min_length=2)
    # Largest standard deviation of the noise it learns with; a face's levels span 0..1.
    noise: float = Field(0.12, ge=0, le=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    faces: int = Field(30_000, gt=0)  # learns on at most so many
    train: TrainConfig = TrainConfig(images=24_000, batch=32, learning_rate=1.5e-3)


class Judge:
    """See :class:`augment.protocols.Judge`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._values: dict[str, tuple[str, ...]] = {}
        self._temperatures: dict[str, float] = {}
        self._network: MultiHeadResNet | None = None
        self._size = 0
        self._weights = ""

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """Learn, set temperatures on the validation split, and write ``folder``.

        Raises:
            UserError: no train face of half "b", or no label with two values among them.
        """
        from augment.nets.data import load_faces
        from augment.nets.labelling import learn
        from augment.nets.weights import export

        config = self._config
        learned = load_faces(faces, ("train",), ("b",), config.faces)
        self._values = self._choose_values(learned)
        codes = codes_of(learned.labels, self._values)
        identity = config.model_dump(mode="json", exclude={"train", "faces"})
        self._network, fitted = learn(
            learned, codes, self._make, config.noise, config.train,
            seed, work, folder.name, identity,
        )  # fmt: skip
        self._size = learned.images.shape[1]
        self._temperatures = dict.fromkeys(self._values, 1.0)
        accuracy = self._look_at(load_faces(faces, ("validation",), None, config.faces))
        resolved = {
            "settings": config.model_dump(mode="json"),
            "size": self._size,
            "values": self._values,
            "faces": {label: _count(codes[label], self._values[label]) for label in self._values},
            "temperatures": self._temperatures,
            "accuracy": accuracy,
        }
        export(folder, {"judge": self._network}, resolved, fitted)

    def load(self, folder: Path) -> None:
        from augment.nets.device import best_device, place
        from augment.nets.weights import read_config, restore

        content = read_config(folder)
        self._values = {label: tuple(values) for label, values in content["values"].items()}
        self._temperatures = content["temperatures"]
        self._size = content["size"]
        self._network = place(self._make(), best_device())
        self._weights = restore(folder, {"judge": self._network})

    def weights(self) -> str:
        return self._weights

    def values(self) -> Mapping[str, tuple[str, ...]]:
        return self._values

    def predict(self, images: Sequence[Image]) -> Mapping[str, FloatArray]:
        """Calibrated probabilities, as of a data set with equal shares of values.

        Args:
            images: uint8 (h, w, 3) RGB; other sizes than it learned on are resized.
        """
        fitting = [
            image if image.shape[0] == self._size else resize(image, self._size) for image in images
        ]
        return {
            label: softmax(logits / self._temperatures[label])
            for label, logits in self._logits(fitting).items()
        }

    def _make(self) -> "MultiHeadResNet":
        from augment.nets.resnet import MultiHeadResNet

        classes = {label: len(values) for label, values in self._values.items()}
        return MultiHeadResNet(self._config.channels, classes, self._config.dropout)

    def _logits(self, images: Sequence[Image]) -> dict[str, FloatArray]:
        from augment.nets.labelling import logits_of

        assert self._network is not None, "load() or train() comes first"
        return logits_of(self._network, images)

    def _choose_values(self, faces: "FaceSet") -> dict[str, tuple[str, ...]]:
        """The labels and values that there are enough faces of, and a word on those left out."""
        missing = [label for label in self._config.labels if label not in faces.labels]
        if missing:
            raise UserError(
                f"params.yaml: a judge's labels name '{missing[0]}', which the data set has no "
                f"column for; it has: {', '.join(faces.labels)}."
            )
        chosen: dict[str, tuple[str, ...]] = {}
        for label in self._config.labels or faces.labels:
            words, counts = np.unique(np.array(faces.labels[label]), return_counts=True)
            known = {str(w): int(n) for w, n in zip(words, counts, strict=True) if w != UNKNOWN}
            few = [word for word, n in known.items() if n < self._config.smallest_class]
            values = tuple(word for word in in_order(label, known) if word not in few)
            if few and values:
                _say(f"judge: {label}: too few faces to learn {', '.join(sorted(few))}")
            if len(values) < 2:
                _say(f"judge: {label} is left out: it has {len(values)} value(s) to learn")
                continue
            chosen[label] = values
        if not chosen and len(faces):
            raise UserError(
                "no label has two values among the faces that judges learn on (train split, half "
                "b), so nothing can be judged: use a data set with more labels, or remove the "
                "judge from params.yaml."
            )
        return chosen

    def _look_at(self, faces: "FaceSet") -> list[dict[str, Any]]:
        """Set the temperatures; returns accuracy by label and group, with n and interval."""
        codes = codes_of(faces.labels, self._values)
        groupings = {name: np.array(faces.labels[name]) for name in faces.labels}
        rows: list[dict[str, Any]] = []
        for label, logits in self._logits(list(faces.images)).items():
            known = codes[label] != NOT_KNOWN
            self._temperatures[label] = temperature(logits[known], codes[label][known])
            right = (logits.argmax(axis=1) == codes[label])[known]
            by = {name: groupings[name][known] for name in sorted({*BASE_LABELS, label})}
            rows += accuracy_rows(label, right, by)
        return rows


def _count(codes: npt.NDArray[np.int64], values: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(codes[codes != NOT_KNOWN], minlength=len(values))
    return {value: int(n) for value, n in zip(values, counts, strict=True)}


def _say(note: str) -> None:
    print(note, file=sys.stderr)
