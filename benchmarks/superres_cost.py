"""What restoring costs: seconds of one core, so that a busy machine does not show in them."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from superres_methods import Method

from augment.figures import Figure

CORES = 2  # faces are restored in a process a core
_REPEATS = 5


def training_figures(name: str, arch: str, took: Mapping[str, float]) -> Iterator[Figure]:
    if took.get("resumed"):
        return
    for clock, unit in (("wall", "s"), ("cpu", "s of one core")):
        yield Figure(
            f"train_seconds_{clock}", arch, name, round(took[clock], 1), unit, "lower",
            int(took["images"]), "train",
        )  # fmt: skip


def cost_figures(compared: Mapping[str, Method]) -> Iterator[Figure]:
    """256 -> 1024 and 32 -> 128. Rates are of two processes, each with a core of its own."""
    for arch, method in compared.items():
        if arch.startswith("ours_blend"):
            continue  # the same network
        if arch.endswith("_adapted"):
            for side in (32, 56, 256):
                yield Figure(
                    f"seconds_{side}_to_{4 * side}", arch, "noise",
                    round(_seconds(method, side, 1, 1), 4), "s of one core", "lower", 1,
                )  # fmt: skip
            continue
        large, small = _seconds(method, 256, 1), _seconds(method, 32, 40)
        yield Figure(
            "seconds_256_to_1024", arch, "noise", round(large, 4), "s of one core", "lower",
            _REPEATS,
        )  # fmt: skip
        yield Figure(
            "faces_per_s_32_to_128", arch, "noise", round(CORES / small, 1),
            "faces/s on 2 cores, from the seconds of one", "higher", 40 * _REPEATS,
        )  # fmt: skip


def memory_figures(folder: Path) -> Iterator[Figure]:
    """Memory that enlarging takes at most, the picture itself and its result not counted: each size
    in a process of its own, after a small face."""
    for side in _SIDES:
        code = _MEMORY.format(folder=str(folder), side=side)
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                              text=True)  # fmt: skip
        yield Figure(
            "memory_over_result", "ours_gan", "noise", round(float(done.stdout), 1), "MB", "lower",
            1, group=f"{side} px",
        )  # fmt: skip


_SIDES = (256, 1000, 2000, 4000)
_MEMORY = """
import resource
import numpy as np
from pathlib import Path
from augment.generators.superres import Config, Generator
from augment.nets.weights import read_config
from augment.params import validate

folder = Path({folder!r})
config = validate(Config, {{**read_config(folder), "make": {{"blend": 1.0}}}}, "superres")
generator = Generator(config)
generator.load(folder)
generator.enlarge(np.zeros((8, 8, 3), np.uint8))
face = np.random.default_rng(0).integers(0, 256, ({side}, {side}, 3), dtype=np.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made = generator.enlarge(face)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) / 1024 - made.nbytes / 2**20)
"""


def _seconds(method: Method, side: int, faces: int, repeats: int = _REPEATS) -> float:
    """Of a face: the middle of some repetitions, the first one not counted."""
    face = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    method(face)
    found = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(faces):
            method(face)
        found.append((time.process_time() - start) / faces)
    return float(np.median(found))
