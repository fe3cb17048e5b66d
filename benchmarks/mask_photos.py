"""Part "photos" of the mask benchmark: real faces without a mask, of which nobody has the truth."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from mask_bench import PROFILE, Bench
from mask_faces import SIZE, Crops, Landmarker, embedder, smaller, upper_half
from mask_judge import WEAKER, Judges, learned_judges
from mask_measures import interval
from mask_methods import Method, Pasted, Pictures, Points

from augment.figures import Figure
from augment.images import resize
from augment.metrics.pairs import likeness
from augment.metrics.proportion import wilson_interval
from augment.types import Image

SMALL = 32  # pixels
_BARE = 200  # train photos without masks that the judges learn from


def photo_figures(bench: Bench) -> Iterator[Figure]:
    """``coverage``, ``judged_masked``, that relative to real masks, and ``identity_cosine``."""
    bare = bench.learned_photos(SIZE).images[:_BARE]
    judges = learned_judges(bench.data, list(bare))
    yield from judges.figures()
    methods = photo_methods(bench)
    for name in bench.photo_sets:
        crops = bench.photos(name)
        yield from _of_set(bench, judges, methods, name, "all", crops, crops.images)
        yield from _of_set(
            bench, judges, methods, name, "32px", crops, smaller(crops.images, SMALL)
        )
        turned = bench.profiles(name)
        if len(turned.images):
            yield from _of_set(
                bench, judges, methods, name, f"yaw over {PROFILE}", turned, turned.images
            )


def photo_methods(bench: Bench) -> dict[str, Method]:
    """As on the real pairs; those that know many masks put on all of them in turn."""
    return {
        **bench.rivals("masked_pairs"),
        "unet": bench.unet("masked_pairs"),
        "masktheface": Pasted(bench.templates()),
    }


def _of_set(
    bench: Bench, judges: Judges, methods: dict[str, Method], name: str, group: str, crops: Crops,
    images: npt.NDArray[np.uint8],
) -> Iterator[Figure]:  # fmt: skip
    def figure(what: str, arch: str, hits: npt.NDArray[np.bool_], **more: Any) -> Figure:
        low, high = wilson_interval(int(hits.sum()), len(hits))
        settings = {"unit": "ratio", "better": "higher", "group": group, **more}
        return Figure(
            what, arch, name, round(float(hits.mean()), 4), n=len(hits), split="held_out_people",
            interval=(round(low, 4), round(high, 4)), **settings,
        )  # fmt: skip

    for kind, said in judges.masked(_at_size(images)).items():
        shown = group if kind == WEAKER else f"{group}, {kind}"
        yield figure("judged_masked", "unmasked", said, better="lower", group=shown)
    points = _landmarks(bench.landmarker(), images)
    frontal = np.array([place is not None for place in _landmarks(bench.landmarker(True), images)])
    yield figure("coverage", "polygon_frontal_detector", frontal)
    for arch, method in methods.items():
        made = method(list(images), points)
        there = np.array([image is not None for image in made])
        yield figure("coverage", arch, there)
        if not there.any():
            continue
        found = _at_size([image for image in made if image is not None])
        for kind, said in judges.masked(found).items():
            masked = np.zeros(len(made), dtype=bool)
            masked[there] = said
            shown = group if kind == WEAKER else f"{group}, {kind}"
            yield figure("judged_masked", arch, masked, group=shown)
            if kind == WEAKER:
                share = float(masked.mean()) / judges.accepted(kind)
                yield Figure(
                    "judged_masked_of_real", arch, name, round(share, 4), "ratio", "higher",
                    len(masked), split="held_out_people", group=group,
                )  # fmt: skip
        if group == "all":
            yield _identity(bench, arch, name, crops, made)


def _landmarks(landmarker: Landmarker, images: npt.NDArray[np.uint8]) -> Points:
    return [landmarker(image) for image in images]


def _at_size(images: Sequence[Image] | npt.NDArray[np.uint8]) -> list[Image]:
    return [image if image.shape[0] == SIZE else resize(image, SIZE) for image in images]


def _identity(bench: Bench, arch: str, name: str, crops: Crops, made: Pictures) -> Figure:
    """Cosine of the embedder's word on a face before and after, of the upper face alone: below the
    middle between eyes and nose tip both pictures are grey."""
    there = [place for place, image in enumerate(made) if image is not None]
    points = crops.points[there]
    before = list(map(upper_half, [crops.images[place] for place in there], points))
    after = list(map(upper_half, [image for image in made if image is not None], points))
    network = embedder(bench.data)
    cosines = likeness(network.describe(before, 1.0), network.describe(after, 1.0))
    values = cosines.astype(np.float64)[:, None]
    ends = interval(values, crops.person[there].tolist(), bench.seed, np.ravel)
    return Figure(
        "identity_cosine", arch, name, round(float(cosines.mean()), 4), "ratio", "higher",
        len(there), split="held_out_people", interval=ends,
    )  # fmt: skip
