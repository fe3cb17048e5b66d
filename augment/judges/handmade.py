"""Judge of labels by hand-made features: HOG, LBP and colour, with a logistic head for each label.

Weaker on real faces than a network, and of another kind: what fools a network, be it that network's
own generator, leaves its word nearly as it was. Heads are linear: boosted trees on the same numbers
were right less often on FairFace and UTKFace, and took several times as long to fit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from augment.nets.config import LabelJudgeConfig
from augment.types import FloatArray, Image

if TYPE_CHECKING:
    from augment.nets.judging import Knowledge
    from augment.nets.linear_heads import LinearHeads


class Config(LabelJudgeConfig):
    faces: int = Field(15_000, gt=0)  # learns on at most so many; each takes 60 KB of memory
    # How strongly large weights are held down; more where there are few faces or many errors.
    penalty: float = Field(0.25, gt=0)
    # Numbers of the compact description that faces are compared by.
    features: int = Field(64, ge=1, le=512)


class Judge:
    """See :class:`augment.protocols.Judge`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: Knowledge | None = None
        self._heads: LinearHeads | None = None
        self._axes: FloatArray = np.zeros((0, 0), np.float32)
        self._weights = ""

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """Fit the heads, set temperatures on the validation split, and write ``folder``.

        It takes seconds, so a killed run begins anew; nothing in it is left to chance.

        Raises:
            UserError: no train face of its half, or no label with two values among them.
        """
        from augment.nets.data import load_faces
        from augment.nets.judging import gather, resolved
        from augment.nets.linear_heads import fit_heads, principal_axes
        from augment.nets.weights import export_arrays

        config = self._config
        learned, values, codes = gather(faces, config, folder.name)
        # Mirrored, too: a face is no other from the other side, and the numbers do not know that.
        both = [*learned.images, *learned.images[:, :, ::-1]]
        described = _described(both, folder.name)
        twice = {label: np.tile(places, 2) for label, places in codes.items()}
        heads = fit_heads(described, twice, values, config.penalty)
        axes = principal_axes(heads.standardised(described[: len(learned)]), config.features)
        held_out = load_faces(faces, ("validation",), None, config.faces)
        logits = heads.logits(_described(list(held_out.images)))
        content = resolved(config, values, codes, held_out, logits)
        arrays = heads.arrays() | {"axes": axes}
        export_arrays(folder, arrays, content, learned.digest, len(learned))

    def load(self, folder: Path) -> None:
        from augment.nets.judging import Knowledge
        from augment.nets.linear_heads import LinearHeads
        from augment.nets.weights import read_config, restore_arrays

        self._known = Knowledge.of(read_config(folder))
        arrays, self._weights = restore_arrays(folder)
        self._heads = LinearHeads.of(arrays, self._known.values)
        self._axes = arrays["axes"]

    def weights(self) -> str:
        return self._weights

    def values(self) -> Mapping[str, tuple[str, ...]]:
        return self._known.values if self._known else {}

    def features(self) -> Mapping[str, int]:
        """Principal components: their distances are nearly those of the whole descriptions."""
        return {"features": len(self._axes)}

    def accuracy(self) -> Sequence[Mapping[str, Any]]:
        return self._known.accuracy if self._known else []

    def predict(self, images: Sequence[Image]) -> Mapping[str, FloatArray]:
        """Calibrated probabilities, as of a data set with equal shares of values; and features.

        Args:
            images: uint8 (h, w, 3) RGB, of any size.
        """
        from augment.nets.linear_heads import products

        assert self._heads is not None, "load() comes first"
        assert self._known is not None
        described = _described(images)
        features = products(self._heads.standardised(described), self._axes)
        return self._known.opinions(self._heads.logits(described)) | {"features": features}


def _described(images: Sequence[Image], label: str = "") -> FloatArray:
    """(images, numbers); shows its progress where it has a label."""
    from tqdm import tqdm

    from augment.nets.descriptors import LENGTH, describe

    described = np.zeros((len(images), LENGTH), np.float32)
    bar = tqdm(images, desc=label, unit="img", mininterval=1.0, disable=not label)
    for place, image in enumerate(bar):
        described[place] = describe(image)
    return described
