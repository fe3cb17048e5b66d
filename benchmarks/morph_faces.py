"""Aligned faces that the morph benchmark mixes and holds its results against."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.engine import Engine
from augment.job import Job
from augment.measure import measure
from augment.nets.data import FaceSet, load_faces
from augment.nets.embedder import Embedder
from augment.nets.weights import sha256
from augment.planning.faces import looks_of
from augment.seeds import row_share
from augment.stages import align, ingest
from augment.types import FloatArray, Image

SIZE, MARGIN = 64, 0.1
#: Bins of the benchmark, years.
_LAST, _AGES = (29, 59), ("under 30", "30 to 59", "60 and over")
#: Name -> an entry of ingest.sources; all photos of a set are aligned once, and kept in --work.
SOURCES: dict[str, dict[str, Any]] = {
    "lfw": {"kind": "lfw", "root": "lfw"},
    "london_hr": {
        "kind": "folder",
        "root": "london_hr",
        "table": "labels.csv",
        "columns": {"file": "file", "person": "person", "gender": "gender"},
    },
    "drawn": {"kind": "drawn", "faces": 480, "faces_per_person": 1, "size": 128},
}


def bench_align(folder: Path, entry: dict[str, Any], data: Path, seed: int, workers: int) -> Path:
    """Ingest and align one source into ``folder``; what lies there already is used.

    Returns:
        The folder of aligned faces, rows that failed included.
    """
    aligned = folder / "aligned"
    if not (aligned / "_complete.json").is_file():
        params = {
            "ingest": {"data": str(data), "sources": {"s": entry}, "shards": 8},
            "align": {"detector": {"kind": "landmarknet"}, "size": SIZE, "margin": MARGIN},
        }
        engine = Engine(
            "inline" if workers < 2 else "pool", workers, folder / "cache", progress=False
        )
        ingest.run(Job("ingest", None, params, seed, {}, {"index": folder / "index"}, engine))
        inputs = {"index": folder / "index"}
        align.run(Job("align", None, params, seed, inputs, {"aligned": aligned}, engine))
    return aligned


class People:
    """Faces of one set, half of the people to be mixed and half that nobody mixes.

    Attributes:
        faces: all of them.
        bins: of each face: its labelled gender, and third of the ages where all have one; "" if
            not known.
        mixed: places of faces that become parents; one a person.
        held: places of faces of other people; one a person.
        features: descriptions by an embedder that knows people, (faces, 128), of length 1.
    """

    def __init__(self, faces: FaceSet, embedder: Embedder, most: int) -> None:
        gender = faces.labels["gender"]
        known = np.isfinite(faces.ages).all()
        ages = [
            f" · {_AGES[int(np.searchsorted(_LAST, years))]}" if known else ""
            for years in faces.ages
        ]
        self.bins = np.array(
            [
                "" if word == "unknown" else word + age
                for word, age in zip(gender, ages, strict=True)
            ]
        )
        who = [name or face for name, face in zip(faces.persons, faces.ids, strict=True)]
        first = sorted({person: place for place, person in reversed(list(enumerate(who)))}.items())
        kept = [(person, place) for person, place in first if self.bins[place]]
        kept.sort(key=lambda pair: row_share(0, "morph benchmark", pair[0]))
        kept = kept[: 2 * most]
        half = [(place, row_share(0, "morph halves", person) < 0.5) for person, place in kept]
        self.mixed = np.array([place for place, mixed in half if mixed])
        self.held = np.array([place for place, mixed in half if not mixed])
        self.faces, self.who = faces, who
        self.features = described(embedder, faces.images)

    def looks(self, places: npt.NDArray[np.int64]) -> FloatArray:
        """How some faces are posed and lit, as the plan measures it."""
        tones = [measure(self.faces.images[place]).ita for place in places]
        known = np.array([np.nan if tone is None else tone for tone in tones], np.float64)
        return looks_of(self.faces.points[places], known)

    def strangers(self) -> FloatArray:
        """Likenesses of pairs of people of one bin, who are not mixed."""
        alike = self.features[self.held] @ self.features[self.held].T
        one, other = np.triu_indices(len(self.held), 1)
        same = self.bins[self.held][one] == self.bins[self.held][other]
        found: FloatArray = alike[one, other][same]
        return found


def described(embedder: Embedder, images: npt.NDArray[np.uint8] | list[Image]) -> FloatArray:
    """(faces, 128), of length 1: ArcFace's square of crops with the benchmark's margin."""
    return embedder.describe(list(images), 1 / (1 + 2 * MARGIN))


def embedder(data: Path) -> Embedder:
    path = data / "weights/mobilefacenet_112.onnx"
    return Embedder(path, sha256(path), 112, "rgb", 127.5, 127.5, "the benchmark")


def read_people(name: str, data: Path, work: Path, seed: int, workers: int, most: int) -> People:
    """A set of photos, aligned."""
    aligned = bench_align(work / name, SOURCES[name], data, seed, workers)
    faces = load_faces(aligned, ("train", "validation", "test"))
    return People(faces, embedder(data), most)
