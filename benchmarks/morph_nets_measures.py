"""How good are networks that morph two people? In the features of a recogniser (MobileFaceNet) that
nobody here trained."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from morph_faces import SIZE, described, embedder
from morph_frames import Faces, Film
from morph_nets_models import Model
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from augment.figures import Figure
from augment.images import resize
from augment.metrics.fidelity import (
    FEWEST,
    frechet_distance,
    kernel_distance,
    neighbourhoods,
)
from augment.metrics.proportion import wilson_interval
from augment.types import FloatArray

_UNIT = "mobilefacenet features, squared"
_PATHS, _STEPS, _RANKED = 40, 16, 0.9
_SCENE = 20  # frames one after the other that are one family: they are not independent
_KNOWN = 250  # frames of each person that the recogniser knows
_NEIGHBOURS = 3


class Measures:
    """Held-out frames of one film, cut one way, described; and who is who.

    Attributes:
        held_by_person: uint8 (frames, 64, 64, 3) each.
    """

    def __init__(self, film: Film, kind: str, data: Path, seed: int) -> None:
        self._embedder, self._seed = embedder(data), seed
        self.held_by_person = film.held[kind]
        held = np.concatenate(film.held[kind])
        self._held = self.describe(held)
        small = [resize(resize(face, SIZE // 2), SIZE) for face in held]
        self._small = self.describe(np.stack(small))
        sizes = [len(faces) for faces in film.held[kind]]
        self._truth = np.repeat([0, 1], sizes)
        known = [faces[_evenly(len(faces), _KNOWN)] for faces in film.crops[kind]]
        self._learned = self.describe(np.concatenate(known))
        self._tells = LogisticRegression(C=100.0, max_iter=2000).fit(
            self._learned, np.repeat([0, 1], [len(faces) for faces in known])
        )
        self._kind = kind

    def describe(self, faces: Faces) -> FloatArray:
        return described(self._embedder, faces)

    def second_person(self, faces: Faces) -> FloatArray:
        """Probability that faces show the second person."""
        found: FloatArray = self._tells.predict_proba(self.describe(faces))[:, 1]
        return found

    def floor(self, data: str) -> Iterator[Figure]:
        """Real against real: learned frames against held-out ones; and the held-out ones at half
        of their pixels against themselves, which nothing can undercut that makes so few."""
        n = min(len(self._held), len(self._learned))
        random = np.random.default_rng([self._seed, 1])
        learned = self._learned[random.permutation(len(self._learned))[:n]]
        held = self._held[random.permutation(len(self._held))[:n]]
        yield Figure("fd", "real", data, round(frechet_distance(held, learned), 4), _UNIT, "lower",
                     n, "held_out_frames", self._kind)  # fmt: skip
        apart = frechet_distance(self._held, self._small)
        yield Figure("fd", f"real_{SIZE // 2}px", data, round(apart, 4), _UNIT, "lower",
                     len(self._held), "held_out_frames", self._kind)  # fmt: skip
        right = float(np.mean(self._tells.predict(self._held) == self._truth))
        yield Figure("recogniser_accuracy", "real", data, round(right, 4), "share", "higher",
                     len(self._held), "held_out_frames", self._kind)  # fmt: skip

    def of(self, model: Model, arch: str, data: str, group: str, crops: Faces) -> Iterator[Figure]:
        """All figures of one way to morph; ``crops`` are what it learned from."""
        random = np.random.default_rng([self._seed, 2])
        start = time.process_time()
        samples = model.samples(len(self._held), random)
        if len(samples):
            rate = len(samples) / (time.process_time() - start)
            yield Figure("faces_per_s", arch, data, round(rate, 1), "faces a second of one core",
                         "higher", len(samples), group=group)  # fmt: skip
            yield from self._faces(samples, "", arch, data, group)
            yield from self._memorised(samples, arch, data, group, crops)
        paths = model.paths(_PATHS, _STEPS, random)
        yield from self._walks(paths, arch, data, group)
        many = model.paths(len(self._held), 3, random)
        if many:
            yield from self._faces(np.stack([one[1] for one in many]), "_of_morphs", arch, data,
                                   group)  # fmt: skip

    def _faces(self, made: Faces, name: str, arch: str, data: str, group: str) -> Iterator[Figure]:
        """How far from held-out frames."""
        n = min(len(made), len(self._held))
        if n < FEWEST:
            return
        random = np.random.default_rng([self._seed, 3])
        chosen = random.permutation(len(self._held))[:n]
        real, fake = self._held[chosen], self.describe(made[:n])
        split = "held_out_frames"
        yield Figure(f"fd{name}", arch, data, round(frechet_distance(real, fake), 4), _UNIT,
                     "lower", n, split, group)  # fmt: skip
        kid = kernel_distance(real, fake, (chosen // _SCENE, np.arange(n)), random)
        ends = (round(kid.interval[0], 6), round(kid.interval[1], 6))
        yield Figure(f"kid{name}", arch, data, round(kid.value, 6), _UNIT, "lower", n, split,
                     group, interval=ends)  # fmt: skip
        if not name:
            near = neighbourhoods(real, fake, _NEIGHBOURS)
            for word, value in (("precision", near.precision), ("recall", near.recall)):
                yield Figure(word, arch, data, round(value, 4), f"share, k = {_NEIGHBOURS}",
                             "higher", n, split, group)  # fmt: skip

    def _memorised(
        self, made: Faces, arch: str, data: str, group: str, crops: Faces
    ) -> Iterator[Figure]:
        """Samples' distance to the nearest learned frame, by that of frames never seen."""
        learned = self.describe(crops[_evenly(len(crops), 1000)])
        ours, unseen = (_nearest(faces, learned) for faces in (self.describe(made), self._held))
        value = float(np.median(ours) / np.median(unseen))
        yield Figure("memorisation", arch, data, round(value, 4),
                     "distance to the nearest learned frame, by that of unseen frames; below 1 "
                     "copies", "higher", len(made), group=group)  # fmt: skip

    def _walks(self, paths: list[Faces], arch: str, data: str, group: str) -> Iterator[Figure]:
        found = []
        crossed = 0
        for faces in paths:
            features = self.describe(faces)
            steps = np.linalg.norm(np.diff(features, axis=0), axis=1)
            found.append(steps.max() / max(steps.mean(), 1e-9))
            told = self._tells.predict_proba(features)[:, 1]
            once = int(np.sum(np.diff(told >= 0.5) != 0)) == 1
            crossed += bool(once and spearmanr(np.arange(len(told)), told)[0] > _RANKED)
        if found:
            yield Figure("path_smoothness", arch, data, round(float(np.mean(found)), 4),
                         f"longest of {_STEPS - 1} steps by the mean one", "lower", len(found),
                         group=group)  # fmt: skip
        n = len(found) or _PATHS
        low, high = wilson_interval(crossed, n)
        unit = "share of paths" if found else "share of paths; no ends: a person is never shown"
        yield Figure("crossing_share", arch, data, round(crossed / n, 4), unit, "higher", n,
                     group=group, interval=(round(low, 4), round(high, 4)))  # fmt: skip


def _evenly(count: int, most: int) -> npt.NDArray[np.int_]:
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)


def _nearest(faces: FloatArray, others: FloatArray) -> FloatArray:
    """Euclidean distance of each face to the nearest of the others."""
    found: FloatArray = np.sqrt(np.maximum(2 - 2 * (faces @ others.T).max(axis=1), 0))
    return found
