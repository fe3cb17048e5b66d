"""Mouths opened and shut, SaGAN's and MSaGAN's networks beside ours: python benchmarks/attribute.py

``grid``: four layouts x four mask losses, one model each, taught to change `mouth_open` on faces
drawn by code, through the window that our network has; E2D2+none is SaGAN. ``whole``: some of them
on whole faces, as in the papers. ``ours``: our network, on the same faces. ``several``: ours, with
mouth_open, smiling, glasses and beard in one model.
``photos``: ours on CelebA, with mouth_open, smiling, glasses, beard and makeup in one model, guides
by landmarks alone, judged on held-out people. ``parts``: ours on CelebAMask-HQ's mouths, guides by
its part masks; its judges learned on CelebA. ``papers_parts``: some of the papers' networks on the
same. On drawn faces all are measured on other drawn people, each asked for the other value; since
the code can draw that picture, too, there is a true answer (``error_to_true``; arch ``truth`` are
these pictures, ``unchanged`` the faces as given). Judges learned on half b, on other people; an
accuracy without a judge's name is the weakest judge's. ``of_ceiling`` is the least share of a
judge's own accuracy on the faces as given that edits reach. ``inside`` and ``outside`` are split by
the guide mask and four pixels around it. Seconds are of one core, a thousand faces that the
discriminator sees. Rows are in reports/systems/attribute.json, the page in attribute.md beside it.
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attribute_faces import ATTRIBUTES, Held, held_out, learnt_faces, other
from attribute_measures import Edits, Measured, Panel, collapsed, judge_accuracies, measured, within
from attribute_page import write_page, write_sheet
from attribute_photos import CELEBA, JUDGED, celeba, celebamask_hq, evenly, held_out_photos
from attribute_stage import stage_speed
from folders import add_folders, working_in

from augment.figures import Figure, write_figures
from augment.generators.attribute import Config, Generator
from augment.metrics.proportion import wilson_interval
from augment.nets.blocks import parameters
from augment.nets.weights import read_config, sha256
from augment.params import validate

SEED = 7
LAYOUTS = ("E2D2", "E2D1", "E1D2", "E1D1")
LOSSES = ("none", "MAE", "MSE", "SDE")
EMBEDDER = "weights/mobilefacenet_112.onnx"
MOUTH = "mouth_open"
#: SaGAN's and MSaGAN's networks, as small as it takes to teach sixteen on a processor: a quarter of
#: their width, two of four middle blocks, small first and last convolutions, batches of 8. In the
#: grid they see what our network sees: the mouth through its window, of 32 px.
SMALL: Mapping[str, Any] = {
    "width": 8, "kernel": 3, "blocks": 2, "critic_width": 16, "view": "window",
}  # fmt: skip
_BETTER_LOWER = ("error_to_true", "area_outside", "collapses", "seconds_per_1000", "parameters",
                 "train_minutes")  # fmt: skip
_UNITS = {
    "error_to_true": "levels 0..1", "visible_change": "levels 0..1", "collapses": "trainings",
    "seconds_per_1000": "s of one core", "parameters": "numbers",
    "train_minutes": "min of one core",
    "faces_per_s": "faces a second of one core",
    "stage_faces_per_s": "faces a second of one core", "ssim_whole": "SSIM", "ssim_inside": "SSIM",
    "ssim_outside": "SSIM",
}  # fmt: skip
#: What MSaGAN's paper says of averages over layouts, or over mask losses.
PAPER = {
    "mean+none": 0.66, "mean+MAE": 0.80, "mean+MSE": 0.79, "mean+SDE": 0.86,
    "E2D2+mean": 0.81, "E2D1+mean": 0.62, "E1D2+mean": 0.84, "E1D1+mean": 0.85,
}  # fmt: skip
_TIMED = 512  # faces
PASTED = (2, 4, 6, 9)  # pixels: what judges say of true pictures around the region alone
_FARTHER = ", farther"  # the same models, told to go twice as far beyond a value's middle
_REALISM = 0.4  # on drawn faces, which are more alike than photos
_JUDGES_SEE = {"drawn": 12_000, "photos": 36_000}  # images, the network among them
WHAT = ("grid", "whole", "ours", "several", "photos", "parts", "papers_parts")
_PAPERS = {"grid": "", "whole": ", whole face", "papers_parts": ""}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--faces", type=int, default=1200, help="learned from")
    parser.add_argument("--people", type=int, default=200, help="held out")
    parser.add_argument("--images", type=int, default=32_000, help="seen by each model")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each model")
    parser.add_argument("--layouts", nargs="+", default=LAYOUTS, choices=LAYOUTS)
    parser.add_argument("--losses", nargs="+", default=LOSSES, choices=LOSSES)
    add_folders(parser, "attribute")
    args = parser.parse_args()
    with working_in(args.work) as folder:
        bench = _Bench(args, Path(folder))
        rows = [figure for figure in bench.rows() if _said(figure)]
        bench.sheet(args.out.with_name(f"attribute_{args.what}.jpg"))
    write_figures(args.out, "attribute", SEED, rows)
    write_page(args.out)


def _said(figure: Figure) -> bool:
    print(f"{figure.arch:12} {figure.name:18} {figure.group:24} {figure.value}", flush=True)
    return True


class _Bench:
    """One command: what it teaches, and what is measured."""

    def __init__(self, args: argparse.Namespace, work: Path) -> None:
        self.args, self.work = args, work
        self.ceilings: dict[str, dict[str, float]] = {}
        path = args.data / EMBEDDER
        embedder = {"model": str(path), "sha256": sha256(path)} if path.is_file() else None
        judged: Sequence[str] = ATTRIBUTES
        if args.what in ("photos", "parts", "papers_parts"):
            self.data = "celeba" if args.what == "photos" else "celebamask_hq"
            for_judges, judged = celeba(args.data, work), JUDGED
            self.attributes: tuple[str, ...] = CELEBA if args.what == "photos" else (MOUTH,)
            self.aligned = for_judges if args.what == "photos" else celebamask_hq(args.data, work)
            self.people = held_out_photos(self.aligned, self.attributes, SEED)
        else:
            self.data = "drawn"
            self.aligned = for_judges = learnt_faces(work / "drawn" / "aligned", args.faces, SEED)
            self.attributes = ATTRIBUTES if args.what == "several" else (MOUTH,)
            self.people = held_out(args.people, self.attributes, SEED)
        judges = work / "judges" / ("drawn" if self.data == "drawn" else "celeba")
        images = _JUDGES_SEE["drawn" if self.data == "drawn" else "photos"]
        self.panel = Panel.of(for_judges, judges, judged, embedder, images, SEED)

    def archs(self) -> dict[str, dict[str, Any]]:
        """Name -> settings."""
        what = self.args.what
        if what not in _PAPERS:
            name = "ours" if len(self.attributes) == 1 else "ours, several"
            usual: dict[str, Any] = {"attributes": self.attributes}
            usual |= {"realism": _REALISM} if self.data == "drawn" else {}
            return {name: usual, f"{name}{_FARTHER}": usual | {"beyond": 6.0}}
        return {
            f"{layout}+{loss}{_PAPERS[what]}": {
                "arch": layout, "mask_loss": loss,
                "network": {**SMALL, "view": "face" if what == "whole" else "window"},
                "train": {"batch": 8}, "collapse": {"after": 10**9},
            }
            for loss in self.args.losses for layout in self.args.layouts
        }  # fmt: skip

    def rows(self) -> Iterator[Figure]:
        yield from self._of_truth()
        everything: dict[str, dict[str, tuple[float, int]]] = {}
        for arch, settings in self.archs().items():
            runs = [self._run(arch, settings, seed) for seed in range(self.args.seeds)]
            everything[arch] = _means(runs)
            yield from self._figures(arch, everything[arch], len(runs))
        if self.args.what == "grid":
            for name in ("mean+{}", "{}+mean"):
                for one in LOSSES if name.startswith("mean") else LAYOUTS:
                    arch = name.format(one)
                    side = 1 if name.startswith("mean") else 0
                    part = [found for cell, found in everything.items()
                            if cell.split("+")[side] == one]  # fmt: skip
                    if len(part) == 4:
                        yield from self._figures(arch, _means(part), self.args.seeds)

    def _of_truth(self) -> Iterator[Figure]:
        """What judges say of faces as given, and of the true pictures."""
        for attribute, kind, right, n in judge_accuracies(
            {name: self._asked(name) for name in self.attributes}, self.panel
        ):
            self.ceilings.setdefault(attribute, {})[kind] = right
            yield Figure(
                "judge_accuracy", kind, self.data, round(right, 4), "ratio", "higher", n,
                "held_out_people", attribute, interval=wilson_interval(round(right * n), n),
                paper=0.9342 if attribute == MOUTH else None,
            )  # fmt: skip
        archs = ["unchanged"] + ["truth"] * (self.data == "drawn")
        if self.args.what == "ours":
            archs += [f"truth within {pixels} px" for pixels in PASTED]
        for arch in archs:
            found: Measured = {}
            for attribute in self.attributes:
                people = self._asked(attribute)
                region = Config(attributes=(attribute,)).region(attribute)
                made = [held.truth[attribute] if arch == "truth" else held.image
                        for held in people]  # fmt: skip
                if "within" in arch:
                    made = within(people, attribute, region, int(arch.split()[2]))
                edits = Edits(attribute, people, made, None, region)
                found |= self._named(attribute, measured(edits, self.panel))
            yield from self._figures(arch, found, 1)

    def _run(self, arch: str, settings: Mapping[str, Any], seed: int) -> Measured:
        generator, minutes = self.trained(arch, settings, seed)
        images, found, stopped = self.args.images, Measured(), 0
        for attribute in self.attributes:
            here = measured(Edits.by(generator, attribute, self._asked(attribute)), self.panel)
            stopped |= bool(collapsed(here, generator.config.collapse))
            found |= self._named(attribute, here | self._of_ceiling(attribute, here))
        restarts = len(read_config(self._model(arch, seed))["collapses"])
        found["collapses"] = float(restarts + stopped), 1
        found["seconds_per_1000"] = 60 * minutes / (images / 1000), images
        found["train_minutes"] = minutes, images
        found["parameters"] = float(parameters(generator.network())), 1
        found["faces_per_s"] = _speed(generator, self.people), _TIMED
        if arch == "ours":
            entry = generator.config.model_dump(mode="json")
            found["stage_faces_per_s"] = stage_speed(
                self.aligned, self._model(arch, seed), entry, self.work / "stage", SEED
            )
        return found

    def _of_ceiling(self, attribute: str, found: Measured) -> Measured:
        """What the judge says that is worst off, against how often it is right."""
        shares = [found[f"edit_accuracy@{kind}"][0] / right
                  for kind, right in self.ceilings[attribute].items()]  # fmt: skip
        return {"of_ceiling": (min(shares), len(self._asked(attribute)))}

    def _asked(self, attribute: str) -> list[Held]:
        """Who is edited."""
        if self.data == "drawn":
            return self.people
        return evenly(self.people, attribute, self.args.people)

    def _named(self, attribute: str, found: Measured) -> Measured:
        """Of several attributes each figure is told with the attribute's name."""
        if len(self.attributes) == 1:
            return found
        return {f"{name}@{attribute}" if "@" not in name else f"{name}, {attribute}": value
                for name, value in found.items()}  # fmt: skip

    def _figures(self, arch: str, found: Measured, seeds: int) -> Iterator[Figure]:
        for key, (value, n) in found.items():
            name, _, group = key.partition("@")
            if name in ("inside", "change"):  # for the alarm
                continue
            accuracy = name in ("edit_accuracy", "kept")
            yield Figure(
                name, arch, self.data, round(value, 4), _UNITS.get(name, "ratio"),
                "lower" if name in _BETTER_LOWER else "higher", n, "held_out_people",
                group or "all", seeds,
                wilson_interval(round(value * n), n) if accuracy else None,
                PAPER.get(arch) if name == "edit_accuracy" and not group else None,
            )  # fmt: skip

    def _model(self, arch: str, seed: int) -> Path:
        name = arch.removesuffix(_FARTHER).replace("+", "-").replace(", ", "-")
        return self.work / "models" / f"{self.data}-{name}-{self.args.images}-{seed}"

    def trained(self, arch: str, settings: Mapping[str, Any], seed: int) -> tuple[Generator, float]:
        """The generator, and how many minutes of one core its training took."""
        train = {**settings.get("train", {}), "images": self.args.images}
        config = validate(Config, {**settings, "train": train}, arch)
        model, started = self._model(arch, seed), time.process_time()
        generator = Generator(config)
        if not (model / "minutes").is_file():
            generator.train(self.aligned, model, SEED + seed, self.work / "train")
            (model / "minutes").write_text(f"{(time.process_time() - started) / 60:.3f}")
        generator.load(model)
        return generator, float((model / "minutes").read_text())

    def sheet(self, path: Path) -> None:
        """Drawn pictures of every arch; photos of people are not shown."""
        if self.data != "drawn":
            return
        shown = {arch: settings for arch, settings in self.archs().items()
                 if not arch.endswith(_FARTHER)}  # fmt: skip
        archs = {arch: self.trained(arch, settings, 0)[0] for arch, settings in shown.items()}
        write_sheet(path, self.people, self.attributes, archs)


def _means(runs: Sequence[Measured]) -> Measured:
    """Means over trainings; collapses are added up."""
    return {
        name: (
            float((np.sum if name == "collapses" else np.mean)([run[name][0] for run in runs])),
            runs[0][name][1],
        )
        for name in runs[0]
    }  # fmt: skip


def _speed(generator: Generator, people: Sequence[Held]) -> float:
    """Faces a second of one core, from pixels to pixels."""
    asked = [people[n % len(people)] for n in range(_TIMED)]
    name = generator.config.attributes[0]
    started = time.process_time()
    generator.edit(
        [held.image for held in asked], [held.points for held in asked],
        [held.labels for held in asked], [{name: other(held.labels[name])} for held in asked],
    )  # fmt: skip
    return round(_TIMED / (time.process_time() - started), 1)


if __name__ == "__main__":
    main()
