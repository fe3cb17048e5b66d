"""Any folder of pictures, with labels from a CSV or Parquet table, from folder names, or both.

mine:
  kind: folder
  root: my_photos
  table: labels.csv
  columns: {file: photo, age: years, gender: sex, person: subject, mask: wears_mask}
  words: {gender: {w: female, m: male}}

others:
  kind: folder
  folders: [mask]                          # first folder level: with_mask/, without_mask/
  words: {mask: {with_mask: "yes", without_mask: "no"}}
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from augment.intake.label_tables import Remark, joined
from augment.intake.label_words import LICENCE, PERSON, PLAIN, read_labels
from augment.intake.labelled import TableConfig, read_table_of_files
from augment.intake.photo_files import FileSource, photos_below
from augment.protocols import Record
from augment.vocabulary import BASE_LABELS, AgeGroup

_SKIPPED = "-"


class Config(TableConfig):
    photos: str = "."  # folder that the paths in the table start from, relative to root
    #: What each folder level below ``photos`` says, by the names of ``columns``; "-" passes a
    #: level over.
    folders: tuple[str, ...] = ()


class Source(FileSource):
    def __init__(
        self, config: Config, data: Path, age_groups: tuple[AgeGroup, ...], seed: int
    ) -> None:
        super().__init__(config, data, age_groups, seed)
        self.config = config
        self.licence = config.licence
        named = [*(config.columns if config.table is not None else ()), *config.folders]
        taken = {*PLAIN, *BASE_LABELS, _SKIPPED}
        self.attributes = tuple(dict.fromkeys(name for name in named if name not in taken))
        self._words = config.normal_words()

    def records(self) -> Iterator[Record]:
        listed = read_table_of_files(self.config, self.root, self.config.photos)
        for uri, row in listed.rows.items():
            yield self._record(uri, row, listed.remark(uri))
        note = "" if self.config.table is None else "no row in the label table"
        for uri in photos_below(self.root, self.config.photos):
            if uri not in listed.rows:
                yield self._record(uri, {}, Remark(note=note))

    def _record(self, uri: str, row: Mapping[str, str], remark: Remark) -> Record:
        given = self._of_folders(uri) | {name: word for name, word in row.items() if word.strip()}
        said = read_labels(given, self.attributes, self._words, self.age_groups)
        return Record(
            name=uri,
            uri=uri,
            labels=said.labels,
            age=said.age,
            person=given.get(PERSON),
            split=said.split,
            note=joined([remark.note, said.note]),
            reason=remark.reason,
            licence=given.get(LICENCE, ""),
        )

    def _of_folders(self, uri: str) -> dict[str, str]:
        levels = PurePosixPath(uri).parts[:-1]
        above = len(PurePosixPath(self.config.photos).parts)
        return dict(zip(self.config.folders, levels[above:], strict=False))
