"""How well and how fast faces and their points are found: python benchmarks/detector.py

Detectors: ours, OpenCV's Haar cascades, YuNet, and the SCRFD of an InsightFace pack, each with the
settings it has by default. Photos: FairFace's held-out tenth (no training saw it), LFW, CelebA,
UTKFace; for masks the pairs and the wild photos of ``masked``; drawn faces.

What is right, without hand-made points: **recall_vs_yunet** is the share of the photos on which
YuNet finds a face on which the detector chooses that face, too (its middle within half of the
box's side, between half and twice its size). **point_error** is the median distance of the five
points to where YuNet sees them in the mean of 16 looks, as a share of the distance between the
eyes: what a single look of YuNet is off by, its own row says. On drawn faces points are exact, and
of the masked pairs the unmasked photo says where they lie. Distances to one look of YuNet are
given, too (split "one look"). **recall_gap** is the largest difference between groups of
at least 50 photos. **false_finds**: faces a picture found on faceless corners of LFW photos, and on
shuffled photos, parts, textures and drawn backgrounds. **ms_per_face**: processor time of
``detect``, one thread.
"""

import argparse
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from detector_photos import (
    SEED,
    Photo,
    corners_of,
    drawn_photos,
    made_without_face,
    masked_pairs,
    photos_of,
    with_points,
)

from augment.crop import choose
from augment.figures import Figure, write_figures
from augment.images import decode, resize
from augment.metrics.proportion import wilson_interval
from augment.nets.landmarknet.photos import teacher_of
from augment.plugins import configure
from augment.protocols import Detection, Detector
from augment.types import FloatArray

SETS = ("fairface", "lfw", "celeba", "utkface")
FEWEST = 50
GROUPINGS = ("gender", "age_group", "ethnicity")
YUNET = "weights/face_detection_yunet_2023mar.onnx"


Finds = Sequence[Detection | None]  # the chosen face of each photo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("FACES_DATA", "../shared/data"))
    )
    parser.add_argument("--photos", type=int, default=1300, help="of each data set, at most")
    parser.add_argument("--sets", nargs="*", default=[*SETS, "masked", "drawn", "faceless"])
    parser.add_argument("--out", type=Path, default=Path("reports/systems/detector.json"))
    args = parser.parse_args()
    cv2.setNumThreads(1)
    detectors, teacher = _detectors(args.data), teacher_of(args.data / YUNET)
    for name in args.sets:
        figures = []
        if name == "masked":
            figures = list(_masked(args.data / "masked", detectors, teacher))
        elif name == "drawn":
            figures = list(_drawn(detectors, drawn_photos(400)))
        elif name == "faceless":
            figures = list(_faceless(args.data, detectors))
        else:
            photos = photos_of(args.data, name, args.photos)
            photos = [with_points(photo, teacher, n) for n, photo in enumerate(photos)]
            figures = list(_on_set(name, photos, detectors))
        for row in figures:
            if row.group == "all" or "gap" in row.name or "ms" in row.name:
                print(f"{row.name:18} {row.data:18} {row.split:14} {row.group:12} {row.arch:12} "
                      f"{row.value:8.4f} (n={row.n}) {row.interval or ''}", flush=True)  # fmt: skip
        write_figures(args.out, "detector", SEED, figures)


def _detectors(data: Path) -> dict[str, Detector]:
    entries: dict[str, dict[str, Any]] = {
        "landmarknet": {"kind": "landmarknet"},
        "haar": {"kind": "haar"},
        "yunet": {"kind": "yunet", "path": data / YUNET},
        "scrfd": {
            "kind": "insightface",
            "pack": "scrfd_only",
            "root": data / "weights/insightface",
        },
    }
    return {arch: _detector(entry) for arch, entry in entries.items()}


def _detector(entry: dict[str, Any]) -> Detector:
    module, settings = configure("align", entry, "benchmark")
    detector: Detector = module.Detector(settings)
    return detector


def _finds(photos: Sequence[Photo], detector: Detector) -> Finds:
    found = [detector.detect(photo.image) for photo in photos]
    return [
        choose(faces, photo.image.shape) if faces else None
        for faces, photo in zip(found, photos, strict=True)
    ]


def _same(face: Detection | None, other: Detection) -> bool:
    """Whether both are one face; by points, since each detector's boxes are of another kind."""
    if face is None:
        return False
    away = np.linalg.norm(face.points.mean(axis=0) - other.points.mean(axis=0))
    size, wanted = _spread(face.points), _spread(other.points)
    return bool(away < 0.5 * float(np.sqrt(other.box[2:].prod())) and 0.5 < size / wanted < 2.0)


def _spread(points: FloatArray) -> float:
    return float(np.sqrt(np.square(points - points.mean(axis=0)).sum(axis=1).mean()))


def _on_set(
    name: str, photos: Sequence[Photo], detectors: Mapping[str, Detector]
) -> Iterator[Figure]:
    data = f"{name}, held-out tenth" if name == "fairface" else name
    judged = _finds(photos, detectors["yunet"])
    known = {place: face for place, face in enumerate(judged) if face is not None}
    yield _share("yunet_finds", "yunet", data, [face is not None for face in judged])
    for arch, detector in detectors.items():
        finds = judged if arch == "yunet" else _finds(photos, detector)
        hits = {place: _same(finds[place], face) for place, face in known.items()}
        yield _share("recall_vs_yunet", arch, data, list(hits.values()))
        yield from _by_group(arch, data, photos, hits)
        yield from _errors(arch, data, photos, finds)
        pairs = [(found.points, face.points) for place, face in known.items()
                 if (found := finds[place]) is not None and hits[place]]  # fmt: skip
        if arch != "yunet" and pairs:
            yield _median("point_error", arch, data, [_off(a, b) for a, b in pairs], "one look")
        if name == "fairface":
            yield from _speed(arch, detector, photos)


def _by_group(
    arch: str, data: str, photos: Sequence[Photo], hits: Mapping[int, bool]
) -> Iterator[Figure]:
    for grouping in GROUPINGS:
        groups: dict[str, list[bool]] = {}
        for place, hit in hits.items():
            group = photos[place].labels.get(grouping, "unknown")
            if group != "unknown":
                groups.setdefault(group, []).append(hit)
        large = {group: own for group, own in groups.items() if len(own) >= FEWEST}
        for group, own in sorted(large.items()):
            yield _share("recall_vs_yunet", arch, data, own, f"{grouping}: {group}")
        if len(large) > 1:
            shares = [np.mean(own) for own in large.values()]
            n = sum(len(own) for own in large.values())
            gap = round(float(max(shares) - min(shares)), 4)
            yield Figure("recall_gap", arch, data, gap, "ratio", "lower", n, group=grouping)


def _errors(arch: str, data: str, photos: Sequence[Photo], finds: Finds) -> Iterator[Figure]:
    """Against the points that count as true, overall and by group."""
    errors: dict[str, list[float]] = {"all": []}
    for photo, face in zip(photos, finds, strict=True):
        if face is None or photo.points is None:
            continue
        error = _off(face.points, photo.points)
        if error > 1.0:  # another face, or none: a matter of recall
            continue
        errors["all"].append(error)
        for grouping in GROUPINGS:
            if (group := photo.labels.get(grouping, "unknown")) != "unknown":
                errors.setdefault(f"{grouping}: {group}", []).append(error)
    for group, own in errors.items():
        if len(own) >= (1 if group == "all" else FEWEST):
            yield _median("point_error", arch, data, own, group=group)


def _off(points: FloatArray, true: FloatArray) -> float:
    gap = max(1e-6, float(np.linalg.norm(true[1] - true[0])))
    return float(np.linalg.norm(points - true, axis=1).mean()) / gap


def _speed(arch: str, detector: Detector, photos: Sequence[Photo]) -> Iterator[Figure]:
    """On photos of 224 pixels, and on crops of 64 as the check of one face shows them."""
    large = [photo.image for photo in photos[:200]]
    crops = [
        cv2.copyMakeBorder(resize(resize(image, 64), 128), 32, 32, 32, 32, cv2.BORDER_REPLICATE)
        for image in large
    ]
    for group, images in (("224px photos", large), ("64px crops", crops)):
        detector.detect(images[0])
        rounds = []
        for _ in range(3):
            start = time.process_time()
            for image in images:
                detector.detect(image)
            rounds.append((time.process_time() - start) / len(images) * 1e3)
        value = round(min(rounds), 3)
        yield Figure("ms_per_face", arch, "fairface, held-out tenth", value, "ms", "lower",
                     len(images), group=group)  # fmt: skip


def _masked(root: Path, detectors: Mapping[str, Detector], teacher: Detector) -> Iterator[Figure]:
    """Pairs: the same photo without and with a mask; wild: photos that show masks, or do not."""
    photos = masked_pairs(root, teacher)
    wild = {
        part: [
            Photo(decode(path.read_bytes())) for path in sorted((root / "wild" / part).iterdir())
        ]
        for part in ("with_mask", "without_mask")
    }
    for arch, detector in detectors.items():
        finds = _finds(photos, detector)
        yield _share("masked_recall", arch, "masked pairs", _near(photos, finds))
        yield from _errors(arch, "masked pairs", photos, finds)
        for part, own in wild.items():
            found = [face is not None for face in _finds(own, detector)]
            yield _share("photos_with_finds", arch, f"masked wild, {part}", found)


def _drawn(detectors: Mapping[str, Detector], photos: Sequence[Photo]) -> Iterator[Figure]:
    for arch, detector in detectors.items():
        finds = _finds(photos, detector)
        yield _share("drawn_recall", arch, "drawn", _near(photos, finds))
        yield from _errors(arch, "drawn", photos, finds)


def _near(photos: Sequence[Photo], finds: Finds) -> list[bool]:
    """Whether each chosen face is the one whose points are known."""
    return [
        face is not None and photo.points is not None and _off(face.points, photo.points) < 0.5
        for face, photo in zip(finds, photos, strict=True)
    ]


def _faceless(data: Path, detectors: Mapping[str, Detector]) -> Iterator[Figure]:
    pools = {
        "lfw corners": corners_of(photos_of(data, "lfw", 500), _detector(
            {"kind": "yunet", "path": data / YUNET, "look_size": 320, "min_score": 0.2})),
        "made without face": made_without_face(photos_of(data, "fairface", 300), 400),
    }  # fmt: skip
    for pool, pictures in pools.items():
        for arch, detector in detectors.items():
            found = sum(len(detector.detect(picture)) for picture in pictures)
            rate = round(found / len(pictures), 4)
            yield Figure("false_finds", arch, pool, rate, "1/picture", "lower", len(pictures))


def _share(name: str, arch: str, data: str, hits: Sequence[bool], group: str = "all") -> Figure:
    n, good = len(hits), int(sum(hits))
    low, high = wilson_interval(good, n)
    interval = (round(low, 4), round(high, 4))
    value = round(good / n, 4)
    return Figure(name, arch, data, value, "ratio", "higher", n, group=group, interval=interval)


def _median(
    name: str, arch: str, data: str, values: Sequence[float], split: str = "all",
    group: str = "all",
) -> Figure:  # fmt: skip
    """With a 95 % interval from order statistics."""
    ordered = np.sort(values)
    n = len(ordered)
    half = 0.98 * np.sqrt(n)
    low, high = max(0, int(n / 2 - half)), min(n - 1, int(np.ceil(n / 2 + half)))
    interval = (round(float(ordered[low]), 4), round(float(ordered[high]), 4))
    value = round(float(np.median(ordered)), 4)
    return Figure(name, arch, data, value, "ratio", "lower", n, split, group, interval=interval)


if __name__ == "__main__":
    main()
