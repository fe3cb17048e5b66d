"""Part "speed" of the mask benchmark: seconds, memory, and what smaller weights cost."""

import copy
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mask_bench import Bench
from mask_learn import BATCH, RATE, cae_network
from mask_measures import psnr
from mask_methods import Generated, Method, Repainted, apart

from augment.figures import Figure
from augment.generators.mask.cae import PaperNet, planes
from augment.types import FloatArray, Image

FACES = 50
THREADS = 2
REPEATS = 9
_DATA = "fairface"
_PAPER_CODE = 2500
_PAPER_MADE = 0.16  # seconds, on an RTX 3080


def speed_figures(bench: Bench) -> Iterator[Figure]:
    faces = [bench.photos(_DATA).images[n % bench.scale.photos] for n in range(FACES)]
    landmarker = bench.landmarker()
    points = [landmarker(face) for face in faces]
    finding = _best(lambda: [landmarker(face) for face in faces])
    methods: dict[str, Method] = dict(bench.rivals("masked_pairs"))
    methods["unet"] = bench.unet("masked_pairs")
    for arch, method in methods.items():
        needs_points = arch.startswith(("polygon", "masktheface"))
        seconds = _best(partial(method, faces, points))
        yield _row("seconds_50_faces_64px", arch, seconds + finding * needs_points, "s",
                   paper=_PAPER_MADE if arch == "cae" else None)  # fmt: skip
        if needs_points:
            yield _row("seconds_50_faces_64px", arch, seconds, "s", "points known")
    yield from _memory(bench, faces)
    if "cae" in bench.archs:
        yield from _paper_size(faces)
        for name in bench.sets:
            yield from _small_weights(bench, name, faces)


def _paper_size(faces: Sequence[Image]) -> Iterator[Figure]:
    """The auto-encoder with the paper's code of 2,500 numbers: what it costs needs no training."""
    network = PaperNet(_PAPER_CODE)
    group = f"{_PAPER_CODE} numbers, untrained"
    yield _row("parameters", "cae", sum(map(torch.numel, network.parameters())), "numbers", group,
               n=1)  # fmt: skip
    given = planes(list(faces), torch.device("cpu"))
    for words, smaller in _kinds(network).items():
        seconds = _best(partial(_levels, smaller, given))
        yield _row("seconds_50_faces_64px", "cae", seconds, "s", f"{group}, {words}",
                   paper=_PAPER_MADE)  # fmt: skip
    took = apart(step_seconds, len(faces))
    yield _row("train_step_seconds", "cae", took["result"], "s", group, n=1)
    yield _row("peak_memory_mib", "cae", took["peak_mib"], "MiB", f"training, {group}", n=1)


def step_seconds(count: int) -> float:
    """The least seconds of a training step of the paper's network: 32 faces, Adam."""
    torch.set_num_threads(THREADS)
    network = PaperNet(_PAPER_CODE)
    optimiser = torch.optim.Adam(network.parameters(), RATE, fused=True)
    given, found = torch.rand(min(count, BATCH), 3, 64, 64), []
    for _ in range(4):
        start = time.perf_counter()
        loss = torch.nn.functional.mse_loss(network(given), given)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        found.append(time.perf_counter() - start)
    return min(found)


def _row(
    name: str, arch: str, value: float, unit: str, group: str = "all", data: str = _DATA,
    n: int = FACES, paper: float | None = None,
) -> Figure:  # fmt: skip
    return Figure(name, arch, data, round(value, 4), unit, "lower", n, group=group, paper=paper)


def _best(work: Callable[[], object]) -> float:
    """The least seconds of several runs: others share the machine."""
    torch.set_num_threads(THREADS)
    work()
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def _memory(bench: Bench, faces: Sequence[Image]) -> Iterator[Figure]:
    """Of a process that masks the faces and does nothing else; with Python and torch."""
    if "cae" in bench.archs:
        folder, _ = bench.model("cae", "masked_pairs")
        took = apart(repaint, folder, bench.scale.bottleneck, faces)
        yield _row("peak_memory_mib", "cae", took["peak_mib"], "MiB", "inference")
    folder, _ = bench.model("unet", "masked_pairs")
    took = apart(put_on, bench.config, folder, faces)
    yield _row("peak_memory_mib", "unet", took["peak_mib"], "MiB", "inference")


def put_on(config: Any, folder: Path, faces: Sequence[Image]) -> None:
    Generated(config, folder)(faces)


def repaint(folder: Path, bottleneck: int, faces: Sequence[Image]) -> None:
    Repainted(cae_network(folder, bottleneck))(faces, ())


def _small_weights(bench: Bench, name: str, faces: Sequence[Image]) -> Iterator[Figure]:
    """The auto-encoder's network alone: as it is, with int8 and with bfloat16 dense layers."""
    network = bench.cae(name)
    given = torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2).float() / 255
    whole = _levels(network, given)
    for words, smaller in _kinds(network).items():
        seconds = _best(partial(_levels, smaller, given))
        yield _row("seconds_50_faces_64px", "cae", seconds, "s", f"network, {words}", name)
        if smaller is not network:
            error = _levels(smaller, given) - whole
            yield _row("output_error", "cae", float(np.abs(error).mean()), "levels", words, name)
            decibels = psnr(float(np.square(error).mean()))
            yield Figure("output_psnr", "cae", name, round(decibels, 2), "dB", "higher", FACES,
                         group=words)  # fmt: skip


def _kinds(network: Any) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao.quantization announces its successor
        whole = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            copy.deepcopy(network), {torch.nn.Linear}, dtype=torch.qint8
        )
    return {
        "fp32 weights": network,
        "int8 weights": whole,
        "bf16 weights": _half(copy.deepcopy(network)),
    }


class _HalfLinear(torch.nn.Module):
    """A dense layer with bfloat16 weights; the convolutions around it stay as they are."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self._layer = layer.to(torch.bfloat16)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self._layer(given.to(torch.bfloat16))
        return made.float()


def _half(network: Any) -> Any:
    network.encode, network.decode = _HalfLinear(network.encode), _HalfLinear(network.decode)
    return network


def _levels(network: Any, given: torch.Tensor) -> FloatArray:
    with torch.inference_mode():
        return np.asarray(network(given).numpy() * 255, dtype=np.float32)
