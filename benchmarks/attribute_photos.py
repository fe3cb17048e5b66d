"""Photos for benchmarks/attribute.py: CelebA to learn from and to judge, CelebAMask-HQ with maps.

People are held out by the data sets' own splits; no photo is shown anywhere.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from attribute_faces import Held
from judges import aligned

from augment.generators.attribute.labels import Maps
from augment.nets.data import load_faces
from augment.seeds import row_share
from augment.shards import MARKER, read_table, write_bucketed
from augment.vocabulary import NO, YES

#: In one model: two of the mouth, glasses, beards, and what is seen on the whole face.
CELEBA = ("mouth_open", "smiling", "glasses", "beard", "makeup")
#: What judges know.
JUDGED = CELEBA
WORKERS = 1


def celeba(data: Path, work: Path) -> Path:
    """CelebA, as its example aligns it."""
    return aligned(data, "celeba", work / "celeba", WORKERS)


def celebamask_hq(data: Path, work: Path) -> Path:
    """CelebAMask-HQ, likewise; all of its train faces are half a, for judges learn elsewhere."""
    folder = work / "celebamask_hq" / "for_generators"
    if not (folder / MARKER).is_file():
        faces = read_table(aligned(data, "celebamask_hq", work / "celebamask_hq", WORKERS))
        place = faces.schema.get_field_index("half")
        halves = ["a" if split == "train" else None for split in faces.column("split").to_pylist()]
        faces = faces.set_column(place, faces.schema.field(place), pa.array(halves, pa.string()))
        write_bucketed(folder, faces, 4)
    return folder


def held_out_photos(folder: Path, attributes: Sequence[str], seed: int) -> list[Held]:
    """The test split, in an order of its own; values that are not known are left out."""
    faces = load_faces(folder, ("test",))
    maps = Maps.read(folder, faces)
    order = sorted(
        range(len(faces)), key=lambda n: row_share(seed, "attribute benchmark", faces.ids[n])
    )
    people = []
    for place in order:
        labels = {name: faces.labels[name][place] for name in attributes}
        labels = {name: word for name, word in labels.items() if word in (NO, YES)}
        if len(labels) == len(attributes):
            name, image, points = faces.ids[place], faces.images[place], faces.points[place]
            people.append(Held(labels, image, points, maps.parsing.get(name), {}))
    return people


def evenly(people: Sequence[Held], attribute: str, most: int) -> list[Held]:
    """At most so many, as many without an attribute as with it where there are enough."""
    found = []
    for value in (NO, YES):
        found += [held for held in people if held.labels[attribute] == value][: most // 2]
    return found
