"""A bin of three people: how many new identities does it gain, and are they all others?

Three people's photos, families as the plan's pool of donors makes them (of four parents two are
photos of one person, where there are several), and verification
by an embedder that nobody here trained: a morph counts when it is below the threshold to every
photo of the three and to every morph that was counted before it, and no liker anybody else of the
set than 99 % of real people are to the one most like them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from morph_faces import People, described, embedder, read_people
from morph_people import ARCHES, FALSE_MATCH, request, usual

from augment.figures import Figure
from augment.generators.morph import Config, Generator
from augment.planning.donors import DonorPool
from augment.types import FloatArray

_ORDERS = 200
_TRIOS = 3
_FEWEST_PHOTOS = 2


def room_figures(name: str, data: Path, work: Path, seed: int, workers: int) -> Iterator[Figure]:
    people = read_people(name, data, work, seed, workers, 600)
    limit = float(np.quantile(people.strangers(), 1 - FALSE_MATCH))
    for arch in ("blend", "warp", "warp_four"):
        trios = _trios(people, seed)
        parents = Generator(Config(**ARCHES[arch])).parents
        gained = [_gained(people, trio, arch, limit, seed, data)
                  for trio in trios if len(trio) >= parents]  # fmt: skip
        if gained:
            yield Figure(
                "new_people_of_three", arch, name, float(np.median(gained)),
                f"people below {limit:.2f} to all real ones and each other, of {_ORDERS} orders",
                "higher", len(gained), group="3 people",
                interval=(float(min(gained)), float(max(gained))),
            )  # fmt: skip


def _trios(people: People, seed: int) -> list[list[int]]:
    """Places of all photos of three people of one bin, so many times."""
    random = np.random.default_rng([seed, 8])
    photos: dict[str, list[int]] = {}
    for place, person in enumerate(people.who):
        if people.bins[place]:
            photos.setdefault(person, []).append(place)
    several = {p: places for p, places in photos.items() if len(places) >= _FEWEST_PHOTOS}
    photos = several if len(several) >= 20 else photos
    by_bin: dict[str, list[str]] = {}
    for person, places in photos.items():
        by_bin.setdefault(str(people.bins[places[0]]), []).append(person)
    names = sorted(bin_ for bin_, who in by_bin.items() if len(who) >= 3)
    found = []
    for turn in range(_TRIOS if names else 0):
        who = random.choice(by_bin[names[turn % len(names)]], 3, replace=False)
        found.append([place for person in who for place in photos[str(person)]])
    return found


def _gained(people: People, trio: list[int], arch: str, limit: float, seed: int, data: Path) -> int:
    generator = Generator(Config(**ARCHES[arch]))
    faces = people.faces
    most = -(-_ORDERS * generator.parents // len(trio)) + 1
    pool = DonorPool([faces.ids[n] for n in trio], [people.who[n] for n in trio], most, seed)
    families = [tuple(trio[n] for n in one) for one in pool.take(_ORDERS, generator.parents, "x")]
    asked = [request(people, family, seed, turn) for turn, family in enumerate(families)]
    images = [one.image for one in generator.make(asked) if one.image is not None]
    if not images:
        return 0
    made = described(embedder(data), images)
    alike = made @ people.features.T
    real = (alike[:, trio].max(axis=1) < limit) & (alike.max(axis=1) < usual(people))
    counted: list[FloatArray] = []
    for face in made[real]:
        if all(float(face @ other) < limit for other in counted):
            counted.append(face)
    return len(counted)
