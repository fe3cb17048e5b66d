"""How well are small faces restored? python benchmarks/superres.py --work WORK

Bicubic and Lanczos enlargement, the paper's network, the two stages of this project's and what lies
between them, and the same network taught with true originals (an oracle), each trained on the given
faces of a set alone. Parts:

    train     all trainings of the sets, resumable: about half an hour of one core
    blend     which share of the second stage `ours_gan` has, chosen on each set's faces of
              validation
    quality   error, likeness, identity, sharpness and skin tone, on seen and unseen faces
    cost      seconds of one core
    memory    of faces up to 4,000 pixels (minutes) a side
    curve     the same trainings at parts of their length
    choose    weights of the adversary, on FairFace's faces of validation; not run by default
    page      reports/systems/superres.md and its pictures, from all figures

What was prepared and trained stays in --work. Figures go to reports/systems/superres.json.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from superres_choose import blend_figures, choice_figures
from superres_cost import cost_figures, memory_figures, training_figures
from superres_curve import curve_figures
from superres_faces import SETS, UNSEEN, Counts, Faces, prepare
from superres_measures import quality_figures
from superres_methods import CHOSEN_ON, methods, settings, train
from superres_page import write_page

from augment.figures import Figure, write_figures

SEED = 7
#: Faces that are learned from, that settings are chosen by, and others (of london_hr: people).
COUNTS: dict[str, Counts] = {
    "drawn": (600, 200, 200),
    "fairface": (2000, 300, 300),
    "london_hr": (30, 4, 10),
    "celebamask_hq": (450, 30, 120),
}
#: Faces measured of each part, at most.
MEASURED = {"drawn": 40, "fairface": 60, "london_hr": 8, "celebamask_hq": 10}
ARCHES = ("ours", "supervised", "paper")


@dataclass(frozen=True)
class Bench:
    data: Path
    work: Path
    quick: bool
    sets: tuple[str, ...]

    def faces(self, name: str) -> Faces:
        path = self.work / "faces" / f"{name}.npz"
        if not path.is_file():
            counts = (8, 4, 6) if self.quick else COUNTS[name]
            prepare(name, self.data, SEED, counts).save(path)
        return Faces.load(path)

    @property
    def models(self) -> Path:
        return self.work / "models"


def _train(bench: Bench) -> Iterator[Figure]:
    for name in bench.sets:
        faces = bench.faces(name)
        for arch in ARCHES:
            folder = bench.models / name / arch
            entry = settings(arch, name, bench.quick)
            took = train(entry, faces, folder, SEED, folder / "work", arch == "supervised")
            yield from training_figures(name, arch, took)


def _quality(bench: Bench) -> Iterator[Figure]:
    for name in bench.sets:
        most = 4 if bench.quick else MEASURED[name]
        faces, compared = bench.faces(name), methods(bench.models, name)
        adapted = {arch: compared.pop(arch) for arch in list(compared) if arch.endswith("_adapted")}
        yield from quality_figures(faces, compared, most, bench.data, SEED)
        if adapted:  # seconds a face
            few = {"bicubic": compared["bicubic"], **adapted}
            for row in quality_figures(faces, few, most // 3, bench.data, SEED, (UNSEEN,)):
                if row.arch != "bicubic":
                    yield row


def _cost(bench: Bench) -> Iterator[Figure]:
    yield from cost_figures(methods(bench.models, bench.sets[0]))


def _memory(bench: Bench) -> Iterator[Figure]:
    yield from memory_figures(bench.models / bench.sets[0] / "ours")


def _curve(bench: Bench) -> Iterator[Figure]:
    yield from _where_chosen(bench, curve_figures)


def _blend(bench: Bench) -> Iterator[Figure]:
    for name in bench.sets:
        most = 4 if bench.quick else MEASURED[name]
        yield from blend_figures(bench.faces(name), bench.models, most, bench.data, SEED)


def _choose(bench: Bench) -> Iterator[Figure]:
    yield from _where_chosen(bench, choice_figures)


def _where_chosen(bench: Bench, figures: Callable[..., Iterator[Figure]]) -> Iterator[Figure]:
    """Figures of the set that settings are chosen on, if it is among those asked for."""
    if CHOSEN_ON in bench.sets:
        most = 4 if bench.quick else MEASURED[CHOSEN_ON]
        faces = bench.faces(CHOSEN_ON)
        yield from figures(faces, bench.models, most, bench.data, SEED, bench.quick)


PARTS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "train": _train,
    "blend": _blend,
    "quality": _quality,
    "cost": _cost,
    "memory": _memory,
    "curve": _curve,
    "choose": _choose,
}
DEFAULT = ("train", "blend", "quality", "curve", "cost", "memory", "page")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("FACES_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of the data sets")
    parser.add_argument("--part", nargs="+", choices=[*PARTS, "page"], default=DEFAULT)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--work", type=Path, help="keep what was prepared and trained here")
    parser.add_argument("--quick", action="store_true", help="tiny: does it run at all?")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/superres.json"))
    args = parser.parse_args()
    with nullcontext(args.work) if args.work else tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.data, Path(folder), args.quick, tuple(args.sets))
        for part in args.part:
            if part == "page":
                write_page(bench.faces, methods, bench.models, args.out)
                continue
            figures = []
            for row in PARTS[part](bench):
                figures.append(row)
                _show(row)
            write_figures(args.out, "superres", SEED, figures)


def _show(row: Figure) -> None:
    ends = "" if row.interval is None else f"{list(row.interval)}"
    where = f"{row.data} {row.split} {row.arch}"
    print(
        f"{where} {row.name} ({row.group}): {row.value} {row.unit} {ends} n = {row.n}", flush=True
    )


if __name__ == "__main__":
    main()
