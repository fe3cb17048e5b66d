"""Trainings of the mask benchmark, each run in a process of its own."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mask_truth import TRAIN
from mask_truth import Pairs as StoredPairs
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from augment.generators import mask
from augment.generators.mask import pairs as real_pairs
from augment.generators.mask.cae import PaperNet
from augment.generators.mask.config import Pairs
from augment.nets.loop import build
from augment.seeds import row_generator
from augment.shards import AtomicFile

BATCH, RATE = 32, 1e-3  # Keras' defaults: the paper names neither
_KEPT_EVERY = 40  # epochs


def train_on_faces(config: mask.Config, aligned: Path, folder: Path, seed: int, work: Path) -> None:
    """As the train stage does: painted masks on the train faces of half "a"."""
    mask.Generator(config).train(aligned, folder, seed, work / "training")


def train_on_pairs(pairs: Path, folder: Path, bottleneck: int, seed: int, epochs: int) -> None:
    """The paper's auto-encoder on the train part of some pairs; weights go to ``folder``."""
    network = build(lambda: PaperNet(bottleneck), seed)
    fit_pairs(network, pairs, epochs, seed, folder / "checkpoint.pt")
    save_file(network.state_dict(), folder / "weights.safetensors")


def cae_network(folder: Path, bottleneck: int) -> PaperNet:
    network = PaperNet(bottleneck)
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    return network.eval()


def unet_config(entry: Mapping[str, Any], images: int | None) -> mask.Config:
    """The project's generator as params.yaml has it; ``images``: how long it learns, else."""
    settings = {name: value for name, value in entry.items() if name != "kind"}
    if images:
        settings["train"] = {**settings.get("train", {}), "images": images}
    return mask.Config.model_validate(settings)


def with_pairs(
    config: mask.Config, data: Path, learned: StoredPairs, folder: Path, images: int | None
) -> mask.Config:
    """The generator's settings with true pairs to learn from after the painted ones.

    The pairs are written to ``folder``: real ones as they are on disk, drawn ones as their crops.
    """
    names = [photo or f"{place:04d}.png" for place, photo in enumerate(learned.photo.tolist())]
    sides = {"unmasked": learned.faces, "masked": learned.targets}
    exact = not learned.photo.any()  # of drawn ones it is known where the mask is
    if exact:
        sides["where"] = np.repeat(255 * learned.inside[..., None].astype(np.uint8), 3, axis=3)
    for kind, images_of_kind in sides.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, photo, image in zip(names, learned.photo, images_of_kind, strict=True):
            if photo:
                shutil.copyfile(data / "masked/pairs" / kind / name, folder / kind / name)
            else:
                cv2.imwrite(str(folder / kind / name), image[..., ::-1])
    path = data / "weights/face_detection_yunet_2023mar.onnx"
    settings = {
        "unmasked": folder / "unmasked",
        "masked": folder / "masked",
        "where": folder / "where" if exact else None,
        "detector": {"kind": "yunet", "path": str(path)},
    }
    pairs = Pairs.model_validate(settings | ({"images": images} if images else {}))
    digest = real_pairs._digest(pairs, sorted(names))
    return config.model_copy(update={"pairs": pairs.model_copy(update={"sha256": digest})})


def fit_pairs(network: nn.Module, pairs: Path, epochs: int, seed: int, checkpoint: Path) -> float:
    """The paper's training: squared error of pictures in 0..1, Adam at one rate, no more.

    The project's own training loop does better (falling rate, averaged weights) and keeps more
    copies of 288 million numbers; here the paper is to be re-created.

    Args:
        network: float (n, 3, 64, 64) in 0..1 -> the same.
        pairs: what :meth:`mask_truth.Pairs.save` wrote; its train part is learned.
        epochs: times that each pair is seen.
        seed: of the order.
        checkpoint: a killed training goes on from here.

    Returns:
        The mean squared error of the last epoch.
    """
    learned = StoredPairs.load(pairs)
    learned = learned.of(learned.part == TRAIN)
    faces, targets = (_planes(images) for images in (learned.faces, learned.targets))
    optimiser = torch.optim.Adam(network.parameters(), RATE, fused=True)
    first, error = _resume(network, optimiser, checkpoint), float("nan")
    for epoch in range(first, epochs):
        order = row_generator(seed, "mask pairs", f"epoch {epoch}").permutation(len(faces))
        total = 0.0
        for start in range(0, len(order), BATCH):
            places = torch.from_numpy(order[start : start + BATCH])
            loss = nn.functional.mse_loss(network(faces[places]), targets[places])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += float(loss.detach()) * len(places)
        error = total / len(order)
        print(f"{checkpoint.parent.name}: epoch {epoch + 1} of {epochs}, error {error:.5f}",
              flush=True)  # fmt: skip
        if (epoch + 1) % _KEPT_EVERY == 0 and epoch + 1 < epochs:
            _keep(network, optimiser, epoch + 1, checkpoint)
    checkpoint.unlink(missing_ok=True)
    return error


def _planes(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255)


def _resume(network: nn.Module, optimiser: torch.optim.Optimizer, checkpoint: Path) -> int:
    if not checkpoint.is_file():
        return 0
    state: Mapping[str, Any] = torch.load(checkpoint, weights_only=True)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    epoch: int = state["epoch"]
    return epoch


def _keep(
    network: nn.Module, optimiser: torch.optim.Optimizer, epoch: int, checkpoint: Path
) -> None:
    state = {
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "epoch": epoch,
    }
    with AtomicFile(checkpoint) as temporary:
        torch.save(state, temporary)
