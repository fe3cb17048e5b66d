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

from augment.intake.label_tables import (
    YES_NO,
    Keyed,
    Remark,
    by_key,
    joined,
    look_up,
    look_up_age_group,
    normal,
    read_rows,
    read_years,
)
from augment.intake.photo_files import FilesConfig, FileSource, photos_below, yaml_word
from augment.protocols import Record
from augment.vocabulary import (
    BASE_LABELS,
    ETHNICITIES,
    GENDERS,
    SKIN_TONES,
    UNKNOWN,
    AgeGroup,
    group_of_years,
    value_order,
)

# Words that are known without being told; `words` of params comes first.
WORDS: Mapping[str, Mapping[str, str]] = {
    "gender": {
        **{word: word for word in GENDERS},
        **dict.fromkeys(("f", "w", "woman", "girl"), "female"),
        **dict.fromkeys(("m", "man", "boy"), "male"),
    },
    "ethnicity": {
        **{word: word for word in ETHNICITIES},
        "latino hispanic": "latino",
        "hispanic": "latino",
    },
    "skin_tone": {step: step for step in SKIN_TONES},
}
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
#: Columns that are no labels.
FILE, AGE, PERSON, SPLIT, LICENCE = "file", "age", "person", "split", "licence"
_PLAIN = (FILE, AGE, PERSON, SPLIT, LICENCE)
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
        taken = {*_PLAIN, *BASE_LABELS, _SKIPPED}
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
        age, age_note = read_years(given.get(AGE, ""))
        labels, notes = self._labels(given)
        if age is not None:
            labels["age_group"] = group_of_years(age, self.age_groups)
        split, split_note = look_up(SPLIT, given.get(SPLIT, ""), SPLIT_WORDS)
        return Record(
            name=uri,
            uri=uri,
            labels=labels,
            age=age,
            person=given.get(PERSON),
            split=None if split == UNKNOWN else split,
            note=joined([remark.note, age_note, *notes, split_note]),
            reason=remark.reason,
            licence=given.get(LICENCE, ""),
        )

    def _of_folders(self, uri: str) -> dict[str, str]:
        levels = PurePosixPath(uri).parts[:-1]
        above = len(PurePosixPath(self.config.photos).parts)
        return dict(zip(self.config.folders, levels[above:], strict=False))

    def _labels(self, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        labels, notes = {}, []
        for name in (name for name in (*BASE_LABELS, *self.attributes) if name in given):
            words = {**WORDS.get(name, YES_NO), **self._words.get(name, {})}
            if name == "age_group":
                word = self._words.get(name, {}).get(normal(given[name]), given[name])
                labels[name], note = look_up_age_group(word, self.age_groups)
            else:
                labels[name], note = look_up(name, given[name], words)
            notes.append(note)
        return labels, notes
