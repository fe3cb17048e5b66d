"""Train the detector: ``python -m augment.nets.landmarknet --fairface DIR --teacher FILE``.

Photos of FairFace (CC BY 4.0) with the faces that YuNet sees on them in the mean of many looks, and
drawn faces, whose points are exact. A tenth of the photos is held out. A killed training goes on
where it was. Writes the weights that ``align.detector: {kind: landmarknet}`` reads, and their
sha256, which stands in its code.
"""

import argparse
import hashlib
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.numpy import save
from torch import Tensor

from augment.drawing import draw, random_spec, sample_person
from augment.drawing.spec import MASKS
from augment.nets.config import TrainConfig
from augment.nets.device import best_device
from augment.nets.landmarknet import scenes
from augment.nets.landmarknet.network import MIDDLE, SPREAD, LandmarkNet, layout
from augment.nets.landmarknet.objective import Faces, cells_of, losses
from augment.nets.landmarknet.photos import Photos, draw_more_often, held_out, read_photos
from augment.nets.landmarknet.surroundings import Surroundings
from augment.nets.loop import Indices, Learner, Step, build, fit
from augment.shards import AtomicFile
from augment.types import FloatArray

SEED = 7
_DRAWN = 2000
#: Drawn more often still: the youngest and the oldest look different, and points of faces labelled
#: Black were the worst of all.
_HARDER = {"0-2": 2.0, "more than 70": 1.5, "60-69": 1.2, "Black": 2.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fairface", type=Path, required=True, help="FairFace's own folder")
    parser.add_argument("--teacher", type=Path, required=True, help="YuNet's ONNX file")
    parser.add_argument("--work", type=Path, default=Path(".augment/landmarknet"))
    parser.add_argument("--images", type=int, default=400_000)
    parser.add_argument("--workers", type=int, default=2, help="processes that ask the teacher")
    parser.add_argument("--out", type=Path, default=Path("landmarknet.safetensors"))
    args = parser.parse_args()
    cv2.setNumThreads(1)
    photos = read_photos(args.fairface, SEED, args.teacher, args.work, args.workers)
    usable = ~held_out(photos.names, photos.images) & (photos.state[:, 0] == 2)
    photos = photos.take(np.flatnonzero(usable))
    drawn = drawn_photos(_DRAWN, scenes.SIDE)
    config = TrainConfig(
        images=args.images, batch=32, learning_rate=3e-3, weight_decay=1e-3, ema=0.999
    )
    network = build(LandmarkNet, SEED)
    # A quarter faster for these plain convolutions, on CPUs too.
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fitted = fit(
        [Learner(network, step_of(network, photos, drawn))],
        len(photos.names),
        config,
        SEED,
        args.work,
        "landmarknet",
        {"photos": hashlib.sha256(photos.points.tobytes()).hexdigest()},
        draw_more_often(photos.words, _HARDER),
        checkpoint_seconds=60.0,
    )
    print(f"{fitted.images:,} pictures, {fitted.seconds:.0f} s, last {fitted.history[-1]}")
    print(write(network, args.out))


def write(network: LandmarkNet, path: Path) -> str:
    """The weights for inference, with the layout as metadata; returns their sha256."""
    # As they lie in memory, channels-last weights would be written in another order.
    arrays = {name: np.ascontiguousarray(array) for name, array in network.arrays().items()}
    content = save(arrays, metadata={"layout": layout()})
    with AtomicFile(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def step_of(network: LandmarkNet, photos: Photos, drawn: Photos) -> Step:
    sides = np.sqrt(photos.boxes[:, 0, 2] * photos.boxes[:, 0, 3])
    around = Surroundings.of(photos.images, sides, SEED, scenes.SIDE)
    cells = cells_of(scenes.SIDE, scenes.SIDE)

    def step(places: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        made = [
            scenes.compose(int(place), photos, drawn, around, own)
            for place, own in zip(places, random.spawn(len(places)), strict=True)
        ]
        pictures, *answers = scenes.batch(made)
        return losses(network(pixels(pictures)), cells, Faces(*map(torch.from_numpy, answers)))

    return step


def pixels(pictures: scenes.Pictures) -> Tensor:
    """uint8 (n, height, width, 3) as the network takes them, (n, 3, height, width)."""
    levels = torch.from_numpy(pictures).to(best_device()).permute(0, 3, 1, 2).float()
    return ((levels - MIDDLE) / SPREAD).contiguous(memory_format=torch.channels_last)


def drawn_photos(count: int, side: int) -> Photos:
    """Drawn faces of all ages and skin tones, two in five masked, with exact points.

    A box is set around the points as the teacher sets it on photos.
    """
    pictures, boxes, points = [], [], []
    for number in range(count):
        mask = MASKS[number % 3] if number % 5 < 2 else None
        person = sample_person(SEED * 10_000 + number, monk=1 + number % 10)
        spec = random_spec(person, number * 7.3 % 90, number, mask=mask)
        drawing = draw(spec, side)
        pictures.append(drawing.image)
        points.append(drawing.landmarks5)
        boxes.append(box_around(drawing.landmarks68))
    state = np.full((count, 1), 2, np.uint8)
    words = [("", "", "")] * count
    return Photos(
        [""] * count, np.stack(pictures), np.stack(boxes)[:, None], np.stack(points)[:, None],
        state, words,
    )  # fmt: skip


def box_around(landmarks: FloatArray) -> FloatArray:
    """From jaw to jaw, from the chin to a forehead's height above the brows; x, y, width, height.

    Args:
        landmarks: (68, 2), iBUG order.
    """
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    forehead = 0.28 * (high[1] - low[1])
    return np.array(
        [low[0], low[1] - forehead, high[0] - low[0], high[1] - low[1] + forehead], np.float32
    )


if __name__ == "__main__":
    main()
