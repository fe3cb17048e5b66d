"""Frames of two people that networks learn from: cut by a fixed box (raw) or by the points of each
frame (aligned); of drawn films, and of real clips where they are there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from morph_faces import SIZE

from augment.align.landmarknet import Config as LandmarkConfig
from augment.align.landmarknet import Detector
from augment.crop import cut, reference_points, similarity, transform
from augment.drawing import sample_person
from augment.drawing.video import draw_video
from augment.intake.clips import read_frame, survey
from augment.intake.photo_files import file_version
from augment.types import FloatArray, Image

#: Drawn films: frames a second, of which the last ones of each person are never learned from.
_RATE, _APART, _HELD, _SIDE = 4.0, 20, 250, 128
#: Real clips are short: all frames, of which the last share is held out, some between left out.
_HELD_SHARE, _GAP = 0.2, 6
_REFERENCE = reference_points(SIZE, 0.1)
Faces = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Film:
    """Two people.

    Attributes:
        crops: ``"raw"`` and ``"aligned"`` -> person 0 and 1 -> uint8 (frames, 64, 64, 3).
        points: likewise -> float32 (frames, 5, 2), where the points lie in these crops.
        held: likewise as ``crops``: later frames, which nobody learns from.
        held_points: as ``points``, of ``held``.
    """

    crops: dict[str, list[Faces]]
    points: dict[str, list[FloatArray]]
    held: dict[str, list[Faces]]
    held_points: dict[str, list[FloatArray]]


@dataclass(frozen=True)
class Frames:
    """What is learned from.

    Attributes:
        crops: uint8 (frames, 64, 64, 3).
        points: float32 (frames, 5, 2), crop pixels.
        who: int64 (frames,), person 0 or 1.
    """

    crops: Faces
    points: FloatArray
    who: npt.NDArray[np.int64]


def read_film(name: str, data: Path, work: Path, seed: int, learned: int) -> Film:
    """``drawn``, of which ``learned`` frames of each person are learned from; or ``clips``: A and B
    of the shared clips, all frames. What was cut stays in ``work``."""
    path = work / f"frames_{name}{learned if name == 'drawn' else ''}.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        sources = _drawn(seed, learned) if name == "drawn" else _clips(data / "videos")
        found: dict[str, npt.NDArray[np.generic]] = {}
        for person, frames in enumerate(sources):
            for kind, (crops, points) in _cut(frames).items():
                found[f"{kind}{person}"], found[f"{kind}{person}points"] = crops, points
        np.savez(path, **found)  # type: ignore[arg-type]
    with np.load(path) as content:
        stored = {key: content[key] for key in content.files}
    film = Film({}, {}, {}, {})
    for kind in ("raw", "aligned"):
        for person in (0, 1):
            crops, points = stored[f"{kind}{person}"], stored[f"{kind}{person}points"]
            end, start = _split(name, len(crops))
            film.crops.setdefault(kind, []).append(crops[:end])
            film.points.setdefault(kind, []).append(points[:end])
            film.held.setdefault(kind, []).append(crops[start:])
            film.held_points.setdefault(kind, []).append(points[start:])
    return film


def _split(name: str, frames: int) -> tuple[int, int]:
    """Where learned frames end and held-out ones begin."""
    if name == "drawn":
        return frames - _HELD - _APART, frames - _HELD
    start = round(frames * (1 - _HELD_SHARE))
    return start - _GAP, start


def _drawn(seed: int, learned: int) -> Iterator[Iterator[Image]]:
    """The same two people as in the benchmark's films, for longer."""
    seconds = (learned + _APART + _HELD) / _RATE
    for gender in ("male", "female"):
        person = sample_person(seed + len(gender), gender=gender)
        yield (one.image for one in draw_video(person, 35, seconds, _RATE, seed, _SIDE))


def _clips(folder: Path) -> Iterator[Iterator[Image]]:
    for letter in ("A", "B"):
        (path,) = folder.glob(f"person_{letter}_*")
        version = file_version(folder, path.name)
        frames = survey(path, 1, 0, letter).frames
        yield (read_frame(path, version, number) for number in range(frames))


def _cut(frames: Iterator[Image]) -> dict[str, tuple[Faces, FloatArray]]:
    """Frames with one face, cut both ways; the fixed box is that of the average frame."""
    detector = Detector(LandmarkConfig(min_score=0.5, look_size=160))
    kept = [(frame, faces[0].points) for frame in frames
            if len(faces := detector.detect(frame)) == 1]  # fmt: skip
    box = similarity(np.mean([points for _, points in kept], axis=0), _REFERENCE)
    found = {}
    for kind in ("raw", "aligned"):
        ways = [box if kind == "raw" else similarity(points, _REFERENCE) for _, points in kept]
        crops = [cut(frame, way, SIZE) for (frame, _), way in zip(kept, ways, strict=True)]
        places = [transform(points, way) for (_, points), way in zip(kept, ways, strict=True)]
        found[kind] = np.stack(crops), np.stack(places).astype(np.float32)
    return found


def some(film: Film, kind: str, count: int) -> Frames:
    """``count`` learned frames, half of each person, evenly over the film."""
    crops, points, who = [], [], []
    for person, own in enumerate(film.crops[kind]):
        places = np.linspace(0, len(own) - 1, min(count // 2, len(own))).round().astype(int)
        crops.append(own[places])
        points.append(film.points[kind][person][places])
        who.append(np.full(len(places), person))
    return Frames(
        np.concatenate(crops), np.concatenate(points), np.concatenate(who).astype(np.int64)
    )
