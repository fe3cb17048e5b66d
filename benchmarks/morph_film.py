"""Films: which frames become rows, and how still the eyes stand once faces are aligned.

On drawn films of two people the true points are known; on real clips another detector (YuNet) says
where the eyes are.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from morph_faces import SIZE, bench_align

from augment.align.film import film_points
from augment.align.landmarknet import Config as LandmarkConfig
from augment.align.landmarknet import Detector
from augment.crop import cut, reference_points, similarity, transform
from augment.drawing import sample_person
from augment.drawing.video import draw_video
from augment.figures import Figure
from augment.intake.clips import neighbours, read_frame
from augment.intake.photo_files import file_version
from augment.shards import read_table
from augment.types import FloatArray, Image

_RATE, _SECONDS, _SIDE = 24.0, 10.0, 192
_REFERENCE = reference_points(SIZE, 0.1)
_APART = float(np.linalg.norm(_REFERENCE[1] - _REFERENCE[0]))
_YUNET = "weights/face_detection_yunet_2023mar.onnx"


def film_figures(data: Path, work: Path, seed: int, workers: int) -> Iterator[Figure]:
    """Of drawn films."""
    del data
    films, truth = _drawn_films(work / "films", seed)
    yield from _rows("drawn_film", films, work, seed, workers)
    yield from _spread_of_drawn(films, truth)


def clip_figures(data: Path, work: Path, seed: int, workers: int) -> Iterator[Figure]:
    """Of real clips, where they are there."""
    if (data / "videos").is_dir():
        yield from _rows("clips", data / "videos", work, seed, workers)
        yield from _spread_of_clips(data)


def _rows(name: str, root: Path, work: Path, seed: int, workers: int) -> Iterator[Figure]:
    """What ingest and align make of the frames, reasons counted."""
    entry = {"kind": "video", "root": "."}
    rows = read_table(
        bench_align(work / name, entry, root, seed, workers), ["id", "status", "reason", "person"]
    ).to_pylist()
    clips = sorted({row["person"] or "" for row in rows})
    for clip in clips:
        own = [row for row in rows if row["person"] == clip]
        group = _called(clip.rpartition("/")[2])
        yield Figure("frames", "video", name, len(own), "frames", "higher", len(own), group=group)
        reasons = Counter(row["reason"] for row in own if row["status"] != "ok")
        for reason, count in reasons.items():
            yield Figure(
                "set_aside", "video", name, round(count / len(own), 4), "share of frames", "lower",
                len(own), group=f"{group}: {reason}",
            )  # fmt: skip


def _called(file: str) -> str:
    """A clip's name without whatever else stands in its file's: that may be somebody's."""
    words = Path(file).stem.split("_")
    return " ".join(words[:2]) if words[0] == "person" else words[-1]


def _drawn_films(folder: Path, seed: int) -> tuple[Path, dict[str, list[FloatArray]]]:
    """Two people, and the five true points of each frame."""
    folder.mkdir(parents=True, exist_ok=True)
    truth: dict[str, list[FloatArray]] = {}
    for gender in ("male", "female"):
        path = folder / f"{gender}.avi"
        points = folder / f"{gender}.npy"
        if not points.is_file():
            person = sample_person(seed + len(gender), gender=gender)
            writer = cv2.VideoWriter(
                str(path), cv2.VideoWriter.fourcc(*"MJPG"), _RATE, (_SIDE, _SIDE)
            )
            known = []
            for drawing in draw_video(person, 35, _SECONDS, _RATE, seed, _SIDE):
                writer.write(np.ascontiguousarray(drawing.image[..., ::-1]))
                known.append(drawing.landmarks5)
            writer.release()
            np.save(points, np.stack(known))
        truth[path.name] = list(np.load(points))
    return folder, truth


def _spread_of_drawn(folder: Path, truth: dict[str, list[FloatArray]]) -> Iterator[Figure]:
    """Where the true eyes lie in crops by a fixed box, by one frame, by the median of five."""
    detector = Detector(LandmarkConfig(min_score=0.5, look_size=160))
    for clip, points in truth.items():
        path, places = folder / clip, range(2, len(points) - 2, 3)
        found: dict[str, list[FloatArray]] = {"raw": [], "aligned": [], "steadied": []}
        box = similarity(np.mean(points, axis=0), _REFERENCE)
        for number in places:
            version = file_version(folder, clip)
            frame = read_frame(path, version, number)
            faces = detector.detect(frame)
            if len(faces) != 1:
                continue
            around = neighbours(path, version, number)
            still = film_points(faces[0], faces, frame, around, detector)
            for name, matrix in (
                ("raw", box),
                ("aligned", similarity(faces[0].points, _REFERENCE)),
                ("steadied", similarity(still, _REFERENCE)),
            ):
                found[name].append(transform(points[number], matrix))
        for name, seen in found.items():
            yield _spread("drawn_film", name, clip, np.stack(seen))


def _spread_of_clips(data: Path) -> Iterator[Figure]:
    if not (data / _YUNET).is_file():
        return
    yunet: Any = cv2.FaceDetectorYN.create(str(data / _YUNET), "", (2 * SIZE, 2 * SIZE), 0.5)
    detector = Detector(LandmarkConfig(min_score=0.5, look_size=160))
    for path in sorted((data / "videos").glob("person_*")):
        version = file_version(path.parent, path.name)
        first: list[FloatArray] = []
        kept: list[tuple[Image, FloatArray, FloatArray]] = []
        for number in range(2, 190, 6):
            frame = read_frame(path, version, number)
            faces = detector.detect(frame)
            if len(faces) == 1:
                around = neighbours(path, version, number)
                still = film_points(faces[0], faces, frame, around, detector)
                kept.append((frame, faces[0].points, still))
                first.append(faces[0].points)
        box = np.mean(first, axis=0)
        for name in ("raw", "aligned", "steadied"):
            seen = []
            for frame, one, still in kept:
                points = {"raw": box, "aligned": one, "steadied": still}[name]
                crop = cut(frame, similarity(points, _REFERENCE), SIZE)
                large = cv2.resize(crop, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
                _, rows = yunet.detect(np.ascontiguousarray(large[..., ::-1]))
                if rows is not None:
                    seen.append(rows[0, 4:14].reshape(5, 2) / 2)
            yield _spread("clips", name, path.name, np.stack(seen))


def _spread(data: str, arch: str, clip: str, points: FloatArray) -> Figure:
    """Standard deviation of the eyes' places, as a share of the distance between the eyes."""
    eyes = points[:, :2]
    value = float(np.sqrt(eyes.var(axis=0).sum(axis=-1).mean())) / _APART
    return Figure("eye_position_spread", arch, data, round(value, 5), "of the eyes' distance",
                  "lower", len(points), group=_called(clip))  # fmt: skip
