"""``mask``: puts a face mask on a face. A small network lays it on; no landmarks are read.

The network is taught with masks painted on real train faces (painter.py), then with real pairs
where there are some, and gives alpha, colour and place, as recommended against the blur of a plain
auto-encoder (S. H. Lee 2022): outside of the mask the face stays what it was, bit for bit. The
paper's own network is here, too (``arch: cae``); it repaints the whole face.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from augment.errors import UserError
from augment.generators.mask import layout
from augment.generators.mask.config import Config as Config
from augment.generators.mask.config import Templates
from augment.generators.mask.laying import COVER, Layers, cover, lay, lay_template
from augment.generators.mask.layout import Template, read_templates
from augment.generators.mask.pairs import names_of
from augment.generators.mask.style import Style, random_style
from augment.images import resize
from augment.protocols import Made, Request
from augment.types import FloatArray, Image
from augment.vocabulary import NO, YES, DigitalSourceType

if TYPE_CHECKING:
    from augment.generators.mask.cae import PaperNet
    from augment.generators.mask.network import MaskNet

_BATCH = 8  # always computed with so many faces: the same kernels whatever the request count
Item = TypeVar("Item")
Result = TypeVar("Result")
_SMALLEST_FACE = 24  # pixels; below, nothing of a mask's shape is left


class Generator:
    """Moves only the attribute ``mask``, from no to yes.

    Raises:
        UserError: a folder of templates or of real pairs that params name is missing, cannot be
            used, or is not the one that its ``sha256`` names.
    """

    parents = 1
    digital_source_type: DigitalSourceType = "compositeWithTrainedAlgorithmicMedia"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._network: MaskNet | None = None
        self._paper: PaperNet | None = None
        self._weights = ""
        chosen = config.make.templates
        self._templates = [] if chosen is None else _templates(chosen)
        if config.pairs is not None:
            names_of(config.pairs)
        if config.arch == "cae":  # every pixel is the network's
            self.digital_source_type = "trainedAlgorithmicMedia"

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """1 where the mask is all that differs, else None."""
        if donor.get("mask") != NO or target.get("mask") != YES:
            return None
        same = all(donor.get(axis) == value for axis, value in target.items() if axis != "mask")
        return 1.0 if same else None

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        from augment.generators.mask.learning import learn

        learn(self.config, faces, folder, seed, work)

    def load(self, folder: Path) -> None:
        from augment.nets.device import best_device, place
        from augment.nets.weights import restore

        if self.config.arch == "cae":
            from augment.generators.mask.cae import PaperNet

            paper = PaperNet(self.config.cae.bottleneck)
            self._weights = restore(folder, {"mask": paper})
            self._paper = place(paper, best_device())
            return
        import torch

        from augment.generators.mask.network import MaskNet

        network = MaskNet(self.config.network.channels)
        self._weights = restore(folder, {"mask": network})
        # In float32 the CPU, too, is a quarter faster so.
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = place(network, best_device())

    def weights(self) -> str:
        """sha256 of the network's weights; where masks come from templates, of both together."""
        chosen = self.config.make.templates
        if not self._weights or chosen is None:
            return self._weights
        return hashlib.sha256(f"{self._weights} {chosen.sha256}".encode()).hexdigest()

    def make(self, requests: Sequence[Request]) -> list[Made]:
        results: list[Made | None] = [_refusal(request) for request in requests]
        open_places = [place for place, result in enumerate(results) if result is None]
        put_on = self._repaint if self.config.arch == "cae" else self._put_on
        asked = [requests[place] for place in open_places]
        for place, one in zip(open_places, put_on(asked), strict=True):
            results[place] = one
        return [result for result in results if result is not None]

    def style(self, request: Request) -> Style:
        """The mask that a request's seed stands for, before it is known whether the photo is grey.

        Under a template it is one of usual height and width, white, which only gives the light.
        """
        random = np.random.default_rng(request.seed)
        make = self.config.make
        while True:
            style = random_style(random, vary=12.0)
            if style.kind in make.types and style.texture in make.textures:
                return style

    def template(self, request: Request) -> Template | None:
        """The user's template that a request's seed stands for; None: a drawn mask."""
        chosen = self.config.make.templates
        if chosen is None:
            return None
        random = np.random.default_rng([request.seed, 1])
        if random.random() >= chosen.share:
            return None
        return self._templates[int(random.integers(len(self._templates)))]

    def _put_on(self, requests: list[Request]) -> list[Made]:
        faces = [request.parents[0].image for request in requests]
        worn = [self.template(request) for request in requests]
        styles = [
            self.style(request) if template is None else _UNDER
            for request, template in zip(requests, worn, strict=True)
        ]
        lit = [style.on(face) for style, face in zip(styles, faces, strict=True)]
        layers = _each(self._predict, _batches(list(zip(faces, lit, strict=True))))
        # One after the other: on crops this small, threads wait for Python more than they win.
        return [_finish(*one) for one in zip(requests, styles, lit, worn, layers, strict=True)]

    def _predict(self, part: list[tuple[Image, Style]]) -> list[Layers]:
        import torch

        from augment.nets.data import to_tensor

        if self._network is None:
            raise RuntimeError("load() comes before make()")
        faces, styles = [face for face, _ in part], [style for _, style in part]
        size, fill = self.config.network.size, _BATCH - len(faces)
        small = [resize(face, size) if face.shape[:2] != (size, size) else face for face in faces]
        small += [np.zeros((size, size, 3), np.uint8)] * fill
        codes = np.stack([style.code() for style in styles + [styles[0]] * fill])
        device = next(self._network.parameters()).device
        with torch.inference_mode():
            pixels = to_tensor(small, device).contiguous(memory_format=torch.channels_last)
            logits, colour, place = self._network(pixels, torch.from_numpy(codes).to(device))
            alpha = torch.sigmoid(logits[: len(faces), 0]).cpu().numpy()
            look = torch.cat([(colour + 1) * 127.5, place], dim=1)[: len(faces)]
        planes: FloatArray = look.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return [Layers(*one) for one in zip(alpha, planes, strict=True)]

    def _repaint(self, requests: list[Request]) -> list[Made]:
        return _each(self._repaint_some, _batches(requests))

    def _repaint_some(self, requests: list[Request]) -> list[Made]:
        import torch

        from augment.generators.mask.cae import repaint

        if self._paper is None:
            raise RuntimeError("load() comes before make()")
        faces = [request.parents[0].image for request in requests]
        fill = [faces[0]] * (_BATCH - len(faces))
        with torch.inference_mode():
            made = repaint(self._paper, faces + fill)[: len(faces)]
        return [
            Made(image, request.parents[0].points, ("repainted with a mask",))
            for image, request in zip(made, requests, strict=True)
        ]


def _batches(items: list[Item]) -> list[list[Item]]:
    return [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]


def _each(work: Callable[[list[Item]], list[Result]], parts: list[list[Item]]) -> list[Result]:
    """What ``work`` makes of every part, as many at a time as torch has threads, each on one.

    One thread a part: how a sum is split over threads shows in its last bits.
    """
    import torch

    from augment.nets.device import reproducible

    def alone(part: list[Item]) -> list[Result]:
        torch.set_num_threads(1)  # OpenMP keeps this number for each thread
        return work(part)

    threads = min(len(parts), torch.get_num_threads())
    with reproducible(threads=1):
        if threads < 2:
            return [one for part in parts for one in work(part)]
        with ThreadPoolExecutor(threads) as pool:
            return [one for made in pool.map(alone, parts) for one in made]


#: What the network is asked for where a template is worn: white shows the light best.
_UNDER = Style("surgical", (226, 232, 236))


@lru_cache(maxsize=4)
def _templates(chosen: Templates) -> list[Template]:
    found = read_templates(chosen.folder)
    digest = layout.digest(chosen.folder)
    if digest != chosen.sha256:
        raise UserError(
            f"params.yaml: templates of the mask generator: {chosen.folder} has sha256 {digest}, "
            f"not '{chosen.sha256}': write it to templates.sha256 if these are the masks that you "
            "mean."
        )
    return found


def _refusal(request: Request) -> Made | None:
    face = request.parents[0]
    if face.labels.get("mask") == YES:
        return Made(None, reason=f"{face.id} is labelled as wearing a mask already")
    if min(face.image.shape[:2]) < _SMALLEST_FACE:
        return Made(None, reason=f"{face.id} is under {_SMALLEST_FACE} pixels: too small to mask")
    return None


def _finish(
    request: Request, style: Style, lit: Style, template: Template | None, layers: Layers
) -> Made:
    """``lit``: the style as the photo's light shows it, which the layers are of."""
    face = request.parents[0]
    share = cover(layers)
    if not COVER[0] <= share <= COVER[1]:
        return Made(
            None, reason=f"no place for a mask was found on {face.id} (it would cover {share:.0%})"
        )
    random = np.random.default_rng([request.seed, 2])
    if template is None:
        return Made(lay(face.image, lit, layers, random), face.points, (style.describe(),))
    image = lay_template(face.image, lit, template, layers, random)
    return Made(image, face.points, (f"mask template {template.name} sha256 {template.sha256}",))
