"""What restoring costs: seconds of one core, so that a busy machine does not show in them."""

import time
from collections.abc import Iterator, Mapping

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
        large, small = _seconds(method, 256, 1), _seconds(method, 32, 40)
        yield Figure(
            "seconds_256_to_1024", arch, "noise", round(large, 4), "s of one core", "lower",
            _REPEATS,
        )  # fmt: skip
        yield Figure(
            "faces_per_s_32_to_128", arch, "noise", round(CORES / small, 1),
            "faces/s on 2 cores, from the seconds of one", "higher", 40 * _REPEATS,
        )  # fmt: skip


def _seconds(method: Method, side: int, faces: int) -> float:
    """Of a face: the middle of some repetitions, the first one not counted."""
    face = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    method(face)
    found = []
    for _ in range(_REPEATS):
        start = time.process_time()
        for _ in range(faces):
            method(face)
        found.append((time.process_time() - start) / faces)
    return float(np.median(found))
