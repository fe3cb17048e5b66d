"""Are restored faces nearer to the photos as they were than small faces merely enlarged?"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from mask_measures import interval
from superres_gains import DATA
from superres_truth import Truth, truths

from augment.figures import Figure
from augment.measure import measure
from augment.metrics.pairs import likeness
from augment.nets.embedder import Embedder
from augment.seeds import row_share
from augment.types import Image

#: Of the crop's side: beyond it, small photos are mirrored about another line than large ones.
_EDGE = 10 / 64
#: Half of the small faces (by a hash of their names) chose how faces are restored and what the
#: gate demands; figures are of the other half.
HALVES = {"choose": (0.0, 0.5), "report": (0.5, 1.0)}
_UNITS = {"truth_psnr": "dB, the crop's middle", "truth_cosine": "cosine of the embedder",
          "truth_sharpness": "of the photo's"}  # fmt: skip


def of_half(known: Iterator[Truth], seed: int, half: str) -> list[Truth]:
    low, high = HALVES[half]
    return [truth for truth in known
            if low <= row_share(seed, "superres gate", truth.parent["id"]) < high]  # fmt: skip


def nearness_rows(work: Path, data: Path, seed: int) -> Iterator[Figure]:
    """Of ``enlarged`` and ``restored`` faces, and of the difference in pairs."""
    road = work / "restored"
    params = yaml.safe_load((road / "params.yaml").read_text())
    known = of_half(truths(road, params, data), seed, "report")
    entry = params["judges"]["embedding"]
    embedder = Embedder(Path(entry["model"]), entry["sha256"], 112, "rgb", 127.5, 127.5,
                        "the benchmark")  # fmt: skip
    photos = np.stack([truth.photo for truth in known])
    made = {
        "enlarged": np.stack([truth.small for truth in known]),
        "restored": np.stack([truth.restored for truth in known]),
    }
    found = {}
    for arch, pictures in made.items():
        described = [embedder.describe(faces, 1.0) for faces in (pictures, photos)]
        found[arch] = {
            "truth_psnr": _psnr(pictures, photos),
            "truth_cosine": likeness(*described).astype(np.float64),
            "truth_sharpness": np.array([_sharp(a) / max(_sharp(b), 1.0)
                                         for a, b in zip(pictures, photos, strict=True)]),
        }  # fmt: skip
    found["restored_against_enlarged"] = {
        name: found["restored"][name] - found["enlarged"][name] for name in _UNITS
    }
    names = [truth.parent["id"] for truth in known]
    for arch, values in found.items():
        for name, unit in _UNITS.items():
            yield Figure(name, arch, DATA, round(float(values[name].mean()), 4), unit, "higher",
                         len(names), "train",
                         interval=interval(values[name], names, seed, lambda m: m))  # fmt: skip


def _psnr(made: npt.NDArray[np.uint8], true: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    edge = round(_EDGE * made.shape[1])
    inside = slice(edge, made.shape[1] - edge)
    error = made[:, inside, inside].astype(np.float64) - true[:, inside, inside]
    square = np.square(error).mean(axis=(1, 2, 3))
    return np.asarray(10 * np.log10(255.0**2 / np.maximum(square, 1e-6)))


def _sharp(face: Image) -> float:
    return measure(face).sharpness
