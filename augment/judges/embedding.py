"""Judge of labels by a face embedder that nobody trained here, with a logistic head for each label.

An embedder that has seen millions of faces is the strongest of the small judges, and what fools a
network trained here has not been made against it. Trained to tell people apart, it also says
whether two faces show one person.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from augment.errors import UserError
from augment.nets.config import LabelJudgeConfig
from augment.nets.embedder import Channels, Embedder, Levels, arcface_square
from augment.seeds import row_generator
from augment.types import FloatArray, Image
from augment.vocabulary import BASE_LABELS

if TYPE_CHECKING:
    from augment.nets.data import FaceSet
    from augment.nets.judging import Knowledge
    from augment.nets.linear_heads import LinearHeads

#: Settings that a description depends on.
_SETTINGS = ("sha256", "size", "channels", "mean", "std", "shown")


class Config(LabelJudgeConfig):
    model: Path  # the ONNX file, relative to the project's folder; it is read there, never copied
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")  # of that file: `sha256sum` prints it
    # What the network takes; the defaults suit ArcFace and its relatives (InsightFace's packs,
    # MobileFaceNet). Others, for example: OpenCV Zoo's SFace takes mean 0, std 1; FaceNet size 160,
    # std 128; networks in the manner of ImageNet mean [123.675, 116.28, 103.53] and
    # std [58.395, 57.12, 57.375]. Their own pages say it; a wrong one costs accuracy, silently.
    size: int = Field(112, ge=16, le=1024)  # side of its input, pixels
    channels: Channels = "rgb"
    # It takes (level - mean) / std of levels 0..255: one number, or one a channel in that order.
    mean: Levels = 127.5
    std: Levels = 127.5
    # Side of the square around a crop's middle that it is shown, as a share of the crop's side;
    # above 1 the crop is mirrored beyond its edges. None: ArcFace's own square, found from where
    # eyes, noses and mouths lie: it tells people apart best. More hair and chin helps some labels.
    shown: float | None = Field(default=None, ge=0.2, le=2)
    # It was trained to tell people apart: the cosine of two descriptions says whether they are one.
    knows_people: bool = True
    # How strongly large weights are held down; more where there are few faces or many errors.
    penalty: float = Field(0.1, gt=0)


class Judge:
    """See :class:`augment.protocols.Judge`.

    Raises:
        UserError: the ONNX file is missing, or is not the one that ``sha256`` names.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._embedder = Embedder(
            config.model, config.sha256, config.size, config.channels, config.mean, config.std,
            "judges (kind embedding)",
        )  # fmt: skip
        self._embedder.read()
        self._known: Knowledge | None = None
        self._heads: LinearHeads | None = None
        self._shown = 0.0
        self._weights = ""

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """Fit the heads, set temperatures on the validation split, and write ``folder``.

        It takes seconds to minutes, so a killed run begins anew; nothing in it is left to chance.

        Raises:
            UserError: no train face of its half, no label with two values among them, or the ONNX
                file cannot be used.
        """
        from augment.nets.data import load_faces
        from augment.nets.judging import gather, resolved
        from augment.nets.linear_heads import fit_heads
        from augment.nets.weights import export_arrays

        config = self._config
        self._embedder.start()
        learned, values, codes = gather(faces, config, folder.name)
        self._shown = config.shown or arcface_square(learned.points, learned.images.shape[1])
        described = self._described(list(learned.images), folder.name)
        heads = fit_heads(described, codes, values, config.penalty)
        held_out = load_faces(faces, ("validation",), None, config.faces)
        described = self._described(list(held_out.images))
        content = resolved(config, values, codes, held_out, heads.logits(described))
        content["shown"] = self._shown
        if config.knows_people:
            content["accuracy"] += self._verified(held_out, described)
        export_arrays(folder, heads.arrays(), content, learned.digest, len(learned))

    def load(self, folder: Path) -> None:
        """Read what train() left, and look at the ONNX file again.

        Raises:
            UserError: the file is missing or not the one that the heads were fitted on.
        """
        from augment.nets.judging import Knowledge
        from augment.nets.linear_heads import LinearHeads
        from augment.nets.weights import read_config, restore_arrays

        content = read_config(folder)
        settings = self._config.model_dump(mode="json")
        changed = [name for name in _SETTINGS if settings[name] != content["settings"][name]]
        if changed:
            raise UserError(
                f"{folder} was trained with another `{changed[0]}` "
                f"({content['settings'][changed[0]]}): train it again with `python -m augment "
                f"train@{folder.name}`, or simply `dvc repro`."
            )
        self._embedder.read()
        self._known = Knowledge.of(content)
        self._shown = content["shown"]
        arrays, digest = restore_arrays(folder)
        self._heads = LinearHeads.of(arrays, self._known.values)
        parts = [digest, self._shown, *(settings[name] for name in _SETTINGS)]
        self._weights = hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def weights(self) -> str:
        """sha256 over the heads' digest, the ONNX file's, and what the network is shown."""
        return self._weights

    def values(self) -> Mapping[str, tuple[str, ...]]:
        return self._known.values if self._known else {}

    def features(self) -> Mapping[str, int]:
        """The embedder's description, of length 1."""
        return {self._feature: len(self._heads.mean)} if self._heads else {}

    def accuracy(self) -> Sequence[Mapping[str, Any]]:
        """Of labels, and of telling people apart where ``knows_people``: rows of
        :func:`augment.metrics.pairs.verification_rows`, too."""
        return self._known.accuracy if self._known else []

    def predict(self, images: Sequence[Image]) -> Mapping[str, FloatArray]:
        """Calibrated probabilities, as of a data set with equal shares of values; and the
        description.

        Args:
            images: uint8 (h, w, 3) RGB, of any size.
        """
        assert self._heads is not None, "load() comes first"
        assert self._known is not None
        described = self._described(images)
        return self._known.opinions(self._heads.logits(described)) | {self._feature: described}

    @property
    def _feature(self) -> str:
        return "identity" if self._config.knows_people else "features"

    def _described(self, images: Sequence[Image], label: str = "") -> FloatArray:
        """See :meth:`Embedder.describe`; shows its progress where it has a label."""
        from tqdm import tqdm

        bar = tqdm(images, desc=label, unit="img", mininterval=1.0, disable=not label)
        return self._embedder.describe(bar, self._shown)

    def _verified(self, held_out: "FaceSet", described: FloatArray) -> list[dict[str, Any]]:
        """How well likeness tells people apart."""
        from augment.metrics.pairs import Described, verification_rows
        from augment.nets.varying import vary

        varied = [
            vary(image, row_generator(0, "varied", row_id))
            for image, row_id in zip(held_out.images, held_out.ids, strict=True)
        ]
        labels = {label: held_out.labels[label] for label in BASE_LABELS}
        faces = Described(
            held_out.ids, held_out.persons, labels, described, self._described(varied)
        )
        return verification_rows(faces, self._feature)
