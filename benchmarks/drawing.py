"""How fast faces are drawn and how many of them a detector finds: python benchmarks/drawing.py

Draws everyday pictures at 128 px on one core, and near-frontal ones of all ages and skin tones for
OpenCV's Haar cascade (scale step 1.1, 3 neighbours, at least 32 px): found means that a box holds
the middle of the true landmarks. Prints JSON and adds it to reports/systems/drawing.json.
"""

import argparse
import json
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import cv2

from augment.drawing import Drawing, draw, random_spec, sample_person
from augment.figures import Figure, write_figures
from augment.metrics.proportion import wilson_interval

SEED = 20_000
SIZE = 128
CASCADE = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("reports/systems/drawing.json"))
    args = parser.parse_args()
    cv2.setNumThreads(1)
    rows = [*_speed(args.faces), *_haar_rates(args.faces)]
    write_figures(args.out, "drawing", SEED, rows)
    print(json.dumps([asdict(row) for row in rows], indent=1))


def _speed(faces: int) -> list[Figure]:
    """Faces a second of one core's time, everyday poses, half of them masked."""
    specs = [
        random_spec(sample_person(SEED + k), k * 7.3 % 90, k, mask="surgical" if k % 2 else None)
        for k in range(faces)
    ]
    draw(specs[0], SIZE)
    start = time.process_time()
    for spec in specs:
        draw(spec, SIZE)
    rate = faces / (time.process_time() - start)
    name = "faces_per_s_per_core"
    return [Figure(name, "drawn", "everyday", round(rate, 1), "faces/s", "higher", faces)]


def _haar_rates(faces: int) -> list[Figure]:
    cascade = cv2.CascadeClassifier(str(CASCADE))
    found: dict[str, list[bool]] = defaultdict(list)
    for k in range(faces):
        age = k * 7.3 % 90
        person = sample_person(SEED + k, monk=1 + k % 10)
        hit = _is_found(cascade, draw(random_spec(person, age, k, frontal=True), SIZE))
        decade = 10 * int(age // 10)
        for group in ("all", f"age {decade:02d}-{decade + 9:02d}", f"monk {person.monk:02d}"):
            found[group].append(hit)
    return [_rate(group, hits) for group, hits in sorted(found.items())]


def _is_found(cascade: cv2.CascadeClassifier, drawing: Drawing) -> bool:
    grey = cv2.cvtColor(drawing.image, cv2.COLOR_RGB2GRAY)
    x, y = drawing.landmarks5.mean(0)
    boxes = cascade.detectMultiScale(grey, 1.1, 3, minSize=(32, 32))
    return any(left < x < left + w and top < y < top + h for left, top, w, h in boxes)


def _rate(group: str, hits: list[bool]) -> Figure:
    """The share found with its Wilson interval."""
    n, share = len(hits), sum(hits) / len(hits)
    low, high = wilson_interval(sum(hits), n)
    interval = (round(low, 4), round(high, 4))
    return Figure(
        "haar_recall", "drawn", "near-frontal", round(share, 4), "ratio", "higher", n,
        group=group, interval=interval,
    )  # fmt: skip


if __name__ == "__main__":
    main()
