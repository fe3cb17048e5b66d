"""What does more training give? The same training at parts of its length, on unseen faces."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PIL import Image as PillowImage
from superres_faces import UNSEEN, Faces
from superres_measures import quality_figures
from superres_methods import BLEND, SHARES, Method, plain, settings, train, trained

from augment.figures import Figure

NAMES = ("psnr_gain_db", "ssim_gain", "fd_ratio", "identity_cosine", "sharpness")
SECONDS = "train_seconds_cpu"


def curve_figures(
    faces: Faces, models: Path, most: int, data: Path, seed: int, quick: bool
) -> Iterator[Figure]:
    """Figures of ``ours_gan``, the length of its training (a share of the whole) as the group."""
    compared: dict[str, Method] = {"bicubic": plain(PillowImage.Resampling.BICUBIC)}
    for share in (*SHARES, 1.0):
        whole = share == 1
        folder = models / faces.name / ("ours" if whole else f"curve/{share:g}")
        entry = settings("ours", faces.name, quick, share)
        took = train(entry, faces, folder, seed, folder / "work")
        # Only the longest training overshoots; its share was chosen on faces of validation.
        detail = json.loads((models / faces.name / BLEND).read_text())["blend"] if whole else 1.0
        compared[f"{share:g}"] = trained(folder, detail)
        if not took["resumed"]:
            seconds = round(took["cpu"], 1)
            yield Figure(SECONDS, "ours_gan", faces.name, seconds, "s of one core", "lower",
                         int(took["images"]), "length of training", f"{share:g}")  # fmt: skip
    for row in quality_figures(faces, compared, most, data, seed, (UNSEEN,)):
        if row.name in NAMES and row.group == "all" and row.arch != "bicubic":
            yield replace(row, arch="ours_gan", split="length of training", group=row.arch)
