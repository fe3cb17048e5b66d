"""Weights on disk: safetensors files, their digests, and a model's folder.

Models of plain arrays are read and written without torch, which takes longer to import than such
a model takes to answer.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import SafetensorError

from augment.errors import UserError
from augment.shards import AtomicFile, remove_temporaries, write_json

if TYPE_CHECKING:
    from torch import Tensor, nn

    from augment.nets.health import Health
    from augment.nets.loop import Fitted

Arrays = Mapping[str, npt.NDArray[np.float32]]

WEIGHTS = "weights.safetensors"
CONFIG = "config.json"
HISTORY = "history.json"


def export(
    folder: Path, networks: "Mapping[str, nn.Module]", config: Mapping[str, Any], fitted: "Fitted"
) -> None:
    """Write what a training leaves in ``models/<key>/``: weights, resolved config, history; of
    adversaries also how well they did.

    Args:
        folder: where to.
        networks: name -> network; tensors are called ``"<name>.<their name>"``.
        config: the plug-in's settings, JSON values.
        fitted: what the training said of itself.
    """
    from safetensors.torch import save_file

    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
    with AtomicFile(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary)
    write_json(folder / HISTORY, fitted.history)
    _write_config(folder, config, fitted.digest, fitted.images, fitted.health)


def export_arrays(
    folder: Path, arrays: Arrays, config: Mapping[str, Any], training: str, images: int
) -> None:
    """As :func:`export`, for a model that is fitted at once and has no history.

    Args:
        folder: where to.
        arrays: name -> numbers.
        config: the plug-in's settings, JSON values.
        training: digest of what the result depends on.
        images: how many faces it learned on.
    """
    with AtomicFile(folder / WEIGHTS) as temporary:
        safetensors.numpy.save_file(dict(arrays), temporary)
    _write_config(folder, config, training, images)


def _write_config(
    folder: Path,
    config: Mapping[str, Any],
    training: str,
    images: int,
    health: "Health | None" = None,
) -> None:
    summary: dict[str, Any] = {
        "config": dict(config),
        "training": training,
        "images_seen": images,
        "weights": sha256(folder / WEIGHTS),
    }
    if health is not None:
        summary["health"] = {"verdict": health.word, "reason": health.reason}
    remove_temporaries(folder)
    write_json(folder / CONFIG, summary)


def restore_arrays(folder: Path) -> tuple[dict[str, npt.NDArray[np.float32]], str]:
    """What :func:`export_arrays` wrote, and the file's sha256.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = folder / WEIGHTS
    try:
        return safetensors.numpy.load_file(path), sha256(path)
    except FileNotFoundError:
        raise _untrained(path) from None
    except SafetensorError as error:
        raise UserError(
            f"{path} is damaged ({error}): train it again with `python -m augment "
            f"train@{folder.name}`."
        ) from None


def restore(folder: Path, networks: "Mapping[str, nn.Module]") -> str:
    """Load what :func:`export` wrote; returns the weights' sha256.

    Raises:
        UserError: the file is missing, damaged, or of other networks than these.
    """
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    try:
        tensors = load_file(path)
        for name, network in networks.items():
            own = _of(tensors, name)
            network.load_state_dict(own)
            network.eval()
    except FileNotFoundError:
        raise _untrained(path) from None
    except (SafetensorError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise UserError(
            f"{path} does not fit the network that params.yaml describes ({first}): train it "
            f"again with `python -m augment train@{folder.name}`."
        ) from None
    return sha256(path)


def _of(tensors: "Mapping[str, Tensor]", name: str) -> "dict[str, Tensor]":
    start = f"{name}."
    return {key.removeprefix(start): v for key, v in tensors.items() if key.startswith(start)}


def read_config(folder: Path) -> dict[str, Any]:
    """The ``config`` part of a model folder's config.json.

    Raises:
        UserError: there is none.
    """
    try:
        text = (folder / CONFIG).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _untrained(folder / CONFIG) from None
    content: dict[str, Any] = json.loads(text)["config"]
    return content


def amend_config(folder: Path, changes: Mapping[str, Any]) -> None:
    """Replace entries of the ``config`` part of a model folder's config.json.

    Args:
        folder: a model's.
        changes: the entries, JSON values.
    """
    path = folder / CONFIG
    content = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, content | {"config": content["config"] | dict(changes)})


def read_crop(folder: Path) -> list[list[float]]:
    """Where the five points lie in the crops that a model has learned from, shares of the side.

    Raises:
        UserError: there is no model, or it does not say.
    """
    path = folder / CONFIG
    try:
        crop = json.loads(path.read_text(encoding="utf-8")).get("crop")
    except FileNotFoundError:
        raise _untrained(path) from None
    if crop is None:
        raise UserError(
            f"{path} does not say how its crops were cut: train it again with `python -m augment "
            f"train@{folder.name}`."
        )
    found: list[list[float]] = crop
    return found


def _untrained(path: Path) -> UserError:
    return UserError(
        f"{path} not found: run `python -m augment train@{path.parent.name}` first, or simply "
        "`dvc repro`."
    )


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
