"""FFHQ-Aging (Or-El et al., ECCV 2020), as it ships: ``ffhq_aging_labels.csv`` beside photos in
folders of a thousand, ``ffhq_aging256x256/12000/12345.png`` (or FFHQ's own ``images1024x1024`` or
``thumbnails128x128``).

Its age group 50-69 reaches over two of the default groups and stays unknown there; groups that
end at 49 and 69 hold it.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from augment.errors import UserError
from augment.intake.label_tables import (
    Remark,
    Row,
    by_key,
    joined,
    look_up,
    look_up_age_group,
    read_rows,
)
from augment.intake.photo_files import FilesConfig, FileSource, photos_below
from augment.protocols import Record
from augment.vocabulary import NO, YES

GENDER_WORDS = {"female": "female", "male": "male"}
GLASSES_WORDS = {"none": NO, "normal": YES, "dark": YES}
# Age groups (0-2, 3-6, 7-9, 10-14, 15-19, 20-29, … 50-69, 70-120) are read as spans of years.

TABLE = "ffhq_aging_labels.csv"
COLUMNS = ("image_number", "age_group", "gender", "glasses")
PHOTO_FOLDERS = ("ffhq_aging*", "images1024x1024", "thumbnails128x128")


class Config(FilesConfig):
    pass


class Source(FileSource):
    licence = "CC BY-NC-SA 4.0"
    attributes: tuple[str, ...] = ("glasses",)

    def records(self) -> Iterator[Record]:
        table = by_key(read_rows(self.root / TABLE, COLUMNS), "image_number")
        photos = self._photos()
        for number, row in table.rows.items():
            uri = photos.pop(number, f"{number}.png")
            yield self._record(uri, row, table.remark(number))
        for uri in photos.values():
            yield Record(uri, uri, note="no row in the label table")

    def _photos(self) -> dict[str, str]:
        """Image number, without leading zeros -> path."""
        there = (path for name in PHOTO_FOLDERS for path in sorted(self.root.glob(name)))
        folder = next((path.name for path in there if path.is_dir()), None)
        if folder is None:
            raise UserError(f"{self.root} holds no folder {' or '.join(PHOTO_FOLDERS)} of photos.")
        found = {}
        for uri in photos_below(self.root, folder):
            stem = PurePosixPath(uri).stem
            found[str(int(stem)) if stem.isdecimal() else uri] = uri
        return found

    def _record(self, uri: str, row: Row, remark: Remark) -> Record:
        age_group, age_note = look_up_age_group(row["age_group"], self.age_groups)
        gender, gender_note = look_up("gender", row["gender"], GENDER_WORDS)
        # "None" is an answer here, not a gap.
        glasses, glasses_note = look_up("glasses", row["glasses"], GLASSES_WORDS)
        return Record(
            name=uri,
            uri=uri,
            labels={"age_group": age_group, "gender": gender, "glasses": glasses},
            note=joined([remark.note, age_note, gender_note, glasses_note]),
            reason=remark.reason,
        )
