"""Part "verify" of the mask benchmark: are people recognised with a mask, and what helps?

LFW's pairs, one side masked, told apart by the cosine of a face embedder that somebody else
trained. Then with a small head on its descriptions that learned from masks put on other people:
FairFace's, of whom each photo is its own person. Thresholds come from the other folds of people.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import mask_faces
import numpy as np
import numpy.typing as npt
import torch
from mask_bench import Bench
from mask_faces import embedder
from mask_measures import interval
from mask_methods import Method, Pasted, Points
from torch import Tensor, nn

from augment.figures import Figure
from augment.metrics.pairs import fold_of, likeness, thresholds_by_fold
from augment.types import FloatArray, Image

FOLDS = 10
SIZE = 112
_STEPS, _BATCH, _RATE, _SHARPNESS = 1500, 256, 1e-3, 16.0
_WIDE = 256

Bools = npt.NDArray[np.bool_]


def verify_figures(bench: Bench) -> Iterator[Figure]:
    """``verify_accuracy``: both kinds of pairs count alike; intervals over people."""
    listed = lfw_pairs(bench.data)
    names = sorted({name for pair in listed for name in pair[:2]})
    test = mask_faces.crops(
        bench.data,
        [(bench.data / "lfw/lfw-deepfunneled" / name, name) for name in names],
        SIZE,
    )
    others = bench.learned_photos(SIZE)
    network = embedder(bench.data)
    places = {name: place for place, name in enumerate(test.person.tolist())}
    task = Task(listed, places)
    bare = network.describe(test.images, 1.0)
    others_bare = network.describe(others.images, 1.0)
    yield task.figure("unmasked", "none", bare, bare, bench.seed)
    for arch, method in _methods(bench).items():
        masked = _described(bench, method, test.images, bare)
        learned = _described(bench, method, others.images, others_bare)
        head = _fit_head(others_bare, learned, bench.seed)
        yield task.figure("masked", arch, bare, masked, bench.seed)
        yield task.figure("masked_adapted", arch, head(bare), head(masked), bench.seed)
        yield task.figure("unmasked_adapted", arch, head(bare), head(bare), bench.seed)


def lfw_pairs(data: Path) -> list[tuple[str, str, bool]]:
    """Each pair once: some stand in the file in both orders."""
    with (data / "lfw/pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = {frozenset((row["a"], row["b"])): row for row in csv.DictReader(file)}
    return [(row["a"], row["b"], row["same"] == "1") for row in rows.values()]


class Task:
    """Which photos are compared; a pair with a face that was not found counts as wrong."""

    def __init__(self, listed: Sequence[tuple[str, str, bool]], places: dict[str, int]) -> None:
        known = [pair for pair in listed if pair[0] in places and pair[1] in places]
        self._pairs = np.array([[places[a], places[b]] for a, b, _ in known])
        self._same = np.array([same for _, _, same in known])
        self._people = [Path(a).parent.name for a, _, _ in known]
        others = [Path(b).parent.name for _, b, _ in known]
        self._folds = np.array(
            [
                [fold_of(a, FOLDS), fold_of(b, FOLDS)]
                for a, b in zip(self._people, others, strict=True)
            ]
        )
        self._found = len(known) / len(listed)

    def figure(
        self, group: str, arch: str, one: FloatArray, other: FloatArray, seed: int
    ) -> Figure:
        """The first photo of each pair as in ``one``, the second as in ``other``."""
        alike = likeness(one[self._pairs[:, 0]], other[self._pairs[:, 1]])
        thresholds = thresholds_by_fold(alike, self._same, self._folds, FOLDS)
        right = (alike >= thresholds[self._folds[:, 0]]) == self._same
        # Right and counted, of one person and of two.
        columns = np.stack(
            [right & self._same, self._same, right & ~self._same, ~self._same], axis=1
        ).astype(np.float64)

        def balanced(means: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            both = means[:, 0] / means[:, 1] + means[:, 2] / means[:, 3]
            return np.asarray(both / 2 * self._found)

        value = float(balanced(columns.mean(axis=0, keepdims=True))[0])
        ends = interval(columns, self._people, seed, balanced)
        return Figure(
            "verify_accuracy", arch, "lfw", round(value, 4), "ratio", "higher",
            round(len(right) / self._found), split="held_out_people", group=group, interval=ends,
        )  # fmt: skip


def _methods(bench: Bench) -> dict[str, Method]:
    return {
        "unet": bench.unet("masked_pairs"),
        "masktheface": Pasted(bench.templates()),
    }


def _described(
    bench: Bench, method: Method, images: npt.NDArray[np.uint8], bare: FloatArray
) -> FloatArray:
    """Of the masked faces; a face that no mask was found for stays bare."""
    landmarker = bench.landmarker()
    needs_points = isinstance(method, Pasted)
    points: Points = [landmarker(image) if needs_points else None for image in images]
    made = method(list(images), points)
    there = [place for place, image in enumerate(made) if image is not None]
    found = bare.copy()
    worn: list[Image] = [image for image in made if image is not None]
    found[there] = embedder(bench.data).describe(worn, 1.0)
    return found


class _Head(nn.Module):
    """A description and what a small network adds to it, of length 1."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        first, last = nn.Linear(numbers, _WIDE), nn.Linear(_WIDE, numbers)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.more = nn.Sequential(first, nn.SiLU(), last)

    def forward(self, described: Tensor) -> Tensor:
        return nn.functional.normalize(described + self.more(described), dim=1)


def _fit_head(
    bare: FloatArray, masked: FloatArray, seed: int
) -> Callable[[FloatArray], FloatArray]:
    """Learn to find each face's masked twin among those of others (InfoNCE, A. van den Oord et al.
    2018, both ways), and its own bare self."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = _Head(bare.shape[1])
    optimiser = torch.optim.AdamW(head.parameters(), _RATE, weight_decay=1e-2)
    one, other = torch.from_numpy(bare), torch.from_numpy(masked)
    random = np.random.default_rng(seed)
    batch = min(_BATCH, len(bare))
    for _ in range(_STEPS):
        places = torch.from_numpy(random.choice(len(bare), batch, replace=False))
        like = _SHARPNESS * head(one[places]) @ head(other[places]).T
        right = torch.arange(batch)
        loss = nn.functional.cross_entropy(like, right) + nn.functional.cross_entropy(like.T, right)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    @torch.inference_mode()
    def apply(described: FloatArray) -> FloatArray:
        return np.asarray(head(torch.from_numpy(described)).numpy(), dtype=np.float32)

    return apply
