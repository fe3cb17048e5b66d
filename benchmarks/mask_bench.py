"""What all parts of the mask benchmark share: faces, trained methods, and where they are kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import mask_faces
import mask_truth
import numpy as np
from mask_faces import Crops, Landmarker
from mask_learn import cae_network, train_on_faces, train_on_pairs, unet_config, with_pairs
from mask_methods import (
    Generated,
    MeanMask,
    Method,
    Pasted,
    Polygon,
    Repainted,
    apart,
    fitted_style,
)
from mask_truth import TRAIN, Pairs

from augment.engine import Engine
from augment.generators import mask
from augment.generators.mask.cae import PaperNet
from augment.generators.mask.layout import Template, read_templates
from augment.job import Job
from augment.params import read_params
from augment.shards import MARKER
from augment.stages import align, ingest

#: Degrees from which a face is a profile.
PROFILE = 45
ROOT = Path(__file__).parents[1]
#: The sets of pairs.
SETS = ("drawn", "masked_pairs")
#: The sets of photos without masks.
PHOTOS = ("fairface", "lfw")
#: What is compared on pairs, in the order of the page.
ARCHS = (
    "polygon", "polygon_light_blue", "mean_mask", "masktheface", "cae", "unet_painted", "unet",
)  # fmt: skip
#: The mask of each set's pairs, as MaskTheFace has it.
TEMPLATE = {"drawn": "surgical_blue", "masked_pairs": "surgical"}


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    drawn_people: int = 68  # three train pictures each: the paper's 204 pairs
    other_people: int = 50
    pairs_train: float = 0.7
    photos: int = 400  # of each set
    bottleneck: int = 2500
    epochs: int = 160
    train_images: int | None = None  # of the project's network; None: as in params.yaml
    drawn_faces: int = 1200
    learned: int = 5000  # photos of FairFace that are split into train, validation and test
    stage_faces: int = 2000
    stage_parents: int = 400

    @classmethod
    def quick(cls) -> "Scale":
        return cls(
            drawn_people=6, other_people=4, photos=24, bottleneck=8, epochs=2, train_images=160,
            drawn_faces=240, learned=240, stage_faces=96, stage_parents=60,
        )  # fmt: skip


class Bench:
    """Prepares on first use and keeps it in ``work``."""

    def __init__(
        self, data: Path, work: Path, workers: int, seed: int, scale: Scale,
        sets: tuple[str, ...] = SETS, photo_sets: tuple[str, ...] = PHOTOS,
        archs: tuple[str, ...] = ARCHS,
    ) -> None:  # fmt: skip
        self.sets, self.photo_sets, self.archs = sets, photo_sets, archs
        self.data, self.work, self.seed, self.scale = data, work, seed, scale
        self.engine = Engine("pool", workers, work / "cache", progress=False)
        self.params: dict[str, Any] = read_params(ROOT / "params.yaml")
        # One answer an argument, as long as the benchmark runs.
        self.pairs: Callable[[str], Pairs] = cache(self._pairs)
        self.methods: Callable[[str], dict[str, Method]] = cache(self._methods)
        self.rivals: Callable[[str], dict[str, Method]] = cache(self._rivals)
        self.all_photos: Callable[[str], Crops] = cache(self._all_photos)
        self.photos: Callable[[str], Crops] = cache(self._photos)
        self._learned: dict[int, Crops] = {}

    def _pairs(self, name: str) -> Pairs:
        path = self.work / "pairs" / f"{name}.npz"
        if not path.is_file():
            scale = self.scale
            found = (
                mask_truth.drawn_pairs(scale.drawn_people, scale.other_people, self.seed)
                if name == "drawn"
                else mask_truth.real_pairs(self.data, scale.pairs_train)
            )
            found.save(path)
        return Pairs.load(path)

    def train_pairs(self, name: str) -> Pairs:
        pairs = self.pairs(name)
        return pairs.of(pairs.part == TRAIN)

    def _photos(self, name: str) -> Crops:
        crops = self.all_photos(name)
        return crops.of(np.arange(len(crops.images)) < self.scale.photos)

    def _all_photos(self, name: str) -> Crops:
        """Photos without masks of people whom nothing was learned from."""
        if name == "fairface":
            return mask_faces.stored_crops(self.aligned("masked_pairs"), "test")
        photos = list(mask_faces.lfw_photos(self.data))[: 2 * self.scale.photos]
        return mask_faces.crops(self.data, photos, mask_faces.SIZE)

    def learned_photos(self, size: int) -> Crops:
        """FairFace's photos that the project's network learned on, and others of that split."""
        if size not in self._learned:
            folder = self.aligned("masked_pairs", size)
            self._learned[size] = mask_faces.stored_crops(folder, "train")
        return self._learned[size]

    def aligned(self, name: str, size: int = mask_faces.SIZE) -> Path:
        """The faces that the project's network learns on: "drawn" ones (a few of them:
        "stage"), or photos of FairFace ("masked_pairs")."""
        folder = self.work / "faces" / name
        target = folder / f"aligned_{size}"
        if not (target / MARKER).is_file():
            params = self._alignment(name, size)
            index = folder / "index"
            if not (index / MARKER).is_file():
                job = Job("ingest", None, params, self.seed, {}, {"index": index}, self.engine)
                ingest.run(job)
            inputs, outputs = {"index": index}, {"aligned": target}
            align.run(Job("align", None, params, self.seed, inputs, outputs, self.engine))
        return target

    def _alignment(self, name: str, size: int) -> dict[str, Any]:
        params = read_params(ROOT / "params.yaml")
        params["align"]["size"] = size
        if name != "masked_pairs":
            few = self.scale.stage_parents if name == "stage" else self.scale.drawn_faces
            params["ingest"]["sources"]["drawn"]["faces"] = few
            return params
        part = mask_faces.part_of_fairface(self.data, self.work / "fairface", self.scale.learned)
        source = {"kind": "fairface", "root": part.name, "assume": {"mask": "no"}}
        params["ingest"] |= {"data": str(part.parent), "sources": {"fairface": source}}
        path = self.data / "weights/face_detection_yunet_2023mar.onnx"
        params["align"] |= {
            "detector": {"kind": "yunet", "path": str(path)},
            "margin": mask_faces.REAL_MARGIN,
        }
        return params

    def profiles(self, name: str) -> Crops:
        """The photos of those who look far aside."""
        crops = self.all_photos(name)
        return crops.of(np.abs(crops.yaw) > PROFILE)

    def model(self, arch: str, name: str) -> tuple[Path, dict[str, float]]:
        """The trained model's folder; what its training took: seconds, peak memory in MiB, epochs
        of the pairs or images seen."""
        kind = f"cae{self.scale.bottleneck}" if arch == "cae" else arch
        folder = self.work / "models" / f"{kind}_{name}"
        told = folder / "training.json"
        if not told.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            scale = self.scale
            # Of a training that was killed and goes on, nobody knows how long it took.
            resumed = any(folder.glob("checkpoint.pt"))
            config = self._with_pairs(name) if arch == "unet_taught" else self.config
            if arch == "cae":
                pairs = self._stored(name)
                took = apart(
                    train_on_pairs, pairs, folder, scale.bottleneck, self.seed, scale.epochs
                )
            else:
                faces = self.aligned(name)
                took = apart(train_on_faces, config, faces, folder, self.seed, self.work)
            long = {"epochs": scale.epochs} if arch == "cae" else {"images": config.train.images}
            told.write_text(json.dumps(took | long | {"resumed": resumed}), encoding="utf-8")
        return folder, json.loads(told.read_text(encoding="utf-8"))

    def _stored(self, name: str) -> Path:
        self.pairs(name)
        return self.work / "pairs" / f"{name}.npz"

    @property
    def config(self) -> mask.Config:
        return unet_config(self.params["generators"]["mask"], self.scale.train_images)

    def _with_pairs(self, name: str) -> mask.Config:
        learned, folder = self.train_pairs(name), self.work / "pairs" / f"{name}_train"
        return with_pairs(self.config, self.data, learned, folder, self.scale.train_images)

    def unet(self, name: str) -> Generated:
        """Learned on painted masks alone."""
        return Generated(self.config, self.model("unet", name)[0])

    def taught(self, name: str) -> Generated:
        """Learned on the train part of the set's pairs, too."""
        return Generated(self.config, self.model("unet_taught", name)[0])

    def other_kinds(self, name: str) -> list[str]:
        """The types of mask that nothing was learned from."""
        kinds = np.unique(self.pairs(name).kind).tolist()
        return [kind for kind in kinds if kind != mask_truth.DRAWN_KIND and "unet" in self.archs]

    def told(self, name: str, kind: str) -> Generated:
        """As "unet", but told which type of mask it is; not in which colour."""
        fitted: Any = self.methods(name)["unet"]
        return self.taught(name).wear(replace(fitted.worn, kind=kind))

    def cae(self, name: str) -> PaperNet:
        return cae_network(self.model("cae", name)[0], self.scale.bottleneck)

    def _methods(self, name: str) -> dict[str, Method]:
        """All that are compared on pairs of a set, each having learned from its train pairs."""
        train = self.train_pairs(name)
        fitted: dict[str, Callable[[], Method]] = {
            "unet_painted": lambda: _fitted(self.unet(name), train),
            "unet": lambda: _fitted(self.taught(name), train),
        }
        ours = {arch: make() for arch, make in fitted.items() if arch in self.archs}
        return {**self.rivals(name), **ours}

    def _rivals(self, name: str) -> dict[str, Method]:
        train = self.train_pairs(name)
        made: dict[str, Callable[[], Method]] = {
            "polygon": lambda: Polygon("wide", "medium", "black"),
            "polygon_light_blue": lambda: Polygon("wide", "medium", "light blue"),
            "cae": lambda: Repainted(self.cae(name)),
            "mean_mask": lambda: MeanMask(train),
            "masktheface": lambda: Pasted([self.template(TEMPLATE[name])]),
        }
        return {arch: make() for arch, make in made.items() if arch in self.archs}

    def template(self, name: str) -> Template:
        return next(found for found in self.templates() if found.name == name)

    def templates(self) -> list[Template]:
        return read_templates(self.data / "masked/templates")

    def landmarker(self, frontal: bool = False) -> Landmarker:
        """``frontal``: with a detector of near-frontal faces, as dlib's own is."""
        detector = mask_faces.haar_detector() if frontal else mask_faces.yunet_detector(self.data)
        return Landmarker(self.data, detector)


def _fitted(generated: Generated, train: Pairs) -> Generated:
    return generated.wear(fitted_style(generated, train))
