"""How good are the masks that are put on? python benchmarks/mask.py --work WORK

Side by side, on the same faces: the landmark polygon, the auto-encoder of the paper, the network of
this project, a mean mask at the mean place, and MaskTheFace's templates pasted on landmarks. Parts:

    pairs     made masks beside true ones: drawn pairs, and overlays on real photos
    photos    real photos without masks: who finds a place for one, is it seen as one, whose upper
              face stays
    speed     seconds for 50 faces, memory
    trained   how long and how large: parameters, epochs, training seconds
    stage     the generate stage: faces a second
    verify    are people still recognised, and does learning on made masks help?
    page      reports/systems/mask.md and its pictures, from all figures

What was prepared and trained stays in --work; a part that is run again uses it. Figures go to
reports/systems/mask.json.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from itertools import product
from pathlib import Path

from mask_bench import ARCHS, PHOTOS, SETS, Bench, Scale
from mask_methods import Polygon
from mask_page import write_page
from mask_pairs import pair_figures
from mask_photos import photo_figures
from mask_speed import speed_figures
from mask_stage import stage_figures
from mask_trained import trained_figures
from mask_verify import verify_figures

from augment.figures import Figure, write_figures
from augment.generators.mask import polygon

SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("FACES_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder of the data sets")
    parser.add_argument("--part", nargs="+", choices=[*PARTS, "page"], default=[*PARTS, "page"])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, help="of pairs")
    parser.add_argument("--archs", nargs="+", choices=ARCHS, default=ARCHS, help="to compare")
    parser.add_argument("--photo-sets", nargs="+", choices=PHOTOS, default=PHOTOS)
    parser.add_argument("--work", type=Path, help="keep what was prepared and trained here")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--bottleneck", type=int, default=Scale.bottleneck, help="of the auto-encoder; the paper's"
    )
    parser.add_argument(
        "--epochs", type=int, default=Scale.epochs, help="of the auto-encoder; the paper's"
    )
    parser.add_argument("--images", type=int, help="that the network sees; else as in params.yaml")
    parser.add_argument("--photos", type=int, default=Scale.photos, help="of each set of photos")
    parser.add_argument("--quick", action="store_true", help="tiny: does it run at all?")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/mask.json"))
    args = parser.parse_args()
    scale = (
        Scale.quick()
        if args.quick
        else replace(
            Scale(),
            bottleneck=args.bottleneck,
            photos=args.photos,
            epochs=args.epochs,
            train_images=args.images,
        )
    )
    with nullcontext(args.work) if args.work else tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            args.data, Path(folder), args.workers, SEED, scale, tuple(args.sets),
            tuple(args.photo_sets), tuple(args.archs),
        )  # fmt: skip
        for part in args.part:
            if part == "page":
                write_page(bench, args.out)
            else:
                figures = list(PARTS[part](bench))
                _show(figures)
                write_figures(args.out, "mask", SEED, figures)


def _pairs(bench: Bench) -> Iterator[Figure]:
    for name in bench.sets:
        pairs = bench.pairs(name)
        for arch, method in bench.methods(name).items():
            yield from pair_figures(arch, method, pairs, SEED)
        yield from pair_figures("true", None, pairs, SEED, ("iou",))
        for kind in bench.other_kinds(name):
            yield from pair_figures(
                "unet_told_kind", bench.told(name, kind), pairs.of(pairs.kind == kind), SEED
            )
        for shape, cover in product(polygon.SHAPES, polygon.COVERAGES):
            variant = Polygon(shape, cover, "black")
            yield from pair_figures(
                f"polygon_{shape}_{cover}", variant, pairs, SEED, ("iou", "coverage")
            )


def _show(figures: list[Figure]) -> None:
    for row in figures:
        ends = "" if row.interval is None else f"{list(row.interval)}"
        print(f"{row.data} {row.split} {row.arch} {row.name} ({row.group}): {row.value} {row.unit} "
              f"{ends} n = {row.n}")  # fmt: skip


PARTS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "pairs": _pairs,
    "photos": photo_figures,
    "speed": speed_figures,
    "trained": trained_figures,
    "stage": stage_figures,
    "verify": verify_figures,
}


if __name__ == "__main__":
    main()
