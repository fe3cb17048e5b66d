"""Measures of restored faces against their originals, on seen and on unseen faces."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from mask_measures import Numbers, interval, ssim_map
from superres_faces import SEEN, UNSEEN, Faces
from superres_methods import Method

from augment.figures import Figure
from augment.images import resize
from augment.measure import measure
from augment.metrics.fidelity import FEWEST, around, frechet_distance, kernel_distance
from augment.metrics.pairs import likeness
from augment.nets.descriptors import SIZE, describe
from augment.nets.embedder import Embedder
from augment.nets.weights import sha256
from augment.types import FloatArray, Image

PIECES = 8  # of each face, 64 pixels a side, described by hand-made features
_DIRECTIONS = 64  # principal ones of the originals' features; in them their mean square is 1
_HALVES = 20
_MOST_GROUPS = 5  # faces of a group, fewer say nothing
#: What the paper reports: seen and unseen, against bicubic.
_PAPER = {
    ("psnr_gain_db", SEEN): -0.86,
    ("psnr_gain_db", UNSEEN): -3.64,
    ("ssim_gain", SEEN): -0.0188,
    ("ssim_gain", UNSEEN): -0.0540,
    ("fd_ratio", SEEN): 0.22,
    ("fd_ratio", UNSEEN): 0.35,
}
_UNITS: dict[str, tuple[str, str]] = {
    "psnr": ("dB", "higher"),
    "ssim": ("ratio", "higher"),
    "identity_cosine": ("cosine", "higher"),
    "sharpness": ("of the original's", "higher"),
    "shrunken_psnr": ("dB", "higher"),
}


class Ruler:
    """Measures pictures against one set's originals."""

    def __init__(self, faces: Faces, data: Path, seed: int) -> None:
        path = data / "weights/mobilefacenet_112.onnx"
        self._embedder = Embedder(path, sha256(path), 112, "rgb", 127.5, 127.5, "the benchmark")
        self._seed = seed
        self.faces = faces
        self.identity = self._embedder.describe(faces.originals, self._shown())
        self.tone = np.array([_angle(face) for face in faces.originals])
        self.sharp = np.array([_sharpness(face) for face in faces.originals])
        features = self.pieces(faces.originals)
        self._middle = features.mean(axis=0)
        # Edges, texture and colour have units of their own: each number counts alike.
        self._spread = features.std(axis=0) + 1e-2
        alike = (features - self._middle) / self._spread
        directions = np.linalg.svd(alike, full_matrices=False)[2][:_DIRECTIONS]
        self._axes = directions.T / np.sqrt(np.square(alike @ directions.T).sum(axis=1).mean())
        self.features = self.projected(features)

    def _shown(self) -> float:
        """Aligned drawings have a margin around what the embedder looks at; photos are whole."""
        return 1 / 1.2 if self.faces.name == "drawn" else 1.0

    def pieces(self, images: npt.NDArray[np.uint8]) -> FloatArray:
        """Features of :data:`PIECES` places a face, the same for every method."""
        side = images.shape[1]
        random = np.random.default_rng([self._seed, side])
        rows = []
        for image in images:
            for top, left in random.integers(0, side - SIZE + 1, size=(PIECES, 2)):
                rows.append(describe(image[top : top + SIZE, left : left + SIZE]))
        return np.stack(rows)

    def projected(self, features: FloatArray) -> FloatArray:
        return np.asarray((features - self._middle) / self._spread @ self._axes, dtype=np.float32)

    def each(self, made: npt.NDArray[np.uint8]) -> dict[str, Numbers]:
        """One number a face."""
        originals = self.faces.originals
        given, shrunken = (
            np.stack([resize(face, originals.shape[1] // 4) for face in pictures])
            for pictures in (originals, made)
        )
        embedded = self._embedder.describe(made, self._shown())
        pairs = list(zip(made, originals, strict=True))
        return {
            "psnr": _psnr(made, originals),
            "ssim": np.array([float(ssim_map(one, other).mean()) for one, other in pairs]),
            "identity_cosine": likeness(embedded, self.identity).astype(np.float64),
            "sharpness": np.array([_sharpness(face) for face in made]) / np.maximum(self.sharp, 1),
            "shrunken_psnr": _psnr(shrunken, given),
            "skin_tone_shift": np.array([_angle(face) for face in made]) - self.tone,
        }


def _psnr(made: npt.NDArray[np.uint8], true: npt.NDArray[np.uint8]) -> Numbers:
    """Of each face, RGB; at most 99 dB."""
    errors = [
        np.square(one.astype(np.float64) - other).mean()
        for one, other in zip(made, true, strict=True)
    ]
    decibels = 10 * np.log10(255.0**2 / np.maximum(errors, 1e-9))
    return np.asarray(np.minimum(99.0, decibels), dtype=np.float64)


def _angle(face: Image) -> float:
    """Individual typology angle, degrees: higher is lighter; nan where no skin is seen."""
    found = measure(face).ita
    return np.nan if found is None else found


def _sharpness(face: Image) -> float:
    return measure(face).sharpness


def quality_figures(
    faces: Faces,
    compared: Mapping[str, Method],
    most: int,
    data: Path,
    seed: int,
    parts: Sequence[str] = (SEEN, UNSEEN),
) -> Iterator[Figure]:
    for part in parts:
        chosen = faces.of(part, most)
        ruler = Ruler(chosen, data, seed)
        given = chosen.given()
        bicubic: dict[str, Numbers] = {}
        plain: FloatArray | None = None
        for arch, method in compared.items():
            made = np.stack([method(face) for face in given])
            found = ruler.each(made)
            features = ruler.projected(ruler.pieces(made))
            if arch == "bicubic":
                bicubic, plain = found, features
            yield from _averages(chosen, arch, part, found, bicubic, seed)
            yield from _tones(chosen, arch, part, found["skin_tone_shift"], seed)
            if plain is not None and len(chosen.part) * PIECES >= FEWEST:
                yield from _distances(chosen, arch, part, (ruler.features, features, plain), seed)


def _averages(
    faces: Faces,
    arch: str,
    part: str,
    found: Mapping[str, Numbers],
    bicubic: Mapping[str, Numbers],
    seed: int,
) -> Iterator[Figure]:
    for name, (unit, better) in _UNITS.items():
        yield _figure(faces, name, arch, part, found[name], unit, better, seed)
    for name, of, unit in (("psnr_gain_db", "psnr", "dB"), ("ssim_gain", "ssim", "ratio")):
        yield _figure(faces, name, arch, part, found[of] - bicubic[of], unit, "higher", seed)


def _figure(
    faces: Faces,
    name: str,
    arch: str,
    part: str,
    values: Numbers,
    unit: str,
    better: str,
    seed: int,
    group: str = "all",
    people: npt.NDArray[np.str_] | None = None,
) -> Figure:
    people = faces.person if people is None else people
    return Figure(
        name, arch, faces.name, round(float(values.mean()), 4), unit,
        "higher" if better == "higher" else "lower", len(values), part, group,
        interval=interval(values, list(people), seed, lambda means: means),
        paper=_PAPER.get((name, part)) if arch == "paper" else None,
    )  # fmt: skip


def _tones(faces: Faces, arch: str, part: str, shift: Numbers, seed: int) -> Iterator[Figure]:
    """By how many degrees of typology angle faces become lighter (below 0: darker), by group."""
    seen = np.isfinite(shift)
    for group in ("all", *sorted(set(faces.group.tolist()) - {"all"})):
        rows = seen & ((faces.group == group) | (group == "all"))
        if rows.sum() >= _MOST_GROUPS:
            yield _figure(faces, "skin_tone_shift", arch, part, shift[rows],
                          "degrees of ITA; 0 is best", "lower", seed, group,
                          faces.person[rows])  # fmt: skip


def _distances(
    faces: Faces,
    arch: str,
    part: str,
    features: tuple[FloatArray, FloatArray, FloatArray],
    seed: int,
) -> Iterator[Figure]:
    """Fréchet and kernel distance of pieces from the originals'; both faces' people stay whole."""
    real, made, plain = features
    _, person = np.unique(np.repeat(faces.person, PIECES), return_inverse=True)
    random = np.random.default_rng(seed)
    distance, base = frechet_distance(made, real), frechet_distance(plain, real)
    halves = []
    for _ in range(_HALVES):
        chosen = random.permutation(person.max() + 1)[: (person.max() + 1) // 2]
        rows = np.isin(person, chosen)
        halves.append(
            (frechet_distance(made[rows], real[rows]), frechet_distance(plain[rows], real[rows]))
        )
    of_made, of_plain = np.array(halves).T
    mix = random.permutation(len(person))[:2000]  # pieces of all faces, not of the first ones
    kernel = kernel_distance(made[mix], real[mix], (person[mix], person[mix]), random)
    for name, value, spread in (
        ("fd", distance, around(distance, of_made).interval),
        ("fd_ratio", distance / base, around(distance / base, of_made / of_plain).interval),
        ("kid", kernel.value, kernel.interval),
    ):
        ends = round(max(0.0, spread[0]), 6), round(spread[1], 6)
        yield Figure(
            name, arch, faces.name, round(value, 6), "hand-made features of 64-pixel pieces",
            "lower", len(faces.part), part, interval=ends,
            paper=_PAPER.get((name, part)) if arch == "paper" else None,
        )  # fmt: skip
