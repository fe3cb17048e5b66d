"""Are morphs new people, and are they faces? Measured with an embedder that nobody here trained."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from morph_faces import People, described, embedder, read_people

from augment.figures import Figure
from augment.generators.morph import Config, Generator
from augment.measure import measure
from augment.metrics.crowd import most_like
from augment.metrics.fidelity import FEWEST, frechet_distance, kernel_distance
from augment.metrics.proportion import wilson_interval
from augment.planning.donors import DonorPool
from augment.protocols import Face, Request
from augment.seeds import row_seed
from augment.types import FloatArray, Image

#: arch -> its settings. ``blend`` is the classical morph of two people; ``warp_four`` the default.
ARCHES: Mapping[str, Mapping[str, Any]] = {
    "blend": {"people": 2, "blend": "whole", "shape": 0.0},
    "warp_two": {"people": 2, "shape": 1.0},
    "warp": {"people": 3, "shape": 1.0},
    "warp_four": {},
}
#: Share of pairs of strangers that may be called one person.
FALSE_MATCH = 0.01
_RESAMPLES = 500


@dataclass(frozen=True)
class Morphs:
    """What one arch made.

    Attributes:
        images: those that could be made.
        families: places of the parents of each.
        features: descriptions by the embedder.
        asked: how many were asked for.
        seconds: spent on them.
    """

    images: list[Image]
    families: list[tuple[int, ...]]
    features: FloatArray
    asked: int
    seconds: float


def people_figures(
    name: str, data: Path, work: Path, seed: int, workers: int, count: int
) -> Iterator[Figure]:
    """Rows of each arch on one set of photos; parents come from half of the people."""
    people = read_people(name, data, work, seed, workers, 600)
    limit = float(np.quantile(people.strangers(), 1 - FALSE_MATCH))
    for arch, settings in ARCHES.items():
        made = make(people, settings, count, seed, data)
        yield from _identities(name, arch, people, made, limit, seed)
        yield from _faces(name, arch, people, made, seed)
        rate = made.asked / made.seconds
        yield Figure("faces_per_s", arch, name, round(rate, 1), "faces/s", "higher", made.asked)
    yield from _real(name, people, limit)


def make(people: People, settings: Mapping[str, Any], count: int, seed: int, data: Path) -> Morphs:
    """Order as the plan does (the same pool of donors), bin by bin, and make."""
    generator = Generator(Config(**settings))
    faces, families = people.faces, []
    bins, sizes = np.unique(people.bins[people.mixed], return_counts=True)
    usable = {
        name: size for name, size in zip(bins, sizes, strict=True) if size > 2 * generator.parents
    }
    for name, size in usable.items():
        members = people.mixed[people.bins[people.mixed] == name]
        share = round(count * size / sum(usable.values()))
        looks = people.looks(members)
        pool = DonorPool(
            [faces.ids[n] for n in members], [people.who[n] for n in members],
            max(4, -(-share * generator.parents // len(members)) + 1), seed, looks=looks,
        )  # fmt: skip
        families += [tuple(int(members[n]) for n in one)
                     for one in pool.take(share, generator.parents, name)]  # fmt: skip
    times: Counter[tuple[int, ...]] = Counter()
    requests = []
    for family in families:
        requests.append(request(people, family, seed, times[family]))
        times[family] += 1
    started = time.perf_counter()
    results = generator.make(requests)
    seconds = time.perf_counter() - started
    kept = [n for n, one in enumerate(results) if one.image is not None]
    images = [one.image for one in results if one.image is not None]
    features = described(embedder(data), images)
    return Morphs(images, [families[n] for n in kept], features, len(requests), seconds)


def request(people: People, family: tuple[int, ...], seed: int, turn: int = 0) -> Request:
    faces = people.faces
    parents = tuple(
        Face(faces.ids[n], faces.images[n], faces.points[n],
             {name: words[n] for name, words in faces.labels.items()})
        for n in family
    )  # fmt: skip
    name = "/".join([*(parent.id for parent in parents), str(turn)])
    return Request(name, parents, parents[0].labels, (), row_seed(seed, "morph benchmark", name))


def _identities(
    name: str, arch: str, people: People, made: Morphs, limit: float, seed: int
) -> Iterator[Figure]:
    """Whom a morph is like: its parents, anybody, another morph."""
    own = np.array(
        [(people.features[list(family)] @ face).max()
         for family, face in zip(made.families, made.features, strict=True)]
    )  # fmt: skip
    everybody = np.concatenate([people.mixed, people.held])
    place = {int(where): n for n, where in enumerate(everybody)}
    but = [np.array([place[n] for n in family]) for family in made.families]
    others, _ = most_like(made.features, people.features[everybody], but)
    n = len(own)
    for row, hits, unit in (
        ("made", np.ones(n, bool), f"share of {made.asked} orders"),
        ("unlike_parents", own < limit, f"share below {limit:.2f} to every parent"),
        ("new_identities", (own < limit) & (others < usual(people)),
         "share unlike parents and no liker anybody than 99 % of real people are"),
    ):  # fmt: skip
        of = made.asked if row == "made" else n
        count = int(hits.sum())
        yield Figure(row, arch, name, round(count / of, 4), unit, "higher", of,
                     interval=_interval(count, of))  # fmt: skip
    yield Figure("parent_likeness", arch, name, round(float(np.median(own)), 4),
                 "cosine to the likest parent, median", "lower", n,
                 interval=_bootstrap(own, seed))  # fmt: skip
    alike = made.features @ made.features.T
    one, other = np.triu_indices(n, 1)
    strangers = [not set(made.families[a]) & set(made.families[b])
                 for a, b in zip(one, other, strict=True)]  # fmt: skip
    told = (alike[one, other] >= limit)[np.array(strangers)]
    yield Figure("confused_pairs", arch, name, round(float(told.mean()), 5),
                 "share of pairs of morphs of other parents", "lower", len(told))  # fmt: skip


def usual(people: People) -> float:
    """Likeness to the one most like them that 99 % of real people stay below."""
    everybody = np.concatenate([people.mixed, people.held])
    own = [np.array([n]) for n in range(len(everybody))]
    found, _ = most_like(people.features[everybody], people.features[everybody], own)
    return float(np.quantile(found, 0.99))


def _faces(name: str, arch: str, people: People, made: Morphs, seed: int) -> Iterator[Figure]:
    """How far morphs lie from faces of people that nobody mixed, and how sharp they are."""
    held = people.held
    n = min(len(held), len(made.images))
    if n < FEWEST:
        return
    random = np.random.default_rng([seed, 3])
    real = people.features[held[:n]]
    chosen = random.permutation(len(made.images))[:n]
    fake = made.features[chosen]
    unit = "mobilefacenet features, squared"
    fd = frechet_distance(real, fake)
    yield Figure("fd", arch, name, round(fd, 4), unit, "lower", n, "held_out_people")
    families = held[:n], np.array([made.families[place][0] for place in chosen])
    kid = kernel_distance(real, fake, families, random)
    yield Figure("kid", arch, name, round(kid.value, 6), unit, "lower", n, "held_out_people",
                 interval=(round(kid.interval[0], 6), round(kid.interval[1], 6)))  # fmt: skip
    sharp = np.median([measure(image).sharpness for image in made.images])
    usual = np.median([measure(people.faces.images[place]).sharpness for place in held])
    yield Figure("sharpness", arch, name, round(float(sharp / usual), 4), "of real faces'",
                 "higher", len(made.images))  # fmt: skip


def _real(name: str, people: People, limit: float) -> Iterator[Figure]:
    """The floor: real people held against real people."""
    mixed, held = people.mixed, people.held
    n = min(len(held), len(mixed))
    alike, _ = most_like(people.features[held], people.features[mixed],
                         [np.zeros(0, int)] * len(held))  # fmt: skip
    hits = int((alike < usual(people)).sum())
    yield Figure("new_identities", "real", name, round(hits / len(held), 4),
                 "share no liker anybody than 99 % of real people are", "higher", len(held),
                 interval=_interval(hits, len(held)))  # fmt: skip
    yield Figure("threshold", "real", name, round(limit, 4),
                 f"cosine that {FALSE_MATCH:.0%} of pairs of strangers of a bin reach", "lower",
                 len(people.strangers()))  # fmt: skip
    if n >= FEWEST:
        fd = frechet_distance(people.features[held[:n]], people.features[mixed[:n]])
        yield Figure("fd", "real", name, round(fd, 4), "mobilefacenet features, squared", "lower",
                     n, "held_out_people")  # fmt: skip


def _interval(hits: int, of: int) -> tuple[float, float]:
    low, high = wilson_interval(hits, of)
    return round(low, 4), round(high, 4)


def _bootstrap(values: FloatArray, seed: int) -> tuple[float, float]:
    random = np.random.default_rng([seed, 5])
    drawn = np.median(values[random.integers(0, len(values), (_RESAMPLES, len(values)))], axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)
