"""``attribute``: one attribute of a face changes, inside of its region; the rest stays.

An editing network gives an attribute image and an attention mask, which is taught by a guide mask:
from a parsing map, or from the five landmarks. ``ours`` changes several attributes with one network
(network.py, training.py). For comparison: SaGAN (G. Zhang et al., ECCV 2018; ``E2D2`` without mask
loss) and MSaGAN's four layouts and three mask losses (W. Yang et al., 2020; layouts.py, sagan.py).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from augment.generators.attribute.config import Config as Config
from augment.protocols import Made, Request
from augment.regions import region_of, shape
from augment.types import FloatArray, Image
from augment.vocabulary import NO, YES, DigitalSourceType

if TYPE_CHECKING:
    from augment.generators.attribute.codes import Codes
    from augment.generators.attribute.layouts import LayoutNet
    from augment.generators.attribute.network import Editor

_SMALLEST_FACE = 24  # pixels; below, nothing of a mouth is left
_VALUES = {NO: 0.0, YES: 1.0}
_BELOW_A_MASK = frozenset(("nose", "mouth", "u_lip", "l_lip"))  # parts that it hides


class Generator:
    """Moves only the attributes that its settings name, between no and yes."""

    parents = 1
    digital_source_type: DigitalSourceType = "compositeWithTrainedAlgorithmicMedia"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._network: Editor | LayoutNet | None = None
        self._codes: Codes | None = None
        self._weights = ""

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """1 for each attribute that changes; None where anything else differs, or where nothing
        does."""
        moved = [axis for axis, value in target.items() if donor.get(axis) != value]
        able = all(
            axis in self.config.attributes
            and donor.get(axis) in _VALUES
            and target[axis] in _VALUES
            for axis in moved
        )
        return float(len(moved)) if moved and able else None

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """See :class:`augment.protocols.Generator`.

        Raises:
            UserError: an attribute is no label, or too few faces show one of its values; or the
                training collapsed at every try.
        """
        from augment.generators.attribute.labels import Maps
        from augment.generators.attribute.recipes import lesson_of, taught
        from augment.nets.data import load_faces
        from augment.nets.weights import export

        config, where = self.config, f"generators.{folder.name}"
        everyone = load_faces(faces, ("train",), ("a",))
        maps = Maps.read(faces, everyone) if config.guide == "auto" else Maps({})
        lesson = lesson_of(config, everyone, maps, where)
        for reason, count in lesson.notes.items():
            print(f"{where}: of {len(everyone)} faces {count} {reason}")
        learnt = taught(config, lesson, seed, work, where)
        content = config.model_dump(mode="json")
        content |= {"faces": len(lesson.faces), "notes": lesson.notes,
                    "collapses": list(learnt.collapses)}  # fmt: skip
        parts = {"attribute": learnt.network, "codes": lesson.codes}
        export(folder, {name: part for name, part in parts.items() if part}, content, learnt.fitted)

    def load(self, folder: Path) -> None:
        from augment.generators.attribute.recipes import codes_of, network_of
        from augment.nets.device import best_device, place
        from augment.nets.weights import restore

        network = network_of(self.config)
        codes = codes_of(self.config) if self.config.arch == "ours" else None
        parts = {"attribute": network} | ({"codes": codes} if codes else {})
        self._weights = restore(folder, parts)
        self._network = place(network, best_device())
        self._codes = place(codes, best_device()) if codes else None

    def weights(self) -> str:
        return self._weights

    def make(self, requests: Sequence[Request]) -> list[Made]:
        results: list[Made | None] = [self._refusal(request) for request in requests]
        places = [place for place, result in enumerate(results) if result is None]
        if not places:
            return [result for result in results if result is not None]
        asked = [requests[place] for place in places]
        changes = [self._moves(request) for request in asked]
        pictures = self.edit(
            [request.parents[0].image for request in asked],
            [request.parents[0].points for request in asked],
            [request.parents[0].labels for request in asked],
            [{name: request.labels[name] for name in moves}
             for request, moves in zip(asked, changes, strict=True)],
            [self._strength(request.seed) for request in asked],
        )  # fmt: skip
        for place, request, moves, image in zip(places, asked, changes, pictures, strict=True):
            face = request.parents[0]
            steps = [f"{name} {face.labels[name]} → {request.labels[name]}" for name in moves]
            results[place] = Made(image, face.points, tuple(steps))
        return [result for result in results if result is not None]

    def edit(
        self,
        images: Sequence[Image],
        points: Sequence[FloatArray],
        own: Sequence[Mapping[str, str]],
        target: Sequence[Mapping[str, str]],
        strengths: Sequence[float] | None = None,
    ) -> list[Image]:
        """Faces with other values.

        Args:
            images: uint8 (h, h, 3) RGB, of any size.
            points: each (5, 2), in pixels of its picture.
            own: values as labelled, by attribute; others are not known.
            target: the values to show; attributes not named stay.
            strengths: how much of each change is drawn; None: all of it.

        Returns:
            Pictures of the sizes given. Where they are larger than the network's, its change is
            scaled up and what is finer stays as it was.
        """
        from augment.generators.attribute.editing import added

        strengths = [1.0] * len(images) if strengths is None else strengths
        found = self._changes(images, points, own, target)
        return [
            added(image, change * np.float32(strength))
            for image, (change, _), strength in zip(images, found, strengths, strict=True)
        ]

    def attention(
        self,
        images: Sequence[Image],
        points: Sequence[FloatArray],
        own: Sequence[Mapping[str, str]],
        target: Sequence[Mapping[str, str]],
    ) -> list[FloatArray]:
        """Where :meth:`edit` changes a face: float32 (h, h) in 0..1, of the size given."""
        return [attention for _, attention in self._changes(images, points, own, target)]

    def network(self) -> "Editor | LayoutNet":
        """The loaded network."""
        if self._network is None:
            raise RuntimeError("load() comes before make()")
        return self._network

    def _changes(
        self,
        images: Sequence[Image],
        points: Sequence[FloatArray],
        own: Sequence[Mapping[str, str]],
        target: Sequence[Mapping[str, str]],
    ) -> list[tuple[FloatArray, FloatArray]]:
        from augment.generators.attribute.editing import changes

        return changes(self.config, self.network(), self._codes, images, points, own, target)

    def _strength(self, seed: int) -> float:
        return float(np.random.default_rng(seed).uniform(*self.config.strength))

    def _moves(self, request: Request) -> list[str]:
        labels = request.parents[0].labels
        asked = [name for name in self.config.attributes if name in request.changes]
        return [name for name in asked if labels.get(name) != request.labels.get(name)]

    def _refusal(self, request: Request) -> Made | None:
        face, moves = request.parents[0], self._moves(request)
        reason = ""
        if min(face.image.shape[:2]) < _SMALLEST_FACE:
            reason = f"it is under {_SMALLEST_FACE} pixels: too small to edit"
        elif not moves:
            reason = "it has the values that are ordered already"
        for name in moves:
            if face.labels.get(name) not in _VALUES:
                reason = reason or f"it has no label {name}"
            elif request.labels.get(name) not in _VALUES:
                reason = reason or f"{name} can be no or yes, not {request.labels.get(name)}"
            region = region_of(self.config.region(name))
            if face.labels.get("mask") == YES and _BELOW_A_MASK & set(region.parts):
                reason = reason or f"it wears a mask, which hides where {name} is seen"
            if not shape(region, len(face.image), face.points).any():
                reason = reason or f"its landmarks show no place for {name}"
        return Made(None, reason=f"{face.id}: {reason}") if reason else None
