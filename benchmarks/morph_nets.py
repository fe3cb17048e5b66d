"""Networks that morph two people, on few frames: python benchmarks/morph_nets.py

Each training (film, how frames are cut, how many, arch) is measured beside the classical warp of
the same frames. All see equally many images. Trainings that were killed go on in --work, finished
ones are only measured again. Figures go to reports/systems/morph.json.
"""

import argparse
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from morph_frames import Faces, Film, read_film, some
from morph_nets_measures import Measures
from morph_nets_models import Model, model_of

from augment.errors import TrainingFailed
from augment.figures import Figure, write_figures
from augment.generators.morph import Config
from augment.generators.morph.lesson import Lesson
from augment.generators.morph.training import Network, side, taught
from augment.images import decode
from augment.nets.loop import Fitted
from augment.shards import write_json
from augment.types import Image

SEED = 7
_WORTH = {"OK": 1.0, "WATCH": 0.5, "FAILED": 0.0}
#: Rows of another width are called dcgan_w<width>, of other lengths <arch>_<thousands>k.
_WIDTH, _IMAGES = 16, 18_000
#: Ours, narrow and fast, by the side of its faces; smaller ones are enlarged to the film's 64.
NARROW: dict[int, dict[str, Any]] = {
    32: {"channels": (128, 96, 64), "critic": (32, 64, 128)},
    64: {"channels": (96, 64, 48, 24), "critic": (16, 32, 64, 96)},
}
RATE = 0.003  # of ours: a short training; DCGAN keeps its port's
_SHOWN = 8
_IN_SHEET = ("aligned-500",)


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
    _run(_parser().parse_args())


def measure_networks(data: Path, work: Path, out: Path) -> None:
    """All that there is to train and measure, of drawn people and of clips if they are there."""
    films = ["drawn", "clips"] if (data / "videos").is_dir() else ["drawn"]
    places = ["--data", str(data), "--work", str(work), "--out", str(out)]
    _run(_parser().parse_args(["--films", *films, *places]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("FACES_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of the data sets")
    parser.add_argument("--films", nargs="+", default=["drawn"], choices=["drawn", "clips"])
    kinds = ["aligned", "raw"]
    parser.add_argument("--kinds", nargs="+", default=kinds, choices=kinds)
    parser.add_argument("--film-frames", type=int, default=2500, help="drawn of each person")
    parser.add_argument("--counts", nargs="+", type=int, default=[500, 100, 5000])
    arches = ["dcgan", "ours", "warp"]
    parser.add_argument("--arches", nargs="+", default=arches, choices=arches)
    parser.add_argument("--part", nargs="+", default=["train", "measure"],
                        choices=["train", "measure"])  # fmt: skip
    parser.add_argument("--side", type=int, default=64, choices=[*NARROW], help="ours, pixels")
    parser.add_argument("--width", type=int, default=_WIDTH, help="DCGAN's; its port has 64")
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--images", type=int, default=_IMAGES, help="that a network sees")
    parser.add_argument("--work", type=Path, default=Path(".augment/morph"), help="they go on here")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/morph.json"))
    return parser


def _run(args: argparse.Namespace) -> None:
    for name in args.films:
        film = read_film(name, args.data, args.work, SEED, args.film_frames)
        for kind in args.kinds:
            measures = None
            if "measure" in args.part:
                measures = Measures(film, kind, args.data, SEED)
                _keep(measures.floor(f"two_{name}"), args.out)
            for count in args.counts:
                case = Case(name, kind, count)
                for arch in args.arches:
                    rows = _figures(case, config_of(arch, args), film, measures, args.work)
                    _keep(rows, args.out)
    _sheet(args.work, args.out.with_name("morph_nets.jpg"))


def _keep(rows: Iterator[Figure], out: Path) -> None:
    found = list(rows)
    for row in found:
        print(f"{row.data} {row.group} {row.arch} {row.name}: {row.value} {row.unit} n = {row.n}",
              flush=True)  # fmt: skip
    write_figures(out, "morph", SEED, found)


def _figures(
    case: Case, config: Config, film: Film, measures: Measures | None, work: Path
) -> Iterator[Figure]:
    frames = some(film, case.kind, case.count)
    arch = called(config)
    data, group = f"two_{case.film}", case.group
    network: Network | None = None
    if config.arch != "warp":
        people = [f"person {n}" for n in frames.who]
        lesson = Lesson(frames.crops, people, side(config), _digest(frames.crops), False)
        try:
            network, fitted, minutes = _taught(config, lesson, work / "trained")
        except TrainingFailed as failed:
            yield from _health(arch, data, group, failed.history, "FAILED")
            return
        assert fitted.health is not None
        yield from _health(arch, data, group, fitted.history, fitted.health.word)
        if minutes is not None:
            yield Figure("train_minutes", arch, data, minutes, "minutes of one processor core",
                         "lower", fitted.images, group=group)  # fmt: skip
    if measures is not None:
        model = model_of(network, frames, measures)
        yield from measures.of(model, arch, data, group, frames.crops)
        _show(model, work / f"{case.film}_{group}_{arch}.png")


def _taught(config: Config, lesson: Lesson, folder: Path) -> tuple[Network, Fitted, float | None]:
    """The network, and the processor's minutes if it was ever trained in one go."""
    begun = {path.parent.name for path in folder.glob("*/checkpoint.pt")}
    start = time.process_time()
    network, fitted = taught(config, lesson, SEED, folder)
    kept = folder / fitted.digest / "minutes.json"
    if fitted.digest not in begun:
        write_json(kept, round((time.process_time() - start) / 60, 2))
    return network, fitted, json.loads(kept.read_text()) if kept.is_file() else None


def config_of(arch: str, args: argparse.Namespace) -> Config:
    """Of the benchmark's trainings."""
    settings: dict[str, float] = {"images": args.images, "batch": args.batch}
    if arch == "ours":
        settings["learning_rate"] = RATE
    network = {"width": args.width} | NARROW[args.side]
    return Config.model_validate({"arch": arch, "network": network, "train": settings})


def called(config: Config) -> str:
    """What rows of a training are called."""
    name: str = config.arch
    if name == "dcgan" and config.network.width != _WIDTH:
        name += f"_w{config.network.width}"
    if name != "warp" and config.train.images != _IMAGES:
        name += f"_{config.train.images / 1000:g}k"
    return name


def _digest(crops: Faces) -> str:
    return hashlib.sha256(crops.tobytes()).hexdigest()


def _health(
    arch: str, data: str, group: str, history: list[dict[str, Any]], word: str
) -> Iterator[Figure]:
    """The verdict, and the middle of both losses in the last third of the training."""
    images = int(history[-1]["images"])
    yield Figure("health", arch, data, _WORTH[word], "OK 1, WATCH 0.5, FAILED 0", "higher", images,
                 group=group)  # fmt: skip
    late = history[-len(history) // 3 :]
    for name in ("d_loss", "g_loss"):
        value = float(np.median([row[name] for row in late]))
        yield Figure(name, arch, data, round(value, 3), "median of the last third of the steps",
                     "lower", images, group=group)  # fmt: skip


def _show(model: Model, path: Path) -> None:
    """Samples, then two paths."""
    random = np.random.default_rng([SEED, 9])
    samples = model.samples(_SHOWN, random)
    rows: list[Image] = [np.hstack(list(samples))] if len(samples) else []
    for one in model.paths(2, _SHOWN, random):
        rows.append(np.hstack(list(one)))
    shown = [row for row in rows if row.size]
    if shown:
        picture = cv2.resize(np.vstack(shown), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))


def _sheet(work: Path, path: Path) -> None:
    """What was made of drawn people, one training below the other; clips show real people."""
    shown = [work / f"drawn_{group}_{arch}.png"
             for group in _IN_SHEET for arch in ("dcgan", "ours", "warp")]  # fmt: skip
    pictures = [decode(one.read_bytes()) for one in shown if one.is_file()]
    if pictures:
        space = np.full((6, pictures[0].shape[1], 3), 255, np.uint8)
        lines = [part for one in pictures for part in (one, space)][:-1]
        sheet = np.ascontiguousarray(np.vstack(lines)[..., ::-1])
        cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
