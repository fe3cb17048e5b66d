"""Labelled Faces in the Wild (Huang et al., 2007), as it ships: one folder a person.

Genders come from ``gender.csv`` (columns ``person``, ``gender``) where there is one; LFW itself has
no such labels.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from augment.intake.label_tables import Keyed, by_key, look_up, read_rows
from augment.intake.photo_files import FilesConfig, FileSource, photos_below
from augment.protocols import Record
from augment.vocabulary import UNKNOWN

GENDER_WORDS = {"female": "female", "f": "female", "male": "male", "m": "male"}
GENDER_TABLE = "gender.csv"
#: What the official archives unpack to; where none of them is there, the root holds the people.
FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw")


class Config(FilesConfig):
    pass


class Source(FileSource):
    licence = "research"
    attributes: tuple[str, ...] = ()

    def records(self) -> Iterator[Record]:
        genders = self._genders()
        for uri in photos_below(self.root, self._people()):
            person = PurePosixPath(uri).parent.name
            if not person or PurePosixPath(uri).parent.as_posix() == self._people():
                yield Record(uri, uri, note="not in a person's folder")
                continue
            gender, note = look_up(
                "gender", genders.rows.get(person, {}).get("gender", ""), GENDER_WORDS
            )
            if person in genders.conflicts:
                gender, note = UNKNOWN, "gender: the table names two for this person"
            yield Record(uri, uri, labels={"gender": gender}, person=person, note=note)

    def _people(self) -> str:
        """The folder of the people's folders, relative to the root."""
        folder = next((name for name in FOLDERS if (self.root / name).is_dir()), ".")
        # Some archives hold the folder once more inside itself.
        return (
            f"{folder}/{folder}"
            if (self.root / folder / folder).is_dir() and folder != "."
            else folder
        )

    def _genders(self) -> Keyed:
        table = self.root / GENDER_TABLE
        return by_key(read_rows(table, ("person", "gender")) if table.is_file() else (), "person")
