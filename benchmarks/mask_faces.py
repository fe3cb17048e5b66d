"""The photos that the mask benchmark measures on, and what finds faces and points on them.

All are crops of 64 pixels: drawn ones with the margin of params.yaml, real ones without any (their
photos are tight).
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

from augment.align import haar, yunet
from augment.crop import choose, cut, reference_points, similarity, transform
from augment.errors import RowError
from augment.images import decode, resize
from augment.nets.embedder import Embedder
from augment.nets.weights import sha256
from augment.protocols import Detection
from augment.schema import OK
from augment.seeds import row_share
from augment.shards import read_table
from augment.types import FloatArray, Image

SIZE = 64
DRAWN_MARGIN, REAL_MARGIN = 0.1, 0.0
_GREY = 128


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


def upper_half(face: Image, points: FloatArray) -> Image:
    """The face, grey below the middle between eyes and nose tip: where masks lie."""
    upper = face.copy()
    row = round(float((points[:2, 1].mean() + points[2, 1]) / 2))
    upper[max(row, 1) :] = _GREY
    return upper


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
