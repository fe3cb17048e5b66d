"""Judges of "wears a mask" that learned on real photos: none has seen a made mask."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from mask_faces import REAL_MARGIN, SIZE, aligned, embedder, yunet_detector

from augment.figures import Figure
from augment.images import decode
from augment.metrics.pairs import fold_of, likeness
from augment.metrics.proportion import wilson_interval
from augment.nets.descriptors import describe
from augment.nets.linear_heads import LinearHeads, fit_heads
from augment.types import FloatArray, Image

FOLDS = 5
#: The two judges, and their joint word: "wears a mask" only where both say so.
EMBEDDING, HANDMADE, WEAKER = "embedding", "handmade", "weaker"
_PENALTY = {EMBEDDING: 0.1, HANDMADE: 0.25}  # of the product's judges of these kinds
_SAME_PICTURE = 0.6  # cosine from which two photos stay in one fold
_VALUES = {"mask": ("no", "yes")}

Words = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judges:
    """Fitted on all photos, and what the fits without a photo's fold say of it."""

    data: Path
    heads: Mapping[str, LinearHeads]
    truth: Words
    held_out: Mapping[str, Words]

    def masked(self, images: Sequence[Image]) -> dict[str, Words]:
        """Whether each face is seen as wearing a mask, by judge and by both.

        The real masked faces that the judges know were found and aligned with their masks on, which
        moves and enlarges them; so each face is found again here, too, where that succeeds.
        """
        detector = yunet_detector(self.data)
        again = [aligned(image, detector, SIZE, REAL_MARGIN) for image in images]
        found = [old if new is None else new[0] for old, new in zip(images, again, strict=True)]
        described = described_faces(self.data, found)
        return _with_weaker(
            {kind: _says(head, described[kind]) for kind, head in self.heads.items()}
        )

    def accepted(self, kind: str) -> float:
        """Share of real masks, not learned from, that the judge of this kind sees as such."""
        return float(self.held_out[kind][self.truth].mean())

    def figures(self) -> Iterator[Figure]:
        """How good the judges themselves are, on photos that they did not learn from."""
        for kind, said in self.held_out.items():
            for group, members in (
                ("all", np.ones_like(self.truth)),
                ("with mask", self.truth),
                ("without mask", ~self.truth),
            ):
                right = (said == self.truth)[members]
                low, high = wilson_interval(int(right.sum()), len(right))
                yield Figure(
                    "judge_accuracy", f"judge_{kind}", "masked_wild", round(float(right.mean()), 4),
                    "ratio", "higher", len(right), split="held_out_pictures", group=group,
                    interval=(round(low, 4), round(high, 4)),
                )  # fmt: skip


def learned_judges(data: Path, bare: Sequence[Image]) -> Judges:
    """Learn on ``masked/wild``; look-alike photos are in one fold.

    Args:
        data: the folder of the data sets.
        bare: crops of train photos without masks, of the kind that is judged later. With the wild
            photos alone, right on 97 % of themselves, two judges saw masks on 40 % of bare faces
            of FairFace and LFW each: those photos are of another make.
    """
    detector, images, truth = yunet_detector(data), [], []
    for folder, worn in (("without_mask", False), ("with_mask", True)):
        for path in sorted((data / "masked/wild" / folder).iterdir()):
            placed = aligned(decode(path.read_bytes()), detector, SIZE, REAL_MARGIN)
            if placed is not None:
                images.append(placed[0])
                truth.append(worn)
    answers = np.array(truth)
    described, others = described_faces(data, images), described_faces(data, bare)
    folds = _folds(described[EMBEDDING])
    no = np.zeros(len(bare), dtype=bool)
    heads, held_out = {}, {}
    for kind, numbers in described.items():
        more = others[kind]
        heads[kind] = _fit(kind, np.concatenate([numbers, more]), np.concatenate([answers, no]))
        held_out[kind] = np.zeros_like(answers)
        for fold in range(FOLDS):
            apart = folds == fold
            part = _fit(
                kind,
                np.concatenate([numbers[~apart], more]),
                np.concatenate([answers[~apart], no]),
            )
            held_out[kind][apart] = _says(part, numbers[apart])
    return Judges(data, heads, answers, _with_weaker(held_out))


def described_faces(data: Path, images: Sequence[Image]) -> dict[str, FloatArray]:
    """Numbers of each face: of a face embedder that somebody else trained, and hand-made ones."""
    handmade = np.stack([describe(image) for image in images])
    return {EMBEDDING: embedder(data).describe(images, 1.0), HANDMADE: handmade}


def _fit(kind: str, numbers: FloatArray, truth: Words) -> LinearHeads:
    return fit_heads(numbers, {"mask": truth.astype(np.int64)}, _VALUES, _PENALTY[kind])


def _says(heads: LinearHeads, numbers: FloatArray) -> Words:
    logits = heads.logits(numbers)["mask"]
    return np.asarray(logits[:, 1] > logits[:, 0])


def _with_weaker(said: Mapping[str, Words]) -> dict[str, Words]:
    return {**said, WEAKER: np.logical_and(*said.values())}


def _folds(described: FloatArray) -> npt.NDArray[np.int64]:
    group = np.arange(len(described))
    for place in range(1, len(described)):
        alike = likeness(np.repeat(described[[place]], place, axis=0), described[:place])
        for other in np.flatnonzero(alike > _SAME_PICTURE):
            group[group == group[other]] = group[place]
    return np.array([fold_of(f"photo {name}", FOLDS) for name in group])
