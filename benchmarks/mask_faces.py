"""The faces that the mask benchmark measures on: drawn pairs, real pairs, photos without masks.

All are crops of 64 pixels: drawn ones with the margin of params.yaml, real ones without any (their
photos are tight). Points of real faces are found in the crop, as a method that needs them would.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from mask_measures import CHANGED, changed_region

from augment.align import haar, yunet
from augment.align.crop import choose, cut, reference_points, similarity, transform
from augment.drawing import FaceSpec, draw, random_spec, sample_person
from augment.drawing.spec import MASK_COLOURS
from augment.errors import RowError
from augment.images import decode, resize
from augment.metrics.pairs import likeness
from augment.nets.embedder import Embedder
from augment.nets.weights import sha256
from augment.protocols import Detection
from augment.schema import OK
from augment.seeds import row_generator, row_seed, row_share
from augment.shards import read_table
from augment.types import FloatArray, Image

SIZE = 64
DRAWN_MARGIN, REAL_MARGIN = 0.1, 0.0
TRAIN, PICTURES, PEOPLE = "train", "held_out_pictures", "held_out_people"
#: The one mask of the drawn pairs that methods learn from: the paper's pairs show one kind, too.
DRAWN_KIND, DRAWN_COLOUR = "surgical", (124, 178, 205)
_SAME_PERSON = 0.5  # cosine of two photos that stay on one side of the split
_OUTSIDE = 0.02  # alpha up to which a pixel is outside of a mask, its loops and its shadow


@dataclass(frozen=True)
class Pairs:
    """Faces without and with a mask, n of each; ``part``, ``kind``, ``person`` and ``photo`` (the
    file of a real pair) are one word a pair.

    Attributes:
        faces, targets: uint8 (n, 64, 64, 3).
        inside, outside: bool (n, 64, 64); what is in neither is rim, loop or shadow.
        points: float32 (n, 5, 2); landmarks: (n, 68, 2), nan where none were found.
    """

    name: str
    faces: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.uint8]
    inside: npt.NDArray[np.bool_]
    outside: npt.NDArray[np.bool_]
    points: FloatArray
    landmarks: FloatArray
    person: npt.NDArray[np.str_]
    part: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    photo: npt.NDArray[np.str_]

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Pairs":
        rows = {name: value[chosen] for name, value in vars(self).items() if name != "name"}
        return Pairs(self.name, **rows)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> "Pairs":
        with np.load(path) as stored:
            return cls(str(stored["name"]), **{key: stored[key] for key in stored if key != "name"})


@dataclass(frozen=True)
class Crops:
    """Faces without a mask: uint8 (n, size, size, 3), five points, yaw in degrees, whose it is."""

    images: npt.NDArray[np.uint8]
    points: FloatArray
    yaw: FloatArray
    person: npt.NDArray[np.str_]

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Crops":
        return Crops(**{name: value[chosen] for name, value in vars(self).items()})


class Landmarker:
    """Crop -> 68 points, or None where the detector sees no face in it."""

    def __init__(self, data: Path, detector: Any) -> None:
        self._detector = detector
        self._network = onnxruntime.InferenceSession(
            str(data / "weights/landmarks_68.onnx"), providers=["CPUExecutionProvider"]
        )

    def __call__(self, face: Image) -> FloatArray | None:
        found = self._detector.detect(face)
        return self.within(face, choose(found, face.shape).box) if found else None

    def within(self, face: Image, box: FloatArray) -> FloatArray:
        """float32 (68, 2), pixels of ``face``. The network takes levels 0..255 of a square box."""
        centre, side = box[:2] + box[2:] / 2, max(float(box[2:].max()), 1.0)
        scale = 112 / side
        matrix = np.array([[scale, 0, 56 - centre[0] * scale], [0, scale, 56 - centre[1] * scale]])
        square = cv2.warpAffine(face, matrix, (112, 112)).astype(np.float32)
        planes = square.transpose(2, 0, 1)[None]
        places = self._network.run(None, {"input": planes})[0].reshape(68, 2) * 112
        return np.asarray((places - matrix[:, 2]) / scale, dtype=np.float32)


def yunet_detector(data: Path) -> yunet.Detector:
    return yunet.Detector(yunet.Config(path=data / "weights/face_detection_yunet_2023mar.onnx"))


def haar_detector() -> haar.Detector:
    return haar.Detector(haar.Config())


def embedder(data: Path) -> Embedder:
    path = data / "weights/mobilefacenet_112.onnx"
    return Embedder(path, sha256(path), 112, "rgb", 127.5, 127.5, "the mask benchmark")


def drawn_pairs(people: int, others: int, seed: int) -> Pairs:
    """Three pictures to learn from and two to measure on of each person; two of others, and two of
    others again with each further type of mask, in that type's colours."""
    rows: list[dict[str, Any]] = []
    for number in range(people):
        for place in range(5):
            part = TRAIN if place < 3 else PICTURES
            rows.append(_drawn(seed, f"known {number}", place, part, DRAWN_KIND))
    for kind in MASK_COLOURS:
        for number in range(others):
            for place in range(2):
                rows.append(_drawn(seed, f"other {number}", place, PEOPLE, kind))
    return _stacked("drawn", rows)


def _drawn(seed: int, person: str, place: int, part: str, kind: str) -> dict[str, Any]:
    bare = _bare(seed, person, place)
    random = row_generator(seed, "mask benchmark", f"{person} {place} {kind}")
    colours = MASK_COLOURS[kind]
    colour = DRAWN_COLOUR if kind == DRAWN_KIND else colours[int(random.integers(len(colours)))]
    worn = FaceSpec(**{**vars(bare), "mask": kind, "mask_colour": colour})
    one, other = draw(bare, 2 * SIZE), draw(worn, 2 * SIZE)
    matrix = similarity(one.landmarks5, reference_points(SIZE, DRAWN_MARGIN))
    levels = np.repeat(np.round(other.mask_alpha * 255).astype(np.uint8)[..., None], 3, axis=2)
    alpha = cut(levels, matrix, SIZE)[..., 0] / 255
    return {
        "faces": cut(one.image, matrix, SIZE),
        "targets": cut(other.image, matrix, SIZE),
        "inside": alpha > 0.5,
        "outside": alpha < _OUTSIDE,
        "points": transform(one.landmarks5, matrix),
        "landmarks": transform(one.landmarks68, matrix),
        "person": person,
        "part": part,
        "kind": kind,
        "photo": "",
    }


def _bare(seed: int, person: str, place: int) -> FaceSpec:
    """A picture of a person who looks the same in each; ages, genders, tones evenly."""
    random = row_generator(seed, "mask benchmark", person)
    gender, tone = ("female", "male")[int(random.integers(2))], 1 + int(random.integers(10))
    age = float(random.uniform(4, 85))
    who = sample_person(row_seed(seed, "mask benchmark", person) >> 31, gender, tone)
    return random_spec(who, age, place)


def real_pairs(data: Path, share: float) -> Pairs:
    """The overlay pairs; people that look alike (by the face embedder) stay on one side."""
    landmarker, rows = Landmarker(data, yunet_detector(data)), []
    folder = data / "masked/pairs"
    for path in sorted((folder / "unmasked").iterdir()):
        photo, masked = (
            decode(path.read_bytes()),
            decode((folder / "masked" / path.name).read_bytes()),
        )
        placed = aligned(photo, landmarker._detector, SIZE, REAL_MARGIN)
        if placed is None:
            continue
        face, matrix, points = placed
        target = cut(masked, matrix, SIZE)
        inside = changed_region(target, face, CHANGED)
        near = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        rows.append(
            {
                "faces": face,
                "targets": target,
                "inside": inside,
                "outside": ~near,
                "points": points,
                "landmarks": _or_nan(landmarker(face)),
                "kind": "surgical",
                "photo": path.name,
            }
        )
    people = _people(embedder(data).describe([row["faces"] for row in rows], 1.0))
    for row, person in zip(rows, people, strict=True):
        row["person"] = person
        row["part"] = TRAIN if row_share(0, "mask pairs", person) < share else PEOPLE
    return _stacked("masked_pairs", rows)


def _people(described: FloatArray) -> list[str]:
    """Who belongs together: the connected groups of look-alikes."""
    group = list(range(len(described)))
    for place in range(len(described)):
        alike = likeness(np.repeat(described[[place]], place, axis=0), described[:place])
        for other in np.flatnonzero(alike > _SAME_PERSON):
            old, new = group[int(other)], group[place]
            group = [new if name == old else name for name in group]
    return [f"look {name}" for name in group]


def aligned(
    photo: Image, detector: Any, size: int, margin: float
) -> tuple[Image, npt.NDArray[np.float64], FloatArray] | None:
    """The crop, photo -> crop, and the five points in it; None where no face is found."""
    found: list[Detection] = detector.detect(photo)
    if not found:
        return None
    points = choose(found, photo.shape).points
    try:
        matrix = similarity(points, reference_points(size, margin))
    except RowError:
        return None
    return cut(photo, matrix, size), matrix, transform(points, matrix)


def crops(data: Path, photos: Sequence[tuple[Path, str]], size: int) -> Crops:
    """Aligned crops of photos (path, person); those without a face are left out."""
    detector = yunet_detector(data)
    rows = []
    for path, person in photos:
        placed = aligned(decode(path.read_bytes()), detector, size, REAL_MARGIN)
        if placed is not None:
            rows.append((placed[0], placed[2], yaw(placed[2]), person))
    images, points, yaws, people = zip(*rows, strict=True)
    return Crops(np.stack(images), np.stack(points), np.array(yaws, np.float32), np.array(people))


def yaw(points: FloatArray) -> float:
    """Degrees by which a head is turned, from five points: how far the nose tip lies beside the
    line from the eyes' middle to the mouth's. Saturates near 58."""
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    down = (mouth - eyes) / max(float(np.hypot(*(mouth - eyes))), 1.0)
    offset = (points[2] - eyes) @ np.array([down[1], -down[0]])
    sine = 0.85 * offset / (0.45 * max(float(np.hypot(*(mouth - eyes))), 1.0))
    return float(np.degrees(np.arcsin(np.clip(sine, -0.85, 0.85))))


def part_of_fairface(data: Path, folder: Path, most: int) -> Path:
    """A folder in FairFace's layout with some of its photos, chosen by a hash of their names."""
    table = "fairface_label_train.csv"
    lines = (data / "fairface" / table).read_text(encoding="utf-8").splitlines()
    chosen = sorted(lines[1:], key=lambda line: row_share(0, "mask benchmark", line))[:most]
    for line in chosen:
        copy = folder / line.split(",")[0]
        copy.parent.mkdir(parents=True, exist_ok=True)
        # Copied: a data set's files may not lead out of its folder.
        shutil.copyfile(data / "fairface" / line.split(",")[0], copy)
    (folder / table).write_text("\n".join([lines[0], *chosen]) + "\n", encoding="utf-8")
    return folder


def stored_crops(folder: Path, split: str) -> Crops:
    """The faces of a split of a folder of aligned faces, in an order that means nothing."""
    rows = [
        row
        for row in read_table(folder).to_pylist()
        if row["status"] == OK and row["split"] == split
    ]
    rows.sort(key=lambda row: row_share(0, "mask benchmark", row["id"]))
    points = np.array([row["points"] for row in rows], np.float32).reshape(-1, 5, 2)
    return Crops(
        np.stack([decode(row["image"]["bytes"]) for row in rows]),
        points,
        np.array([yaw(each) for each in points], np.float32),
        np.array([row["person"] or row["id"] for row in rows]),
    )


def lfw_photos(data: Path) -> Iterator[tuple[Path, str]]:
    """One photo a person, all of them test."""
    for folder in sorted((data / "lfw/lfw-deepfunneled").iterdir()):
        yield min(folder.iterdir()), folder.name


def smaller(images: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    return np.stack([resize(image, size) for image in images])


def _or_nan(points: FloatArray | None) -> FloatArray:
    return np.full((68, 2), np.nan, np.float32) if points is None else points


def known_points(landmarks: FloatArray) -> list[FloatArray | None]:
    return [None if np.isnan(points).any() else points for points in landmarks]


def _stacked(name: str, rows: Sequence[dict[str, Any]]) -> Pairs:
    return Pairs(name, **{key: np.stack([row[key] for row in rows]) for key in rows[0]})
