"""A copy of FairFace, in its own layout, in which half of the rare train photos became tiny.

Rare are the youngest and the oldest: two thirds of all of their photos are taken, so that enough of
them are left to measure on. Test photos (``val/``) stay as they are. The photos that were shrunk,
as they were before, are the truth that restored faces are held against.
"""

import csv
import shutil
from pathlib import Path

from augment.images import decode, encode, resize
from augment.seeds import row_generator, row_share
from augment.shards import write_json

RARE_AGES = ("0-2", "60-69", "more than 70")
#: Train photos and test photos, of rare ages and of others.
COUNTS = {"rare": (540, 270), "others": (3060, 930)}
#: Sides of shrunken photos; a FairFace face fills its photo, so these are faces of 16 to 40 pixels.
SIDES = (18, 45)
_TABLE = "fairface_label_{part}.csv"


def write_copy(fairface: Path, folder: Path, seed: int, scale: float = 1.0) -> list[str]:
    """Write ``folder`` and say which photos were shrunk, such as ``train/12.jpg``.

    Args:
        fairface: the data set as shipped.
        folder: a new folder.
        seed: says who is taken, who is shrunk and how far.
        scale: share of :data:`COUNTS` that is taken.
    """
    with (fairface / _TABLE.format(part="train")).open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows.sort(key=lambda row: row_share(seed, "superres yield", row["file"]))
    parts: dict[str, list[dict[str, str]]] = {"train": [], "val": []}
    for rare in (True, False):
        train, test = (round(n * scale) for n in COUNTS["rare" if rare else "others"])
        own = [row for row in rows if (row["age"] in RARE_AGES) == rare]
        parts["train"] += own[:train]
        parts["val"] += own[train : train + test]
    shrunk = [
        row["file"]
        for row in parts["train"]
        if row["age"] in RARE_AGES and row_share(seed, "superres shrunk", row["file"]) < 0.5
    ]
    for part, chosen in parts.items():
        (folder / part).mkdir(parents=True, exist_ok=True)
        for row in chosen:
            target = folder / part / Path(row["file"]).name
            if row["file"] in shrunk:
                target.write_bytes(_shrunken(fairface / row["file"], seed))
            else:
                shutil.copy(fairface / row["file"], target)
        with (folder / _TABLE.format(part=part)).open("w", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(row | {"file": f"{part}/{Path(row['file']).name}"} for row in chosen)
    write_json(folder.parent / "shrunk.json", shrunk)
    return shrunk


def _shrunken(path: Path, seed: int) -> bytes:
    side = int(row_generator(seed, "superres side", path.name).integers(SIDES[0], SIDES[1] + 1))
    return encode(resize(decode(path.read_bytes()), side))
