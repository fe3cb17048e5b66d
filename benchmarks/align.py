"""How fast faces are aligned, against a plain loop: python benchmarks/align.py

Both decode, find the face with YuNet at score 0.5, cut it out at 112 px, encode it as JPEG and
write Parquet. The loop is what one would write in an afternoon: one process,
``cv2.FaceDetectorYN`` on the photo as it is, ``insightface.utils.face_align.norm_crop``. The stage
also checks each file's digest, averages several samples a pixel, measures skin tone, sharpness and
brightness, keeps a row for every failure, and survives a kill. The two take turns, in one run.
"""

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from augment.align import yunet
from augment.engine import Engine, one_thread
from augment.figures import Figure, write_figures
from augment.images import decode
from augment.job import Job
from augment.shards import read_table, write_bucketed
from augment.stages import align, ingest

SEED = 7
SIZE = 112
WEIGHTS = "weights/face_detection_yunet_2023mar.onnx"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("FACES_DATA", "../shared/data"))
    )
    parser.add_argument("--faces", type=int, default=13_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("reports/systems/align.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = _prepared(args.data, args.faces, args.workers, folder)
        photos = [
            args.data / "fairface" / uri
            for uri in read_table(folder / "index", ["uri"]).column("uri").to_pylist()
        ]
        figures = _compare(args, job, photos, folder)
    write_figures(args.out, "align", SEED, figures)


def _prepared(data: Path, faces: int, workers: int, folder: Path) -> Job:
    """An index of ``faces`` FairFace photos, and the job that aligns them."""
    params: dict[str, Any] = {
        "ingest": {
            "data": str(data),
            "sources": {"fairface": {"kind": "fairface", "root": "fairface"}},
        },
        "align": {"detector": {"kind": "yunet", "path": str(data / WEIGHTS)}, "size": SIZE},
    }
    engine = Engine("pool", workers, folder / "cache", progress=False)
    ingest.run(Job("ingest", None, params, SEED, {}, {"index": folder / "whole"}, engine))
    index = read_table(folder / "whole")
    index = index.take(np.random.default_rng(SEED).permutation(index.num_rows)[:faces])
    write_bucketed(folder / "index", index, 8)
    inputs, outputs = {"index": folder / "index"}, {"aligned": folder / "aligned"}
    return Job("align", None, params, SEED, inputs, outputs, engine)


def _compare(args: argparse.Namespace, job: Job, photos: list[Path], folder: Path) -> list[Figure]:
    runs: dict[str, Callable[[], tuple[float, float]]] = {
        "loop": lambda: _loop(photos, args.data / WEIGHTS, folder / "loop.parquet"),
        "ours": lambda: _stage(job, photos),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    shares: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(args.rounds):
        for name, run in runs.items():
            seconds, detecting = run()
            rates[name].append(len(photos) / seconds)
            shares[name].append(detecting / seconds)
            print(f"round {number + 1} {name}: {rates[name][-1]:.0f} faces/s, "
                  f"{shares[name][-1]:.0%} of the time in the detector")  # fmt: skip
    ratios = [ours / loop for ours, loop in zip(rates["ours"], rates["loop"], strict=True)]
    print(f"ours / loop: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")

    def figure(name: str, arch: str, values: list[float], unit: str, better: Any) -> Figure:
        return Figure(
            name, arch, "fairface", round(statistics.median(values), 3), unit, better, len(photos),
            group=f"{args.workers} processes" if arch == "ours" else "1 process",
            interval=(round(min(values), 3), round(max(values), 3)),
        )  # fmt: skip

    return [
        *(figure("faces_per_s", name, rates[name], "1/s", "higher") for name in runs),
        *(figure("detector_share", name, shares[name], "ratio", "higher") for name in runs),
        figure("speed_up", "ours", ratios, "ratio", "higher"),
    ]


def _loop(photos: list[Path], weights: Path, target: Path) -> tuple[float, float]:
    """Seconds in all, and in the detector."""
    from insightface.utils import face_align  # here: the pool's processes import this file too

    started = time.perf_counter()
    detector = cv2.FaceDetectorYN.create(str(weights), "", (224, 224), 0.5)
    detecting = 0.0
    rows = []
    for path in photos:
        photo = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        if photo is None:
            raise SystemExit(f"{path} holds no picture")
        before = time.perf_counter()
        detector.setInputSize(photo.shape[1::-1])
        _, faces = detector.detect(photo)
        detecting += time.perf_counter() - before
        if faces is None:
            continue
        face = max(faces, key=lambda row: row[2] * row[3])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-image's, of an old spelling
            crop = face_align.norm_crop(photo, face[4:14].reshape(5, 2), SIZE)
        _, content = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 95])
        rows.append({"id": path.name, "image": content.tobytes(), "points": face[4:14].tolist()})
    pq.write_table(pa.Table.from_pylist(rows), target)
    return time.perf_counter() - started, detecting


def _stage(job: Job, photos: list[Path]) -> tuple[float, float]:
    """Seconds in all, and the detector's part of it: one process's seconds / the processes."""
    for path in [*job.engine.cache.glob("align-*/*"), *job.outputs["aligned"].glob("*")]:
        path.unlink()
    started = time.perf_counter()
    align.run(job)
    seconds = time.perf_counter() - started
    detector = yunet.Detector(yunet.Config(path=job.params["align"]["detector"]["path"]))
    sample = [decode(path.read_bytes()) for path in photos[:200]]
    with one_thread():
        detector.detect(sample[0])
        before = time.perf_counter()
        for photo in sample:
            detector.detect(photo)
        each = (time.perf_counter() - before) / len(sample)
    return seconds, each * len(photos) / job.engine.workers


if __name__ == "__main__":
    main()
