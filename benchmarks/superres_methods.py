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
from augment.generators.superres.training import teach
from augment.nets.weights import export, read_config
from augment.params import validate
from augment.shards import write_json
from augment.types import Image

Method = Callable[[Image], Image]

#: Images that each training sees: pixels and detail of ours, the paper's, the supervised one's.
LENGTHS: dict[str, tuple[int, int, int, int]] = {
    "drawn": (12_000, 5_000, 2_500, 12_000),
    "fairface": (5_000, 2_500, 800, 5_000),
    "london_hr": (2_400, 1_200, 400, 2_400),
    "celebamask_hq": (2_400, 1_200, 400, 2_400),
}
BLENDS = (0.25, 0.5, 0.75)
#: The sets that the whole curve is measured on; elsewhere its middle.
CURVES = ("drawn", "fairface")


def plain(filtering: PillowImage.Resampling) -> Method:
    def enlarge(face: Image) -> Image:
        size = (FACTOR * face.shape[1], FACTOR * face.shape[0])
        return np.asarray(PillowImage.fromarray(face).resize(size, filtering))

    return enlarge


def settings(arch: str, name: str, quick: bool) -> dict[str, Any]:
    """The generator's entry for a training: ours, paper or supervised."""
    pixels, detail, paper, supervised = (64,) * 4 if quick else LENGTHS[name]
    if arch == "paper":
        train = {"images": paper, "batch": 8, "learning_rate": 3e-4}
        return {"arch": "paper", "network": {"channels": 64}, "train": train}
    if arch == "supervised":
        return {"train": {"images": supervised}, "adversarial": {"images": 16}}
    return {"train": {"images": pixels}, "adversarial": {"images": detail}}


def train(arch: str, faces: Faces, folder: Path, seed: int, quick: bool) -> Mapping[str, float]:
    """Train on the seen faces, at their given size (``supervised``: with their originals)."""
    told = folder / "training.json"
    if not told.is_file():
        config = validate(Config, settings(arch, faces.name, quick), "superres")
        seen = faces.of(SEEN)
        true = arch == "supervised"
        pictures = seen.originals if true else seen.given()
        pairs = Pairs(pictures, config.crop, {1: 1.0}) if true else Pairs(pictures, config.crop)
        digest = hashlib.sha256(pictures.tobytes()).hexdigest()
        resumed = (folder / "work").exists()  # then these seconds are not all
        start, cpu = time.perf_counter(), time.process_time()
        networks, fitted = teach(pairs, len(seen.part), digest, config, seed, folder / "work")
        export(folder, networks, config.model_dump(mode="json"), fitted)
        seconds = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
        write_json(told, {**seconds, "images": fitted.images, "resumed": resumed})
    found: dict[str, float] = json.loads(told.read_text())
    return found


def trained(folder: Path, blend: float) -> Method:
    """As the generator enlarges; the paper knows of no back-projection."""
    make: dict[str, Any] = {"blend": blend}
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
    found = {
        "bicubic": plain(PillowImage.Resampling.BICUBIC),
        "lanczos": plain(PillowImage.Resampling.LANCZOS),
        "paper": trained(models / name / "paper", 1.0),
        "ours_l1": trained(models / name / "ours", 0.0),
        "ours_gan": trained(models / name / "ours", 1.0),
        "supervised": trained(models / name / "supervised", 0.0),
    }
    for blend in BLENDS if name in CURVES else (0.5,):
        found[f"ours_blend_{blend:g}"] = trained(models / name / "ours", blend)
    return found
