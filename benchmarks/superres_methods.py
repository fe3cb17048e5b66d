"""What the super-resolution benchmark compares. A method enlarges one face four times."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage
from superres_faces import FACTOR, SEEN, Faces

from augment.generators.superres import Config, Generator
from augment.generators.superres.pairs import Pairs
from augment.generators.superres.restore import film_grain
from augment.generators.superres.training import teach
from augment.nets.weights import export, read_config
from augment.params import validate
from augment.shards import write_json
from augment.types import Image

Method = Callable[[Image], Image]

#: Images that each training sees: pixels and detail of ours, the paper's, the supervised one's.
LENGTHS: dict[str, tuple[int, int, int, int]] = {
    "drawn": (8_000, 8_000, 1_600, 8_000),
    "fairface": (16_000, 12_000, 1_600, 16_000),
    "london_hr": (2_400, 2_400, 400, 2_400),
    "celebamask_hq": (2_400, 2_400, 400, 2_400),
}
#: Shares of these lengths that the curve of likeness against training time is of.
SHARES = (1 / 16, 1 / 4)
CHOSEN_AT, CHOSEN_ON = 1 / 4, "fairface"  # the share at which settings are compared, the set
BLENDS = (0.25, 0.5, 0.75, 1.0)
GRAIN = 0.5  # grey levels, chosen on faces of validation
ADAPTED = ("fairface",)  # it takes a second a face
ADAPTATION = 50  # steps on the very face
BLEND = "blend.json"  # beside a set's models: the share of the second stage in `ours_gan`
#: The sets that the whole curve is measured on.
CURVES = ("drawn", "fairface")


def plain(filtering: PillowImage.Resampling) -> Method:
    def enlarge(face: Image) -> Image:
        size = (FACTOR * face.shape[1], FACTOR * face.shape[0])
        return np.asarray(PillowImage.fromarray(face).resize(size, filtering))

    return enlarge


def grainy(level: float) -> Method:
    """Bicubic with noise of so many grey levels. It finds no detail: what it gains in distances is
    what these make of grain alone."""
    bicubic = plain(PillowImage.Resampling.BICUBIC)

    def enlarge(face: Image) -> Image:
        smooth = bicubic(face)
        noise = film_grain(face, level)[0, 0].numpy() * 127.5
        side = -(-max(smooth.shape[:2]) // len(noise))
        noise = np.tile(noise, (side, side))[: smooth.shape[0], : smooth.shape[1], None]
        return np.clip(np.round(smooth + noise), 0, 255).astype(np.uint8)

    return enlarge


def settings(arch: str, name: str, quick: bool, share: float = 1.0) -> dict[str, Any]:
    """The generator's entry for a training, or one of a ``share`` of its length: ours, paper or
    supervised."""
    lengths = (64,) * 4 if quick else LENGTHS[name]
    pixels, detail, paper, supervised = (round(share * length) for length in lengths)
    if arch == "paper":
        train = {"images": paper, "batch": 8, "learning_rate": 3e-4}
        return {"arch": "paper", "network": {"channels": 64}, "train": train}
    if arch == "supervised":
        return {"train": {"images": supervised}, "adversarial": {"images": 16}}
    return {"train": {"images": pixels}, "adversarial": {"images": detail}}


def train(
    entry: Mapping[str, Any], faces: Faces, folder: Path, seed: int, work: Path, true: bool = False
) -> Mapping[str, float]:
    """Train on the seen faces, at their given size or, where ``true``, with their originals.

    Args:
        entry: the generator's settings, as of :func:`settings`.
        faces: the set.
        folder: the model's; a finished one is not trained again.
        seed: the run's.
        work: of checkpoints; trainings that begin alike may share it.
        true: of the oracle.
    """
    told = folder / "training.json"
    if not told.is_file():
        config = validate(Config, entry, "superres")
        seen = faces.of(SEEN)
        pictures = seen.originals if true else seen.given()
        pairs = Pairs(pictures, config.crop, {1: 1.0}) if true else Pairs(pictures, config.crop)
        digest = hashlib.sha256(pictures.tobytes()).hexdigest()
        resumed = work.exists()  # then these seconds are not all
        start, cpu = time.perf_counter(), time.process_time()
        networks, fitted = teach(pairs, len(seen.part), digest, config, seed, work)
        export(folder, networks, config.model_dump(mode="json"), fitted)
        seconds = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
        write_json(told, {**seconds, "images": fitted.images, "resumed": resumed})
    found: dict[str, float] = json.loads(told.read_text())
    return found


def trained(folder: Path, blend: float, adaptation: int = 0, grain: float = 0.0) -> Method:
    """As the generator enlarges; the paper knows of no back-projection."""
    make: dict[str, Any] = {"blend": blend, "adaptation": adaptation, "grain": grain}
    entry = read_config(folder)
    if entry["arch"] == "paper":
        make["back_projection"] = 0
    config = validate(Config, {**entry, "make": make}, "superres")
    generator = Generator(config)
    generator.load(folder)
    return generator.enlarge


def methods(models: Path, name: str) -> dict[str, Method]:
    """All that are compared on one set: arch -> method."""
    torch.set_num_threads(1)
    detail: float = json.loads((models / name / BLEND).read_text())["blend"]
    found = {
        "bicubic": plain(PillowImage.Resampling.BICUBIC),
        "lanczos": plain(PillowImage.Resampling.LANCZOS),
        "bicubic_grain": grainy(GRAIN),
        "paper": trained(models / name / "paper", 1.0),
        "ours_l1": trained(models / name / "ours", 0.0),
        "ours_gan": trained(models / name / "ours", detail),
        "ours_gan_grain": trained(models / name / "ours", detail, grain=GRAIN),
        "supervised": trained(models / name / "supervised", 0.0),
    }
    if name in ADAPTED:
        found["ours_l1_adapted"] = trained(models / name / "ours", 0.0, ADAPTATION)
    for blend in BLENDS if name in CURVES else ():
        found[f"ours_blend_{blend:g}"] = trained(models / name / "ours", blend)
    return found
