"""What trainings draw from: faces, their values, guide masks, and which value to change."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from augment.generators.attribute.codes import BEYOND, Codes, features, fitted
from augment.generators.attribute.config import Config
from augment.generators.attribute.labels import Maps, enough, usable, values_of
from augment.generators.attribute.transplant import transplanted
from augment.generators.attribute.window import Window, cut, window_of
from augment.images import resize
from augment.nets.data import FaceSet, jitter, to_tensor
from augment.nets.device import best_device
from augment.nets.loop import Indices
from augment.regions import fallen, guide, region_of, widened
from augment.types import FloatArray, Image

_LEAN = 6.0  # degrees; windows lie so much askew while learning
_ASIDE, _ZOOM = 0.06, 0.1  # shares of their side: shifts and sizes
_FEW = 24  # people, of whom the most similar one gives a region
_TONE = 3.0  # how much a likeness of colours (levels, by 255) counts beside codes
_NEAR = 16  # attention may be wider than the guide by the side over this


@dataclass(frozen=True)
class Batch:
    """Faces and what to make of them. Sides are those of whole pictures, or of windows.

    Attributes:
        faces: (n, 3, side, side) in [-1, 1].
        own, target: (n, attributes), 0, 1 or nan (not known); they differ in one attribute a face.
        guide: (n, 1, side, side), 0 or 1: where that attribute is seen.
    """

    faces: Tensor
    own: Tensor
    target: Tensor
    guide: Tensor

    @property
    def change(self) -> Tensor:
        """(n, attributes): 1 or -1 for the attribute to change, else 0."""
        return torch.nan_to_num(self.target - self.own)

    @property
    def place(self) -> Tensor:
        """(n,): the number of the attribute to change."""
        return self.change.abs().argmax(1)


@dataclass(frozen=True)
class WindowBatch(Batch):
    """A batch of windows.

    Attributes:
        pasted: as ``faces``, but the region is another person's, who has the value asked for.
        area: (n, 1, side, side), 0 or 1: beyond it nothing may change.
        near: likewise: guide, that of the pasted region, and a little around.
    """

    pasted: Tensor
    area: Tensor
    near: Tensor


class Lesson:
    """The usable faces as whole pictures, of the network's size.

    Attributes:
        faces: those that show a known value of some attribute and whose region is known.
        values: (faces, attributes), 0, 1 or nan.
        weights: (faces,), how often each is drawn: values come equally often.
        notes: why faces were left out, and how often; and where guides come from.
        codes: of regions, where the network is told them.

    Raises:
        UserError: an attribute is no label column, or has too few faces with one of its values.
    """

    def __init__(self, config: Config, everyone: FaceSet, maps: Maps, where: str) -> None:
        self.regions = [region_of(config.region(name)) for name in config.attributes]
        self.codes: Codes | None = None
        values = values_of(config, everyone, where)
        keep, self.notes = usable(config, everyone, values, maps)
        enough(config, values[keep], where)
        self.faces, self.values = everyone.select(np.flatnonzero(keep)), values[keep]
        self._with = [
            [np.flatnonzero(column == value) for value in (0.0, 1.0)] for column in self.values.T
        ]
        self.weights = self._weights()
        self._look(config.network.size, maps)

    @property
    def digest(self) -> str:
        """Of all that batches are made of."""
        return f"{self.faces.digest} {self.notes}"

    def draw(self, indices: Indices, random: np.random.Generator) -> Batch:
        """A batch: one known attribute of each face is to change; all move and are lit alike."""
        own, target, places = self._asked(indices, random)
        planes = [
            np.dstack([self._images[number], self._guides[place][number]])
            for number, place in zip(indices, places, strict=True)
        ]
        pictures, (guides,) = _moved(planes, 1, random)
        return Batch(pictures[0], own, target, guides)

    def _look(self, size: int, maps: Maps) -> None:
        """Pictures and guides at the network's size."""
        self._images = np.stack([resize(image, size) for image in self.faces.images])
        scale = np.float32(size / self.faces.images.shape[1])
        self._guides = [
            np.stack([
                guide(region, size, points * scale, maps.parsing.get(name))
                for name, points in zip(self.faces.ids, self.faces.points, strict=True)
            ]).astype(np.uint8) * 255
            for region in self.regions
        ]  # fmt: skip

    def _weights(self) -> FloatArray:
        shares = np.zeros(self.values.shape)
        for place, found in enumerate(self._with):
            for faces in found:
                shares[faces, place] = 1 / len(faces)
        return np.asarray(shares.sum(1), dtype=np.float32)

    def _asked(
        self, indices: Indices, random: np.random.Generator
    ) -> tuple[Tensor, Tensor, list[int]]:
        """Own values, target values, and the number of the attribute that each face changes."""
        own = self.values[indices]
        target, places = own.copy(), []
        for row, values in enumerate(own):
            place = int(random.choice(np.flatnonzero(~np.isnan(values))))
            target[row, place] = 1 - values[place]
            places.append(place)
        device = best_device()
        return torch.from_numpy(own).to(device), torch.from_numpy(target).to(device), places


class WindowLesson(Lesson):
    """The same, seen through the windows that landmarks place."""

    def __init__(self, config: Config, everyone: FaceSet, maps: Maps, where: str) -> None:
        self._side = config.network.window
        self._transplants = config.arch == "ours"
        super().__init__(config, everyone, maps, where)
        if self._transplants:
            self.codes = self._coded(config)

    def _look(self, size: int, maps: Maps) -> None:
        side = self.faces.images.shape[1]
        self._points = self.faces.points
        self._guides = [
            np.stack([
                guide(region, side, points, maps.parsing.get(name))
                for name, points in zip(self.faces.ids, self._points, strict=True)
            ]).astype(np.uint8) * 255
            for region in self.regions
        ]  # fmt: skip

    def draw(self, indices: Indices, random: np.random.Generator) -> WindowBatch:
        own, target, places = self._asked(indices, random)
        planes = [
            self._planes(int(number), place, random)
            for number, place in zip(indices, places, strict=True)
        ]
        pictures, (guides, near, area) = _moved(planes, 2, random)
        return WindowBatch(pictures[0], own, target, guides, pictures[1], area, near)

    def _coded(self, config: Config) -> Codes:
        """Codes of regions; and how faces look and would look with the other value, to find donors
        by."""
        kinds, numbers = config.kinds
        areas = [window_of(region_of(kind), LEVEL).area(self._side) for kind in kinds]
        seen = [self._features(numbers.index(n), area) for n, area in enumerate(areas)]
        codes = fitted(numbers, self._side, config.network.codes, seen, self.values)
        tones = np.stack([_tone(image) for image in self.faces.images]) / 255
        tones *= _TONE * np.sqrt(codes.count)
        self._goals, self._looks = list[FloatArray](), list[FloatArray]()
        for place, kind in enumerate(numbers):
            found = (seen[kind] - codes.mean[kind]) @ codes.basis[kind].T
            change = torch.from_numpy(np.nan_to_num(1 - 2 * self.values[:, place]))
            goals = codes.moved(found, torch.full((len(found),), place), change, BEYOND)
            self._looks.append(np.column_stack([found.numpy(), tones]))
            self._goals.append(np.column_stack([goals.numpy(), tones]))
        return codes.to(best_device())

    def _features(self, place: int, area: npt.NDArray[np.bool_]) -> Tensor:
        """What codes of a region are made of, of all faces; every second one is mirrored."""
        found = []
        where = torch.from_numpy(area[None, None].astype(np.float32))
        for number, points in enumerate(self._points):
            image = cut(self.faces.images[number], window_of(self.regions[place], points),
                        self._side)  # fmt: skip
            shown = torch.from_numpy(np.ascontiguousarray(image[:, :: 1 - 2 * (number % 2)]))
            found.append(features(shown.permute(2, 0, 1)[None] / 127.5 - 1, where))
        return torch.cat(found)

    def _donor(self, number: int, place: int, random: np.random.Generator) -> int:
        """Somebody with the other value; of a few, the one most like the face with that value."""
        others = self._with[place][int(1 - self.values[number, place])]
        few = others[random.integers(len(others), size=_FEW)]
        apart = np.square(self._looks[place][few] - self._goals[place][number]).sum(1)
        return int(few[apart.argmin()])

    def _planes(self, number: int, place: int, random: np.random.Generator) -> Image:
        """(side, side, 9): face, transplant, guide, near, area."""
        window, face, here = self._seen(number, place, random)
        area = window.area(self._side)
        pasted, both, shown = face, here, here  # the papers' networks do not use it
        if self._transplants:
            _, other, there = self._seen(self._donor(number, place, random), place, random)
            low = window.fall(self._side)
            here, there = fallen(here, low), fallen(there, low)
            pasted, both = transplanted(face, here, other, there, area)
        near = widened(both | here, max(1, self._side // _NEAR)) & area
        masks = np.dstack([shown & area, near, area]).astype(np.uint8) * 255
        return np.dstack([face, pasted, masks])

    def _seen(
        self, number: int, place: int, random: np.random.Generator
    ) -> tuple[Window, Image, npt.NDArray[np.bool_]]:
        """A face through a window that lies a little askew, and the guide there."""
        window = window_of(self.regions[place], self._points[number])
        window = window.askew(
            float(random.uniform(-_LEAN, _LEAN)), random.uniform(-_ASIDE, _ASIDE, 2),
            float(random.uniform(1 - _ZOOM, 1 + _ZOOM)),
        )  # fmt: skip
        image = cut(self.faces.images[number], window, self._side)
        return window, image, cut(self._guides[place][number], window, self._side) > 127


#: Any level face: in its window an area does not depend on the face.
LEVEL = np.array([[-1, 0], [1, 0], [0, 0.5], [-1, 1], [1, 1]], np.float32)


def _tone(image: Image) -> FloatArray:
    """(3,): the usual colour of an aligned face's middle."""
    third = len(image) // 3
    middle = image[third : 2 * third, third : 2 * third]
    return np.asarray(np.median(middle, axis=(0, 1)), dtype=np.float32)


def _moved(
    planes: list[Image], pictures: int, random: np.random.Generator
) -> tuple[list[Tensor], list[Tensor]]:
    """Pictures (n, 3, h, w) and masks (n, 1, h, w) of stacked planes, moved and lit alike."""
    moved, device, end = jitter(np.stack(planes), random), best_device(), 3 * pictures
    masks = torch.from_numpy(moved[..., end:]).to(device).permute(0, 3, 1, 2) > 127
    shown = [to_tensor(moved[..., 3 * n : 3 * n + 3], device) for n in range(pictures)]
    return shown, [masks[:, n : n + 1].float() for n in range(masks.shape[1])]
