"""Photos of FairFace with the teacher's faces, and which of them are held out."""

import csv
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.duplicates import groups, near_duplicate_pairs
from augment.errors import UserError
from augment.images import decode, difference_hash
from augment.nets.landmarknet.teacher import SIDE, Seen, look_often
from augment.plugins import configure
from augment.protocols import Detector
from augment.seeds import row_generator, row_share
from augment.shards import AtomicFile
from augment.types import FloatArray, Image

LABELS = "fairface_label_train.csv"
#: Share of the photos that no training sees; copies of a photo lie on the same side.
HELD_OUT = 0.1
_MOST = 6  # faces a photo


@dataclass(frozen=True)
class Photos:
    """Photos of one size in memory, with up to ``_MOST`` faces each.

    ``images`` uint8 (photos, height, width, 3); ``boxes`` float32 (photos, most, 4);
    ``points`` float32 (photos, most, 5, 2); ``state`` uint8 (photos, most): 0 no face, 1 doubtful,
    2 sure; ``words``: the age, gender and race of each photo as labelled.
    """

    names: list[str]
    images: npt.NDArray[np.uint8]
    boxes: FloatArray
    points: FloatArray
    state: npt.NDArray[np.uint8]
    words: list[tuple[str, str, str]]

    def take(self, places: npt.NDArray[np.int64]) -> "Photos":
        return Photos(
            [self.names[place] for place in places],
            self.images[places],
            self.boxes[places],
            self.points[places],
            self.state[places],
            [self.words[place] for place in places],
        )


def teacher_of(path: Path) -> Detector:
    """YuNet, looking at the size that :func:`look_often` makes its canvases."""
    entry = {"kind": "yunet", "path": path, "look_size": SIDE, "min_score": 0.4}
    module, settings = configure("align", entry, "--teacher")
    detector: Detector = module.Detector(settings)
    return detector


def held_out(names: list[str], images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """(photos,): which photos are for testing alone, the same whenever and wherever one asks."""
    hashes = np.frombuffer(b"".join(difference_hash(image) for image in images), np.uint8).reshape(
        -1, 32
    )
    group = groups(len(names), near_duplicate_pairs(hashes))
    first: dict[int, str] = {}
    for number, name in zip(group.tolist(), names, strict=True):
        first[number] = min(name, first.get(number, name))
    shares = {number: row_share(0, "landmarknet held out", name) for number, name in first.items()}
    return np.array([shares[number] < HELD_OUT for number in group.tolist()])


def read_photos(root: Path, seed: int, teacher: Path, work: Path, workers: int) -> Photos:
    """All photos of FairFace's train part. The teacher's faces are kept in ``work``.

    Raises:
        UserError: no label table, or a photo that cannot be read.
    """
    if not (root / LABELS).is_file():
        raise UserError(f"--fairface: {root} holds no {LABELS}; give FairFace's own folder.")
    with (root / LABELS).open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    names = [row["file"] for row in rows]
    images = np.stack([decode((root / name).read_bytes()) for name in names])
    store = work / "teacher.npz"
    if not store.is_file():
        _ask(root, names, seed, teacher, store, workers)
    with np.load(store) as kept:
        boxes, points, state = kept["boxes"], kept["points"], kept["state"]
    words = [(row["age"], row["gender"], row["race"]) for row in rows]
    return Photos(names, images, boxes, points, state, words)


def _ask(root: Path, names: list[str], seed: int, teacher: Path, store: Path, workers: int) -> None:
    boxes = np.zeros((len(names), _MOST, 4), np.float32)
    points = np.zeros((len(names), _MOST, 5, 2), np.float32)
    state = np.zeros((len(names), _MOST), np.uint8)
    with ProcessPoolExecutor(workers, initializer=_start, initargs=(teacher,)) as pool:
        answers = pool.map(_answer, [(root, name, seed) for name in names], chunksize=50)
        for photo, seen in enumerate(answers):
            for place, face in enumerate(seen[:_MOST]):
                boxes[photo, place], points[photo, place] = face.box, face.points
                state[photo, place] = 2 if face.sure else 1
    with AtomicFile(store) as temporary, temporary.open("wb") as file:
        np.savez(file, boxes=boxes, points=points, state=state)


_worker: dict[str, Any] = {}


def _start(teacher: Path) -> None:
    cv2.setNumThreads(1)
    _worker["teacher"] = teacher_of(teacher)


def _answer(task: tuple[Path, str, int]) -> list[Seen]:
    root, name, seed = task
    photo: Image = decode((root / name).read_bytes())
    return look_often(photo, _worker["teacher"], row_generator(seed, "teacher's looks", name))


def draw_more_often(words: list[tuple[str, str, str]], harder: Mapping[str, float]) -> FloatArray:
    """(photos,): how often each is drawn, so that rare groups are not forgotten.

    Args:
        words: of each photo: age, gender, race as labelled.
        harder: factors for values of age and race that are harder, 1 where none is given.
    """
    counts: dict[str, int] = {}
    for age, _, race in words:
        counts[age] = counts.get(age, 0) + 1
        counts[race] = counts.get(race, 0) + 1
    shares = [
        harder.get(age, 1.0) * harder.get(race, 1.0) / np.sqrt(counts[age] * counts[race])
        for age, _, race in words
    ]
    return np.asarray(np.array(shares) / np.mean(shares), dtype=np.float32)
