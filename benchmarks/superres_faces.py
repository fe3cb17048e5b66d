"""Faces that the super-resolution benchmark measures on: originals, and what is given of them.

What is given is the original shrunken four times by ``images.resize``. Nobody is in two parts: the
seen faces, which methods learn from; those of validation, by which settings are chosen; and the
unseen ones, which figures are of.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from augment.crop import cut, reference_points, similarity
from augment.drawing import draw, random_spec, sample_person
from augment.images import decode, resize
from augment.seeds import row_generator, row_seed, row_share
from augment.types import Image

FACTOR = 4
SEEN, VALIDATION, UNSEEN = "seen", "validation", "unseen"
Counts = tuple[int, int, int]  # of the three parts


@dataclass(frozen=True)
class Faces:
    """Originals, uint8 (n, side, side, 3); ``part``, ``person``, ``group`` one word a face."""

    name: str
    originals: npt.NDArray[np.uint8]
    part: npt.NDArray[np.str_]
    person: npt.NDArray[np.str_]
    group: npt.NDArray[np.str_]

    def given(self) -> npt.NDArray[np.uint8]:
        """The originals shrunken four times."""
        side = self.originals.shape[1] // FACTOR
        return np.stack([resize(face, side) for face in self.originals])

    def of(self, part: str, most: int | None = None) -> "Faces":
        chosen = np.flatnonzero(self.part == part)[:most]
        rows = {name: value[chosen] for name, value in vars(self).items() if name != "name"}
        return Faces(self.name, **rows)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> "Faces":
        with np.load(path) as stored:
            return cls(str(stored["name"]), **{key: stored[key] for key in stored if key != "name"})


Row = tuple[Image, str, str, str]  # original, part, person, group


def _part(number: int, counts: Counts) -> str:
    if number < counts[0]:
        return SEEN
    return VALIDATION if number < counts[0] + counts[1] else UNSEEN


def drawn(_: Path, seed: int, counts: Counts) -> Iterator[Row]:
    """Drawn faces of 256 pixels, aligned; two a person, all ages, genders and skin tones."""
    for number in range(sum(counts)):
        person = f"{number // 2}"
        random = row_generator(seed, "superres benchmark", person)
        gender, tone = ("female", "male")[int(random.integers(2))], 1 + int(random.integers(10))
        who = sample_person(row_seed(seed, "superres benchmark", person) >> 31, gender, tone)
        picture = draw(random_spec(who, float(random.uniform(3, 85)), number), 512)
        matrix = similarity(picture.landmarks5, reference_points(256, 0.1))
        part = _part(number, counts)
        yield cut(picture.image, matrix, 256), part, person, f"tone {tone}"


def fairface(data: Path, seed: int, counts: Counts) -> Iterator[Row]:
    """Photos of 224 pixels; groups are ethnicities as labelled."""
    with (data / "fairface/fairface_label_train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows.sort(key=lambda row: row_share(seed, "superres benchmark", row["file"]))
    for number, row in enumerate(rows[: sum(counts)]):
        photo = decode((data / "fairface" / row["file"]).read_bytes())
        yield photo, _part(number, counts), row["file"], row["race"].lower()


def celebamask_hq(data: Path, seed: int, counts: Counts) -> Iterator[Row]:
    """Photos of 512 pixels; without groups."""
    paths = sorted((data / "celebamask_hq/CelebA-HQ-img").iterdir())
    paths.sort(key=lambda path: row_share(seed, "superres benchmark", path.name))
    for number, path in enumerate(paths[: sum(counts)]):
        photo = resize(decode(path.read_bytes()), 512)
        yield photo, _part(number, counts), path.stem, "all"


def london_hr(data: Path, seed: int, counts: Counts) -> Iterator[Row]:
    """Photos of 1,024 pixels; groups are ethnicities as labelled. ``counts`` says how many
    people's photos are taken."""
    with (data / "london_hr/labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    people = sorted({row["person"] for row in rows})
    people.sort(key=lambda person: row_share(seed, "superres benchmark", person))
    for row in rows:
        place = people.index(row["person"])
        if place >= sum(counts):
            continue
        photo = resize(decode((data / "london_hr" / row["file"]).read_bytes()), 1024)
        yield photo, _part(place, counts), row["person"], row["ethnicity"]


SETS: dict[str, Callable[[Path, int, Counts], Iterator[Row]]] = {
    "drawn": drawn,
    "fairface": fairface,
    "london_hr": london_hr,
    "celebamask_hq": celebamask_hq,
}


def prepare(name: str, data: Path, seed: int, counts: Counts) -> Faces:
    columns = list(zip(*SETS[name](data, seed, counts), strict=True))
    words = [np.array(column) for column in columns[1:]]
    return Faces(name, np.stack(columns[0]), *words)
