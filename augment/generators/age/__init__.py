"""``age``: the same face, younger or older; age is set by number.

Four ways, chosen by ``arch``. ``ours``: what age does to the average face, in shape, shading and
strength of detail, and to what faces differ by, done to a face (network.py); fitted at once. For
comparison, networks:
``decompose`` (J. Kim & J. Park, J. Broadcast Engineering 28(2), 2023), ``ragan`` (F.
Makhmudkhujaev, S. Hong, I. K. Park, ICCV 2021) and ``hrfae`` (X. Yao et al., ICPR 2020). Their
papers' perceptual network is not used: features of the own discriminator take its place.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from augment.generators.age.ages import Ages, gap, years_of
from augment.generators.age.config import Config as Config
from augment.images import resize
from augment.protocols import Made, Request
from augment.types import FloatArray, Image
from augment.vocabulary import UNKNOWN, DigitalSourceType

if TYPE_CHECKING:
    from augment.generators.age.decomposition import AgeNetwork

_LABEL = "age_group"
_BATCH = 16  # always computed with so many faces: the same kernels whatever the request count
_LARGE = 128  # pixels; larger faces are computed one by one
_SMALLEST_FACE = 24  # pixels; below, nothing of an age is left
_DEARER = 1.5  # how much dearer far groups are: the power of the distance


class _Asked(NamedTuple):
    """A face, its five points (5, 2) in pixels, its age, the one to show, and the seed of the way
    there; None: as on average."""

    face: Image
    own: float
    years: float
    points: FloatArray
    seed: int | None


class Generator:
    """Moves only ``age_group``."""

    parents = 1
    digital_source_type: DigitalSourceType = "compositeWithTrainedAlgorithmicMedia"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._network: AgeNetwork | None = None
        self._ages = Ages((), ())
        self._weights = ""

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """From about 1 to the next group to about 45 from the youngest to the oldest; None where
        anything else differs, or an age is not known."""
        if donor.get(_LABEL) == target.get(_LABEL):
            return None
        if any(donor.get(axis) != value for axis, value in target.items() if axis != _LABEL):
            return None
        start, end = (years_of(labels.get(_LABEL, UNKNOWN)) for labels in (donor, target))
        if start is None or end is None:
            return None
        return math.pow(float(gap(sum(start) / 2, sum(end) / 2)), _DEARER)

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """See :class:`augment.protocols.Generator`.

        Raises:
            UserError: there are not two age groups with enough faces.
        """
        from augment.generators.age.lesson import Lesson
        from augment.generators.age.recipes import taught
        from augment.nets.data import load_faces
        from augment.nets.weights import export
        from augment.schema import Labels
        from augment.shards import read_schema

        config = self.config
        everyone = load_faces(faces, ("train",), ("a",))
        groups = Labels.of(read_schema(faces)).age_groups
        ages = Ages.learnt(
            everyone.labels[_LABEL], groups, config.smallest_group, f"generators.{folder.name}"
        )
        lesson = Lesson(everyone, ages, config.network.size)
        network, fitted = taught(config, lesson, seed, work)
        content = config.model_dump(mode="json")
        content |= {"age_groups": list(ages.names), "faces": list(ages.faces)}
        export(folder, {"age": network}, content, fitted)

    def load(self, folder: Path) -> None:
        from augment.generators.age.recipes import network_of
        from augment.nets.device import best_device, place
        from augment.nets.weights import read_config, restore

        content = read_config(folder)
        self._ages = Ages(tuple(content["age_groups"]), tuple(content["faces"]))
        network = network_of(self.config, len(self._ages.names))
        self._weights = restore(folder, {"age": network})
        self._network = place(network, best_device())

    def weights(self) -> str:
        return self._weights

    def age_groups(self) -> tuple[str, ...]:
        """The groups that were learned, in order: those of :meth:`classify`."""
        return self._ages.names

    def make(self, requests: Sequence[Request]) -> list[Made]:
        results: list[Made | None] = [self._refusal(request) for request in requests]
        open_places = [place for place, result in enumerate(results) if result is None]
        asked = [requests[place] for place in open_places]
        years = [self._years(request) for request in asked]
        pictures = self.edit(
            [request.parents[0].image for request in asked],
            [start for start, _ in years],
            [end for _, end in years],
            [request.parents[0].points for request in asked],
            [request.seed for request in asked],
        )
        for place, request, (start, end), image in zip(
            open_places, asked, years, pictures, strict=True
        ):
            before = request.parents[0].labels[_LABEL]
            step = f"age {before} → {request.labels[_LABEL]} (about {start:.0f} → {end:.0f} years)"
            results[place] = Made(image, request.parents[0].points, (step,))
        return [result for result in results if result is not None]

    def edit(
        self,
        images: Sequence[Image],
        own: Sequence[float],
        years: Sequence[float],
        points: Sequence[FloatArray] | None = None,
        seeds: Sequence[int] | None = None,
    ) -> list[Image]:
        """Faces at other ages.

        Args:
            images: uint8 (h, w, 3) RGB, of any size.
            own: their ages, years.
            years: the ages to show; any number, not group by group.
            points: of each face, (5, 2), pixels: eyes, nose, corners of the mouth. None: as if all
                lay where those of most faces do.
            seeds: of each face: how this one ages, of the many ways in which people do (``ours``
                alone). None: as people do on average.

        Returns:
            Pictures of the sizes given. ``ours`` changes them at their own size; of networks, the
            change is scaled up where faces are larger, and what is finer stays as it was.

        Raises:
            UserError: a year lies outside of those that were learned.
        """
        network = self.network()
        self._ages.check(years)
        unknown = np.full((5, 2), np.nan, np.float32)
        known = [unknown] * len(images) if points is None else points
        ways: Sequence[int | None] = seeds if seeds is not None else [None] * len(images)
        sizes = [face.shape[0] if network.any_size else self.config.network.size for face in images]
        made: dict[int, Image] = {}
        for size in sorted(set(sizes)):
            places = [place for place, own_size in enumerate(sizes) if own_size == size]
            batch = _BATCH if size <= _LARGE else 1
            for start in range(0, len(places), batch):
                some = places[start : start + batch]
                part = [
                    _Asked(images[n], float(own[n]), float(years[n]), known[n], ways[n])
                    for n in some
                ]
                made |= zip(some, self._changed(part, size, batch), strict=True)
        return [made[place] for place in range(len(images))]

    def _changed(self, part: list["_Asked"], size: int, batch: int) -> list[Image]:
        """At most ``batch`` faces, looked at in this size."""
        import torch

        from augment.generators.age.lesson import age
        from augment.generators.age.registration import relative
        from augment.generators.age.ways import drawn
        from augment.nets.data import to_tensor
        from augment.nets.device import best_device, reproducible

        filled = part + [part[-1]] * (batch - len(part))
        small = [resize(one.face, size) if one.face.shape[0] != size else one.face
                 for one in filled]  # fmt: skip
        places = np.stack([relative(one.points, one.face.shape[0]) for one in filled])
        years = [np.array([getattr(one, name) for one in filled], np.float32)
                 for name in ("own", "years")]  # fmt: skip
        # One thread: how a sum is split over threads shows in its last bits.
        with reproducible(threads=1), torch.inference_mode():
            faces = to_tensor(small, best_device())
            source, target = (age(values, self._ages.nearest(values)) for values in years)
            known = torch.from_numpy(places).to(faces.device)
            seeds = [one.seed for one in filled if one.seed is not None]
            ways = torch.from_numpy(drawn(seeds, self.config.variation)).to(faces.device)
            made = self.network()(faces, source, target, known, ways if seeds else None).float()
            change = (made - faces)[: len(part)]
        levels = change.permute(0, 2, 3, 1).contiguous().cpu().numpy() * 127.5
        return [_added(one.face, level) for one, level in zip(part, levels, strict=True)]

    def classify(self, images: Sequence[Image]) -> FloatArray:
        """Probabilities of :meth:`age_groups`, float32 (images, groups), as of a data set with
        equal shares of groups. Images as for :meth:`edit`."""
        return self._opinions(images)[0]

    def leak(self, images: Sequence[Image]) -> FloatArray:
        """As :meth:`classify`, from the half of the description that shall not know the age."""
        return self._opinions(images)[1]

    def _opinions(self, images: Sequence[Image]) -> tuple[FloatArray, FloatArray]:
        from scipy.special import softmax

        from augment.nets.device import reproducible

        network, size = self.network(), self.config.network.size
        if not images:
            nobody = np.zeros((0, len(self._ages.names)), np.float32)
            return nobody, nobody
        fitting = [resize(face, size) if face.shape[0] != size else face for face in images]
        with reproducible(threads=1):
            age, rest = network.opinions(fitting)
        return softmax(age, axis=1).astype(np.float32), softmax(rest, axis=1).astype(np.float32)

    def network(self) -> "AgeNetwork":
        """The loaded network."""
        if self._network is None:
            raise RuntimeError("load() comes before make()")
        return self._network

    def _years(self, request: Request) -> tuple[float, float]:
        """The face's age (its group's middle where only that is known), and the one to show, which
        the seed chooses."""
        face, random = request.parents[0], np.random.default_rng(request.seed)
        span = years_of(face.labels[_LABEL])
        assert span is not None  # it is one of the learned groups
        known = face.age is not None and np.isfinite(face.age)
        own = float(face.age) if known and face.age is not None else sum(span) / 2
        return own, self._ages.year(request.labels[_LABEL], random)

    def _refusal(self, request: Request) -> Made | None:
        face = request.parents[0]
        if min(face.image.shape[:2]) < _SMALLEST_FACE:
            return Made(
                None, reason=f"{face.id} is under {_SMALLEST_FACE} pixels: too small to age"
            )
        own, wanted = face.labels.get(_LABEL, UNKNOWN), request.labels.get(_LABEL, UNKNOWN)
        problem = self._ages.refusal(own)
        if problem:
            return Made(None, reason=f"{face.id}: {problem}")
        problem = self._ages.refusal(wanted)
        if problem:
            return Made(None, reason=f"the order for {face.id}: {problem}")
        if own == wanted:
            return Made(None, reason=f"{face.id} is {own} as labelled already")
        return None


def _added(face: Image, change: FloatArray) -> Image:
    """The change (size, size, 3; levels) added at the face's own size."""
    import cv2

    height, width = face.shape[:2]
    if change.shape[:2] != (height, width):
        change = cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC)
    levels = np.clip(np.rint(face.astype(np.float32) + change), 0, 255)
    return np.asarray(levels, dtype=np.uint8)
