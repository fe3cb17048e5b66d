"""A FairFace set in which rare groups are rarer still: python benchmarks/fairness_thin.py --help

How many real faces does a synthetic one replace? Of the train photos of some age groups only a
share is kept; a road fills the thinned set, and ``benchmarks/fairness.py --project THINNED --whole
FULL`` compares: thinned, thinned and filled, and the true faces that were left out. Which photos
are train photos, and which of them stay, follows from --project, a road of the full set that is
past `ingest`: held-out photos are all kept, so both roads are tested on the same faces.
"""

import argparse
import csv
import os
import shutil
from pathlib import Path

import pyarrow.compute as pc

from augment.seeds import row_share
from augment.shards import read_table, write_text
from augment.sources.fairface import PARTS

RARE = ("0-2", "60-69", "70+")


def left_out(project: Path, groups: list[str], share: float) -> set[str]:
    """Photos to leave out, as the label table names them.

    A smaller share keeps none that a larger one leaves out.

    Args:
        project: a road past `ingest`.
        groups: age groups to thin.
        share: of their train photos that stays, 0..1.
    """
    index = read_table(project / "data/index", ["id", "uri", "split", "age_group"])
    train = index.filter(pc.equal(index.column("split"), "train")).to_pylist()
    return {
        row["uri"]
        for row in train
        if row["age_group"] in groups and row_share(0, "thin", row["id"]) >= share
    }


def write_thinned(full: Path, out: Path, gone: set[str]) -> tuple[int, int]:
    """Label tables without those photos, and the photos that stay (hard links where possible).

    Returns:
        How many rows were kept, and how many left out.
    """
    out.mkdir(parents=True, exist_ok=True)
    kept = dropped = 0
    for part, (table, _) in PARTS.items():
        if not (full / table).is_file():
            continue
        with (full / table).open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file))
        place = header.index("file")
        stay = [row for row in rows if row[place] not in gone]
        kept, dropped = kept + len(stay), dropped + len(rows) - len(stay)
        lines = [",".join(row) for row in (header, *stay)]
        write_text(out / table, "\n".join(lines) + "\n")
        (out / part).mkdir(exist_ok=True)
        for row in stay:
            _link(full / row[place], out / row[place])
    return kept, dropped


def _link(photo: Path, place: Path) -> None:
    if place.exists():
        return
    try:
        os.link(photo, place)
    except OSError:  # another file system
        shutil.copyfile(photo, place)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fairface", type=Path, required=True, help="the data set as shipped")
    parser.add_argument("--project", type=Path, required=True, help="a road of it, past ingest")
    parser.add_argument("--share", type=float, required=True, help="of the rare photos that stays")
    parser.add_argument("--groups", nargs="+", default=list(RARE))
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    args = parser.parse_args()
    gone = left_out(args.project, args.groups, args.share)
    kept, dropped = write_thinned(args.fairface, args.out, gone)
    print(f"{args.out}: {kept:,} photos kept, {dropped:,} left out")


if __name__ == "__main__":
    main()
