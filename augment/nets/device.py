"""Where networks run and how precisely: found out, never assumed."""

import contextlib
import platform
from collections.abc import Iterator
from functools import cache
from typing import TypeVar

import torch
from torch import nn

from augment.nets.config import Precision

NetworkType = TypeVar("NetworkType", bound=nn.Module)


@cache
def best_device() -> torch.device:
    """The first CUDA device that really computes, else the CPU.

    Asking is not enough: a card that this build of torch has no kernels for says "available".
    """
    if torch.cuda.is_available():
        try:
            probe = torch.ones(1, 1, 4, 4, device="cuda")
            torch.nn.functional.conv2d(probe, probe[..., :3, :3]).sum().item()
        except RuntimeError:
            return torch.device("cpu")
        return torch.device("cuda")
    return torch.device("cpu")


@cache
def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 itself; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or platform.machine() not in ("x86_64", "AMD64"):
        return False
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def autocast_type(device: torch.device, precision: Precision) -> torch.dtype:
    """The number format of a training step's convolutions and products."""
    fast = precision == "auto" and has_fast_bfloat16(device)
    return torch.bfloat16 if fast else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Run convolutions and products in ``dtype``; nothing changes for float32."""
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


@contextlib.contextmanager
def reproducible(threads: int = 0) -> Iterator[None]:
    """Same numbers at every run on this machine, on ``threads`` CPU threads.

    0 threads means torch's own choice: one a physical core, or what OMP_NUM_THREADS says. The
    caller's random state stays untouched.
    """
    before = torch.get_num_threads(), torch.backends.cudnn.deterministic
    torch.set_num_threads(threads or before[0])
    torch.backends.cudnn.deterministic = True
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cudnn.deterministic = before[1]


def place(network: NetworkType, device: torch.device) -> NetworkType:
    """The network on the device. Channels-last pays on CUDA; on CPUs it made bfloat16 slower."""
    if device.type == "cuda":
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.to(device)
