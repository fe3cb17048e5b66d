"""Morphing networks of two people, on few frames: python benchmarks/morph_nets.py

Each row is one training (arch, film, how frames are cut, how many), or the classical warp of the
same frames. Trainings that were killed go on in --work. Figures go to reports/systems/morph.json.

Budgets are about equal in processor time, not in images: DCGAN, of a quarter of its port's width,
sees --images-dcgan, ours --images-ours.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from morph_frames import Film, read_film, some
from morph_nets_measures import Measures
from morph_nets_models import DcganModel, Model, OurModel, WarpModel

from augment.errors import TrainingFailed
from augment.figures import Figure, write_figures
from augment.generators.morph import Config
from augment.generators.morph.lesson import Lesson
from augment.generators.morph.training import side, taught
from augment.types import Image

SEED = 7
_WORTH = {"OK": 1.0, "WATCH": 0.5, "FAILED": 0.0}
_WIDTH, _BATCH = 16, 8
_SHOWN = 8


@dataclass(frozen=True)
class Case:
    """What is learned from.

    Attributes:
        film: ``drawn`` or ``clips``.
        kind: ``aligned`` or ``raw``.
        count: frames of both people together.
    """

    film: str
    kind: str
    count: int

    @property
    def group(self) -> str:
        return f"{self.kind}-{self.count}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("FACES_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of the data sets")
    parser.add_argument("--films", nargs="+", default=["drawn"], choices=["drawn", "clips"])
    parser.add_argument("--kinds", nargs="+", default=["aligned"], choices=["aligned", "raw"])
    parser.add_argument("--counts", nargs="+", type=int, default=[5000, 500, 100])
    arches = ["dcgan", "ours", "warp"]
    parser.add_argument("--arches", nargs="+", default=arches, choices=arches)
    parser.add_argument("--images-dcgan", type=int, default=12_000)
    parser.add_argument("--images-ours", type=int, default=5_000)
    parser.add_argument("--work", type=Path, required=True, help="trainings go on here")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/morph.json"))
    args = parser.parse_args()
    images = {"dcgan": args.images_dcgan, "ours": args.images_ours}
    for name in args.films:
        film = read_film(name, args.data, args.work, SEED)
        for kind in args.kinds:
            measures = Measures(film, kind, args.data, SEED)
            _keep(measures.floor(f"two_{name}"), args.out)
            for count in args.counts:
                case = Case(name, kind, count)
                for arch in args.arches:
                    rows = _figures(case, arch, film, measures, images.get(arch, 0), args.work)
                    _keep(rows, args.out)


def _keep(rows: Iterator[Figure], out: Path) -> None:
    found = list(rows)
    for row in found:
        print(f"{row.data} {row.group} {row.arch} {row.name}: {row.value} {row.unit} n = {row.n}",
              flush=True)  # fmt: skip
    write_figures(out, "morph", SEED, found)


def _figures(
    case: Case, arch: str, film: Film, measures: Measures, images: int, work: Path
) -> Iterator[Figure]:
    crops, points, who = some(film, case.kind, case.count)
    data, group = f"two_{case.film}", case.group
    model: Model
    if arch == "warp":
        model = WarpModel(measures, crops, points, who)
    else:
        config = config_of(arch, images)
        lesson = Lesson(crops, [f"person {n}" for n in who], side(config), _digest(crops), False)
        start = time.process_time()
        try:
            network, fitted = taught(config, lesson, SEED, work / "trained")
        except TrainingFailed as failed:
            yield _health(arch, data, group, failed.history, "FAILED")
            return
        spent = time.process_time() - start
        assert fitted.health is not None
        yield _health(arch, data, group, fitted.history, fitted.health.word)
        if fitted.seconds:  # it was not finished before
            yield Figure("train_minutes", arch, data, round(spent / 60, 2),
                         f"minutes of one processor core, {images} images", "lower", 1,
                         group=group)  # fmt: skip
        kind = DcganModel if arch == "dcgan" else OurModel
        model = kind(measures, crops, points, who, network)
    yield from measures.of(model, arch, data, group, crops)
    _show(model, work / f"{case.film}_{group}_{arch}.png")


def config_of(arch: str, images: int) -> Config:
    """Of the benchmark's trainings."""
    settings = {"images": images, "batch": _BATCH}
    network = {"width": _WIDTH} if arch == "dcgan" else {}
    return Config.model_validate({"arch": arch, "network": network, "train": settings})


def _digest(crops: np.ndarray) -> str:  # type: ignore[type-arg]
    import hashlib

    return hashlib.sha256(crops.tobytes()).hexdigest()


def _health(arch: str, data: str, group: str, history: list[dict[str, float]], word: str) -> Figure:
    last = history[-1]
    told = f"{word}; last d-loss {last['d_loss']:.2f}, g-loss {last['g_loss']:.2f}"
    return Figure("health", arch, data, _WORTH[word], f"{told} (OK 1, WATCH 0.5, FAILED 0)",
                  "higher", int(last["images"]), group=group)  # fmt: skip


def _show(model: Model, path: Path) -> None:
    """Samples, then two paths."""
    random = np.random.default_rng([SEED, 9])
    rows: list[Image] = [np.hstack(list(model.samples(_SHOWN, random)))]
    for one in model.paths(2, _SHOWN, random):
        rows.append(np.hstack(list(one)))
    picture = cv2.resize(np.vstack(rows), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))


if __name__ == "__main__":
    sys.exit(main())
