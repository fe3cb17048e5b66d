"""FairFace (Kärkkäinen & Joo, WACV 2021), as it ships: photos in ``train/`` and ``val/``, labels in
``fairface_label_train.csv`` and ``fairface_label_val.csv``.

FairFace publishes no labels of its own test set; its ``val`` part is what papers test on, and is
the test split here.
"""

from collections.abc import Iterator

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

GENDER_WORDS = {"female": "female", "male": "male"}
ETHNICITY_WORDS = {
    "white": "white",
    "black": "black",
    "east asian": "east asian",
    "southeast asian": "southeast asian",
    "indian": "indian",
    "middle eastern": "middle eastern",
    "latino hispanic": "latino",
}
# Age groups ("0-2" … "60-69", "more than 70") are read as spans of years.

#: Part of the data set -> (its label table, our split).
PARTS = {
    "train": ("fairface_label_train.csv", "train"),
    "val": ("fairface_label_val.csv", "test"),
}
COLUMNS = ("file", "age", "gender", "race")
#: What the two official archives (margin 0.25 and 1.25) unpack to.
ARCHIVES = (".", "fairface-img-margin025-trainval", "fairface-img-margin125-trainval")


class Config(FilesConfig):
    pass


class Source(FileSource):
    licence = "CC BY 4.0"
    attributes: tuple[str, ...] = ()

    def records(self) -> Iterator[Record]:
        photos = self._photo_folder()
        tables = {part: self.root / table for part, (table, _) in PARTS.items()}
        present = [part for part, table in tables.items() if table.is_file()]
        if not present:
            raise UserError(
                f"{self.root} holds neither {tables['train'].name} nor {tables['val'].name}: "
                "put FairFace's label files beside its train/ and val/ folders."
            )
        for part in present:
            labelled = by_key(read_rows(tables[part], COLUMNS), "file")
            prefix = f"{photos}/" if photos else ""
            for file, row in labelled.rows.items():
                yield self._record(part, prefix + file, row, labelled.remark(file))
            for uri in photos_below(self.root, f"{prefix}{part}"):
                if uri.removeprefix(prefix) not in labelled.rows:
                    yield Record(uri, uri, split=PARTS[part][1], note="no row in the label table")

    def _photo_folder(self) -> str:
        """Where train/ and val/ lie, relative to the root; "" for the root itself."""
        there = (
            folder
            for folder in ARCHIVES
            if any((self.root / folder / part).is_dir() for part in PARTS)
        )
        found = next(there, None)
        if found is None:
            raise UserError(f"{self.root} holds no folder train/ or val/ with FairFace's photos.")
        return "" if found == "." else found

    def _record(self, part: str, uri: str, row: Row, remark: Remark) -> Record:
        age_group, age_note = look_up_age_group(row["age"], self.age_groups)
        gender, gender_note = look_up("gender", row["gender"], GENDER_WORDS)
        ethnicity, ethnicity_note = look_up("ethnicity", row["race"], ETHNICITY_WORDS)
        return Record(
            name=uri,
            uri=uri,
            labels={"age_group": age_group, "gender": gender, "ethnicity": ethnicity},
            split=PARTS[part][1],
            note=joined([remark.note, age_note, gender_note, ethnicity_note]),
            reason=remark.reason,
        )
