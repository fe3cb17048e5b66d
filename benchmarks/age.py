"""Faces made younger and older, four networks side by side: python benchmarks/age.py drawn

``drawn``: people drawn by code learn as in the pipeline (half a); others are edited to nine ages,
and since the code can draw them at these ages, too, the error to the true picture is measured
inside of the face (``error_to_true``). All archs see the same faces as often, at the same size.
Beside them ``unchanged`` (the face as it was) and ``average`` (only what age does to the average
face, which ``ours`` starts from). Judges learned on half b, on other people; ``target_accuracy``
of ``mean`` is the weakest judge's, ``judge_ceiling`` (arch ``truth``) their accuracy on the true
pictures. ``own_age_perceptual`` and ``cycle_perceptual`` are 1 - cosine of the
features of the judge ``attributes``: not LPIPS, and not comparable with it. Rows are in
reports/systems/age.json, the page in age.md beside it.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from age_faces import held_out, learnt_faces
from age_measures import Edit, Panel, ceilings, figures_of_edits
from age_page import write_page, write_sheet

from augment.figures import Figure, write_figures
from augment.generators.age import Config, Generator
from augment.nets.blocks import parameters
from augment.nets.weights import sha256
from augment.params import validate
from augment.types import Image
from augment.vocabulary import AGE_GROUPS

SEED = 7
ARCHS = ("ragan", "hrfae", "decompose", "ours")
EMBEDDER = "weights/mobilefacenet_112.onnx"
_TIMED = 512  # faces


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("drawn",))
    parser.add_argument("--faces", type=int, default=2400, help="learned from")
    parser.add_argument("--people", type=int, default=90, help="held out")
    parser.add_argument("--images", type=int, default=48_000, help="seen by each arch")
    parser.add_argument("--arch", nargs="+", default=ARCHS, choices=ARCHS)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("FACES_DATA", "../shared/data"))
    )
    kept = os.environ.get("BENCH_WORK")
    parser.add_argument(
        "--work", type=Path, default=Path(kept) if kept else None,
        help="keeps what was drawn and trained; or name it in the environment: BENCH_WORK",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("reports/systems/age.json"))
    args = parser.parse_args()
    with nullcontext(args.work) if args.work else tempfile.TemporaryDirectory() as folder:
        figures = []
        for figure in _drawn(args, Path(folder)):
            print(f"{figure.arch:10} {figure.name:24} {figure.group:24} {figure.value}", flush=True)
            figures.append(figure)
    write_figures(args.out, "age", SEED, figures)
    write_page(args.out)


def _drawn(args: argparse.Namespace, work: Path) -> Iterator[Figure]:
    aligned = learnt_faces(work / "drawn" / "aligned", args.faces, SEED)
    people = held_out(args.people, SEED)
    path = args.data / EMBEDDER
    embedder = {"model": str(path), "sha256": sha256(path)} if path.is_file() else None
    panel = Panel.of(aligned, work / "judges", embedder, SEED)
    yield from ceilings(people, panel)
    for arch in args.arch:
        generator, minutes = _trained(arch, args.images, aligned, work)
        yield from _of_training(arch, generator, minutes, args.images)
        if arch in ("ours", "decompose"):
            yield from _of_ages(arch, generator, people)
        yield from figures_of_edits(arch, generator.edit, people, panel)
        if arch == "ours":
            yield from figures_of_edits("average", generator.average, people, panel)
            unchanged = figures_of_edits("unchanged", lambda faces, *_: list(faces), people, panel)
            yield from (row for row in unchanged if row.name != "slider_rank_correlation")
    sheet: dict[str, Edit] = {}
    for arch in ARCHS:  # those of earlier commands, too
        if arch in args.arch or (_model(arch, args.images, work) / "minutes").is_file():
            sheet[arch] = _trained(arch, args.images, aligned, work)[0].edit
    write_sheet(args.out.with_suffix(".jpg"), people, sheet)


def _model(arch: str, images: int, work: Path) -> Path:
    return work / "models" / f"{arch}-{images}"


def _trained(arch: str, images: int, aligned: Path, work: Path) -> tuple[Generator, float]:
    """The generator, and how many minutes of one core its training took."""
    config = validate(Config, {"arch": arch, "train": {"images": images}}, arch)
    model, started = _model(arch, images, work), time.process_time()
    if not (model / "minutes").is_file():
        Generator(config).train(aligned, model, SEED, work / "train" / arch)
        (model / "minutes").write_text(f"{(time.process_time() - started) / 60:.2f}")
    generator = Generator(config)
    generator.load(model)
    return generator, float((model / "minutes").read_text())


def _of_training(arch: str, generator: Generator, minutes: float, images: int) -> Iterator[Figure]:
    yield Figure("train_minutes", arch, "drawn", minutes, "min of one core", "lower", images)
    count = parameters(generator.network())
    yield Figure("parameters", arch, "drawn", count, "numbers", "lower", 1)
    faces: list[Image] = [np.full((64, 64, 3), 128, np.uint8)] * _TIMED
    started = time.process_time()
    generator.edit(faces, [30.0] * _TIMED, [60.0] * _TIMED)
    rate = round(_TIMED / (time.process_time() - started), 1)
    yield Figure("faces_per_s", arch, "drawn", rate, "faces a second of one core", "higher", _TIMED)


def _of_ages(arch: str, generator: Generator, people: list) -> Iterator[Figure]:
    """On the true pictures of all ages: which group does it see, and which is left in the rest?"""
    images = [true for held in people for true in held.truth]
    known = [generator.age_groups().index(name) for name in AGE_GROUPS]
    wanted = np.array(known * len(people))
    by_age, by_rest = (
        opinion.argmax(1) for opinion in (generator.classify(images), generator.leak(images))
    )
    off = np.abs(by_age - wanted)
    for name, value, better in (
        ("exact_accuracy", (off == 0).mean(), "higher"),
        ("within_one_accuracy", (off <= 1).mean(), "higher"),
        ("leak_accuracy", (by_rest == wanted).mean(), "lower"),
    ):
        paper = {"exact_accuracy": 0.60, "within_one_accuracy": 0.95}.get(name)
        yield Figure(
            name, arch, "drawn", round(float(value), 4), "ratio", better, len(images),
            "held_out_people", paper=paper,
        )  # type: ignore[arg-type]  # fmt: skip
    for place, name in enumerate(AGE_GROUPS):
        part = wanted == known[place]
        yield Figure(
            "exact_accuracy", arch, "drawn", round(float((off[part] == 0).mean()), 4), "ratio",
            "higher", int(part.sum()), "held_out_people", name,
        )  # fmt: skip


if __name__ == "__main__":
    main()
