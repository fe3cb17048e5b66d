"""Faces made younger and older, four networks side by side: python benchmarks/age.py drawn

``drawn``: people drawn by code learn as in the pipeline (half a); others are edited to nine ages,
and since the code can draw them at these ages, too, the error to the true picture is measured
inside of the face (``error_to_true``). Judges learned on half b, on other people.
``fairface``: photos, edited to the same ages; judges learned on another data set, UTKFace, and
distances are to FairFace's half b. No picture of a photo is written.

Networks see the same faces as often, at the same size; ours is fitted at once. Beside them
``unchanged`` (the face as it was), ``mirrored`` (how steady the judge's opinion is), and ours
otherwise: ``ours_once`` exaggerates nothing, ``ours_half_again`` shades and detail 1.5 times (ours
itself not at all on drawn faces, twice on photos), ``ours_unplaced`` does not look at the five
points, ``ours_alike`` moves only what averages move, ``ours_varied`` ages each face by a seed of
its own, as the pipeline does.
``target_accuracy`` of ``mean`` is the weakest judge's; ``judge_ceiling`` (arch ``truth``) is their
accuracy on true pictures. ``own_age_perceptual`` and ``cycle_perceptual`` are 1 - cosine of the
features of the judge ``attributes``: not LPIPS, and not comparable with it. Rows are in
reports/systems/age.json, the page in age.md beside it.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from age_faces import Held, held_out, learnt_faces
from age_measures import Edit, figures_of_edits, means
from age_page import write_page, write_sheet, write_strips
from age_panel import (
    Panel,
    ceilings,
    gender_expected,
    gender_of_truth,
    kept_by_mirror,
    real_distances,
)
from age_photos import held_out_photos, judges_photos, learnt_photos, unseen_photos
from age_road import road_figures
from age_ways import repeated
from folders import add_folders, working_in

from augment.figures import Figure, write_figures
from augment.generators.age import Config, Generator
from augment.generators.age.network import Editor
from augment.nets.data import load_faces
from augment.nets.weights import sha256
from augment.params import validate
from augment.types import FloatArray, Image
from augment.vocabulary import AGE_GROUPS

SEED = 7
ARCHS = ("ragan", "hrfae", "decompose", "ours")
EMBEDDER = "weights/mobilefacenet_112.onnx"
#: Of ours, for an ablation.
PARTS = ("once", "half_again", "unplaced", "alike", "varied")
EXAGGERATION = {"once": 1.0, "half_again": 1.5, "drawn": 1.0, "fairface": 2.0}
_TIMED = 512  # faces

Truth = tuple[Sequence[Image], Sequence[int]]  # pictures, and their age groups


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("drawn", "fairface"))
    parser.add_argument("--faces", type=int, default=2400, help="drawn ones learned from")
    parser.add_argument("--people", type=int, default=90, help="held out")
    parser.add_argument("--images", type=int, default=48_000, help="seen by each arch")
    parser.add_argument("--arch", nargs="+", default=ARCHS, choices=ARCHS)
    parser.add_argument("--parts", nargs="+", default=(), choices=PARTS, help="ours otherwise")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--seeds", type=int, default=1, help="trainings; figures are their means")
    parser.add_argument("--orders", action="store_true", help="only what the pipeline's stages say")
    parser.add_argument("--workers", type=int, default=2, help="processes that align photos")
    add_folders(parser, "age")
    args = parser.parse_args()
    with working_in(args.work) as folder:
        args.work, figures = Path(folder), []
        measured = _drawn if args.what == "drawn" else _fairface
        for figure in measured(args, args.work):
            print(f"{figure.arch:10} {figure.name:24} {figure.group:24} {figure.value}", flush=True)
            figures.append(figure)
    write_figures(args.out, "age", args.seed, figures)
    write_page(args.out)


def _drawn(args: argparse.Namespace, work: Path) -> Iterator[Figure]:
    aligned = learnt_faces(work / "drawn" / "aligned", args.faces, SEED)
    people, others = held_out(args.people, SEED), load_faces(aligned, ("train",), ("b",))
    panel = Panel.of(aligned, work / "judges", _embedder(args.data), SEED, others)
    truth = [true for held in people for true in held.truth]
    groups = list(range(len(AGE_GROUPS))) * len(people)
    yield gender_of_truth(people, panel)
    yield from ceilings(truth, groups, panel, "drawn")
    yield from _of_archs(args, aligned, work, people, panel, (truth, groups))
    if "ours" in args.arch:
        edit = _trained("ours", args, args.seed, aligned, work)[0].edit
        write_sheet(args.out.with_suffix(".jpg"), people, {"ours": edit})
        write_strips(args.out.with_name(f"{args.out.stem}_strip.jpg"), people, edit)


def _fairface(args: argparse.Namespace, work: Path) -> Iterator[Figure]:
    aligned = learnt_photos(args.data, work, args.workers)
    judging = judges_photos(args.data, work, args.workers)
    panel = Panel.of(
        judging, work / "judges-utkface", _embedder(args.data), SEED, unseen_photos(aligned),
        ("age_group", "gender", "ethnicity"), 24_000,
    )  # fmt: skip
    people = held_out_photos(aligned, args.people, SEED)
    everyone = held_out_photos(aligned, 100_000, SEED)
    truth, groups = [held.image for held in everyone], [held.group for held in everyone]
    yield gender_expected(everyone, panel, "fairface")
    yield from ceilings(truth, groups, panel, "fairface")
    yield from _of_archs(args, aligned, work, people, panel, (truth, groups))


def _of_archs(
    args: argparse.Namespace,
    aligned: Path,
    work: Path,
    people: list[Held],
    panel: Panel,
    truth: Truth,
) -> Iterator[Figure]:
    if not args.orders:
        yield from _of_parents(people, panel, args.what)
    for arch in args.arch:
        seeds = range(args.seed, args.seed + args.seeds)
        runs = [list(_of_arch(arch, args, seed, aligned, work, people, panel, truth))
                for seed in seeds]  # fmt: skip
        yield from means(runs)


def _of_parents(people: list[Held], panel: Panel, data: str) -> Iterator[Figure]:
    yield from kept_by_mirror(people, panel, data)
    yield from real_distances(panel, len(people), data)
    unchanged = figures_of_edits("unchanged", lambda faces, *_: list(faces), people, panel, data)
    yield from (row for row in unchanged if row.name != "slider_rank_correlation")


def _of_arch(
    arch: str,
    args: argparse.Namespace,
    seed: int,
    aligned: Path,
    work: Path,
    people: list[Held],
    panel: Panel,
    truth: Truth,
) -> Iterator[Figure]:
    """Of one training."""
    data = args.what
    generator, minutes = _trained(arch, args, seed, aligned, work)
    if arch == "ours":
        yield from repeated(generator, people, data)
        yield from road_figures(
            data, aligned, _model(arch, args, seed, work), work / "road" / data,
            _embedder(args.data), _settings(arch, args), seed,
        )  # fmt: skip
    if args.orders:
        return
    yield from _of_training(arch, generator, minutes, args, seed)
    if arch in ("ours", "decompose"):
        yield from _of_ages(arch, generator, truth, data)
    yield from figures_of_edits(arch, generator.edit, people, panel, data)
    for name in args.parts if arch == "ours" else ():
        less = _without(name, generator, seed)
        yield from figures_of_edits(f"ours_{name}", less, people, panel, data)


def _without(part: str, generator: Generator, seed: int) -> Edit:
    """Ours less one of its parts, or otherwise."""
    network, seeds = generator.network(), itertools.count(seed << 32)
    assert isinstance(network, Editor)

    def edit(
        images: Sequence[Image], own: Sequence[float], years: Sequence[float],
        points: Sequence[FloatArray],
    ) -> list[Image]:  # fmt: skip
        if part == "unplaced":
            return generator.edit(images, own, years)
        if part == "varied":
            return generator.edit(images, own, years, points, [next(seeds) for _ in images])
        components, more = network.variety_components.clone(), network.exaggeration
        if part == "alike":
            network.variety_components.zero_()
        else:
            network.exaggeration = EXAGGERATION[part]
        made = generator.edit(images, own, years, points)
        network.variety_components.copy_(components)
        network.exaggeration = more
        return made

    return edit


def _embedder(data: Path) -> dict[str, str] | None:
    path = data / EMBEDDER
    return {"model": str(path), "sha256": sha256(path)} if path.is_file() else None


def _model(arch: str, args: argparse.Namespace, seed: int, work: Path) -> Path:
    seen = "fitted" if arch == "ours" else args.images
    return work / "models" / f"{args.what}-{arch}-{seen}-{seed}"


def _settings(arch: str, args: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {"arch": arch, "train": {"images": args.images}}
    return settings | {"exaggeration": EXAGGERATION[args.what]}


def _trained(
    arch: str, args: argparse.Namespace, seed: int, aligned: Path, work: Path
) -> tuple[Generator, float | None]:
    """The generator, and how many minutes of one core its training took; None: it was interrupted,
    and nobody knows."""
    config = validate(Config, _settings(arch, args), arch)
    model, started = _model(arch, args, seed, work), time.process_time()
    kept, checkpoints = model / "minutes", work / "train" / args.what
    if not (model / "config.json").is_file():
        before = set(checkpoints.rglob("checkpoint.pt"))
        Generator(config).train(aligned, model, seed, checkpoints)
        if arch == "ours" or set(checkpoints.rglob("checkpoint.pt")) - before:
            kept.write_text(f"{(time.process_time() - started) / 60:.2f}")
    generator = Generator(config)
    generator.load(model)
    return generator, float(kept.read_text()) if kept.is_file() else None


def _of_training(
    arch: str, generator: Generator, minutes: float | None, args: argparse.Namespace, seed: int
) -> Iterator[Figure]:
    data = args.what
    path = _model(arch, args, seed, args.work) / "config.json"
    seen = json.loads(path.read_text(encoding="utf-8"))["images_seen"]
    yield Figure("train_images", arch, data, seen, "faces seen", "lower", 1)
    if minutes is not None:
        yield Figure("train_minutes", arch, data, minutes, "min of one core", "lower", seen)
    count = sum(values.numel() for values in generator.network().state_dict().values())
    yield Figure("parameters", arch, data, count, "numbers", "lower", 1)
    faces: list[Image] = [np.full((64, 64, 3), 128, np.uint8)] * _TIMED
    started = time.process_time()
    generator.edit(faces, [30.0] * _TIMED, [60.0] * _TIMED)
    rate = round(_TIMED / (time.process_time() - started), 1)
    yield Figure("faces_per_s", arch, data, rate, "faces a second of one core", "higher", _TIMED)


def _of_ages(arch: str, generator: Generator, truth: Truth, data: str) -> Iterator[Figure]:
    """On true pictures of all ages: which group does it see, and which is left in the rest?"""
    images, groups = truth
    known = np.array([generator.age_groups().index(name) for name in AGE_GROUPS])
    wanted = known[np.asarray(groups)]
    by_age, by_rest = (
        opinion.argmax(1) for opinion in (generator.classify(images), generator.leak(images))
    )
    off = np.abs(by_age - wanted)

    def row(name: str, right: npt.NDArray[np.bool_], group: str = "all", **more: Any) -> Figure:
        """Of all: the mean of the groups, so that all weigh the same."""
        every = [wanted == place for place in np.unique(wanted)] if group == "all" else [...]
        value = np.mean([right[part].mean() for part in every])
        settings = {"better": "higher", "split": "held_out_people", "group": group, **more}
        return Figure(name, arch, data, round(float(value), 4), "ratio", n=len(right), **settings)

    yield row("exact_accuracy", off == 0, paper=0.60)
    yield row("within_one_accuracy", off <= 1, paper=0.95)
    yield row("leak_accuracy", by_rest == wanted, better="lower")
    for place, name in zip(known, AGE_GROUPS, strict=True):
        yield row("exact_accuracy", (off == 0)[wanted == place], name)


if __name__ == "__main__":
    main()
