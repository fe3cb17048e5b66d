"""``copies``: classical augmentation of real faces of the bin itself.

The honest baseline: it changes no label, so it cannot put a face into a bin that has none, and
every trained generator must beat it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from augment.params import Section
from augment.protocols import Made, Request
from augment.types import FloatArray, Image
from augment.vocabulary import DigitalSourceType

_MIRRORED = [1, 0, 2, 4, 3]  # the five points of a mirrored face, left in the picture first


class Config(Section):
    # Mirror every second copy.
    mirror: bool = True
    # Largest turn in degrees; shift and scale follow: 4 % and 6 % at the default.
    turn: float = Field(default=8.0, ge=0, le=30)
    # Largest share by which brightness and contrast change. More would move the measured skin tone.
    light: float = Field(default=0.12, ge=0, le=0.5)
    # Largest change of hue in degrees; skin stays skin.
    hue: float = Field(default=4.0, ge=0, le=20)
    # Share of copies that are blurred, made noisy or compressed once more, each a little.
    degrade: float = Field(default=0.3, ge=0, le=1)


class Generator:
    """Copies of a donor of the same bin, each varied by its own seed."""

    parents = 1
    digital_source_type: DigitalSourceType = "algorithmicallyEnhanced"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._pipeline: Any = None

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """0 inside a bin; it cannot move a face to another."""
        return 0.0 if all(donor.get(axis) == value for axis, value in target.items()) else None

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """There is nothing to learn."""

    def load(self, folder: Path) -> None:
        """There is nothing to read."""

    def weights(self) -> str:
        return ""

    def make(self, requests: Sequence[Request]) -> list[Made]:
        return [self._vary(request) for request in requests]

    def __getstate__(self) -> dict[str, Any]:
        # Each process builds its own pipeline: cheaper than sending albumentations' objects.
        return {"config": self.config, "_pipeline": None}

    def _vary(self, request: Request) -> Made:
        face = request.parents[0]
        if self._pipeline is None:
            self._pipeline = _pipeline(self.config)
        # Every copy starts its own random sequence: it does not matter which ones came before.
        self._pipeline.set_random_seed(
            int(np.random.SeedSequence(request.seed).generate_state(1)[0])
        )
        result = self._pipeline(image=face.image, keypoints=face.points.astype(np.float32))
        image: Image = np.ascontiguousarray(result["image"])
        points: FloatArray = np.asarray(result["keypoints"], dtype=np.float32).reshape(5, 2)
        applied = [name for name, _ in result["applied_transforms"]]
        if "HorizontalFlip" in applied:
            points = points[_MIRRORED]
        return Made(image, points, tuple(_WORDS[name] for name in applied))


_WORDS = {
    "HorizontalFlip": "mirrored",
    "Affine": "turned, shifted and scaled",
    "Perspective": "seen from another angle",
    "ColorJitter": "brightness and contrast changed",
    "HueSaturationValue": "hue changed",
    "GaussianBlur": "blurred",
    "GaussNoise": "noise added",
    "ImageCompression": "compressed",
}


def _pipeline(config: Config) -> Any:
    """The albumentations pipeline: image and five points in, the same out."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else it asks the network for news
    import albumentations as A
    import cv2

    reach = config.turn / 8.0
    edge = cv2.BORDER_REPLICATE  # reflecting would reflect the points as well
    return A.Compose(
        [
            A.HorizontalFlip(p=0.5 if config.mirror else 0.0),
            A.Affine(
                rotate=(-config.turn, config.turn),
                translate_percent=(-0.04 * reach, 0.04 * reach),
                scale=(1 - 0.06 * reach, 1 + 0.06 * reach),
                # Bilinear sampling would leave small faces softer than any real one.
                interpolation=cv2.INTER_LANCZOS4,
                border_mode=edge,
                p=1.0 if config.turn else 0.0,
            ),
            A.Perspective(
                scale=(0.01, 0.03),
                interpolation=cv2.INTER_LANCZOS4,
                border_mode=edge,
                p=0.3 if config.turn else 0.0,
            ),
            # Factors, as another exposure has them: adding levels would make dark skin paler.
            A.ColorJitter(
                brightness=config.light,
                contrast=config.light,
                saturation=0,
                hue=0,
                p=0.8 if config.light else 0.0,
            ),
            A.HueSaturationValue(
                hue_shift_limit=config.hue / 2,  # OpenCV counts hue in steps of two degrees
                sat_shift_limit=3 * config.hue,
                val_shift_limit=0,
                p=0.5 if config.hue else 0.0,
            ),
            A.OneOf(
                [
                    A.GaussianBlur(sigma_limit=(0.3, 0.8), blur_limit=0),
                    A.GaussNoise(std_range=(0.005, 0.02)),
                    A.ImageCompression(quality_range=(60, 90)),
                ],
                p=config.degrade,
            ),
        ],
        keypoint_params=A.KeypointParams(format="xy", remove_invisible=False),
        save_applied_params=True,
    )
