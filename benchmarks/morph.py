"""How good are morphs, and the films that they may come from? python benchmarks/morph.py

    people    morphs of photos: new people or their parents, how like real faces, faces a second
    room      a bin of three people: how many new identities does it gain?
    film      frames of drawn films: chosen, set aside, how still the eyes stand in their crops
    clips     the same of real clips
    road      LFW through plan, generate and gate: how many morphs pass, and who refuses the others
    nets      networks of two people: see benchmarks/morph_nets.py, which has further settings
    page      reports/systems/morph.md and its picture, from all figures

All of them, in this order, unless --part says less. What was aligned and trained stays in --work,
so that a killed run goes on there. Figures go to reports/systems/morph.json; another --out leaves
that alone.
"""

import argparse
import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

from morph_faces import SOURCES, read_people
from morph_film import clip_figures, film_figures
from morph_nets import measure_networks
from morph_page import write_page
from morph_people import people_figures
from morph_road import ENTRIES, road_figures
from morph_room import room_figures

from augment.figures import Figure, write_figures

SEED = 7
PARTS = ("people", "room", "film", "clips", "road", "nets", "page")
_MEASURED = ("lfw", "drawn")
#: Parts that have sets of their own.
_ALONE = {"film": film_figures, "clips": clip_figures}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("FACES_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of the data sets")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--sets", nargs="+", choices=[*SOURCES], default=_MEASURED)
    parser.add_argument("--road-arches", nargs="+", choices=[*ENTRIES], default=[*ENTRIES])
    parser.add_argument("--count", type=int, default=400, help="morphs of each arch and set")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--work", type=Path, help="keep what was aligned here")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/morph.json"))
    args = parser.parse_args()
    with nullcontext(args.work) if args.work else tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for part in args.part:
            if part == "page":
                shown = read_people("london_hr", args.data, work, SEED, args.workers, 600)
                write_page(shown, args.out)
                continue
            if part == "nets":
                measure_networks(args.data, work / "nets", args.out)
                continue
            if part == "road":
                found = road_figures(args.data, work, SEED, args.workers, args.road_arches)
                _keep(found, args.out)
                continue
            if part in _ALONE:
                _keep(_ALONE[part](args.data, work, SEED, args.workers), args.out)
                continue
            for name in args.sets:
                if part == "room":
                    found = room_figures(name, args.data, work, SEED, args.workers)
                else:
                    found = people_figures(name, args.data, work, SEED, args.workers, args.count)
                _keep(found, args.out)


def _keep(figures: object, out: Path) -> None:
    rows: list[Figure] = list(figures)  # type: ignore[call-overload]
    for row in rows:
        ends = "" if row.interval is None else f" {list(row.interval)}"
        print(f"{row.data} {row.arch} {row.name} ({row.group}): {row.value} {row.unit}{ends} "
              f"n = {row.n}", flush=True)  # fmt: skip
    write_figures(out, "morph", SEED, rows)


if __name__ == "__main__":
    main()
