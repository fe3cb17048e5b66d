"""Which adversary, and how much grain? Settings compared on faces of validation alone.

All start from the same first stage. Seen faces teach, faces of validation choose, unseen ones are
not looked at here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image as PillowImage
from superres_faces import VALIDATION, Faces
from superres_measures import quality_figures
from superres_methods import CHOSEN_AT, Method, plain, settings, train, trained

from augment.figures import Figure

#: Settings of ``adversarial`` that differ from the generator's own. "chosen" has none.
VARIANTS: dict[str, dict[str, Any]] = {
    "chosen": {},
    "adversarial 1": {"adversarial": 1.0},
    "adversarial 1, perceptual 12": {"adversarial": 1.0, "perceptual": 12.0},
    "adversarial 2": {"adversarial": 2.0},
    "adversarial 5": {"adversarial": 5.0},
}
#: Grey levels of grain on what "chosen" makes.
GRAINS = (0.35, 0.5, 0.7, 1.0)
_NAMES = ("psnr_gain_db", "ssim_gain", "fd_ratio", "kid", "identity_cosine", "sharpness",
          "shrunken_psnr")  # fmt: skip


def choice_figures(
    faces: Faces, models: Path, most: int, data: Path, seed: int, quick: bool
) -> Iterator[Figure]:
    compared: dict[str, Method] = {"bicubic": plain(PillowImage.Resampling.BICUBIC)}
    for name, changes in VARIANTS.items():
        folder = models / faces.name / "choice" / name.replace(", ", "_").replace(" ", "_")
        entry = settings("ours", faces.name, quick, CHOSEN_AT)
        entry["adversarial"] |= changes
        # One work folder: the first stage is the same and is trained once.
        train(entry, faces, folder, seed, models / faces.name / "choice/work")
        compared[name] = trained(folder, 1.0)
    for level in GRAINS:
        folder = models / faces.name / "choice/chosen"
        compared[f"chosen, grain {level:g}"] = trained(folder, 1.0, grain=level)
    for row in quality_figures(faces, compared, most, data, seed, (VALIDATION,)):
        if row.name in _NAMES and row.group == "all":
            yield row
