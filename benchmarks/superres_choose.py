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
from superres_methods import BLEND, CHOSEN_AT, Method, plain, settings, train, trained

from augment.figures import Figure
from augment.shards import write_json

#: Settings of ``adversarial`` that differ from the generator's own. "chosen" has none.
VARIANTS: dict[str, dict[str, Any]] = {
    "chosen": {},
    "adversarial 1": {"adversarial": 1.0},
    "adversarial 1, perceptual 12": {"adversarial": 1.0, "perceptual": 12.0},
    "adversarial 2": {"adversarial": 2.0},
    "adversarial 5": {"adversarial": 5.0},
}
#: Shares of the second stage that are compared.
SHARES_OF_DETAIL = (0.0, 0.25, 0.4, 0.5, 0.6, 0.75, 1.0)
LOST = 0.5  # dB
#: Grey levels of grain on what "chosen" makes.
GRAINS = (0.35, 0.5, 0.7, 1.0)
_NAMES = ("psnr_gain_db", "ssim_gain", "fd_ratio", "kid", "identity_cosine", "sharpness",
          "shrunken_psnr")  # fmt: skip


def blend_figures(faces: Faces, models: Path, most: int, data: Path, seed: int) -> Iterator[Figure]:
    """Shares of the second stage; the one of least distance is written down for the other parts, of
    those with at most :data:`LOST` less than bicubic."""
    compared: dict[str, Method] = {"bicubic": plain(PillowImage.Resampling.BICUBIC)}
    shares = {f"blend {share:g}": share for share in SHARES_OF_DETAIL}
    for name, share in shares.items():
        compared[name] = trained(models / faces.name / "ours", share)
    found: dict[tuple[str, str], float] = {}
    for row in quality_figures(faces, compared, most, data, seed, (VALIDATION,)):
        if row.name in _NAMES and row.group == "all":
            found[row.arch, row.name] = row.value
            yield row
    able = [name for name in shares if found[name, "psnr_gain_db"] >= -LOST] or ["blend 0"]
    best = min(able, key=lambda name: found.get((name, "fd_ratio"), 1.0))
    write_json(models / faces.name / BLEND, {"blend": shares[best]})


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
