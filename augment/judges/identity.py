"""Judge of who is on a picture: one small network that describes a face by its person.

It learns to tell people apart by a margin (see :mod:`augment.nets.identity`). A face whose person
is not known, or who has no other photo, is a person of its own, told apart from all others under
harmless variations; so it learns something from data sets without person labels, too. It judges
no label: its word is in the features, which the identity check compares.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from augment.images import resize
from augment.metrics.pairs import Described, verification_rows
from augment.nets.config import TrainConfig
from augment.protocols import JudgeConfig
from augment.seeds import row_generator
from augment.types import FloatArray, Image
from augment.vocabulary import BASE_LABELS

if TYPE_CHECKING:
    from augment.nets.data import FaceSet
    from augment.nets.identity import IdentityNet

WHOLE, UPPER = "identity", "identity_upper"


class Training(TrainConfig):
    images: int = Field(default=40_000, gt=0)
    learning_rate: float = Field(default=8e-4, gt=0)


class Config(JudgeConfig):
    channels: tuple[int, ...] = Field((32, 64, 96, 128), min_length=2)
    size: int = Field(64, ge=16)  # pixels that it looks at; larger crops are shrunk
    # By how much more alike (cosine) a face must be to its own person than to any other.
    margin: float = Field(0.3, ge=0, lt=1)
    scale: float = Field(16.0, gt=0)  # of the cosines: how much a small difference counts
    # Share of the faces it sees without their lower part, and of the others with that covered.
    hide: float = Field(0.35, ge=0, le=1)
    cover: float = Field(0.25, ge=0, le=1)
    faces: int = Field(30_000, gt=0)  # learns on at most so many
    train: Training = Field(default_factory=Training)


class Judge:
    """See :class:`augment.protocols.Judge`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._accuracy: list[dict[str, Any]] = []
        self._network: IdentityNet | None = None
        self._size, self._upper = 0, 0.0
        self._weights = ""

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """Learn, compare held-out pairs, and write ``folder``.

        Raises:
            UserError: there is no train face of its half.
        """
        from augment.nets.data import load_faces
        from augment.nets.identity import Lesson, learn, upper_end
        from augment.nets.weights import export

        config = self._config
        learned = load_faces(faces, ("train",), (config.half,), config.faces)
        if len(learned):
            self._size = min(config.size, learned.images.shape[1])
            self._upper = upper_end(learned)
        lesson = Lesson(config.margin, config.scale, config.hide, config.cover, self._upper)
        self._network, fitted = learn(
            self._fitting(list(learned.images)), learned, config.channels, lesson, config.train,
            seed, work, folder.name,
        )  # fmt: skip
        resolved = {
            "settings": config.model_dump(mode="json"),
            "size": self._size,
            "upper": self._upper,
            "learned_from": learned_from(learned.persons),
            "accuracy": self._hold_up(load_faces(faces, ("validation",), None, config.faces)),
        }
        export(folder, {"judge": self._network}, resolved, fitted)

    def load(self, folder: Path) -> None:
        from augment.nets.device import best_device, place
        from augment.nets.identity import IdentityNet
        from augment.nets.weights import read_config, restore

        content = read_config(folder)
        self._accuracy = content["accuracy"]
        self._size, self._upper = content["size"], content["upper"]
        self._network = place(IdentityNet(self._config.channels), best_device())
        self._weights = restore(folder, {"judge": self._network})

    def adopt(self, faces: Path, folder: Path, split: str = "validation") -> None:
        """See :class:`augment.protocols.Adopting`."""
        from augment.nets.data import load_faces
        from augment.nets.weights import amend_config

        held_out = load_faces(faces, (split,), None, self._config.faces)
        self._accuracy = self._hold_up(held_out)
        amend_config(folder, {"accuracy": self._accuracy})

    def weights(self) -> str:
        return self._weights

    def values(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    def features(self) -> Mapping[str, int]:
        """Who is on a picture, and the same by the upper face alone, which no mask reaches."""
        return {WHOLE: 128, UPPER: 128}

    def accuracy(self) -> Sequence[Mapping[str, Any]]:
        """Rows of :func:`augment.metrics.pairs.verification_rows`."""
        return self._accuracy

    def predict(self, images: Sequence[Image]) -> Mapping[str, FloatArray]:
        """Descriptions of length 1: their scalar product is the likeness of two faces, -1..1.

        Args:
            images: uint8 (h, w, 3) RGB; other sizes than it learned on are resized.
        """
        from augment.nets.identity import describe, upper_row
        from augment.nets.varying import hide_below

        assert self._network is not None, "load() comes first"
        fitting = self._fitting(images)
        row = upper_row(self._upper, self._size)
        hidden = [hide_below(image, row) for image in fitting]
        return {
            WHOLE: describe(self._network, fitting),
            UPPER: describe(self._network, hidden),
        }

    def _fitting(self, images: Sequence[Image]) -> list[Image]:
        return [i if i.shape[0] == self._size else resize(i, self._size) for i in images]

    def _hold_up(self, held_out: "FaceSet") -> list[dict[str, Any]]:
        from augment.nets.identity import describe
        from augment.nets.varying import vary

        assert self._network is not None
        fitting = self._fitting(list(held_out.images))
        varied = [
            vary(image, row_generator(0, "varied", row_id))
            for image, row_id in zip(fitting, held_out.ids, strict=True)
        ]
        described = Described(
            held_out.ids,
            held_out.persons,
            {label: held_out.labels[label] for label in BASE_LABELS},
            describe(self._network, fitting),
            describe(self._network, varied),
        )
        return verification_rows(described, WHOLE)


def learned_from(persons: Sequence[str]) -> dict[str, int]:
    """How many faces of which kind a judge learned from."""
    photos = Counter(person for person in persons if person)
    several = [count for count in photos.values() if count > 1]
    return {
        "people_with_several_photos": len(several),
        "faces_of_people_with_several_photos": sum(several),
        "faces_of_people_with_one_photo": len(photos) - len(several),
        "faces_of_nobody_known": sum(1 for person in persons if not person),
    }
