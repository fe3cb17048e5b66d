"""Teach a network with one head a label, and ask it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from augment.metrics.calibration import NOT_KNOWN, Codes
from augment.nets.config import TrainConfig
from augment.nets.data import FaceSet, in_groups, jitter, to_tensor
from augment.nets.device import best_device
from augment.nets.loop import Fitted, Indices, Learner, Step, build, fit
from augment.nets.resnet import MultiHeadResNet
from augment.types import FloatArray, Image
from augment.vocabulary import COLOUR_LABELS

VERSION = 2  # raised when the arithmetic of the step changes
#: Share of the faces that are learned in other colours than they have.
RECOLOURED = 0.33
_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_RGB = np.linalg.inv(_YCBCR)


def learn(
    faces: FaceSet,
    codes: Codes,
    make: Callable[[], MultiHeadResNet],
    noise: float,
    config: TrainConfig,
    seed: int,
    work: Path,
    label: str,
    identity: Mapping[str, Any],
) -> tuple[MultiHeadResNet, Fitted]:
    """Train a network on faces whose values may be known in part.

    Args:
        faces: what to learn on.
        codes: label -> each face's value.
        make: makes the network.
        noise: largest standard deviation of the noise laid on a face whose levels span 0..1.
        config, seed, work, label: see :func:`augment.nets.loop.fit`.
        identity: settings that the result depends on, besides ``faces``, ``noise`` and ``config``.
    """
    network = build(make, seed)
    step = _step(network, faces, codes, noise)
    whole = {"data": faces.digest, "version": VERSION, "noise": noise, **identity}
    fitted = fit([Learner(network, step)], len(faces), config, seed, work, label, whole)
    return network.eval(), fitted


def _step(network: MultiHeadResNet, faces: FaceSet, codes: Codes, noise: float) -> Step:
    device = best_device()
    targets = {label: torch.from_numpy(codes[label]).to(device) for label in codes}
    offsets = {
        label: _log_shares(codes[label], count).to(device)
        for label, count in network.classes.items()
    }

    def step(places: Indices, random: np.random.Generator) -> dict[str, Tensor]:
        batch = to_tensor(jitter(faces.images[places], random), device)
        # Levels span 2 here. Each face has its own strength, so that clean ones are learned too.
        strength = torch.from_numpy(random.uniform(0, 2 * noise, len(places)).astype(np.float32))
        recoloured = torch.from_numpy(random.random(len(places)) < RECOLOURED).to(device)
        batch = torch.where(recoloured[:, None, None, None], recolour(batch, random), batch)
        batch = batch + torch.randn_like(batch) * strength.to(device)[:, None, None, None]
        logits = network(batch)
        rows = torch.from_numpy(places).to(device)
        losses = {}
        for label in codes:
            wanted = targets[label][rows]
            if label in COLOUR_LABELS:
                wanted = wanted.masked_fill(recoloured, NOT_KNOWN)
            losses[label] = masked_loss(logits[label].float() + offsets[label], wanted)
        return {"loss": torch.stack(list(losses.values())).mean(), **losses}

    return step


def recolour(batch: Tensor, random: np.random.Generator) -> Tensor:
    """Every face in colours of its own: hues turned by any angle, paler or stronger, brightness
    kept.

    (n, 3, h, w) in [-1, 1] -> the same. Few masks or glasses of a data set must not mean few
    colours of them: shape shall decide.
    """
    angles = random.uniform(-np.pi, np.pi, len(batch))
    strength = random.uniform(0.0, 1.5, len(batch))
    turns = np.stack([_colour_turn(a, s) for a, s in zip(angles, strength, strict=True)])
    mixing = torch.from_numpy(turns.astype(np.float32)).to(batch.device)
    return torch.einsum("nij,njhw->nihw", mixing, batch).clamp(-1, 1)


def _colour_turn(angle: float, strength: float) -> npt.NDArray[np.float64]:
    """RGB -> RGB, (3, 3): turns chroma in the plane of YCbCr (ITU-R BT.601), leaves luma."""
    cosine, sine = strength * np.cos(angle), strength * np.sin(angle)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    mixed: npt.NDArray[np.float64] = _RGB @ turn @ _YCBCR
    return mixed


def masked_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy over the faces whose value is known; 0 where none is.

    (batch, values) and (batch,), -1 for not known.
    """
    total = torch.nn.functional.cross_entropy(
        logits, targets, ignore_index=NOT_KNOWN, reduction="sum"
    )
    return total / (targets != NOT_KNOWN).sum().clamp_min(1)


def _log_shares(codes: npt.NDArray[np.int64], values: int) -> Tensor:
    counts = np.bincount(codes[codes != NOT_KNOWN], minlength=values).astype(np.float32)
    return torch.from_numpy(np.log(counts / counts.sum()))


@torch.no_grad()
def look(
    network: MultiHeadResNet, images: Sequence[Image]
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Logits, label -> float32 (images, values), and features, float32 (images, numbers).

    Each face's depend on nothing but the face.
    """
    logits: dict[str, list[FloatArray]] = {
        label: [np.zeros((0, count), np.float32)] for label, count in network.classes.items()
    }
    features: list[FloatArray] = [np.zeros((0, network.width), np.float32)]
    for batch, count in in_groups(images, best_device()):
        described = network.describe(batch)
        features.append(described[:count].float().cpu().numpy())
        for label, found in network.label(described).items():
            logits[label].append(found[:count].float().cpu().numpy())
    return {label: np.concatenate(p) for label, p in logits.items()}, np.concatenate(features)
