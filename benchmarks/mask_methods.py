"""The ways to put a mask on that are compared, each a function of faces and their 68 points.

A method gives a picture, or None where it can do nothing for a face. What can be learned from
pairs is learned from the same train pairs by each: the auto-encoder its weights, "copy + mean mask"
its mask, the polygon its colour, the network of this project which style was meant.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mask_faces import SIZE
from mask_measures import laplacian_variance
from mask_truth import Pairs, known_points
from torch import nn

from augment.generators import mask
from augment.generators.mask import polygon
from augment.generators.mask.layout import Template
from augment.generators.mask.style import COLOURS, Style
from augment.generators.mask.templates import paste
from augment.images import resize
from augment.protocols import Face, Request
from augment.types import FloatArray, Image

Points = Sequence[FloatArray | None]
Pictures = list[Image | None]
Method = Callable[[Sequence[Image], Points], Pictures]

_UNMASKED = {"mask": "no"}
_MASKED = {"mask": "yes"}


class Polygon:
    """See :mod:`augment.generators.mask.polygon`."""

    def __init__(self, *variant: Any) -> None:
        self._variant = variant

    def __call__(self, faces: Sequence[Image], points: Points) -> Pictures:
        return [
            polygon.put_on(face, places, *self._variant).image
            for face, places in zip(faces, points, strict=True)
        ]


class MeanMask:
    """The input, with the mean of the train masks where most of them lie."""

    def __init__(self, pairs: Pairs) -> None:
        self._where = pairs.inside.mean(axis=0) > 0.5
        weight = pairs.inside[..., None].astype(np.float64)
        total = (weight * pairs.targets).sum(axis=0)
        mean = total / np.maximum(weight.sum(axis=0), 1)
        self._colour = np.round(mean).astype(np.uint8)

    def __call__(self, faces: Sequence[Image], points: Points) -> Pictures:
        return [self._one(face) for face in faces]

    def _one(self, face: Image) -> Image:
        size = face.shape[0]
        colour = self._colour if size == SIZE else resize(self._colour, size)
        where = cv2.resize(
            self._where.astype(np.uint8), (size, size), None, 0, 0, cv2.INTER_NEAREST
        )
        return np.where(where[..., None] > 0, colour, face)


class Repainted:
    """The auto-encoder's output, which is the whole picture. It sees 64 pixels, always."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def __call__(self, faces: Sequence[Image], points: Points) -> Pictures:
        sizes = [face.shape[0] for face in faces]
        small = np.stack([face if size == SIZE else resize(face, SIZE)
                          for face, size in zip(faces, sizes, strict=True)])  # fmt: skip
        given = torch.from_numpy(small).permute(0, 3, 1, 2).float().div_(255)
        with torch.inference_mode():
            found = self._network(given).permute(0, 2, 3, 1).mul(255).round()
        made = found.to(torch.uint8).contiguous().numpy()
        return [
            image if size == SIZE else resize(image, size)
            for image, size in zip(made, sizes, strict=True)
        ]


class Pasted:
    """MaskTheFace's templates in turn, laid on the 68 points."""

    def __init__(self, templates: list[Template]) -> None:
        self._templates = templates

    def __call__(self, faces: Sequence[Image], points: Points) -> Pictures:
        return [
            self.one(face, places, number)
            for number, (face, places) in enumerate(zip(faces, points, strict=True))
        ]

    def one(self, face: Image, places: FloatArray | None, number: int) -> Image | None:
        """With the template that ``number`` chooses."""
        if places is None:
            return None
        made, alpha = paste(face, places, self._templates[number % len(self._templates)])
        return made if alpha.any() else None


class Generated:
    """The project's generator; with ``style`` it wears that mask, else one that the face's place in
    the list chooses."""

    def __init__(self, config: mask.Config, model: Path, style: Style | None = None) -> None:
        self._generator = _Dressed(config)
        self._generator.load(model)
        self._generator.wanted = style

    def __call__(self, faces: Sequence[Image], points: Points = ()) -> Pictures:
        return [made.image for made in self._generator.make(requests(faces))]

    def reasons(self, faces: Sequence[Image]) -> list[str]:
        return [made.reason for made in self._generator.make(requests(faces)) if made.reason]

    @property
    def worn(self) -> Style:
        """The one mask that it wears."""
        return self._generator.wanted or Style("surgical", COLOURS["surgical"][0])

    def wear(self, style: Style | None) -> "Generated":
        self._generator.wanted = style
        return self


class _Dressed(mask.Generator):
    wanted: Style | None = None

    def style(self, request: Request) -> Style:
        return self.wanted or super().style(request)


def requests(faces: Sequence[Image]) -> list[Request]:
    """One request a face. The generator is not told where eyes, nose and mouth are."""
    nowhere = np.zeros((5, 2), np.float32)
    return [
        Request(
            f"face {place}",
            (Face(f"face {place}", face, nowhere, _UNMASKED),),
            _MASKED,
            ("mask",),
            place,
        )
        for place, face in enumerate(faces)
    ]


def fitted_style(generated: Generated, train: Pairs) -> Style:
    """The style that comes nearest to the train pairs: colour, then how high and wide it sits, then
    how deep its folds are."""
    wanted = _mean_colour(train.targets, train.inside)
    some = list(train.faces[:96])
    style = Style("surgical", COLOURS["surgical"][0])
    for _ in range(4):
        made = generated.wear(style)(some)
        there = {place: image for place, image in enumerate(made) if image is not None}
        if not there:  # it learned next to nothing
            return style
        shown = _mean_colour(np.stack(list(there.values())), train.inside[list(there)])
        moved = np.clip(np.array(style.colour) * wanted / np.maximum(shown, 1), 0, 255)
        style = _changed(style, colour=tuple(round(level) for level in moved))
    tried = [
        _changed(style, top=top, fit=fit)
        for top in (-1.0, -0.5, 0.0, 0.5, 1.0)
        for fit in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    style = min(tried, key=lambda one: _distance(generated.wear(one)(some), train))
    reliefs = [_changed(style, relief=relief) for relief in np.arange(0.5, 1.55, 0.1).tolist()]
    return min(reliefs, key=lambda one: abs(np.log(_sharpness(generated.wear(one)(some), train))))


def _sharpness(made: Pictures, train: Pairs) -> float:
    """Of made masks over that of the train targets' masks, as the row of that name."""
    found = np.array([
        [laplacian_variance(image, inside), laplacian_variance(target, inside)]
        for image, target, inside in zip(made, train.targets, train.inside, strict=False)
        if image is not None
    ])  # fmt: skip
    ours, theirs = np.nanmean(found, axis=0) + 1e-3
    return float(ours / theirs)


def _distance(made: Pictures, train: Pairs) -> float:
    """Mean squared difference from the train targets."""
    errors = [
        np.square(image.astype(np.float32) - target).mean()
        for image, target in zip(made, train.targets, strict=False)
        if image is not None
    ]
    return float(np.mean(errors)) if errors else float("inf")


def _changed(style: Style, **fields: Any) -> Style:
    return Style(**{**vars(style), **fields})


def _mean_colour(images: Any, regions: Any) -> FloatArray:
    each = [
        image[region].mean(axis=0)
        for image, region in zip(images, regions, strict=True)
        if region.any()
    ]
    return np.asarray(np.mean(each, axis=0), dtype=np.float32)


def apart(work: Callable[..., Any], *arguments: Any) -> dict[str, float]:
    """Run in a process of its own: ``seconds``, ``processor_seconds`` (which others on the machine
    do not lengthen much), ``peak_mib`` of memory, and the ``result`` where that is a number."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, work, arguments))
    process.start()
    sender.close()
    try:
        result: dict[str, float] = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{work.__name__} ended early, see above") from None
    finally:
        process.join()
    return result


def _report(sender: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    start = time.perf_counter()
    result = work(*arguments)
    seconds, processor = time.perf_counter() - start, time.process_time()
    told = {"seconds": seconds, "processor_seconds": processor, "peak_mib": _peak()}
    sender.send(told | ({"result": result} if isinstance(result, float) else {}))


def _peak() -> float:
    """MiB of memory that this process held at most. Not ``getrusage``: what it says begins with
    the parent's peak."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    high = next(line for line in lines if line.startswith("VmHWM:"))
    return int(high.split()[1]) / 1024


def points_of(pairs: Pairs) -> Points:
    return known_points(pairs.landmarks)
