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

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field, field_validator, model_validator

from augment.intake.label_tables import Keyed, Remark, by_key, joined, normal, read_rows
from augment.intake.label_words import FILE, LICENCE, PERSON, PLAIN, read_labels
from augment.intake.photo_files import FilesConfig, FileSource, photos_below, yaml_word
from augment.protocols import Record
from augment.vocabulary import BASE_LABELS, UNKNOWN, AgeGroup, value_order

_SKIPPED = "-"


class Config(FilesConfig):
    table: str | None = None  # label table, relative to root
    photos: str = "."  # folder that the paths in the table start from, relative to root
    #: What we call it -> the table's column: file, age, person, split, licence, age_group, gender,
    #: ethnicity, skin_tone, and any further name for an attribute.
    columns: dict[str, str] = Field(default={FILE: "file"})
    #: What each folder level below ``photos`` says, by the same names; "-" passes a level over.
    folders: tuple[str, ...] = ()
    #: Label -> the data set's words -> ours, which for attributes are yes and no.
    words: dict[str, dict[str, str]] = Field(default={})
    licence: str = "unknown"

    @field_validator("words", mode="before")
    @classmethod
    def _as_text(cls, words: Any) -> Any:
        """YAML reads bare yes, no and numbers as values: take them as the words they are."""
        if not isinstance(words, Mapping) or not all(
            isinstance(w, Mapping) for w in words.values()
        ):
            return words  # pydantic says what is wrong
        return {
            label: {yaml_word(a): yaml_word(b) for a, b in one.items()}
            for label, one in words.items()
        }

    @model_validator(mode="after")
    def _sensible(self) -> "Config":
        if self.table is not None and FILE not in self.columns:
            raise ValueError("columns must name the table's column of file paths: {file: …}")
        for label, words in self.words.items():
            known = (*value_order(label), UNKNOWN)
            wrong = [value for value in words.values() if value not in known]
            if wrong and label != "age_group":
                raise ValueError(f"words.{label}: '{wrong[0]}' is none of {', '.join(known)}")
        return self


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
        self._prefix = f"{self.root.resolve().as_posix()}/"
        self._words = {
            label: {normal(word): value for word, value in words.items()}
            for label, words in config.words.items()
        }

    def records(self) -> Iterator[Record]:
        listed = self._table()
        for uri, row in listed.rows.items():
            yield self._record(uri, row, listed.remark(uri))
        note = "" if self.config.table is None else "no row in the label table"
        for uri in photos_below(self.root, self.config.photos):
            if uri not in listed.rows:
                yield self._record(uri, {}, Remark(note=note))

    def _table(self) -> Keyed:
        """The label table by path below root, its columns by our names."""
        if self.config.table is None:
            return by_key((), FILE)
        columns = self.config.columns
        rows = read_rows(self.root / self.config.table, tuple(columns.values()))
        ours = ({name: row[theirs] for name, theirs in columns.items()} for row in rows)
        return by_key(({**row, FILE: self._uri(row[FILE].strip())} for row in ours), FILE)

    def _uri(self, file: str) -> str:
        """One spelling a file, so that table and folder agree; safe only once resolved."""
        path = posixpath.normpath(posixpath.join(self.config.photos, file)) if file else ""
        return path.removeprefix(self._prefix)

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
