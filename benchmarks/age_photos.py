"""Photos for benchmarks/age.py: FairFace to learn from and to edit, UTKFace for judges.

Judges that learned on another data set do not share its habits of framing and light. They learn on
all of UTKFace but its validation split: no generator sees any of it.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from age_faces import Held
from judges import aligned

from augment.generators.age.ages import years_of
from augment.nets.data import FaceSet, load_faces
from augment.seeds import row_share
from augment.shards import MARKER, read_table, write_bucketed
from augment.vocabulary import AGE_GROUPS

_LABEL = "age_group"


def learnt_photos(data: Path, work: Path, workers: int) -> Path:
    """FairFace, as its example aligns it."""
    return aligned(data, "fairface", work / "fairface", workers)


def judges_photos(data: Path, work: Path, workers: int) -> Path:
    """UTKFace; its test split and half a are taken as half b, too."""
    folder = work / "utkface" / "for_judges"
    if not (folder / MARKER).is_file():
        faces = read_table(aligned(data, "utkface", work / "utkface", workers))
        splits = ["validation" if split == "validation" else "train"
                  for split in faces.column("split").to_pylist()]  # fmt: skip
        halves = [None if split == "validation" else "b" for split in splits]
        for name, values in (("split", splits), ("half", halves)):
            place = faces.schema.get_field_index(name)
            kept = faces.schema.field(place)
            faces = faces.set_column(place, kept, pa.array(values, kept.type))
        write_bucketed(folder, faces, 4)
    return folder


def unseen_photos(folder: Path) -> FaceSet:
    """FairFace's half b: no generator learns on it."""
    return load_faces(folder, ("train",), ("b",))


def held_out_photos(folder: Path, count: int, seed: int, split: str = "test") -> list[Held]:
    """People of a split, as evenly of all groups as there are faces; their ages are their groups'
    middles."""
    faces = load_faces(folder, (split,))
    order = np.argsort([row_share(seed, "age benchmark", name) for name in faces.ids])
    people = []
    for group, name in enumerate(AGE_GROUPS):
        places = [place for place in order if faces.labels[_LABEL][place] == name]
        for place in places[: count // len(AGE_GROUPS)]:
            middle = sum(years_of(name) or ()) / 2
            people.append(
                Held(
                    faces.labels["gender"][place], group, middle, faces.images[place],
                    faces.points[place], (), np.zeros((0, 5, 2), np.float32),
                )
            )  # fmt: skip
    return people
