"""From faces and values to changes of pixels, with a trained network."""

from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from augment.generators.attribute.codes import Codes
from augment.generators.attribute.config import Config
from augment.generators.attribute.labels import VALUES
from augment.generators.attribute.layouts import LayoutNet
from augment.generators.attribute.lesson import LEVEL
from augment.generators.attribute.network import Editor
from augment.generators.attribute.window import cut, put_back, window_of
from augment.images import resize
from augment.nets.data import to_tensor
from augment.nets.device import best_device, reproducible
from augment.regions import region_of
from augment.types import FloatArray, Image
from augment.vocabulary import UNKNOWN

_BATCH = 16  # always computed with so many faces: the same kernels whatever the request count
Values = Mapping[str, str]
#: Change (h, h, 3) in levels and attention (h, h) in 0..1, of the face's own size h.
Change = tuple[FloatArray, FloatArray]


def changes(
    config: Config,
    network: Editor | LayoutNet,
    codes: Codes | None,
    images: Sequence[Image],
    points: Sequence[FloatArray],
    own: Sequence[Values],
    target: Sequence[Values],
) -> list[Change]:
    """What each face's change is; arguments as for the generator's ``edit``."""
    if isinstance(network, LayoutNet) and not config.windows:
        return _of_pictures(config, network, images, own, target)
    found = [_nothing(image) for image in images]
    for place, name in enumerate(config.attributes):
        faces = [n for n, values in enumerate(target)
                 if values.get(name) in VALUES and own[n].get(name) in VALUES
                 and values[name] != own[n][name]]  # fmt: skip
        # The next attribute is changed on what came of the one before.
        shown = [added(images[n], found[n][0]) for n in faces]
        if isinstance(network, Editor):
            more = np.zeros((len(faces), len(config.attributes)), np.float32)
            more[:, place] = [VALUES[target[n][name]] - VALUES[own[n][name]] for n in faces]
        else:
            more = _values(config, [{**own[n], name: target[n][name]} for n in faces])
        through = _of_windows(config, network, codes, shown, [points[n] for n in faces], more, name)
        for n, (change, attention) in zip(faces, through, strict=True):
            found[n] = found[n][0] + change, np.maximum(found[n][1], attention)
    return found


def _nothing(image: Image) -> Change:
    return np.zeros(image.shape, np.float32), np.zeros(image.shape[:2], np.float32)


def _of_windows(
    config: Config,
    network: Editor | LayoutNet,
    codes: Codes | None,
    images: Sequence[Image],
    points: Sequence[FloatArray],
    asked: FloatArray,
    name: str,
) -> Iterator[Change]:
    """``asked`` (faces, attributes) are changes for our network, values for the others."""
    side, region = config.network.window, region_of(config.region(name))
    windows = [window_of(region, places) for places in points]
    seen = [cut(image, window, side) for image, window in zip(images, windows, strict=True)]
    area = window_of(region, LEVEL).area(side)
    for start, rows in _batches(len(images)):
        with reproducible(threads=1), torch.inference_mode():
            faces = to_tensor([seen[n] for n in rows], best_device())
            wanted = torch.from_numpy(asked[rows]).to(faces.device)
            if isinstance(network, Editor):
                assert codes is not None
                where = torch.from_numpy(area.astype(np.float32)).to(faces.device)
                where, place = where.expand(len(rows), 1, side, side), wanted.abs().argmax(1)
                own = codes.of(faces, where, place)
                moves = codes.moved(own, place, wanted.sum(1), config.beyond) - own
                found = network(faces, wanted, where, codes.shown(faces, moves, place))
            else:
                found = network(faces, wanted)
            both = _levels(faces, *found)
        for n, planes in zip(rows[: len(images) - start], both, strict=False):
            back = put_back(planes, windows[n], len(images[n]))
            yield back[..., :3], np.clip(back[..., 3], 0, 1)


def _of_pictures(
    config: Config,
    network: LayoutNet,
    images: Sequence[Image],
    own: Sequence[Values],
    target: Sequence[Values],
) -> list[Change]:
    size, found = config.network.size, list[Change]()
    values = _values(config, [{**has, **wanted} for has, wanted in zip(own, target, strict=True)])
    for start, rows in _batches(len(images)):
        small = [images[n] if len(images[n]) == size else resize(images[n], size) for n in rows]
        with reproducible(threads=1), torch.inference_mode():
            faces = to_tensor(small, best_device())
            wanted = torch.from_numpy(values[rows]).to(faces.device)
            both = _levels(faces, *network(faces, wanted))
        for n, planes in zip(rows[: len(images) - start], both, strict=False):
            side = len(images[n])
            if side != size:
                planes = cv2.resize(planes, (side, side), interpolation=cv2.INTER_CUBIC)
            found.append((planes[..., :3], np.clip(planes[..., 3], 0, 1)))
    return found


def _values(config: Config, labels: Sequence[Values]) -> FloatArray:
    """(faces, attributes): 0, 1, or between them where not known."""
    found = [[VALUES.get(of.get(name, UNKNOWN), 0.5) for name in config.attributes]
             for of in labels]  # fmt: skip
    return np.array(found, np.float32).reshape(len(labels), len(config.attributes))


def _batches(count: int) -> Iterator[tuple[int, list[int]]]:
    """Places of every :data:`_BATCH` faces, the last one filled up with its last face."""
    for start in range(0, count, _BATCH):
        rows = list(range(start, min(start + _BATCH, count)))
        yield start, rows + [rows[-1]] * (_BATCH - len(rows))


def _levels(faces: Tensor, image: Tensor, attention: Tensor) -> FloatArray:
    """(n, h, w, 4): change in levels, and attention."""
    change = attention * (image.clamp(-1, 1) - faces) * 127.5
    planes = torch.cat([change.float(), attention.float()], dim=1)
    return np.ascontiguousarray(planes.permute(0, 2, 3, 1).cpu().numpy(), dtype=np.float32)


def added(face: Image, change: FloatArray) -> Image:
    """A change (h, h, 3; levels) added to a face (h, h, 3)."""
    levels = np.clip(np.rint(face.astype(np.float32) + change), 0, 255)
    return np.asarray(levels, dtype=np.uint8)
