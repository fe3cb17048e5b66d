"""Judge of labels: one small residual network with a head for each label.

A network is fooled by what
fools another of its kind, so it learns on noisy faces: what it then goes by survives noise. Rare
values are not judged down: logits are adjusted by their log frequency while learning (A. K. Menon
et al., ICLR 2021), which makes its probabilities those of a data set with equal shares.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from augment.images import resize
from augment.metrics.calibration import Values
from augment.nets.config import LabelJudgeConfig, TrainConfig
from augment.types import FloatArray, Image

if TYPE_CHECKING:
    from augment.nets.judging import Knowledge
    from augment.nets.resnet import MultiHeadResNet


class Training(TrainConfig):
    images: int = Field(default=24_000, gt=0)
    learning_rate: float = Field(default=1.5e-3, gt=0)


class Config(LabelJudgeConfig):
    channels: tuple[int, ...] = Field((24, 48, 96, 192, 256), min_length=2)
    # Largest standard deviation of the noise it learns with; a face's levels span 0..1.
    noise: float = Field(0.12, ge=0, le=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    train: Training = Field(default_factory=Training)


class Judge:
    """See :class:`augment.protocols.Judge`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: Knowledge | None = None
        self._network: MultiHeadResNet | None = None
        self._size = 0
        self._weights = ""

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """Learn, set temperatures on the validation split, and write ``folder``.

        Raises:
            UserError: no train face of its half, or no label with two values among them.
        """
        from augment.nets.data import load_faces
        from augment.nets.judging import gather, resolved
        from augment.nets.labelling import learn, look
        from augment.nets.weights import export

        config = self._config
        learned, values, codes = gather(faces, config, folder.name)
        identity = config.model_dump(mode="json", exclude={"train", "faces"})
        network, fitted = learn(
            learned, codes, lambda: self._make(values), config.noise, config.train,
            seed, work, folder.name, identity,
        )  # fmt: skip
        held_out = load_faces(faces, ("validation",), None, config.faces)
        logits, _ = look(network, list(held_out.images))
        content = resolved(config, values, codes, held_out, logits)
        export(folder, {"judge": network}, content | {"size": learned.images.shape[1]}, fitted)

    def load(self, folder: Path) -> None:
        from augment.nets.device import best_device, place
        from augment.nets.judging import Knowledge
        from augment.nets.weights import read_config, restore

        content = read_config(folder)
        self._known = Knowledge.of(content)
        self._size = content["size"]
        self._network = place(self._make(self._known.heads), best_device())
        self._weights = restore(folder, {"judge": self._network})

    def adopt(self, faces: Path, folder: Path, split: str = "validation") -> None:
        """See :class:`augment.protocols.Adopting`."""
        from augment.nets.data import load_faces
        from augment.nets.judging import hold_up, in_common
        from augment.nets.labelling import look
        from augment.nets.weights import amend_config

        assert self._network is not None, "load() comes first"
        assert self._known is not None
        values = in_common(self._known.heads, faces)
        held_out = load_faces(faces, (split,), None, self._config.faces)
        logits, _ = look(self._network, self._fitting(list(held_out.images)))
        temperatures, accuracy = hold_up(held_out, values, logits)
        own = {
            "values": values,
            "heads": self._known.heads,
            "temperatures": temperatures,
            "accuracy": accuracy,
        }
        amend_config(folder, own)
        self.load(folder)

    def weights(self) -> str:
        return self._weights

    def values(self) -> Mapping[str, tuple[str, ...]]:
        return self._known.values if self._known else {}

    def features(self) -> Mapping[str, int]:
        return {"features": self._config.channels[-1]}

    def accuracy(self) -> Sequence[Mapping[str, Any]]:
        return self._known.accuracy if self._known else []

    def predict(self, images: Sequence[Image]) -> Mapping[str, FloatArray]:
        """Calibrated probabilities, as of a data set with equal shares of values; and features.

        Args:
            images: uint8 (h, w, 3) RGB; other sizes than it learned on are resized.
        """
        from augment.nets.labelling import look

        assert self._network is not None, "load() comes first"
        assert self._known is not None
        logits, features = look(self._network, self._fitting(images))
        return self._known.opinions(logits) | {"features": features}

    def _fitting(self, images: Sequence[Image]) -> list[Image]:
        return [i if i.shape[0] == self._size else resize(i, self._size) for i in images]

    def _make(self, values: Values) -> "MultiHeadResNet":
        from augment.nets.resnet import MultiHeadResNet

        classes = {label: len(words) for label, words in values.items()}
        return MultiHeadResNet(self._config.channels, classes, self._config.dropout)
