"""``morph``: a new person from several of one bin, for bins that hold too few people.

Parents are bent to common proportions by their five points (warping.py), and each gives parts of
the face their detail (blending.py). Nothing is learned. A plain blend of two people is still like
both of them, as every face recogniser finds (the "morphing attack" of M. Ferrara, A. Franco &
D. Maltoni, "The magic passport", IJCB 2014); four parents, parts instead of averages, and
proportions of its own make it somebody else more often. The check ``identity`` says when.

With another ``arch`` a network is taught instead (training.py): parents are found again in its
numbers and mixed there (fitting.py). ``dcgan`` is that of H. Han & C. Kim (J. Digital Contents
Society 19(3), 2018); ``ours`` knows people from moments.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from augment.images import resize
from augment.nets.config import TrainConfig
from augment.params import Section
from augment.protocols import Made, Request
from augment.types import Image
from augment.vocabulary import DigitalSourceType

if TYPE_CHECKING:
    from augment.generators.morph.training import Network as Taught

#: A face's five points, (5, 2), pixels.
_Points = npt.NDArray[np.float64]
_SMALLEST_FACE = 24  # pixels; below, there is nothing to mix
_SAME_PLACE = 1.0  # points of a face nearer than this to each other (pixels) show none


class Network(Section):
    """What is trained; only other archs than warp read it."""

    # ours: maps at 4, 8, 16 ... pixels; faces are twice as large as the last of them.
    channels: tuple[int, ...] = Field(default=(128, 96, 64, 32), min_length=2, max_length=6)
    critic: tuple[int, ...] = Field(default=(24, 48, 96, 128), min_length=1, max_length=6)
    # ours: numbers that say who it is, and those that say how the head is held, lit and moves.
    who: int = Field(default=32, ge=1, le=512)
    moment: int = Field(default=24, ge=1, le=512)
    # dcgan: maps at half of its 64 pixels.
    width: int = Field(default=64, ge=1, le=256)


class Train(TrainConfig):
    images: int = Field(default=60_000, gt=0)
    batch: int = Field(default=16, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)


#: What the port of DCGAN trains with, where nothing else is set.
_PORT = {"learning_rate": 2e-4, "batch": 64, "ema": 0.0, "gradient_clip": 1e6, "warmup": 0.0}


class Config(Section):
    # warp: bends and blends, learns nothing. ours, dcgan: networks of 64 pixels.
    arch: Literal["warp", "ours", "dcgan"] = "warp"
    # Parents of one face. Two are told apart in it by a recogniser; with more, fewer of them are.
    # Of women of LFW the gate took 4 % of morphs of two, 11 % of three, 32 % of four. A bin of
    # three faces needs 3.
    people: int = Field(default=4, ge=2, le=6)
    # parts: each part of the face has one parent's detail. whole: all pixels are averaged.
    blend: Literal["parts", "whole"] = "parts"
    # whole: the share of the second parent, from .. to; the first has what is left.
    least_share: float = Field(default=0.3, gt=0, lt=1)
    most_share: float = Field(default=0.5, gt=0, lt=1)
    # How far the face's points move from their parents', standard deviation in pixels of a crop of
    # 64: more is less like the parents, and from about 1.5 not like a face.
    shape: float = Field(default=1.0, ge=0, le=4)
    # warp: how far a point of one parent may lie from another's, pixels of a crop of 64: heads that
    # are turned differently would give two noses.
    most_apart: float = Field(default=3.5, gt=0)
    # Networks: of a fit that brings each parent nearer to itself. 50 take about a second.
    fit: int = Field(default=30, ge=0, le=2000)
    # Networks: also learn faces mirrored.
    mirrored: bool = True
    # Networks learn on at most so many faces.
    faces: int = Field(default=20_000, gt=0)
    network: Network = Network()
    train: Train = Train()

    def training(self) -> TrainConfig:
        """The settings of the training; those of DCGAN's port where params.yaml names none."""
        usual = _PORT if self.arch == "dcgan" else {}
        new = {name: value for name, value in usual.items()
               if name not in self.train.model_fields_set}  # fmt: skip
        return self.train.model_copy(update=new)

    @model_validator(mode="after")
    def _sensible(self) -> "Config":
        if self.blend == "whole" and self.people != 2:
            raise ValueError("blend: whole averages two parents: set people: 2")
        if self.least_share > self.most_share:
            raise ValueError("least_share must not be above most_share")
        return self


class Generator:
    """Moves nothing: a new person inside the bin of all its parents."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.parents = config.people
        self.digital_source_type: DigitalSourceType = (
            "compositeCapture" if config.arch == "warp" else "trainedAlgorithmicMedia"
        )
        self._network: Taught | None = None
        self._weights = ""

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """0 inside a bin; it cannot move a face to another."""
        return 0.0 if all(donor.get(axis) == value for axis, value in target.items()) else None

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """``warp`` has nothing to learn."""
        if self.config.arch == "warp":
            return
        from augment.generators.morph.lesson import Lesson
        from augment.generators.morph.training import side, taught
        from augment.nets.data import load_faces
        from augment.nets.weights import export

        config = self.config
        learned = load_faces(faces, ("train",), ("a",), config.faces)
        lesson = Lesson(
            learned.images, learned.persons, side(config), learned.digest, config.mirrored
        )
        network, fitted = taught(config, lesson, seed, work)
        export(folder, {"morph": network}, config.model_dump(mode="json"), fitted)

    def load(self, folder: Path) -> None:
        if self.config.arch == "warp":
            return
        from augment.generators.morph.training import network_of
        from augment.nets.device import best_device, place
        from augment.nets.weights import restore

        network = network_of(self.config)
        self._weights = restore(folder, {"morph": network})
        self._network = place(network, best_device()).requires_grad_(False)

    def weights(self) -> str:
        return self._weights

    def make(self, requests: Sequence[Request]) -> list[Made]:
        return [self._made(request) for request in requests]

    def _made(self, request: Request) -> Made:
        images = [face.image for face in request.parents]
        points = [face.points.astype(np.float64) for face in request.parents]
        reason = self._refusal(images, points)
        if reason:
            return Made(None, reason=reason)
        how = self._morph if self.config.arch == "warp" else self._decoded
        return how(images, points, request.seed)

    def _decoded(self, images: list[Image], points: list[_Points], seed: int) -> Made:
        """By the network."""
        from augment.generators.morph.fitting import morph
        from augment.generators.morph.training import side
        from augment.nets.device import reproducible

        config = self.config
        if self._network is None:
            raise RuntimeError("load() comes before make()")
        shares = self._drawn_shares(np.random.default_rng(seed))
        small = [resize(image, side(config)) for image in images]
        with reproducible(threads=1):
            made = morph(self._network, small, shares, config.fit)
        said = ", ".join(f"{share:.2f}" for share in shares)
        step = f"{config.people} people mixed by a network ({config.arch}): {said}"
        # Our network keeps the first one's pose; the other's goes with the mix.
        held = points[0] if config.arch == "ours" else np.average(points, axis=0, weights=shares)
        return Made(resize(made, len(images[0])), held.astype(np.float32), (step,))

    def _drawn_shares(self, random: np.random.Generator) -> list[float]:
        """Of two as the settings say; of more so that nobody has less than half of an even one."""
        people = self.config.people
        if people == 2:
            second = float(random.uniform(self.config.least_share, self.config.most_share))
            return [1.0 - second, second]
        return [float(share) for share in 0.5 / people + 0.5 * random.dirichlet(np.ones(people))]

    def _morph(self, images: list[Image], points: list[_Points], seed: int) -> Made:
        """By the warp."""
        from augment.generators.morph.blending import PARTS, by_parts, deal, part_weights, whole
        from augment.generators.morph.warping import EYES, MOUTH, NOSE, bent, varied

        config, size = self.config, len(images[0])
        random = np.random.default_rng(seed)
        shares = self._shares(random)
        owners = deal(config.people, random)
        middle = np.average(points, axis=0, weights=shares)
        if config.blend == "parts":
            for places, part in ((EYES, "eyes"), (NOSE, "nose"), (MOUTH, "mouth")):
                middle[places] = points[owners[PARTS.index(part)]][places]
        target = varied(middle, size, config.shape, random)
        warped = bent(images, points, target)
        if config.blend == "whole":
            made = whole(warped, shares)
            step = f"two people blended, {shares[0]:.2f} and {shares[1]:.2f}"
        else:
            made = by_parts(warped, shares, owners, part_weights(target[:5], size))
            said = ", ".join(f"{part} {owner + 1}" for part, owner in zip(PARTS, owners,
                                                                         strict=True))  # fmt: skip
            step = f"{config.people} people mixed by parts ({said})"
        steps = (f"bent to common points (shape {config.shape:g})", step)
        return Made(made, target[:5].astype(np.float32), steps)

    def _shares(self, random: np.random.Generator) -> list[float]:
        if self.config.blend == "parts":
            return [1.0 / self.config.people] * self.config.people
        return self._drawn_shares(random)

    def _refusal(self, images: Sequence[Image], points: Sequence[np.ndarray]) -> str:
        """Why these parents give no face, "" where they do."""
        size = len(images[0])
        if any(image.shape != (size, size, 3) for image in images):
            return "the parents' pictures are not of one size"
        if size < _SMALLEST_FACE:
            return f"the face is {size} pixels wide: too few for a morph"
        for one in points:
            spread = np.linalg.norm(one[:, None] - one[None], axis=2) + 1e9 * np.eye(5)
            if not np.isfinite(one).all() or spread.min() < _SAME_PLACE:
                return "a parent's five points do not show a face"
            if one.min() < 0 or one.max() > size - 1:
                return "a parent's points lie outside of its picture"
        if self.config.arch != "warp":
            return ""
        centred = [one - one.mean(axis=0) for one in points]
        apart = max(
            float(np.linalg.norm(one - other, axis=1).max()) for one in centred for other in centred
        )
        if apart * 64 / size > self.config.most_apart:
            return "the parents hold their heads too differently (most_apart)"
        return ""
