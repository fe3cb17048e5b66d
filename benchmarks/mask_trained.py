"""Part "trained" of the mask benchmark: what the trained networks are, and what training took."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mask_bench import Bench
from safetensors import safe_open

from augment.figures import Figure

_TRAINED = ("cae", "unet")
_PAPER_SECONDS = 18.0  # on an RTX 3080


def trained_figures(bench: Bench) -> Iterator[Figure]:
    """Of a training that was killed and went on only what does not depend on that."""
    for name in bench.sets:
        for arch in [arch for arch in _TRAINED if arch in bench.archs]:
            folder, told = bench.model(arch, name)
            paper = _PAPER_SECONDS if arch == "cae" else None
            if not told.get("resumed"):
                seconds, processor = told["seconds"], told["processor_seconds"]
                yield _row("train_seconds", arch, name, seconds, "s", paper=paper)
                yield _row("train_processor_seconds", arch, name, processor, "s")
                yield _row("peak_memory_mib", arch, name, told["peak_mib"], "MiB", "training")
            how_long = "epochs" if arch == "cae" else "images"
            yield _row(how_long, arch, name, told[how_long], "numbers", "training")
            if arch == "cae":
                yield _row("bottleneck", arch, name, bench.scale.bottleneck, "numbers")
            yield _row("parameters", arch, name, _parameters(folder), "numbers")


def _row(
    name: str, arch: str, data: str, value: float, unit: str, group: str = "all",
    paper: float | None = None,
) -> Figure:  # fmt: skip
    return Figure(name, arch, data, round(value, 4), unit, "lower", 1, group=group, paper=paper)


def _parameters(folder: Path) -> int:
    with safe_open(folder / "weights.safetensors", "np") as file:
        return sum(int(np.prod(file.get_slice(key).get_shape())) for key in file.keys())  # noqa: SIM118
