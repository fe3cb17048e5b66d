"""Which trained weights have seen a photo."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.plugins import configure
from augment.withdrawing.request import Photo

#: The half of the train split that generators learn on.
_GENERATORS = "a"


@dataclass(frozen=True)
class Seen:
    """One model that saw withdrawn photos."""

    key: str
    kind: str  # generator | judge
    learned: int  # photos that it learned on
    held_out: int  # photos that it was calibrated and measured with

    def __str__(self) -> str:
        said = [f"learned on {self.learned}"] if self.learned else []
        said += [f"was calibrated with {self.held_out}"] if self.held_out else []
        return f"models/{self.key} ({self.kind}): {' and '.join(said)} of these photos"


def weights_that_saw(
    photos: Iterable[Photo], params: Mapping[str, Any], models: Path
) -> list[Seen]:
    """Trained weights in ``models/`` whose training read any of these photos.

    Told by the rule that the stages keep: generators learn on half "a" of the train split, each
    judge on the half of its family; judges are calibrated on the validation split.
    """
    usable = [photo for photo in photos if photo.usable]
    held_out = sum(photo.split == "validation" for photo in usable)
    found = []
    for key in params.get("generators") or {}:
        learned = _in_half(usable, _GENERATORS)
        if learned and _has_weights(models / key):
            found.append(Seen(key, "generator", learned, 0))
    for key, entry in (params.get("judges") or {}).items():
        _, config = configure("judges", entry, f"judges.{key}")
        learned = _in_half(usable, config.half)
        if (learned or held_out) and _has_weights(models / key):
            found.append(Seen(key, "judge", learned, held_out))
    return found


def _in_half(photos: Collection[Photo], half: str) -> int:
    return sum(photo.split == "train" and photo.half == half for photo in photos)


def _has_weights(folder: Path) -> bool:
    return folder.is_dir() and any(folder.rglob("*.safetensors"))
